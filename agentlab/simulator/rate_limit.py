"""A provider's limit of requests a second, as data, and the buckets that keep it. Pure: the time is an argument."""

from __future__ import annotations

import math
from typing import Final, Literal

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.simulator.exchange import ErrorReply

__all__ = ["RateLimit", "RateLimits"]

_LEAST_S: Final = 0.001


class RateLimit(Struct, frozen=True):
    """How many requests a second are let in, for each vendor and model; the rest is answered 429 in the wire's own form.

    It is kept on the server's clock: a server that is not `realtime` lets nothing more in until `Simulator.advance`.

    Attributes:
        requests_per_s: What flows into the bucket.
        burst: Requests the bucket holds; None for those of one second.
        retry_after: What the `Retry-After` header says: when the next request would be let in (`exact`), that rounded up
            to whole seconds as most providers do (`whole_seconds`), or nothing (`none`).
    """

    requests_per_s: float
    burst: float | None = None
    retry_after: Literal["exact", "whole_seconds", "none"] = "exact"

    def __post_init__(self) -> None:
        if not self.requests_per_s > 0:
            raise UsageError(
                f"a rate limit is a number of requests a second above 0, not {self.requests_per_s}"
            )
        if self.burst is not None and self.burst < 1:
            raise UsageError(f"a burst of less than one request lets nothing in: {self.burst}")

    @property
    def holds(self) -> float:
        """Requests the bucket holds when full."""
        return max(1.0, self.requests_per_s) if self.burst is None else self.burst


class RateLimits:
    """The buckets of one server.

    Args:
        limit: What is kept; None lets everything in.

    Attributes:
        limit: The same; may be set at any time.
    """

    def __init__(self, limit: RateLimit | None = None) -> None:
        self.limit = limit
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}

    def refusal(self, vendor: str, model: str, now: float) -> ErrorReply | None:
        """Let a request in, or say how it is refused.

        Args:
            vendor: Whom it asks.
            model: The model it asks for.
            now: The server's time in seconds.
        """
        limit = self.limit
        if limit is None:
            return None
        level, at = self._levels.get((vendor, model), (limit.holds, now))
        level = min(limit.holds, level + (now - at) * limit.requests_per_s)
        let_in = level >= 1.0
        self._levels[vendor, model] = (level - 1.0 if let_in else level, now)
        if let_in:
            return None
        wait = max(_LEAST_S, (1.0 - level) / limit.requests_per_s)
        said = {"exact": wait, "whole_seconds": float(math.ceil(wait)), "none": None}[limit.retry_after]
        return ErrorReply(
            429,
            f"Rate limit reached for {model}: {limit.requests_per_s:g} requests a second. Please try again later.",
            retry_after=said,
        )
