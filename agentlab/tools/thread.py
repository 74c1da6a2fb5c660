"""Runs a blocking function in a thread that can be given up.

The threads are daemons: a function that never returns, after its tool call has timed out, must not keep the interpreter
from ending. Pools (asyncio's, anyio's) join their threads at the end, and run out of them when some are stuck.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, TypeVar
from weakref import WeakKeyDictionary, ref

__all__ = ["in_thread"]

Value = TypeVar("Value")

_IDLE_S: Final = 1.0
"""Seconds a thread waits to be used again. To begin one costs as much as a small tool; a model that thinks takes longer."""


async def in_thread(function: Callable[[], Value], name: str) -> Value:
    """Run a function in a thread that runs nothing else meanwhile, with the caller's context variables, and wait for it.

    A cancellation stops the waiting, not the function, whose result is then dropped.

    Args:
        function: What to run.
        name: Name of the thread while it runs it, as debuggers show it.

    Raises:
        BaseException: Whatever the function raises; a `StopIteration`, which no coroutine may raise, as `RuntimeError`.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Value] = loop.create_future()
    idle = _IDLE_THREADS.setdefault(loop, [])
    thread = idle.pop() if idle else _ReusableThread(loop, idle)

    def deliver(value: Value | None, error: BaseException | None) -> None:
        idle.append(thread)
        if outcome.done():
            return
        if error is None:
            outcome.set_result(value)  # type: ignore[arg-type]
        else:
            outcome.set_exception(error)

    def run() -> None:
        value: Value | None = None
        failure: BaseException | None = None
        try:
            value = function()
        except StopIteration as error:
            failure = RuntimeError(f"the function raised StopIteration: {error.value!r}")
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, value, failure)

    thread.run(partial(contextvars.copy_context().run, run), name)
    return await outcome


class _ReusableThread:
    """A thread that runs one function after another, and ends when none has come for a while.

    Args:
        loop: The event loop whose functions it runs.
        idle: The threads of that loop that wait; it is put among them by who used it, and takes itself out at its end.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, idle: list[_ReusableThread]) -> None:
        self._loop = ref(loop)
        self._idle = idle
        self._given: SimpleQueue[tuple[Callable[[], None], str]] = SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    def run(self, function: Callable[[], None], name: str) -> None:
        """Have it run a function, under a name."""
        self._given.put((function, name))

    def _serve(self) -> None:
        while True:
            try:
                function, name = self._given.get(timeout=_IDLE_S)
            except Empty:
                if self._is_over():
                    return
            else:
                threading.current_thread().name = name
                function()
                del function

    def _is_over(self) -> bool:
        """Whether nobody can use it any more; one that was just taken is no longer among the idle."""
        with suppress(ValueError):
            self._idle.remove(self)
            return True
        loop = self._loop()
        return loop is None or loop.is_closed()


# A loop's own: a process that is forked has other loops, and none of these threads.
_IDLE_THREADS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, list[_ReusableThread]]] = (
    WeakKeyDictionary()
)
