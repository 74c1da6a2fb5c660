"""Carries a run for as long as somebody listens: a client that goes away ends it, and nothing more is spent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from agentlab.agent import RunStream
from agentlab.messages import Event
from agentlab.serving.refusals import ErrorAnswer, Refused

__all__ = ["ClientGone", "Receive", "RunSlots", "events_while_connected"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_News = asyncio.Queue[Event | Exception | None]


class ClientGone(Exception):
    """The client closed the connection; never leaves the server."""


class RunSlots:
    """Bounds how many runs go on at the same time.

    Args:
        running: Runs that may go on; further ones wait.
        waiting: Runs that may wait; further ones are refused with status 429.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(running)
        self._most_waiting = waiting
        self._waiting = 0

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """A slot, held while the block runs.

        Raises:
            Refused: Too many wait already.
        """
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise Refused(
                ErrorAnswer(
                    429, "the server is busy; try again", "rate_limit_exceeded", headers={"retry-after": "1"}
                )
            )
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


async def events_while_connected(
    stream: RunStream, receive: Receive, slots: RunSlots, *, beat_s: float
) -> AsyncGenerator[Event | None, None]:
    """The events of a run, and None where nothing has happened for a while.

    The run goes on in a task of its own, so that a cancellation reaches it once and it can end in order.

    Args:
        stream: The run.
        receive: ASGI's; says when the client is gone.
        slots: Where the run waits for its turn.
        beat_s: Seconds of silence after which None is given.

    Raises:
        ClientGone: The client went away; the run has ended.
        Refused: The server is busy, or stops.
        Exception: What the run raised.
    """
    news: _News = asyncio.Queue()
    tasks = [
        asyncio.create_task(_run(stream, slots, news), name="served run"),
        asyncio.create_task(_watch(receive, news), name="client watch"),
    ]
    try:
        while True:
            try:
                event = await asyncio.wait_for(news.get(), beat_s)
            except TimeoutError:
                yield None
                continue
            if event is None:
                return
            if isinstance(event, Exception):
                raise event
            yield event
    except asyncio.CancelledError:
        # Only the server cancels a request: it stops, and the client is told.
        _take_back_cancellation()
        raise Refused(ErrorAnswer(503, "the server is stopping", "server_stopping")) from None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _take_back_cancellation() -> None:
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()


async def _run(stream: RunStream, slots: RunSlots, news: _News) -> None:
    try:
        async with slots.taken():
            async for event in stream:
                news.put_nowait(event)
    except Exception as error:  # noqa: BLE001 - raised where the events are read
        news.put_nowait(error)
    else:
        news.put_nowait(None)


async def _watch(receive: Receive, news: _News) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    news.put_nowait(ClientGone())
