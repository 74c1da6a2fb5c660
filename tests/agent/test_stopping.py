"""The wish that a run ends reaches the task that waits inside it, whichever that is, and no other."""

from __future__ import annotations

import asyncio

import pytest

from agentlab.agent.stopping import Stopping

pytestmark = pytest.mark.anyio


async def waits(stopping: Stopping) -> bool:
    """Wait inside a run for ever; gives whether it was the wish that ended it."""
    stopping.goes_on()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError as error:
        return stopping.caused(error)
    return False


async def test_the_task_that_waits_now_is_the_one_that_hears_of_it() -> None:
    stopping = Stopping()
    with stopping.listening():
        first = asyncio.create_task(waits(stopping))
        await asyncio.sleep(0)
        second = asyncio.create_task(waits(stopping))  # another task reads on
        await asyncio.sleep(0)
        await asyncio.to_thread(stopping.ask, "enough")
        assert await second
        assert second.cancelling() == 0
        assert not first.done()
        first.cancel()
        assert not await first
    assert stopping.ended is not None
    assert stopping.ended.is_set()


async def test_a_reader_with_an_event_in_hand_is_left_alone_until_it_asks_for_the_next() -> None:
    stopping = Stopping()
    with stopping.listening():
        stopping.waiting = None
        stopping.ask("enough")
        await asyncio.sleep(0)
        assert not stopping.interrupted
        assert await asyncio.create_task(waits(stopping))
    assert stopping.waiting is None


async def test_a_cancellation_of_anothers_is_not_taken_for_it() -> None:
    stopping = Stopping()
    with stopping.listening():
        assert not stopping.caused(asyncio.CancelledError())
        stopping.interrupted = True
        assert not stopping.caused(ValueError())
        assert stopping.interrupted
