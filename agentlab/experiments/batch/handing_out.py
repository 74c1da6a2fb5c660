"""Hands out outcomes side by side, so many at a time: whoever takes one may score it before it takes long to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["HandingOut"]

_AT_ONCE: Final = 64


class HandingOut:
    """Runs works side by side; leaving its block waits for all of them, and ends them where the block failed.

    Args:
        at_once: How many run at the same time.
    """

    def __init__(self, at_once: int = _AT_ONCE) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._works: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    async def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a work as soon as a place is free.

        Raises:
            BaseException: What an earlier work raised.
        """
        await self._slots.acquire()
        if self._failure is not None:
            work.close()
            raise self._failure
        task = asyncio.ensure_future(work)
        self._works.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._works.discard(task)
        self._slots.release()
        if not task.cancelled() and self._failure is None:
            self._failure = task.exception()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                while self._works and self._failure is None:
                    await asyncio.wait(self._works, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            works = tuple(self._works)
            for task in works:
                task.cancel()
            await asyncio.gather(*works, return_exceptions=True)
        if error is None and self._failure is not None:
            raise self._failure
