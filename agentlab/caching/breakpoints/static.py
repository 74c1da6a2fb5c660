"""The best markers that can be said once for a whole run: `CacheOptions(breakpoints=...)`.

A plan for each request knows the future; these are settings an agent can be given. All of them are tried: every set of
places, with every pair of lifetimes that the wire allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import Final, Literal

from agentlab.caching.blocks.splitting import Block
from agentlab.caching.breakpoints.marker_rules import Entry, MarkedTurn, MarkerRules, bill
from agentlab.messages import CacheOptions

__all__ = ["best_options", "stops_of"]

_Place = Literal["tools", "preamble", "context", "last"]
_PLACES: Final[tuple[_Place, ...]] = ("tools", "preamble", "context", "last")


def stops_of(blocks: Sequence[Block], *, has_context: bool) -> dict[str, int]:
    """Where the breakpoints that have names stand in a request: how many blocks end there, settings left out.

    Args:
        blocks: The request.
        has_context: Whether its first message is the static context.
    """
    kinds = [block.kind for block in blocks if block.kind != "setting"]
    stops = {"last": len(kinds)} if kinds else {}
    for name, kind in (("tools", "tool"), ("preamble", "system")):
        places = [place for place, each in enumerate(kinds, 1) if each == kind]
        if places:
            stops[name] = places[-1]
    if has_context and "message" in kinds:
        stops["context"] = kinds.index("message") + 1
    return stops


def best_options(
    turns: Sequence[MarkedTurn],
    stops: Sequence[Mapping[str, int]],
    rules: MarkerRules,
    ttls: Mapping[str, float],
) -> tuple[CacheOptions, float]:
    """The cheapest cache controls for a run, and what it costs with them in US dollars; the fewest places of equals.

    Args:
        turns: The requests.
        stops: For each, where the named breakpoints stand, see `stops_of`.
        rules: The numbers of the model.
        ttls: Lifetimes to choose from, seconds by name.
    """
    best, least = CacheOptions(), _cost(turns, stops, rules, CacheOptions(), ttls)
    for options in _options(rules, ttls):
        cost = _cost(turns, stops, rules, options, ttls)
        if cost < least * (1 - 1e-12):
            best, least = options, cost
    return best, least


def _options(rules: MarkerRules, ttls: Mapping[str, float]) -> Iterator[CacheOptions]:
    sets = chain.from_iterable(combinations(_PLACES, size) for size in range(1, rules.max_markers + 1))
    for places in sets:
        for ttl in ttls:
            for last in ttls if rules.mixed else (ttl,):
                if ttls[last] <= ttls[ttl] and (last == ttl or "last" in places):
                    yield CacheOptions(places, ttl=ttl, last_ttl=last if last != ttl else None)


def _cost(
    turns: Sequence[MarkedTurn],
    stops: Sequence[Mapping[str, int]],
    rules: MarkerRules,
    options: CacheOptions,
    ttls: Mapping[str, float],
) -> float:
    entries: dict[int, Entry] = {}
    total = 0.0
    for turn, named in zip(turns, stops, strict=True):
        markers: dict[int, float] = {}
        for name in options.breakpoints:
            ttl = (options.last_ttl if name == "last" else None) or options.ttl
            if ttl is not None and named.get(name, 0) in turn.markable:
                markers[named[name]] = max(ttls[ttl], markers.get(named[name], 0.0))
        charged, entries = bill(rules, turn, entries, sorted(markers.items()))
        total += charged.cost_usd
    return total
