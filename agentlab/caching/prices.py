"""What a call costs, split by how the prompt was billed, from the price table of `genai-prices` (offline, with history).

A prompt token is billed at exactly one rate: uncached, read from the cache, or written to it. What a write costs depends
on its time to live: the provider's default one ("5m" in the names here, whatever it is called), an hour, or another one
of the provider's cache profile, whose multiplier of the uncached price is taken where the table has no row for it. Cost
is always derived from usage, never stored alone: prices change, and so do the questions asked of a record. An unknown
price is NaN, never 0.

Source of the table: https://github.com/pydantic/genai-prices. A count the table has no price of its own for is billed
there as its parent: writes of a model without a write price as input (that is what "free writes" means). What it calls
each vendor, and which vendors it lacks, stands in `price_names.toml`.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from agentlab.caching.billed_units import as_billed
from agentlab.caching.price_lists import price_list_of, vendor_hint, why_unpriced
from agentlab.caching.profiles.registry import Profile, profile_for
from agentlab.errors import UsageError
from agentlab.messages import Usage
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

__all__ = [
    "Rates",
    "TurnCost",
    "cost_usd",
    "load_prices",
    "price_changes",
    "priced_models",
    "prices_loaded",
    "rates",
    "savings_ceiling",
    "turn_cost",
    "write_price",
]

_NAN: Final = math.nan
_MINUTE_S: Final = 60
_MILLION: Final = 1_000_000
_HOUR: Final = "1h"

_Parts = tuple[float, float, float, float, float]


class Rates(ShortRepr, Struct, frozen=True):
    """Prices of one model at one moment, in US dollars for one token; NaN where unknown.

    Attributes:
        uncached: A prompt token neither read nor written.
        read: A prompt token read from the cache.
        write_5m: A prompt token written with the default time to live; equals `uncached` where writes are free.
        write_1h: A prompt token written for an hour.
        output: A generated token.
        request: A fee for each call, in US dollars; 0 for nearly every model.
    """

    uncached: float = _NAN
    read: float = _NAN
    write_5m: float = _NAN
    write_1h: float = _NAN
    output: float = _NAN
    request: float = 0.0

    @property
    def known(self) -> bool:
        """Whether the table knows the model's input price at all."""
        return not math.isnan(self.uncached)


class TurnCost(ShortRepr, Struct, frozen=True):
    """The cost of one call in US dollars, by kind of token; NaN where unknown.

    Attributes:
        uncached_usd: Prompt tokens at the plain rate.
        read_usd: Prompt tokens read from the cache.
        write_5m_usd: Prompt tokens written with the default time to live, or with the one `turn_cost` was given.
        write_1h_usd: Prompt tokens written for an hour.
        output_usd: Generated tokens.
        total_usd: What the call cost: the provider's own figure where it reports one, else the sum of the parts.
        note: Why something is NaN, or why the total is not the sum of the parts; None where nothing is to be said.
    """

    uncached_usd: float
    read_usd: float
    write_5m_usd: float
    write_1h_usd: float
    output_usd: float
    total_usd: float
    note: str | None = None


