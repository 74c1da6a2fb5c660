"""An event loop in a thread of its own, for one connection.

A connection's scopes belong to the task that opened them, so one task must open and close it. In a notebook that task cannot
live on the kernel's loop: a sync call there makes that loop stand still while the answer is due. On a loop of its own a
connection can be opened in one cell, used by an agent on any loop or thread, and closed in another cell; and a server that
keeps its loop busy keeps no other busy.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeVar

from agentlab.errors import UsageError

__all__ = ["OwnLoop"]

T = TypeVar("T")

_ROUNDS: Final = 3


class OwnLoop:
    """One event loop in one daemon thread.

    Args:
        name: Name of the thread, as debuggers show it.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: set[Future[Any]] = set()
        self._closing = False
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def run(self, factory: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run `factory(*args)` on the loop and wait for it; a cancellation of the waiting cancels it.

        Raises:
            UsageError: The loop was closed, or belongs to the process this one was forked from.
        """
        return await asyncio.wrap_future(self.start(factory, *args))

    def start(self, factory: Callable[..., Awaitable[T]], *args: Any) -> Future[T]:
        """Run `factory(*args)` on the loop and do not wait; raises as `run` does."""

        async def call() -> T:
            return await factory(*args)

        with self._lock:
            if self._closing or os.getpid() != self._process:
                raise UsageError("the connection is closed; open it again")
            future = asyncio.run_coroutine_threadsafe(call(), self._loop)
            self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        return future

    async def close(self, within_s: float) -> None:
        """Cancel what still runs, stop the loop, end the thread; whoever still waits is told.

        Args:
            within_s: Seconds that what runs is given to clean up.
        """
        self.abandon(within_s)
        await asyncio.wrap_future(self._ended)

    def abandon(self, within_s: float) -> None:
        """As `close`, without waiting for the end."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        if os.getpid() == self._process:
            self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._end(within_s)))

    async def _end(self, within_s: float) -> None:
        for _ in range(_ROUNDS):
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if not left:
                break
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=within_s / _ROUNDS)
        for _ in range(_ROUNDS):  # callbacks that are due, such as the closing of a pipe
            await asyncio.sleep(0)
        self._loop.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()
            for future in list(self._waiting):
                with suppress(Exception):  # it was answered meanwhile
                    future.set_exception(UsageError("the connection was closed while a call was running"))
            self._ended.set_result(None)
