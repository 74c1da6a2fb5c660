"""A recorded run as the rows of prefixes that markers are planned for, with the numbers of who served it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct, structs

from agentlab.caching.blocks.block import Block
from agentlab.caching.breakpoints.marker_rules import MarkedTurn, MarkerRules
from agentlab.caching.calls import RecordedCall
from agentlab.caching.policies.profile import Profile
from agentlab.caching.prices import Rates, write_price
from agentlab.caching.prices import rates as rates_of
from agentlab.caching.profiles.registry import profile_for, profile_named
from agentlab.caching.replaying.layouts import layouts
from agentlab.caching.replaying.prompt_ends import Measured, measured_run, reported_tokens
from agentlab.errors import UsageError

__all__ = ["MarkedRun", "marked_run"]

LOOKBACK: Final = 20
"""Blocks a marker looks back where a provider's profile does not say."""
MARKERS: Final = 4
LIFETIMES: Final = {"5m": 300.0, "1h": 3600.0}
_UNMARKED: Final = ('"type":"thinking"', '"type":"redacted_thinking"')


class MarkedRun(Struct, frozen=True):
    """A run to be marked.

    Attributes:
        turns: Its requests.
        blocks: The blocks of each, settings included.
        rules: The numbers of who serves it.
        lifetimes: The lifetimes it has, seconds by name, the shortest first.
        allowed: Those to choose from, which have a price.
    """

    turns: tuple[MarkedTurn, ...]
    blocks: tuple[tuple[Block, ...], ...]
    rules: MarkerRules
    lifetimes: dict[str, float]
    allowed: dict[str, float]


def marked_run(
    calls: Sequence[RecordedCall],
    k: int | None,
    *,
    given: Rates | None,
    min_tokens: int | None,
    lookback: int | None,
    ttls: Sequence[str] | None,
) -> MarkedRun:
    """Lay a run out for markers; the arguments are those of `place_breakpoints`.

    Raises:
        UsageError: As there.
    """
    profile = _marked_profile(profile_for(calls[0].vendor, calls[0].model), calls[0].model)
    name = f"{calls[0].vendor}:{calls[0].model}"
    most = _markers(k, profile, name)
    lifetimes = _lifetimes(profile)
    wanted = _wanted(ttls, lifetimes, name)
    laid = list(layouts(calls))
    sizes = measured_run(laid, [reported_tokens(call) for call in calls], profile)
    prices = [given or _prices(call, size.total) for call, size in zip(calls, sizes, strict=True)]
    priced = [_with_lifetimes(each, profile, tuple(lifetimes)) for each in prices]
    blocks = tuple(layout.blocks for layout in laid)
    shortest = next(iter(lifetimes.values()))
    allowed = {
        ttl: lifetimes[ttl]
        for ttl in wanted
        if lifetimes[ttl] == shortest or not any(math.isnan(each.write_1h) for each in priced)
    }
    if not allowed:
        raise UsageError(
            f"there is no price for what `{name}` writes for {' and '.join(wanted)}; give one as `rates=`"
        )
    rules = MarkerRules(
        _at_least_none(profile.min_tokens if min_tokens is None else min_tokens, "min_tokens"),
        _at_least_none((profile.lookback or LOOKBACK) if lookback is None else lookback, "lookback"),
        most,
        shortest,
        profile.family != "message_boundaries",
    )
    return MarkedRun(_turns(calls, blocks, sizes, priced), blocks, rules, lifetimes, allowed)


def _marked_profile(profile: Profile, model: str) -> Profile:
    """The row that prompts with markers follow."""
    return profile if profile.with_markers is None else profile_named(profile.with_markers, model)


def _markers(k: int | None, profile: Profile, name: str) -> int:
    most = profile.max_breakpoints or MARKERS
    if k is None:
        return most
    asked: object = k
    if not isinstance(asked, int) or asked < 1:
        raise UsageError(f"`k` is how many markers a request may hold: at least one marker, not {asked!r}")
    if k > most:
        raise UsageError(
            f"`{name}` takes {most} markers in a request, not {k}; leave `k` out for all of them"
        )
    return k


def _at_least_none(number: int, name: str) -> int:
    if number < 0:
        raise UsageError(f"`{name}` cannot be negative, and {number} is")
    return number


def _lifetimes(profile: Profile) -> dict[str, float]:
    """The shortest lifetime and the longest; Anthropic's where the vendor takes no markers."""
    known = profile.ttl if profile.max_breakpoints else LIFETIMES
    ordered = sorted(known, key=lambda name: known[name])
    return {name: known[name] for name in dict.fromkeys((ordered[0], ordered[-1]))}


def _wanted(ttls: Sequence[str] | None, lifetimes: dict[str, float], name: str) -> list[str]:
    if ttls is None:
        return list(lifetimes)
    asked = [ttls] if isinstance(ttls, str) else list(ttls)
    has = " and ".join(repr(each) for each in lifetimes)
    if not asked:
        raise UsageError(f"at least one lifetime has to be allowed; `{name}` has {has}")
    unknown = [repr(each) for each in asked if each not in lifetimes]
    if unknown:
        raise UsageError(f"`{name}` has no cache lifetime {' or '.join(unknown)}; it has {has}")
    return [each for each in lifetimes if each in asked]


def _prices(call: RecordedCall, tokens: int) -> Rates:
    found = rates_of(call.vendor, call.model, call.at or None, input_tokens=tokens)
    if math.isnan(found.uncached) or math.isnan(found.read) or math.isnan(found.write_5m):
        raise UsageError(
            f"the price table has no cache prices for `{call.vendor}:{call.model}`; give them as `rates=`"
        )
    return found


def _with_lifetimes(prices: Rates, profile: Profile, lifetimes: tuple[str, ...]) -> Rates:
    """The prices, with those of the shortest lifetime and the longest in the two places for writes."""
    return structs.replace(
        prices,
        write_5m=write_price(prices, profile, lifetimes[0]),
        write_1h=write_price(prices, profile, lifetimes[-1]),
    )


def _turns(
    calls: Sequence[RecordedCall],
    blocks: Sequence[tuple[Block, ...]],
    sizes: Sequence[Measured],
    prices: Sequence[Rates],
) -> tuple[MarkedTurn, ...]:
    numbers: dict[tuple[int, str], int] = {}
    turns: list[MarkedTurn] = []
    for call, each, size, price in zip(calls, blocks, sizes, prices, strict=True):
        prefixes: list[int] = []
        skipped = ""
        tokens = [0]
        for block, end in zip(each, size.ends[1:], strict=True):
            if block.kind == "setting":
                skipped += f"{block.digest} "
                continue
            before = prefixes[-1] if prefixes else -1
            prefixes.append(numbers.setdefault((before, skipped + block.digest), len(numbers)))
            tokens.append(end)
            skipped = ""
        places = [block for block in each if block.kind != "setting"]
        markable = tuple(place for place, block in enumerate(places, 1) if _can_be_marked(block))
        tail = size.total - tokens[-1]
        turns.append(MarkedTurn(call.at, tuple(prefixes), tuple(tokens), markable, price, tail))
    late = next((number for number, (one, other) in enumerate(pairwise(turns), 2) if other.at < one.at), None)
    if late is not None:
        raise UsageError(
            f"the calls are not in the order of their times: call {late} was sent before the one ahead of it; sort them "
            "by `at`"
        )
    return tuple(turns)


def _can_be_marked(block: Block) -> bool:
    """Thinking cannot: https://platform.claude.com/docs/en/build-with-claude/prompt-caching."""
    return not any(kind in block.text for kind in _UNMARKED)
