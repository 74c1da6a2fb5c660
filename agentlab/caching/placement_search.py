"""The cheapest markers for a row of requests, exactly: dynamic programming over what is cached.

State before a request: the entries that still can be read by it or a later one. Action: its markers. Which positions
come into question is argued from the costs, which are linear in every position between these:

* the ends of what a request shares with a later one: an entry between two of them serves no more than the lower one,
* entries that live: marking one reads or renews it; and the places right after them, where a short write of a longer
  lifetime prolongs all that is read,
* the shortest prefix that may be cached,
* all of these moved by multiples of the lookback, where markers are scarce and one has to find and to write at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from msgspec import Struct

from agentlab.caching.marker_rules import Entry, MarkedTurn, MarkerRules, bill
from agentlab.errors import UsageError

__all__ = ["Plan", "cheapest"]

Plan = tuple[tuple[tuple[int, float], ...], ...]
"""For each request its markers: position and lifetime in seconds."""

_Live = frozenset[tuple[int, Entry]]
_MOST_STATES: Final = 20_000


class _Path(Struct, frozen=True):
    """The best way found to a state; the markers of earlier requests hang from it."""

    cost: float
    markers: tuple[tuple[int, float], ...] = ()
    before: _Path | None = None


def cheapest(turns: Sequence[MarkedTurn], rules: MarkerRules, ttls: Sequence[float]) -> tuple[float, Plan]:
    """The least any markers can make a row of requests cost, and markers that do.

    Args:
        turns: The requests, in the order of their times.
        rules: The numbers of the model.
        ttls: Lifetimes to choose from, seconds.

    Returns:
        The cost of all prompts in US dollars, and the plan.

    Raises:
        UsageError: More than 20,000 states would have to be kept: the requests branch too much for an exact answer.
    """
    ends = [_shared_ends(turns, index, rules.lookback) for index in range(len(turns))]
    scarce = any(len(each) >= rules.max_markers for each in ends)
    states: dict[_Live, _Path] = {frozenset(): _Path(0.0)}
    for index, turn in enumerate(turns):
        needed = _last_needs(turns, index)
        reached: dict[_Live, _Path] = {}
        for live, path in states.items():
            entries = dict(live)
            places = _places(turn, rules, entries, ends[index], scarce=scarce)
            for markers in _choices(places, rules.max_markers, _worthwhile(ttls, turns, index)):
                charged, after = bill(rules, turn, entries, markers)
                left = frozenset(
                    (prefix, entry)
                    for prefix, entry in after.items()
                    if any(at <= entry.expires for at in needed.get(prefix, ()))
                )
                cost = path.cost + charged.cost_usd
                known = reached.get(left)
                if known is None or cost < known.cost:
                    reached[left] = _Path(cost, markers, path)
        states = _undominated(reached)
        if len(states) > _MOST_STATES:
            raise UsageError(
                f"request {index + 1} can leave more than {_MOST_STATES} different caches behind; "
                "allow fewer markers or look at fewer requests"
            )
    best = min(states.values(), key=lambda path: path.cost)
    return best.cost, _plan(best, len(turns))


def _plan(path: _Path, size: int) -> Plan:
    markers: list[tuple[tuple[int, float], ...]] = []
    step: _Path | None = path
    while step is not None and len(markers) < size:
        markers.append(step.markers)
        step = step.before
    return tuple(reversed(markers))


def _shared_ends(turns: Sequence[MarkedTurn], index: int, lookback: int) -> tuple[int, ...]:
    """The longest prefixes of a request that a later one can read: shared, and in reach of a place for a marker."""
    turn = turns[index]
    found: set[int] = set()
    for later in turns[index + 1 :]:
        shared = _shared(turn.prefixes, later.prefixes)
        for place in reversed(turn.markable[: bisect_right(turn.markable, shared)]):
            near = bisect_left(later.markable, place)
            if near < len(later.markable) and later.markable[near] <= place + lookback:
                found.add(place)
                break
    return tuple(sorted(found))


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many prefixes two requests have in common. Equal ones are never preceded by unequal ones."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[middle - 1] == other[middle - 1]:
            low = middle
        else:
            high = middle - 1
    return low


def _last_needs(turns: Sequence[MarkedTurn], index: int) -> dict[int, list[float]]:
    """The times at which later requests could read a prefix of this or an earlier one."""
    times: dict[int, list[float]] = {}
    for later in turns[index + 1 :]:
        for prefix in later.prefixes:
            times.setdefault(prefix, []).append(later.at)
    return times


def _places(
    turn: MarkedTurn, rules: MarkerRules, entries: dict[int, Entry], ends: tuple[int, ...], *, scarce: bool
) -> tuple[int, ...]:
    """The positions worth a marker, rising."""
    long_enough = [place for place in turn.markable if turn.tokens[place] >= rules.min_tokens]
    if not long_enough:
        return ()
    living = {
        place
        for place, prefix in enumerate(turn.prefixes, 1)
        if prefix in entries and entries[prefix].expires >= turn.at
    }
    anchors = {*ends, *living, long_enough[0]}
    anchors |= {each for anchor in anchors for each in _beside(long_enough, anchor)}
    if scarce:
        anchors |= {
            place
            for place in long_enough
            if any((place - anchor) % (rules.lookback or 1) == 0 for anchor in {*anchors, len(turn.prefixes)})
        }
    return tuple(sorted(anchors & set(long_enough)))


def _beside(places: Sequence[int], anchor: int) -> Iterator[int]:
    """The neighbours of a place."""
    at = bisect_left(places, anchor)
    if at:
        yield places[at - 1]
    after = bisect_right(places, anchor)
    if after < len(places):
        yield places[after]


def _worthwhile(ttls: Sequence[float], turns: Sequence[MarkedTurn], index: int) -> list[float]:
    """Lifetimes that can matter, longest first: where the shortest outlives the last request, no longer one can."""
    rest = turns[-1].at - turns[index].at
    return [min(ttls)] if rest <= min(ttls) else sorted(ttls, reverse=True)


def _choices(
    places: Sequence[int], most: int, ttls: Sequence[float]
) -> Iterator[tuple[tuple[int, float], ...]]:
    """Every set of at most so many markers, with every order of lifetimes the wire allows."""
    for size in range(min(most, len(places)) + 1):
        for chosen in combinations(places, size):
            for lifetimes in _falling(size, ttls):
                yield tuple(zip(chosen, lifetimes, strict=True))


def _falling(size: int, ttls: Sequence[float]) -> Iterator[tuple[float, ...]]:
    """Rows of lifetimes in which none follows a shorter one."""
    if size == 0:
        yield ()
        return
    for place, first in enumerate(ttls):
        for rest in _falling(size - 1, ttls[place:]):
            yield (first, *rest)


def _undominated(reached: dict[_Live, _Path]) -> dict[_Live, _Path]:
    """The states that no cheaper state equals or betters in every entry."""
    kept: list[tuple[dict[int, Entry], _Live, _Path]] = []
    for live, path in sorted(reached.items(), key=lambda item: (item[1].cost, -len(item[0]))):
        if not any(_covers(entries, live) for entries, _, _ in kept):
            kept.append((dict(live), live, path))
    return {live: path for _, live, path in kept}


def _covers(entries: dict[int, Entry], live: _Live) -> bool:
    for prefix, entry in live:
        mine = entries.get(prefix)
        if mine is None or mine.ttl_s < entry.ttl_s or mine.expires < entry.expires:
            return False
    return True
