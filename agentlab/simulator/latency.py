"""How fast the simulated provider is, and the clock it lives on.

The clock is virtual unless asked otherwise: nothing waits, times are only stamped, so a test of an hour takes no time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from agentlab.errors import UsageError

__all__ = ["Latency", "VirtualClock", "seconds"]

_EPOCH: Final = (
    1_767_225_600.0  # 2026-01-01T00:00:00Z: virtual time starts here, so equal runs give equal bytes
)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


class Latency(Struct, frozen=True):
    """Pace of an answer.

    Attributes:
        first_token_s: Seconds from the request to the first event, for a prompt that is read from the cache whole.
        tokens_per_s: Tokens of the answer in a second.
        prefill_tokens_per_s: Prompt tokens computed in a second, those that are not read from the cache; what they take
            is added to `first_token_s`. None adds nothing.
    """

    first_token_s: float = 0.35
    tokens_per_s: float = 80.0
    prefill_tokens_per_s: float | None = None

    def __post_init__(self) -> None:
        if self.first_token_s < 0 or self.tokens_per_s <= 0:
            raise UsageError("first_token_s must not be negative, tokens_per_s must be positive")

    def before_first(self, unread_tokens: int) -> float:
        """Seconds until the first event."""
        reading = unread_tokens / self.prefill_tokens_per_s if self.prefill_tokens_per_s else 0.0
        return self.first_token_s + reading

    def between(self, tokens: int = 1) -> float:
        """Seconds one event of so many tokens takes."""
        return tokens / self.tokens_per_s


class VirtualClock:
    """Time that passes only when told, on top of an optional real clock.

    Args:
        real: A monotonic clock in seconds for `realtime` servers; None keeps time still but for `advance`.
    """

    def __init__(self, real: Callable[[], float] | None = None) -> None:
        self._real = real
        self._start = real() if real else 0.0
        self._offset = 0.0

    @property
    def is_real(self) -> bool:
        """Whether time passes by itself."""
        return self._real is not None

    def now(self) -> float:
        """Seconds since the server's time began."""
        return self._offset + (self._real() - self._start if self._real else 0.0)

    def timestamp(self) -> float:
        """The time as seconds since 1970; virtual time begins at the start of 2026."""
        return _EPOCH + self.now()

    def elapsed(self, timestamp: float) -> float:
        """A moment given as seconds since 1970, as seconds since the server's time began."""
        return timestamp - _EPOCH

    def advance(self, span: str | float) -> None:
        """Let time pass: seconds, or a span such as `"6m"`."""
        self._offset += seconds(span)


def seconds(span: str | float) -> float:
    """A span of time in seconds: a number, or text such as `"90s"`, `"6m"`, `"1h30m"`.

    Raises:
        UsageError: The text is not a span, or the span is negative.
    """
    if isinstance(span, int | float):
        if span < 0:
            raise UsageError(f"time does not run backwards: {span}")
        return float(span)
    pieces = _SPAN.findall(span)
    if not pieces or _SPAN.sub("", span).strip():
        raise UsageError(f"{span!r} is not a span of time; write for example '90s', '6m' or '1h30m'")
    return sum(float(number) * _UNITS[unit] for number, unit in pieces)
