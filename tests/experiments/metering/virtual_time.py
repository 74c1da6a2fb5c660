"""An event loop on which time passes by itself when nothing else is to be done: an hour of waiting takes no time.

Whatever waits by the loop (`asyncio.sleep`, timeouts) is in virtual time, in exact order and the same on every run. A loop
on which nothing can ever happen again says so instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["LoopClock", "run_virtually"]

Result = TypeVar("Result")
_THREADS_S = 5.0  # what another thread may take to wake the loop, where nothing else can
EPOCH = 1_767_225_600.0


class _Selector(selectors.SelectSelector):
    """Never waits: it moves the time instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(_THREADS_S if timeout is None else 0)
        if not ready:
            if timeout is None:
                raise RuntimeError("deadlock: every task waits for another, and no timer runs")
            self.now += max(0.0, timeout)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


class LoopClock:
    """The time of the running loop."""

    def time(self) -> float:
        return EPOCH + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def run_virtually(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)