def rates(provider: str, model: str, at: float | None = None, *, input_tokens: int = 0) -> Rates:
    """The prices of a model.

    Args:
        provider: The vendor's name in `"vendor:model"`, or its name in the price table.
        model: The provider's name of the model.
        at: Unix time in seconds; the prices of that minute are given (some vendors have peak hours). Now where None.
        input_tokens: Length of the whole prompt, for models whose prices rise above a length.

    Returns:
        The rates; all NaN where the table does not know the model.
    """
    if at is not None and not isinstance(at, int | float):
        raise UsageError(f"`at` is a Unix time in seconds, not {at!r}; a `datetime` has it as `.timestamp()`")
    minute = int((time.time() if at is None else at) // _MINUTE_S)
    for start, tier in reversed(_tiers(provider, model, minute)):
        if input_tokens > start:
            return tier
    return Rates()


def write_price(prices: Rates, profile: Profile, ttl: str | None = None) -> float:
    """The price of one token written to the cache, in US dollars.

    Args:
        prices: The model's prices.
        profile: Its cache.
        ttl: The time to live, by its name in the profile; the profile's default where it names none of them.

    Returns:
        The table's price where it has one for that lifetime, else the uncached price times the profile's multiplier; NaN
        where neither is known.
    """
    if ttl is None or ttl == profile.default_ttl or ttl not in {*profile.ttl, _HOUR}:
        return prices.write_5m
    if ttl == _HOUR and not math.isnan(prices.write_1h):
        return prices.write_1h
    multiplier = profile.write_multipliers.get(ttl, _NAN)
    return _NAN if math.isnan(prices.write_5m) else multiplier * prices.uncached


def turn_cost(
    provider: str, model: str, usage: Usage, at: float | None = None, *, ttl: str | None = None
) -> TurnCost:
    """The cost of one call, split by kind of token.

    Args:
        provider: The vendor's name in `"vendor:model"`, or its name in the price table.
        model: The provider's name of the model.
        usage: Tokens of one call, not of several: prices may depend on the length of one prompt.
        at: Unix time of the call in seconds; the prices of that time are used. Now where None.
        ttl: The time to live of what was written and is not told apart in `usage`, such as `"12h"`; the provider's
            default where None.

    Returns:
        The parts and the total. `Usage.reported_cost_usd` wins as the total; the parts stay derived.

    Raises:
        UsageError: `usage` is no `Usage`, it counts fewer than no tokens, or `at` is no number.
    """
    _check_usage(usage)
    usage = as_billed(provider, usage)
    prices = rates(provider, model, at, input_tokens=usage.input_tokens or 0)
    if not prices.known:
        parts: _Parts = (_NAN, _NAN, _NAN, _NAN, _NAN)
        reason = why_unpriced(provider)
        notes = [
            f"the price table has no price for `{model}` of `{provider}`" + (f": {reason}" if reason else "")
        ]
    else:
        parts, notes = _parts(_with_lifetime(prices, provider, model, usage, ttl), usage)
    derived = math.fsum(parts) + prices.request
    if prices.known and prices.request:
        notes.append(f"the total includes a fee of ${prices.request:g} a request")
    if usage.reported_cost_usd is None:
        return TurnCost(*parts, derived, "; ".join(notes) or None)
    if not math.isclose(derived, usage.reported_cost_usd, rel_tol=0, abs_tol=1e-9):
        other = "unknown" if math.isnan(derived) else f"${derived:.8f}"
        notes.append(f"the total is the provider's own figure; derived from the price table it is {other}")
    return TurnCost(*parts, usage.reported_cost_usd, "; ".join(notes) or None)


def cost_usd(
    provider: str, model: str, usage: Usage, *, at: float | None = None, ttl: str | None = None
) -> float | None:
    """The price of one call in US dollars.

    Args:
        provider: The vendor's name in `"vendor:model"`, or its name in the price table.
        model: The provider's name of the model.
        usage: Tokens of the call.
        at: Unix time of the call; prices of that time are used. Now where None.
        ttl: The time to live of what was written, as in `turn_cost`.

    Returns:
        The provider's own figure where it reports one, else the derived price; None where usage or price is unknown.
    """
    if usage.reported_cost_usd is not None:
        return usage.reported_cost_usd
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    total = turn_cost(provider, model, usage, at, ttl=ttl).total_usd
    return None if math.isnan(total) else total


def savings_ceiling(provider: str, model: str, at: float | None = None) -> float:
    """The largest share of the input cost that a cache can save: 1 - read price / input price.

    Reached only if every prompt token is read and every write is free. A reported saving above it is an error.

    Args:
        provider: The vendor's name in `"vendor:model"`, or its name in the price table.
        model: The provider's name of the model.
        at: Unix time in seconds. Now where None.

    Returns:
        0 to 1; NaN where a price is unknown or the model costs nothing.

    Raises:
        UsageError: No vendor is called so.
    """
    prices = rates(provider, model, at)
    hint = None if prices.known else vendor_hint(provider)
    if hint is not None:
        raise UsageError(hint)
    return 1 - prices.read / prices.uncached if prices.uncached else _NAN


def price_changes(provider: str, model: str) -> tuple[date, ...]:
    """The days on which the table's price of a model changed, oldest first; empty where it never did or is unknown.

    Args:
        provider: The vendor's name in `"vendor:model"`, or its name in the price table.
        model: The provider's name of the model.
    """
    found = _looked_up(provider, model, datetime.now(UTC))
    if found is None or not isinstance(found.model.prices, list):
        return ()
    starts = (getattr(price.constraint, "start_date", None) for price in found.model.prices)
    return tuple(sorted({start for start in starts if start is not None}))


def _check_usage(usage: Usage) -> None:
    given: object = usage
    if not isinstance(given, Usage):
        raise UsageError(f"the usage of a call is a `Usage`, such as `turn.usage`, not {str(given)[:80]!r}")
    for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"):
        if (getattr(usage, name) or 0) < 0:
            raise UsageError(f"`{name}` cannot be negative, and it is {getattr(usage, name)}")


def _with_lifetime(prices: Rates, provider: str, model: str, usage: Usage, ttl: str | None) -> Rates:
    """The prices with those of the lifetimes at hand; a table's own price always stands."""
    unpriced_hour = bool(usage.cache_write_1h_tokens) and math.isnan(prices.write_1h)
    if ttl is None and not unpriced_hour:
        return prices
    profile = profile_for(provider, model)
    return msgspec.structs.replace(
        prices,
        write_5m=write_price(prices, profile, ttl),
        write_1h=write_price(prices, profile, _HOUR),
    )


def _parts(prices: Rates, usage: Usage) -> tuple[_Parts, list[str]]:
    """The cost of uncached, read, 5-minute written, 1-hour written and generated tokens, and what to say of it."""
    read = usage.cache_read_tokens or 0
    write_1h = usage.cache_write_1h_tokens or 0
    split = write_1h + (usage.cache_write_5m_tokens or 0)
    write_5m = max(usage.cache_write_tokens or 0, split) - write_1h
    notes: list[str] = []
    if usage.input_tokens is not None and read + write_5m + write_1h > usage.input_tokens:
        notes.append("the provider's counters contradict each other: more tokens read and written than sent")
        uncached: int | None = None
    elif usage.input_tokens is None:
        notes.append("the provider did not report the prompt's tokens")
        uncached = None
    else:
        uncached = usage.input_tokens - read - write_5m - write_1h
    output = usage.output_tokens
    if output is None and math.isnan(prices.output):
        output = 0  # an embedding model generates nothing and has no price for it
    elif output is None:
        notes.append("the provider did not report the tokens it generated")
    billed = (
        ("the prompt", uncached, prices.uncached),
        ("reads from the cache", read, prices.read),
        ("writes to the cache", write_5m, prices.write_5m),
        ("1-hour writes to the cache", write_1h, prices.write_1h),
        ("generated tokens", output, prices.output),
    )
    notes += [
        f"the price table has no price for {what}"
        for what, count, price in billed
        if count and math.isnan(price)
    ]
    uncached_usd, read_usd, write_5m_usd, write_1h_usd, output_usd = (
        _product(count, price) for _, count, price in billed
    )
    return (uncached_usd, read_usd, write_5m_usd, write_1h_usd, output_usd), notes


def _product(count: int | None, price: float) -> float:
    """Nothing costs nothing, at an unknown price too; an unknown count at any price is unknown."""
    if count is None:
        return _NAN
    return count * price if count else 0.0


@lru_cache(maxsize=4096)
def _tiers(provider: str, model: str, minute: int) -> tuple[tuple[int, Rates], ...]:
    """The rates by prompt length: each applies to prompts of more tokens than its start."""
    found = _looked_up(provider, model, datetime.fromtimestamp(minute * _MINUTE_S, UTC))
    if found is None:
        return ()
    table = found.model_price.__dict__
    starts = {tier.start for price in table.values() for tier in getattr(price, "tiers", ())}
    return tuple((start, _rates_above(table, start)) for start in sorted({-1, *starts}))


def _rates_above(table: dict[str, Any], start: int) -> Rates:
    def price(*keys: str, per: int = _MILLION) -> float | None:
        for key in keys:
            stored = table.get(key)
            if stored is None:
                continue
            value = getattr(stored, "base", stored)
            for tier in getattr(stored, "tiers", ()):
                if tier.start <= start:
                    value = tier.price
            return float(value / per)
        return None

    uncached = price("input_mtok")
    read = price("cache_read_mtok")
    write = price("cache_write_5m_mtok", "cache_write_mtok")
    hour = price("cache_write_1h_mtok")
    if write is None and read is not None:
        write = hour = (
            uncached  # a cache that reads at a discount and has no price for writes: writes are free
        )

    def known(value: float | None) -> float:
        return _NAN if value is None else value

    return Rates(
        uncached=known(uncached),
        read=known(read),
        write_5m=known(write),
        write_1h=known(hour),
        output=known(price("output_mtok")),
        request=price("requests_kcount", per=1000) or 0.0,
    )


def _looked_up(provider: str, model: str, when: datetime) -> PriceCalculation | None:
    """What the price table holds for a model at a time; None where it holds nothing."""
    import genai_prices  # noqa: PLC0415 - half a second and a large table; only costs need it

    nothing = genai_prices.Usage(input_tokens=0)
    with suppress(LookupError, ValueError):
        return genai_prices.calc_price(
            nothing, model, provider_id=price_list_of(provider), genai_request_timestamp=when
        )
    return None


@cache
def load_prices() -> None:
    """Load the price table, which takes about a third of a second; the first price asked for does it otherwise.

    For a program that must not wait then: call it beforehand, in a thread.
    """
    _looked_up("openai", "gpt-5", datetime.now(UTC))


def prices_loaded() -> bool:
    """Whether `load_prices` is done."""
    return load_prices.cache_info().currsize > 0


@cache
def priced_models(provider: str) -> tuple[str, ...]:
    """Names of a vendor's models that the price table knows.

    Args:
        provider: As in `rates`.
    """
    from genai_prices import data_snapshot  # noqa: PLC0415 - as above

    listed = price_list_of(provider)
    found = next((each for each in data_snapshot.get_snapshot().providers if each.id == listed), None)
    return tuple(model.id for model in found.models) if found is not None else ()
