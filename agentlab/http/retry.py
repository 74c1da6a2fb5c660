"""Whether to send a request again, and when: a pure decision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from random import Random
from typing import Final

from agentlab.errors import ModelError

__all__ = ["Failure", "Retry", "parse_retry_after"]

_RETRIED_STATUSES: Final = frozenset({408, 409, 429})
_LARGEST_EXPONENT: Final = 64  # 2.0 ** more would overflow long after any cap


class Failure(Enum):
    """Why an attempt brought no whole response; the value is the `code` of the error that tells of it.

    Up to the request's last byte nothing was worked on, so sending again is safe. After a silence the provider may
    have worked and billed already: `READ_TIMEOUT` and `WALL_CLOCK` are not tried again. `BROKEN` is, because a
    server that closes a kept connection just as it is used again looks like that.
    """

    CONNECT = "connect"
    CONNECT_TIMEOUT = "connect_timeout"
    POOL_TIMEOUT = "pool_timeout"
    WRITE_TIMEOUT = "write_timeout"
    BROKEN = "connection_broken"
    READ_TIMEOUT = "read_timeout"
    WALL_CLOCK = "wall_clock"
    MALFORMED = "malformed"

    @classmethod
    def of(cls, error: ModelError) -> Failure | None:
        """Return the failure behind an error of the HTTP client, or None where a response stood behind it."""
        return next((failure for failure in cls if failure.value == error.code), None)


_RETRIED_FAILURES: Final = frozenset(
    {
        Failure.CONNECT,
        Failure.CONNECT_TIMEOUT,
        Failure.POOL_TIMEOUT,
        Failure.WRITE_TIMEOUT,
        Failure.BROKEN,
    }
)


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed model call is sent again: exponential backoff with full jitter, bounded in number and time.

    A request is repeated only while nothing of its answer has been handed out; that is the caller's part.

    Attributes:
        attempts: Requests at most, the first included.
        total_s: Seconds after the first request's start at which no further one is started.
        base_s: Upper bound of the first delay; each further bound is twice the last.
        cap_s: Largest bound of a computed delay.
        max_retry_after: Longest wait a provider may ask for. One that asks for more is not tried again, so that
            the caller can plan instead of sleeping.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    attempts: int = 4
    total_s: float = 60.0
    base_s: float = 0.5
    cap_s: float = 8.0
    max_retry_after: float = 60.0

    def delay(
        self,
        attempt: int,
        outcome: int | Failure,
        *,
        headers: Mapping[str, str] | None = None,
        elapsed: float = 0.0,
        now: float = 0.0,
        rng: Random,
    ) -> float | None:
        """Decide what follows a failed attempt.

        Args:
            attempt: Which attempt failed, from 1.
            outcome: The HTTP status, or why there is none.
            headers: The response headers, names in lower case.
            elapsed: Seconds since the first attempt started.
            now: Unix time, against which a `retry-after` date is read.
            rng: Source of the jitter.

        Returns:
            Seconds to wait before the next attempt, or None to give up.
        """
        headers = headers or {}
        if attempt >= self.attempts or not self.retries(outcome, headers):
            return None
        asked = parse_retry_after(headers, now)
        if asked is not None and asked > self.max_retry_after:
            return None
        bound = min(self.cap_s, self.base_s * 2.0 ** min(max(attempt - 1, 0), _LARGEST_EXPONENT))
        # With a wait asked for: never earlier than that, and still not all clients at once.
        wait = rng.uniform(0.0, bound) if asked is None else asked + rng.uniform(0.0, min(bound, asked / 4))
        return wait if elapsed + wait <= self.total_s else None

    def retries(self, outcome: int | Failure, headers: Mapping[str, str]) -> bool:
        """Whether this outcome is worth another attempt at all; `x-should-retry` has the last word."""
        if isinstance(outcome, Failure):
            return outcome in _RETRIED_FAILURES
        verdict = headers.get("x-should-retry", "").strip().lower()
        if verdict in {"true", "false"}:
            return verdict == "true"
        return outcome in _RETRIED_STATUSES or 500 <= outcome <= 599


def parse_retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read how long the provider asks to wait.

    `retry-after-ms` comes first, then `retry-after` as seconds or as an HTTP date.

    Args:
        headers: The response headers, names in lower case.
        now: Unix time, against which a date is read.

    Returns:
        Seconds, greater than 0; None where nothing usable is said.
    """
    milliseconds = _positive(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _positive(value)
    if seconds is not None or value is None:
        return seconds
    try:
        remaining = parsedate_to_datetime(value).timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return remaining if remaining > 0 else None


def _positive(value: str | None) -> float | None:
    """Read a finite number above 0."""
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None
