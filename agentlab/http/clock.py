"""Time, as something that can be passed in."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """Tells the time and waits. Everything that waits takes one, so that no test has to."""

    def time(self) -> float:
        """Return seconds since the Unix epoch; may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never goes back. For durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait, letting other tasks run."""


class SystemClock:
    """The machine's clock."""

    __slots__ = ()

    def time(self) -> float:
        """Return seconds since the Unix epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait, letting other tasks run."""
        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """Virtual time: it moves when somebody sleeps or when it is told to, and nobody really waits.

    Args:
        start: Seconds since the Unix epoch at which it stands.

    Attributes:
        slept: Each wait asked for, in seconds, in order.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._start = start
        self._elapsed = 0.0
        self.slept: list[float] = []

    def time(self) -> float:
        """Return seconds since the Unix epoch."""
        return self._start + self._elapsed

    def monotonic(self) -> float:
        """Return seconds since the clock was made."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Raises:
            ValueError: `seconds` is negative; time does not go back.
        """
        if seconds < 0:
            raise ValueError("A clock cannot go back.")
        self._elapsed += seconds

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once; other tasks still get their turn."""
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)
