"""Sync calls without `await`: one background event loop, owned by the library, in one daemon thread.

A cell of a notebook already runs inside an event loop, so `asyncio.run` is refused there. Patching asyncio to allow it
changes every library in the process; a second loop in another thread changes nothing. The thread starts with the first
call, is forgotten in a forked child, and is closed when the interpreter ends.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, Final, Generic, ParamSpec, TypeVar

from agentlab.errors import UsageError

__all__ = ["Portal", "run_in_background", "run_sync"]

P = ParamSpec("P")
T = TypeVar("T")

SLICE_S: Final = 0.05
CLEANUP_S: Final = 5.0


class Portal:
    """One event loop in one daemon thread, started by the first call.

    Args:
        name: Name of the thread, as debuggers show it.
        cleanup_s: How long an interrupted call may take to clean up before the interrupt goes on without it, in seconds.
    """

    def __init__(self, name: str = "agentlab-portal", *, cleanup_s: float = CLEANUP_S) -> None:
        self._name = name
        self._cleanup_s = cleanup_s
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, factory: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `factory(*args, **kwargs)` on the portal's loop and block until its result is there.

        The caller waits in short slices, so that a `KeyboardInterrupt` reaches it. It then cancels the call, waits until
        the call has cleaned up, and raises the interrupt again: nothing goes on spending behind the user's back.
        The caller's context variables are copied to the call. A running loop in the calling thread stands still meanwhile.

        Args:
            factory: Makes the awaitable; called on the portal's thread.
            *args: Its positional arguments.
            **kwargs: Its keyword arguments.

        Returns:
            What the awaitable returned.

        Raises:
            UsageError: The caller is itself running on the portal; it must `await` instead.
        """
        if self.is_current:
            raise UsageError(
                "a sync call was made from inside the library's own event loop (for example from an async tool or hook): "
                "it would wait for itself; `await` the async method instead"
            )
        loop = self._running_loop()
        call = _Call(factory, args, kwargs)
        try:
            # Within the block: an interrupt may come before this has returned, when the call has begun already.
            loop.call_soon_threadsafe(call.start, loop)
            while not call.done.wait(SLICE_S) and not loop.is_closed():
                pass
        except BaseException:
            if not loop.is_closed():
                loop.call_soon_threadsafe(call.cancel)
                call.done.wait(self._cleanup_s)
            raise
        return call.result()

    def start(self, factory: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `factory(*args, **kwargs)` on the portal's loop and do not wait for it; arguments as in `run`.

        Returns:
            Its result, once it is there. Cancelling it cancels the call, and does not wait until that has cleaned up.
        """

        async def call() -> T:
            return await factory(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(call(), self._running_loop())

    @property
    def is_current(self) -> bool:
        """Whether the calling code runs on the portal's own thread."""
        return self._thread is threading.current_thread()

    def close(self) -> None:
        """Cancel what still runs, stop the loop and end the thread. A later call starts anew."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None and thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join(self._cleanup_s)

    def forget(self) -> None:
        """Drop loop and thread without touching them: after a fork they belong to the parent."""
        self._lock = threading.Lock()
        self._loop = self._thread = None

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._serve, args=(self._loop,), name=self._name, daemon=True
                )
                self._thread.start()
            return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            while True:
                try:
                    loop.run_forever()
                    break
                except (KeyboardInterrupt, SystemExit):
                    # asyncio lets these two out of a task and so out of the loop; their call has them already.
                    continue
            _cancel_all(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()


class _Call(Generic[T]):
    """One call under way: its task, and an event that says it has ended."""

    def __init__(
        self, factory: Callable[..., Awaitable[T]], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.done = threading.Event()
        self._factory, self._args, self._kwargs = factory, args, kwargs
        self._context = contextvars.copy_context()
        self._task: asyncio.Task[T] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make the task; on the portal's thread."""
        self._task = loop.create_task(self._run(), context=self._context)
        self._task.add_done_callback(lambda _task: self.done.set())

    def cancel(self) -> None:
        """Cancel the task; on the portal's thread, so always after `start`, where that was asked for."""
        if self._task is None:
            self.done.set()
        else:
            self._task.cancel()

    def result(self) -> T:
        """What the call returned, or what it raised."""
        if self._task is None or not self._task.done():
            raise UsageError("the library's event loop was closed while a call was running")
        return self._task.result()

    async def _run(self) -> T:
        return await self._factory(*self._args, **self._kwargs)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=CLEANUP_S))


_PORTAL: Final = Portal()
atexit.register(_PORTAL.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PORTAL.forget)


def run_sync(factory: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `factory(*args, **kwargs)` on the library's one background loop and wait for it; see `Portal.run`."""
    return _PORTAL.run(factory, *args, **kwargs)


def run_in_background(factory: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Run `factory(*args, **kwargs)` on the library's one background loop and do not wait; see `Portal.start`."""
    return _PORTAL.start(factory, *args, **kwargs)
