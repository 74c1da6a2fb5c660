"""The cheapest markers for a row of requests, exactly: dynamic programming over what is cached.

State before a request: the entries that still can be read by it or a later one. Action: its markers. Which positions
come into question is argued from the costs, which are linear in every position between these:

* the ends of what a request shares with a later one: an entry between two of them serves no more than the lower one,
* entries that live: marking one reads or renews it,
* where there are two lifetimes, the places right after those, because a short write of the longer one prolongs all that
  is read, and right before the shared ends, which leave room for it,
* all of these moved by multiples of the lookback, where markers are scarce and one has to find and to write at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from msgspec import Struct

from agentlab.caching.breakpoints.bound import Bound
from agentlab.caching.breakpoints.marker_rules import Entry, MarkedTurn, MarkerRules, bill

__all__ = ["Found", "Plan", "cheapest"]

Plan = tuple[tuple[tuple[int, float], ...], ...]
"""For each request its markers: position and lifetime in seconds."""

_Live = frozenset[tuple[int, Entry]]
_QUICK_STATES: Final = 6
_MOST_STATES: Final = 400


class Found(Struct, frozen=True):
    """A plan for a row of requests.

    Attributes:
        cost_usd: What it costs.
        plan: The markers.
        exact: Whether no plan is cheaper. False where too many caches could be left behind to look at all of them.
    """

    cost_usd: float
    plan: Plan
    exact: bool


class _Path(Struct, frozen=True):
    """The best way found to a state; the markers of earlier requests hang from it."""

    cost: float
    markers: tuple[tuple[int, float], ...] = ()
    before: _Path | None = None


def cheapest(turns: Sequence[MarkedTurn], rules: MarkerRules, ttls: Sequence[float]) -> Found:
    """The least any markers can make a row of requests cost, and markers that do.

    A quick search that keeps only the most promising states gives a plan; the full one keeps every state that could
    still better it.

    Args:
        turns: The requests, in the order of their times.
        rules: The numbers of the model.
        ttls: Lifetimes to choose from, seconds.
    """
    search = _Search(turns, rules, ttls)
    quick = search.run(_QUICK_STATES, None)
    assert quick is not None
    full = search.run(_MOST_STATES, quick.cost)
    best, exact = (quick, False) if full is None else (min(full, quick, key=lambda path: path.cost), True)
    return Found(best.cost, _plan(best, len(turns)), exact)


class _Search:
    """Walks a row of requests, keeping the states worth keeping."""

    def __init__(self, turns: Sequence[MarkedTurn], rules: MarkerRules, ttls: Sequence[float]) -> None:
        self._turns = turns
        self._rules = rules
        self._ttls = ttls
        self._bound = Bound(turns, ttls, short_s=rules.short_s)
        self._uses = [_later_uses(turns, index) for index in range(len(turns))]
        self._ends = [_shared_ends(turns, index, rules.lookback) for index in range(len(turns))]
        self._scarce = any(len(each) >= rules.max_markers for each in self._ends)

    def run(self, most: int, limit: float | None) -> _Path | None:
        """The cheapest path.

        Args:
            most: States to keep after each request.
            limit: Cost of a plan that is known: what cannot better it is dropped, and more states than `most` end the
                search with None. Without a limit the most promising are kept.
        """
        states: dict[_Live, _Path] = {frozenset(): _Path(0.0)}
        for index in range(len(self._turns)):
            reached = _undominated(self._step(index, states))
            ranked = sorted(
                ((path.cost + self._bound.after(index, live), live, path) for live, path in reached.items()),
                key=lambda item: item[0],
            )
            if limit is not None:
                ranked = [item for item in ranked if item[0] <= limit * (1 + 1e-9)]
                if len(ranked) > most:
                    return None
            states = {live: path for _, live, path in ranked[:most]}
        return min(states.values(), key=lambda path: path.cost, default=None)

    def _step(self, index: int, states: dict[_Live, _Path]) -> dict[_Live, _Path]:
        """Every state one request further on, each with the cheapest way to it."""
        turn, rules, uses = self._turns[index], self._rules, self._uses[index]
        lifetimes = _worthwhile(self._ttls, self._turns, index)
        reached: dict[_Live, _Path] = {}
        for live, path in states.items():
            entries = {prefix: entry for prefix, entry in live if entry.expires >= turn.at}
            places = _places(
                turn, rules, entries, self._ends[index], scarce=self._scarce, mixed=len(self._ttls) > 1
            )
            for markers in _choices(places, rules, lifetimes):
                charged, after = bill(rules, turn, entries, markers)
                left = _useful(after, uses)
                cost = path.cost + charged.cost_usd
                known = reached.get(left)
                if known is None or cost < known.cost:
                    reached[left] = _Path(cost, markers, path)
        return reached


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


class _Use(Struct, frozen=True):
    """Which later requests could read a prefix, by their places in the run; when the first does; its own length."""

    by: frozenset[int]
    first: float
    length: int


def _later_uses(turns: Sequence[MarkedTurn], index: int) -> dict[int, _Use]:
    places: dict[int, list[int]] = {}
    lengths: dict[int, int] = {}
    for number, later in enumerate(turns[index + 1 :], index + 1):
        for place, prefix in enumerate(later.prefixes, 1):
            places.setdefault(prefix, []).append(number)
            lengths[prefix] = place
    return {prefix: _Use(frozenset(by), turns[by[0]].at, lengths[prefix]) for prefix, by in places.items()}


def _useful(entries: dict[int, Entry], uses: dict[int, _Use]) -> _Live:
    """The entries a later request may read in time, but for those two longer ones serve at least as well.

    Two, because the longest is read, and the one before may be left for a short write of a longer lifetime.
    """
    alive = [
        (prefix, entry, use)
        for prefix, entry in entries.items()
        if (use := uses.get(prefix)) is not None and use.first <= entry.expires
    ]
    return frozenset(
        (prefix, entry)
        for prefix, entry, use in alive
        if sum(
            other_use.length > use.length
            and other_use.by >= use.by
            and other.expires >= entry.expires
            and other.ttl_s >= entry.ttl_s
            for _, other, other_use in alive
        )
        < 2
    )


def _places(
    turn: MarkedTurn,
    rules: MarkerRules,
    entries: dict[int, Entry],
    ends: tuple[int, ...],
    *,
    scarce: bool,
    mixed: bool,
) -> tuple[int, ...]:
    """The positions worth a marker, rising."""
    allowed = turn.markable[
        bisect_left(turn.markable, rules.min_tokens, key=lambda place: turn.tokens[place]) :
    ]
    living = {place for place, prefix in enumerate(turn.prefixes, 1) if prefix in entries}
    anchors = {*ends, *living}
    if mixed:
        anchors |= {allowed[at] for place in living if (at := bisect_right(allowed, place)) < len(allowed)}
        anchors |= {allowed[at - 1] for place in ends if (at := bisect_left(allowed, place)) > 0}
    if scarce:
        anchors |= {
            place
            for place in allowed
            if any((place - anchor) % (rules.lookback or 1) == 0 for anchor in {*anchors, len(turn.prefixes)})
        }
    return tuple(sorted(anchors.intersection(allowed)))


def _worthwhile(ttls: Sequence[float], turns: Sequence[MarkedTurn], index: int) -> list[float]:
    """Lifetimes that can matter, longest first: where the shortest outlives the last request, no longer one can."""
    rest = turns[-1].at - turns[index].at
    return [min(ttls)] if rest <= min(ttls) else sorted(ttls, reverse=True)


def _choices(
    places: Sequence[int], rules: MarkerRules, ttls: Sequence[float]
) -> Iterator[tuple[tuple[int, float], ...]]:
    """Every set of at most so many markers, with every order of lifetimes the wire allows."""
    for size in range(min(rules.max_markers, len(places)) + 1):
        orders = list(_falling(size, ttls) if rules.mixed else dict.fromkeys((ttl,) * size for ttl in ttls))
        for chosen in combinations(places, size):
            for lifetimes in orders:
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
