"""A rate that is known beforehand, kept exactly: so many requests, or tokens, a minute."""

from __future__ import annotations

from typing import Final

from agentlab.errors import UsageError

__all__ = ["TokenBucket"]

_MINUTE_S: Final = 60.0


class TokenBucket:
    """A bucket that fills steadily and is drawn from. Pure: the time is an argument.

    A draw larger than the bucket goes through when the bucket is full, and leaves a debt that the next ones wait for.

    Args:
        per_minute: What flows in each minute.
        burst: What the bucket holds; one second's worth where None, one at least.

    Raises:
        UsageError: The rate is not above 0.
    """

    def __init__(self, per_minute: float, *, burst: float | None = None) -> None:
        if not per_minute > 0:
            raise UsageError(f"a rate a minute must be above 0, not {per_minute}")
        self._rate = per_minute / _MINUTE_S
        self._holds = max(1.0, self._rate if burst is None else burst)
        self._level = self._holds
        self._at: float | None = None

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until so much may be drawn; 0 for at once."""
        self._fill(now)
        missing = min(amount, self._holds) - self._level
        return 0.0 if missing <= 1e-9 else missing / self._rate

    def draw(self, amount: float, now: float) -> None:
        """Take so much out, or put it back where negative."""
        self._fill(now)
        self._level = min(self._holds, self._level - amount)

    def _fill(self, now: float) -> None:
        if self._at is not None:
            self._level = min(self._holds, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
