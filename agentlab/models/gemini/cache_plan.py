"""What an explicit cache of Gemini's costs and saves, before it is made.

Making one bills its tokens once at the input price, keeping it bills tokens by the hour, and each request reads it at
the price of cached tokens. Prices are those of the price table and of the cache profile `gemini-explicit`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.caching.blocks.splitting import split
from agentlab.caching.policies.policy import Prompt
from agentlab.caching.prices import rates, write_price
from agentlab.caching.profiles.registry import profile_named
from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["CachePlan", "plan_cache"]

_PROFILE: Final = "gemini-explicit"
_HOUR_S: Final = 3600.0
_MILLION: Final = 1_000_000


class CachePlan(ShortRepr, Struct, frozen=True, kw_only=True):
    """A cache resource on paper. Money is in US dollars, NaN where a price is unknown.

    Attributes:
        tokens: Its length, estimated.
        min_tokens: The shortest the model takes.
        requests: How many requests are to use it.
        ttl_s: Seconds it lives.
        write_usd: What making it costs.
        storage_usd: What keeping it costs for its whole life.
        read_usd: What all the requests pay to read it.
        without_usd: What they pay for the same tokens without any cache.
    """

    tokens: int
    min_tokens: int
    requests: int
    ttl_s: float
    write_usd: float
    storage_usd: float
    read_usd: float
    without_usd: float

    @property
    def fits(self) -> bool:
        """Whether it is long enough to be made."""
        return self.tokens >= self.min_tokens

    @property
    def with_usd(self) -> float:
        """What it costs in all: made, kept and read."""
        return self.write_usd + self.storage_usd + self.read_usd

    @property
    def saved_usd(self) -> float:
        """What it saves against no cache at all; below 0 it costs more. The implicit cache may save a part for nothing."""
        return self.without_usd - self.with_usd

    @property
    def break_even_requests(self) -> float:
        """From how many requests it pays; infinity where it never does, NaN where a price is unknown."""
        saved_each = (self.without_usd - self.read_usd) / self.requests
        if saved_each <= 0:
            return math.inf
        return (
            float(math.ceil((self.write_usd + self.storage_usd) / saved_each)) if saved_each > 0 else math.nan
        )


def plan_cache(
    vendor: str, model: str, held: Mapping[str, Any], *, requests: int, ttl_s: float, at: float | None = None
) -> CachePlan:
    """Reckon what a resource costs and saves.

    Args:
        vendor: The vendor's name.
        model: The provider's name of the model.
        held: The fields of the resource, as they would be sent.
        requests: How many requests will use it, 1 or more.
        ttl_s: Seconds it lives, 0 or more.
        at: Unix time whose prices hold; now where None.

    Raises:
        UsageError: A number is out of its range.
    """
    if requests < 1 or not 0 <= ttl_s < math.inf:
        raise UsageError(
            f"a plan is for 1 request or more and 0 seconds or more, not {requests} and {ttl_s:g}"
        )
    profile = profile_named(_PROFILE, model)
    tokens = profile.counts.ends(Prompt(split("gemini", msgspec.json.encode(held))))[-1] if held else 0
    prices = rates(vendor, model, at, input_tokens=tokens)
    return CachePlan(
        tokens=tokens,
        min_tokens=profile.min_tokens,
        requests=requests,
        ttl_s=ttl_s,
        write_usd=tokens * write_price(prices, profile),
        storage_usd=tokens / _MILLION * ttl_s / _HOUR_S * profile.storage_usd_per_mtok_hour,
        read_usd=requests * tokens * prices.read,
        without_usd=requests * tokens * prices.uncached,
    )
