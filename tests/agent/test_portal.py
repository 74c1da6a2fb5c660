"""Sync calls over the library's own loop."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agentlab.agent import portal as portal_module
from agentlab.agent.heartbeat import heartbeat
from agentlab.agent.portal import Portal, run_sync
from agentlab.errors import UsageError

ROOT = Path(__file__).parents[2]
_color: contextvars.ContextVar[str] = contextvars.ContextVar("_color", default="none")


@pytest.fixture
def portal() -> Iterator[Portal]:
    """A portal of this test alone."""
    made = Portal("portal-of-a-test")
    yield made
    made.close()


async def double(number: int, *, plus: int = 0) -> int:
    await asyncio.sleep(0)
    return 2 * number + plus


def test_it_returns_what_the_call_returns(portal: Portal) -> None:
    assert portal.run(double, 4, plus=1) == 9


def test_it_raises_what_the_call_raises(portal: Portal) -> None:
    async def fail() -> None:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        portal.run(fail)
    with pytest.raises(TypeError):
        portal.run(double)  # type: ignore[call-arg] - the wrong call is the test


@pytest.mark.anyio
async def test_it_works_inside_a_running_loop_and_leaves_it_alone(portal: Portal) -> None:
    mine = asyncio.get_running_loop()
    theirs = portal.run(_loop)
    assert theirs is not mine
    assert asyncio.get_running_loop() is mine
    assert await double(2) == 4


async def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_all_calls_share_one_loop_and_one_daemon_thread(portal: Portal) -> None:
    async def here() -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
        return asyncio.get_running_loop(), threading.current_thread()

    first, second = portal.run(here), portal.run(here)
    assert first == second
    assert first[1].daemon
    assert first[1] is not threading.current_thread()


def test_calls_of_many_threads_run_side_by_side(portal: Portal) -> None:
    together = threading.Barrier(4, timeout=10)
    results: list[int] = []

    async def meet(number: int) -> int:
        await asyncio.to_thread(together.wait)
        return number

    threads = [threading.Thread(target=lambda n=n: results.append(portal.run(meet, n))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(results) == [0, 1, 2, 3]


def test_context_variables_are_copied_to_the_call_and_not_back(portal: Portal) -> None:
    async def read() -> str:
        seen = _color.get()
        _color.set("changed there")
        return seen

    token = _color.set("mine")
    assert portal.run(read) == "mine"
    assert _color.get() == "mine"
    _color.reset(token)


def test_a_call_that_is_not_waited_for_runs_on_the_same_loop_and_gives_its_result_later(
    portal: Portal,
) -> None:
    go = threading.Event()

    async def where(number: int) -> tuple[int, threading.Thread]:
        await asyncio.to_thread(go.wait)
        return number, threading.current_thread()

    async def here() -> threading.Thread:
        return threading.current_thread()

    started = portal.start(where, 3)
    assert not started.done()
    thread = portal.run(here)
    go.set()
    assert started.result(5) == (3, thread)


def test_what_a_call_that_is_not_waited_for_raises_is_kept_for_whoever_asks(portal: Portal) -> None:
    async def fail() -> None:
        raise ValueError("kept")

    assert str(portal.start(fail).exception(5)) == "kept"


def test_a_sync_call_from_inside_the_portal_is_refused_before_it_could_wait_for_itself(
    portal: Portal,
) -> None:
    async def nested() -> int:
        return portal.run(double, 1)

    with pytest.raises(UsageError, match="await"):
        portal.run(nested)


def test_a_keyboard_interrupt_cancels_the_call_waits_for_its_cleanup_and_goes_on(portal: Portal) -> None:
    steps: list[str] = []

    async def slow() -> None:
        try:
            threading.Timer(0, signal.raise_signal, (signal.SIGINT,)).start()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")

    with pytest.raises(KeyboardInterrupt):
        portal.run(slow)
    assert steps == ["cleaned up"]
    assert portal.run(double, 1) == 2


def test_an_interrupt_does_not_wait_for_ever_for_a_call_that_will_not_end() -> None:
    portal = Portal("portal-of-a-test", cleanup_s=0.05)
    release = threading.Event()

    async def stubborn() -> None:
        threading.Timer(0, signal.raise_signal, (signal.SIGINT,)).start()
        release.wait(10)

    with pytest.raises(KeyboardInterrupt):
        portal.run(stubborn)
    release.set()
    assert portal.run(double, 1) == 2
    portal.close()


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt])
def test_a_call_that_leaves_does_not_take_the_loop_with_it(
    portal: Portal, leaving: type[BaseException]
) -> None:
    async def leave() -> None:
        raise leaving

    with pytest.raises(leaving):
        portal.run(leave)
    assert portal.run(double, 1) == 2


def test_closing_cancels_what_runs_and_a_later_call_starts_anew(portal: Portal) -> None:
    cancelled = threading.Event()

    async def start_background() -> asyncio.Task[None]:
        async def forever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        task = asyncio.ensure_future(forever())
        await asyncio.sleep(0)
        return task

    loop = portal.run(_loop)
    task = portal.run(start_background)
    portal.close()
    assert cancelled.is_set()
    assert task.cancelled()
    assert loop.is_closed()
    assert portal.run(double, 3) == 6


def test_a_call_under_way_when_the_loop_is_closed_does_not_hang(portal: Portal) -> None:
    running = threading.Event()
    ended: list[BaseException] = []

    async def forever() -> None:
        running.set()
        await asyncio.Event().wait()

    def call() -> None:
        try:
            portal.run(forever)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    assert running.wait(10)
    portal.close()
    thread.join(10)
    assert [type(error) for error in ended] == [asyncio.CancelledError]


def test_async_generators_left_open_are_closed_with_the_loop(portal: Portal) -> None:
    closed = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            closed.set()

    kept = numbers()

    async def take_one() -> int:
        return await anext(kept)

    assert portal.run(take_one) == 1
    portal.close()
    assert closed.is_set()


def test_a_forked_child_starts_its_own_loop() -> None:
    code = (
        "import asyncio, os, sys\n"
        "from agentlab.agent.portal import run_sync\n"
        "async def pid():\n    return os.getpid()\n"
        "assert run_sync(pid) == os.getpid()\n"
        "child = os.fork()\n"
        "if child == 0:\n    os._exit(0 if run_sync(pid) == os.getpid() else 1)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False, capture_output=True
    )
    assert ended.returncode == 0, ended.stderr


def test_a_script_ends_promptly_and_quietly_after_a_sync_call() -> None:
    code = (
        "import asyncio\nfrom agentlab.agent.portal import run_sync\n"
        "async def one():\n    asyncio.ensure_future(asyncio.sleep(600))\n    return 1\n"
        "print(run_sync(one))\n"
    )
    command = [sys.executable, "-X", "dev", "-c", code]
    ended = subprocess.run(command, cwd=ROOT, timeout=60, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1\n", "")


def test_the_library_has_one_portal_that_is_reset_after_a_fork() -> None:
    assert run_sync(_loop) is portal_module._PORTAL.run(_loop)
    loop = run_sync(_loop)
    thread = portal_module._PORTAL._thread
    portal_module._PORTAL.forget()
    try:
        assert run_sync(_loop) is not loop
    finally:
        portal_module._PORTAL.close()
        loop.call_soon_threadsafe(loop.stop)
        assert thread is not None
        thread.join(10)
    assert os.getpid()


@pytest.mark.anyio
async def test_the_heartbeat_wakes_the_loop_until_its_block_ends() -> None:
    loop = asyncio.get_running_loop()
    beats = 0
    genuine = loop.call_later

    def counted(delay: float, callback: object, *args: object, **kwargs: object) -> asyncio.TimerHandle:
        nonlocal beats
        beats += 1
        if beats == 3:
            three.set()
        return genuine(delay, callback, *args, **kwargs)  # type: ignore[arg-type]

    three = asyncio.Event()
    loop.call_later = counted  # type: ignore[method-assign, assignment]
    try:
        async with heartbeat(0.001):
            await asyncio.wait_for(three.wait(), 10)
        after = beats
        for _ in range(20):
            await asyncio.sleep(0)
        assert beats == after
    finally:
        del loop.call_later


@pytest.mark.anyio
async def test_the_heartbeat_lets_a_cancellation_through() -> None:
    inside = asyncio.Event()

    async def run() -> None:
        async with heartbeat():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(run())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_signal_that_only_sets_a_future_is_seen_within_a_beat() -> None:
    """What a kernel does on SIGINT: the handler marks a future and wakes nobody."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        interrupted = loop.create_future()
        signal.signal(signal.SIGUSR1, lambda *_: interrupted.done() or interrupted.set_result(None))
        async with heartbeat():
            sender = threading.Timer(0.05, signal.raise_signal, (signal.SIGUSR1,))
            began = loop.time()
            sender.start()
            await asyncio.wait_for(interrupted, 10)
            return loop.time() - began

    before = signal.getsignal(signal.SIGUSR1)
    try:
        assert asyncio.run(main()) < 1
    finally:
        signal.signal(signal.SIGUSR1, before)
