"""Blocking functions run in threads that can be given up, and that nobody waits for at the end."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading

import pytest

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


def test_a_function_that_never_returns_does_not_keep_the_interpreter_alive() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout == "given up\n"
    assert done.stderr == ""
