"""A run being streamed: iterate it for events, stop it from anywhere, read the run at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, MutableSequence
from weakref import ref

from agentlab.agent.driver import RunDriver
from agentlab.agent.run import Run
from agentlab.agent.trace import Trace
from agentlab.errors import UsageError
from agentlab.messages import Event, Message

__all__ = ["RunStream"]


class RunStream:
    """The events of one run, as they happen.

        stream = agent.stream_prompt("...")
        async for event in stream:
            ...
        stream.run.text

    Leaving the loop early ends the run; its history stays valid. It can be iterated once.

    Args:
        driver: Carries the run.
        history: A conversation that takes the run's messages when it ends well.
    """

    def __init__(self, driver: RunDriver, *, history: MutableSequence[Message] | None = None) -> None:
        self._driver = driver
        self._history = history
        # Weak, so that a loop left early lets go of the last reference, and the run ends there and then.
        self._events: ref[AsyncGenerator[Event, None]] | None = None
        self._ended: asyncio.Event | None = None
        self._waiting: tuple[asyncio.AbstractEventLoop, asyncio.Task[object]] | None = None

    @property
    def run(self) -> Run:
        """The run; valid at every moment."""
        return self._driver.run

    @property
    def trace(self) -> Trace:
        """What has happened so far."""
        return self._driver.trace

    def stop(self, reason: str = "stopped by the user") -> None:
        """End the run at once, from any thread; the loop over it raises `RunStopped` with what had arrived.

        Stopping a run that has ended does nothing.
        """
        if self._driver.stop_reason is not None or self.run.stop_reason is not None:
            return
        self._driver.stop_reason = reason
        waiting = self._waiting
        if waiting is not None:
            loop, task = waiting
            loop.call_soon_threadsafe(self._interrupt, task)

    def _interrupt(self, task: asyncio.Task[object]) -> None:
        # Only while the task waits inside this run: elsewhere the flag is seen at the next event.
        if self._waiting is not None and self._waiting[1] is task:
            self._driver.interrupted = task.cancel()

    async def aclose(self) -> None:
        """End the run if it still goes on, and wait until it has."""
        events = self._events() if self._events is not None else None
        if events is not None:
            await events.aclose()
        elif self._ended is not None:
            await self._ended.wait()

    def __aiter__(self) -> AsyncIterator[Event]:
        if self._events is not None:
            raise UsageError("a run can be iterated once; read `run` and `trace` for what happened")
        events = self._iterate()
        self._events = ref(events)
        return events

    async def _iterate(self) -> AsyncGenerator[Event, None]:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        events = self._driver.events()
        self._ended = ended = asyncio.Event()
        try:
            while True:
                self._waiting = (loop, asyncio.current_task() or task)
                try:
                    event = await anext(events)
                except StopAsyncIteration:
                    if self._history is not None:
                        self._history.extend(self.run.messages)
                    return
                finally:
                    self._waiting = None
                yield event
        finally:
            try:
                await events.aclose()
            finally:
                ended.set()
