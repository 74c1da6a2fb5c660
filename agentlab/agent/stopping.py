"""Ending a run from outside, while it may be waiting for anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stopping"]


class Stopping:
    """The wish that a run ends, and the task that is to hear of it.

    Attributes:
        reason: Why the run is to end, once somebody wants it to.
        interrupted: Whether the waiting task was cancelled to end it.
        waiting: The task that waits inside the run; None while its reader has an event in hand.
        ended: Set when all is over; None before the run begins.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.interrupted = False
        self.waiting: asyncio.Task[object] | None = None
        self.ended: asyncio.Event | None = None
        self._cancelling = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While the run goes on."""
        self.ended = ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.goes_on()
        self._cancelling = self.waiting.cancelling() if self.waiting is not None else 0
        try:
            yield
        finally:
            self.waiting = None
            ended.set()

    def ask(self, reason: str) -> None:
        """End the run at once, from any thread. Where its reader has an event in hand, it ends when he asks for the next."""
        self.reason = reason
        task = self.waiting
        if task is not None:
            task.get_loop().call_soon_threadsafe(self._interrupt, task)

    def goes_on(self) -> None:
        """The run waits from here on in the current task, which may be another one each time."""
        self.waiting = task = asyncio.current_task(self._loop)
        if self.reason is not None and task is not None:
            # Stopped while the reader had the last event: what comes next may be long in coming.
            task.get_loop().call_soon(self._interrupt, task)

    def caused(self, error: BaseException) -> bool:
        """Whether an error is the cancellation that ends the run, and no other is under way; the task then lives on."""
        task = asyncio.current_task()
        if not isinstance(error, asyncio.CancelledError) or not self.interrupted or task is None:
            return False
        self.interrupted = False
        return task.uncancel() == self._cancelling

    def _interrupt(self, task: asyncio.Task[object]) -> None:
        # Only while the task waits inside this run: elsewhere the wish is seen at the next event.
        if self.waiting is task and not self.interrupted:
            self.interrupted = task.cancel()
