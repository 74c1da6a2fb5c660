"""The same recorded run under another ordering, provider or cache setting, without a call.

Every recorded request is laid out anew, judged by the provider's cache policy, priced and timed, and put beside what
was recorded.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from msgspec import structs

from agentlab.caching.blocks.cutting import NeutralBlocks
from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.orderings.ordering import Ordering
from agentlab.caching.orderings.presets import ordering_of
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.layouts import Layout, layouts
from agentlab.caching.replaying.prompt_ends import relaid_totals
from agentlab.caching.replaying.provider import Provider, check_lifetime, provider_of
from agentlab.caching.replaying.replay import Judged, judged, marks_for, reported
from agentlab.caching.replaying.what_if_frame import Compared, frame_of
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
        beginning with `delta_`. `cache_write_5m_tokens` were written with the provider's default lifetime, whatever it is
        called; those written with another one have a column of its name, such as `cache_write_12h_tokens`.
        `frame.attrs` has both providers' names, `totals`, and `cost_note`: why a cost is NaN.

        An ordering that lays every request out as it was recorded changes nothing: the prompts have the recorded lengths.

    Raises:
        UsageError: There is no call, the ordering cannot be applied, the provider is not known or has no such lifetime,
            or a breakpoint or tool is named that there is not.
    """
    calls = calls_of(trace)
    if not calls:
        raise UsageError("there is no call to look at")
    timing = first_token or FirstToken()
    before, after = provider_of(calls[0]), provider_of(calls[0], provider)
    _check(after, ttl, breakpoints, think_time_s)
    order = None if ordering is None else ordering_of(ordering)
    same = after.name == before.name and tools is None and (order is None or _is_recorded(calls, order))
    cut = NeutralBlocks()
    was = list(layouts(calls, neutral=not same, cut=cut))
    _check_tools(was, tools)
    default = marks_for(after, was) if after.name != before.name else None
    cache = _cache(calls, ttl, breakpoints, default)
    moved = None if same else order
    now = (
        was
        if same and cache is None
        else list(layouts(calls, ordering=moved, neutral=not same, cache=cache, tools=tools, cut=cut))
    )
    times = _times(calls, think_time_s)
    others = judged(
        calls,
        now,
        after,
        totals=relaid_totals(calls, was, now, before.profile, after.profile),
        times=times,
        first_token=timing,
        strict=strict,
    )
    compared = Compared(before, after, order, _originals(calls, was, before, timing, strict=strict), others)
    return frame_of(calls, compared, times)


def _is_recorded(calls: Sequence[RecordedCall], order: Ordering) -> bool:
    """Whether an ordering lays every request out as it was recorded."""
    pairs = zip(layouts(calls, ordering=order), layouts(calls, neutral=True), strict=True)
    return all(other.blocks == recorded.blocks for other, recorded in pairs)


def _check(
    provider: Provider, ttl: str | None, breakpoints: Sequence[str] | None, think_time_s: float | None
) -> None:
    check_lifetime(provider, ttl)
    places = get_args(Breakpoint)
    wrong = [repr(name) for name in breakpoints or () if name not in places]
    if isinstance(breakpoints, str) or wrong:
        raise UsageError(
            f"breakpoints are a list of {', '.join(map(repr, places))}, not "
            + (repr(breakpoints) if isinstance(breakpoints, str) else ", ".join(wrong))
        )
    if think_time_s is not None and not think_time_s >= 0:
        raise UsageError(f"`think_time_s` is seconds between calls, 0 or more, not {think_time_s!r}")


def _check_tools(laid: Sequence[Layout], tools: Sequence[str] | None) -> None:
    if tools is None:
        return
    if isinstance(tools, str):
        raise UsageError(f"`tools` is a list of names, not {tools!r}; write [{tools!r}]")
    offered = {block.label for layout in laid for block in layout.blocks if block.kind == "tool"}
    for name in tools:
        if name not in offered:
            near = difflib.get_close_matches(name, sorted(offered), n=1) or sorted(offered)
            raise UsageError(
                f"the run offered no tool {name!r}; "
                + (f"it has {', '.join(map(repr, near))}" if near else "it had no tools")
            )


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


def _originals(
    calls: Sequence[RecordedCall],
    was: Sequence[Layout],
    provider: Provider,
    timing: FirstToken,
    *,
    strict: bool,
) -> list[Judged]:
    """The calls as they were billed, or as they would have been where nothing was reported."""
    recorded = [reported(call, layout, provider, timing) for call, layout in zip(calls, was, strict=True)]
    if all(each is not None for each in recorded):
        return [each for each in recorded if each is not None]
    replayed = judged(
        calls,
        was,
        provider,
        totals=relaid_totals(calls, was, was, provider.profile, provider.profile),
        times=[call.at for call in calls],
        first_token=timing,
        strict=strict,
    )
    return [each or other for each, other in zip(recorded, replayed, strict=True)]
