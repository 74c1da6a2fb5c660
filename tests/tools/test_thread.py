"""Blocking functions run in threads that can be given up, and that nobody waits for at the end."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import threading

import pytest

from agentlab.tools import thread
from agentlab.tools.thread import in_thread

STUCK = """
import asyncio, threading
from agentlab.tools import ToolContext, tool

@tool
def stuck() -> str:
    "Never return."
    threading.Event().wait()
    return ""

async def main() -> None:
    try:
        async with asyncio.timeout(0.05):
            await stuck.call({}, ToolContext())
    except TimeoutError:
        print("given up")

asyncio.run(main())
"""

FORKED = """
import asyncio, os, threading
from agentlab.tools.thread import in_thread

async def parent() -> None:
    await in_thread(lambda: None, "one that is idle when the process is forked")
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
    else:
        asyncio._set_running_loop(None)
        print(asyncio.run(in_thread(lambda: "from the child", "worker")), flush=True)
        os._exit(0)

asyncio.run(parent())
"""


@pytest.mark.anyio
async def test_the_value_comes_back_from_another_thread_with_the_callers_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("mine")
    name, value = await in_thread(lambda: (threading.current_thread().name, variable.get()), "worker")
    assert (name, value) == ("worker", "mine")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("raised", "seen"),
    [(ValueError("x"), ValueError), (SystemExit(2), SystemExit), (StopIteration(3), RuntimeError)],
)
async def test_what_the_function_raises_is_raised(raised: BaseException, seen: type[BaseException]) -> None:
    def fail() -> None:
        raise raised

    with pytest.raises(seen):
        await in_thread(fail, "worker")


@pytest.mark.anyio
async def test_a_cancelled_wait_ends_at_once_and_the_late_value_is_dropped() -> None:
    started, release, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> str:
        started.set()
        release.wait(5)
        ended.set()
        return "late"

    task = asyncio.ensure_future(in_thread(work, "worker"))
    await in_thread(lambda: started.wait(5), "waiter")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    assert await in_thread(lambda: ended.wait(5), "waiter")


def test_a_loop_closed_meanwhile_is_no_error_in_the_thread() -> None:
    release, threads = threading.Event(), []

    def work() -> None:
        threads.append(threading.current_thread())
        release.wait(5)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await in_thread(work, "worker")

    asyncio.run(give_up())
    release.set()
    threads[0].join(5)
    assert not threads[0].is_alive()


@pytest.mark.anyio
async def test_calls_one_after_another_share_a_thread_and_calls_at_the_same_time_do_not() -> None:
    first = await in_thread(threading.current_thread, "first")
    assert await in_thread(threading.current_thread, "second") is first
    both = threading.Barrier(2)

    def meet() -> threading.Thread:
        both.wait(5)
        return threading.current_thread()

    one, other = await asyncio.gather(in_thread(meet, "one"), in_thread(meet, "other"))
    assert one is not other
    assert {one.name, other.name} == {"one", "other"}


@pytest.mark.anyio
async def test_a_thread_that_is_stuck_is_given_nothing_else() -> None:
    release, started = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck() -> None:
        loop.call_soon_threadsafe(started.set)
        release.wait(5)

    task = asyncio.ensure_future(in_thread(stuck, "stuck"))
    await started.wait()
    task.cancel()
    names = [await in_thread(lambda: threading.current_thread().name, "worker") for _ in range(3)]
    release.set()
    assert names == ["worker"] * 3


def test_a_thread_ends_when_it_was_idle_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "_IDLE_S", 0.01)

    async def used() -> threading.Thread:
        return await in_thread(threading.current_thread, "worker")

    async def used_twice() -> tuple[threading.Thread, threading.Thread]:
        first = await used()
        await asyncio.to_thread(first.join, 5)
        return first, await used()

    first, second = asyncio.run(used_twice())
    second.join(5)
    assert first is not second
    assert not first.is_alive()
    assert not second.is_alive()


@pytest.mark.anyio
async def test_no_call_is_lost_to_a_thread_that_is_about_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "_IDLE_S", 0.0)
    for expected in range(2_000):
        assert await in_thread(lambda: expected, "worker") == expected  # noqa: B023 - awaited before the next


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_does_not_wait_for_threads_it_does_not_have() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "from the child\n"


def test_a_function_that_never_returns_does_not_keep_the_interpreter_alive() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "given up\n"
    assert done.stderr == ""
