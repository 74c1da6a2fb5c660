"""One switch that keeps every waiting call from starting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agentlab.errors import SweepStopped

__all__ = ["StopSignal"]


class StopSignal:
    """Tells metered calls that no further request is wanted, as after an interrupt.

    A call that waits for its turn or for money raises `SweepStopped` at once; one whose answer is coming goes on to its end.
    Belongs to one event loop; from another thread, set it by `loop.call_soon_threadsafe(stop.set)`.
    """

    def __init__(self) -> None:
        self._reason: str | None = None
        self._waiting: set[asyncio.Future[Any]] = set()

    @property
    def is_set(self) -> bool:
        """Whether no further request is wanted."""
        return self._reason is not None

    @property
    def reason(self) -> str | None:
        """Why not; None where it is not set."""
        return self._reason

    def set(self, reason: str = "stopped by the user") -> None:
        """Let nothing start any more; setting twice keeps the first reason."""
        if self._reason is not None:
            return
        self._reason = reason
        for future in self._waiting:
            if not future.done():
                future.set_exception(self._stopped())

    def check(self) -> None:
        """Raise where the signal is set.

        Raises:
            SweepStopped: It is.
        """
        if self._reason is not None:
            raise self._stopped()

    @contextmanager
    def ends(self, future: asyncio.Future[Any]) -> Iterator[None]:
        """Let the signal end a wait for a future while the block runs.

        Raises:
            SweepStopped: It is set already.
        """
        self.check()
        self._waiting.add(future)
        try:
            yield
        finally:
            self._waiting.discard(future)

    def _stopped(self) -> SweepStopped:
        reason = self._reason or ""
        return SweepStopped(f"no request was sent: {reason}", reason=reason)
