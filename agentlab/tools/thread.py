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
from typing import TypeVar

__all__ = ["in_thread"]

Value = TypeVar("Value")


async def in_thread(function: Callable[[], Value], name: str) -> Value:
    """Run a function in a thread of its own, with the caller's context variables, and wait for it.

    A cancellation stops the waiting, not the function, whose result is then dropped.

    Args:
        function: What to run.
        name: Name of the thread, as debuggers show it.

    Raises:
        BaseException: Whatever the function raises; a `StopIteration`, which no coroutine may raise, as `RuntimeError`.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Value] = loop.create_future()

    def deliver(value: Value | None, error: BaseException | None) -> None:
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

    threading.Thread(target=contextvars.copy_context().run, args=(run,), name=name, daemon=True).start()
    return await outcome
