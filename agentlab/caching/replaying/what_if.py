"""The same recorded run under another ordering, provider or cache setting, without a call.

Every recorded request is laid out anew, judged by the provider's cache policy, priced and timed, and put beside what
was recorded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from msgspec import Struct, structs

from agentlab.caching.blocks.cutting import NeutralBlocks
from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.orderings.ordering import Ordering
from agentlab.caching.orderings.presets import ordering_of
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.layouts import Layout, layouts
from agentlab.caching.replaying.replay import (
    Judged,
    Provider,
    estimated_tokens,
    judged,
    marks_for,
    provider_of,
    reported,
)
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Breakpoint", "Change", "what_if"]

Breakpoint = Literal["tools", "preamble", "context", "last"]


class Change(TypedDict, total=False):
    """What `what_if` can change, by name."""

    ordering: str | Ordering | Sequence[str] | None
    provider: str | None
    ttl: str | None
    breakpoints: Sequence[Breakpoint] | None
    tools: Sequence[str] | None
    strict: bool
    think_time_s: float | None
    first_token: FirstToken | None


_COLUMNS: Final = (
    "input_tokens",
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "cost_usd",
    "input_cost_usd",
    "ttft_s",
)
_COUNTS: Final = frozenset(name for name in _COLUMNS if name.endswith("_tokens"))


def what_if(
    trace: Calls,
    *,
    ordering: str | Ordering | Sequence[str] | None = None,
    provider: str | None = None,
    ttl: str | None = None,
    breakpoints: Sequence[Breakpoint] | None = None,
    tools: Sequence[str] | None = None,
    strict: bool = True,
    think_time_s: float | None = None,
    first_token: FirstToken | None = None,
) -> pd.DataFrame:
    """What a recorded run would have cost otherwise.

    The model's answers are taken as they were: a provider with another tokenizer or temper would have said something
    else. Prompts are counted in the provider's own tokens where it reported them, scaled to the other layout.

    Args:
        trace: A trace, or recorded calls of one conversation in the order they were made.
        ordering: Another ordering of the parts; needs calls recorded with their request.
        provider: Another `"vendor:model"`. Where its cache needs markers and the calls have none, one is set at the
            end of each request.
        ttl: Another lifetime of cache entries, such as `"1h"`.
        breakpoints: Other places of explicit markers, as in `CacheOptions`; `()` is none.
        tools: Names of the only tools to offer.
        strict: Whether the cache behaves as documented, without chance.
        think_time_s: Seconds from each call to the next, in place of the recorded ones.
        first_token: The model of the time to the first token.

    Returns:
        One row a call: tokens, `cost_usd`, `ttft_s`; the same as it was recorded, ending in `_original` (judged by the
        original provider's policy where no usage was recorded; times always by the model); and the difference,
        beginning with `delta_`. `frame.attrs` has both providers' names and `totals`.

    Raises:
        UsageError: There is no call, the ordering cannot be applied, or the provider is not named `vendor:model`.
    """
    calls = calls_of(trace)
    if not calls:
        raise UsageError("there is no call to look at")
    timing = first_token or FirstToken()
    before, after = provider_of(calls[0]), provider_of(calls[0], provider)
    order = None if ordering is None else ordering_of(ordering)
    same = after.name == before.name and order is None and tools is None
    cut = NeutralBlocks()
    was = list(layouts(calls, neutral=not same, cut=cut))
    default = marks_for(after, was) if after.name != before.name else None
    cache = _cache(calls, ttl, breakpoints, default)
    unchanged = same and cache is None
    now = (
        was
        if unchanged
        else list(layouts(calls, ordering=order, neutral=not same, cache=cache, tools=tools, cut=cut))
    )
    times = _times(calls, think_time_s)
    originals = _originals(calls, was, before, timing, strict=strict)
    others = judged(
        calls,
        now,
        after,
        totals=_totals(calls, was, now, before, after),
        times=times,
        first_token=timing,
        strict=strict,
    )
    return _frame(calls, originals, others, times, _Names(before.name, after.name, order))


class _Names(Struct, frozen=True):
    before: str
    after: str
    ordering: Ordering | None


def _times(calls: Sequence[RecordedCall], think_time_s: float | None) -> list[float]:
    if think_time_s is None:
        return [call.at for call in calls]
    return [calls[0].at + number * think_time_s for number in range(len(calls))]


def _cache(
    calls: Sequence[RecordedCall],
    ttl: str | None,
    breakpoints: Sequence[Breakpoint] | None,
    default: CacheOptions | None,
) -> CacheOptions | None:
    """The cache controls to lay the calls out with; None keeps each call's own."""
    places = default.breakpoints if default is not None else None
    if breakpoints is not None:
        places = tuple(breakpoints)
    if places is None and ttl is None:
        return None
    own = next((call.request.cache for call in calls if call.request and call.request.cache), CacheOptions())
    changes: dict[str, Any] = {}
    if places is not None:
        changes |= {"breakpoints": places, "automatic": False}
    if ttl is not None:
        changes |= {"ttl": ttl, "last_ttl": None}
    return structs.replace(own, **changes)


def _totals(
    calls: Sequence[RecordedCall],
    was: Sequence[Layout],
    now: Sequence[Layout],
    before: Provider,
    after: Provider,
) -> list[int | None]:
    """The length of each prompt in the other provider's tokens, from what the first one counted.

    None where that is the estimate itself, as it is of a simulated provider: then its blocks need no scaling.
    """
    found: list[int | None] = []
    for call, old, new in zip(calls, was, now, strict=True):
        counted = call.usage.input_tokens if call.usage is not None else None
        estimated = None if counted is None else estimated_tokens(before.profile, old.blocks)
        if counted is None or not estimated or counted == estimated:
            found.append(None)
        elif new is old:
            found.append(counted)
        else:
            found.append(round(counted * estimated_tokens(after.profile, new.blocks) / estimated))
    return found


def _originals(
    calls: Sequence[RecordedCall],
    was: Sequence[Layout],
    provider: Provider,
    timing: FirstToken,
    *,
    strict: bool,
) -> list[Judged]:
    """The calls as they were billed, or as they would have been where nothing was reported."""
    recorded = [reported(call, provider, timing) for call in calls]
    if all(each is not None for each in recorded):
        return [each for each in recorded if each is not None]
    replayed = judged(
        calls,
        was,
        provider,
        totals=_totals(calls, was, was, provider, provider),
        times=[call.at for call in calls],
        first_token=timing,
        strict=strict,
    )
    return [each or other for each, other in zip(recorded, replayed, strict=True)]


def _row(each: Judged) -> dict[str, float | int | None]:
    """The columns of one side; what a provider does not report is unknown, and so is what was not read."""
    usage = each.usage
    hour = usage.cache_write_1h_tokens or 0
    return {
        "input_tokens": usage.input_tokens,
        "uncached_tokens": None if usage.cache_read_tokens is None else usage.uncached_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_5m_tokens": (usage.cache_write_tokens or 0) - hour,
        "cache_write_1h_tokens": hour,
        "output_tokens": usage.output_tokens,
        "cost_usd": each.cost_usd,
        "input_cost_usd": each.input_cost_usd,
        "ttft_s": each.ttft_s,
    }


def _frame(
    calls: Sequence[RecordedCall],
    originals: Sequence[Judged],
    others: Sequence[Judged],
    times: Sequence[float],
    names: _Names,
) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    now, was = [_row(each) for each in others], [_row(each) for each in originals]
    columns: dict[str, Any] = {"at_s": [at - times[0] for at in times]}
    for suffix, rows in (("", now), ("_original", was)):
        for name in _COLUMNS:
            values: Any = [row[name] for row in rows]
            counts = name in _COUNTS
            columns[name + suffix] = (
                pd.array(values, dtype="Int64") if counts else pd.Series(values).to_numpy()
            )
    for name in _COLUMNS:
        columns[f"delta_{name}"] = columns[name] - columns[f"{name}_original"]
    columns["ttft_s_recorded"] = pd.array([call.ttft_s for call in calls], dtype="Float64")
    columns["reason"] = [each.reason for each in others]
    frame = pd.DataFrame(columns, index=pd.RangeIndex(1, len(calls) + 1, name="turn"))
    frame.attrs = {
        "provider": names.after,
        "provider_original": names.before,
        "ordering": names.ordering.name if names.ordering else None,
        "totals": _summed(now, others, "") | _summed(was, originals, "_original"),
    }
    return frame


def _summed(
    rows: Sequence[dict[str, float | int | None]], each: Sequence[Judged], suffix: str
) -> dict[str, float]:
    """Sums over the run, the share of the prompt that was read, and the share of the cost that the cache saved."""
    sums: dict[str, float] = {name: math.fsum(row[name] or 0 for row in rows) for name in _COLUMNS}
    plain = math.fsum(one.uncached_cost_usd for one in each)
    plain_input = math.fsum(one.input_uncached_cost_usd for one in each)
    sums["hit_share"] = sums["cache_read_tokens"] / sums["input_tokens"] if sums["input_tokens"] else math.nan
    sums["saved_share"] = 1 - sums["cost_usd"] / plain if plain else math.nan
    sums["input_saved_share"] = 1 - sums["input_cost_usd"] / plain_input if plain_input else math.nan
    return {name + suffix: value for name, value in sums.items()}
