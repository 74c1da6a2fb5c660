"""A lower bound on what the rest of a run must cost, by which the search for markers leaves hopeless plans early.

Each block of the prompts is looked at alone, as if markers were free in number and place: whenever it is sent it is read,
if what holds it still lives, or sent plain, or written for either lifetime. The cheapest way through its later
appearances is no dearer than what any plan pays for it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from agentlab.caching.breakpoints.marker_rules import Entry, MarkedTurn

__all__ = ["Bound"]

_Costs = tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]


class Bound:
    """Bounds for one row of requests.

    Args:
        turns: The requests.
        ttls: Lifetimes to choose from, seconds.
        short_s: The shorter of the vendor's lifetimes.
    """

    def __init__(self, turns: Sequence[MarkedTurn], ttls: Sequence[float], *, short_s: float = 300.0) -> None:
        self._turns = turns
        self._short_s = short_s
        self._ttls = sorted(ttls)
        self._parent: dict[int, int] = {}
        self._size: dict[int, int] = {}
        self._uses: dict[int, list[int]] = {}
        for index, turn in enumerate(turns):
            for place, prefix in enumerate(turn.prefixes, 1):
                self._parent[prefix] = turn.prefixes[place - 2] if place > 1 else -1
                size = turn.tokens[place] - turn.tokens[place - 1]
                self._size[prefix] = min(size, self._size.get(prefix, size))
                self._uses.setdefault(prefix, []).append(index)
        self._costs = {prefix: self._of_block(uses) for prefix, uses in self._uses.items()}
        self._cold = [self._all_cold(index) for index in range(len(turns) + 1)]

    def after(self, index: int, live: Iterable[tuple[int, Entry]]) -> float:
        """The least that the requests after one can cost, in US dollars, with these entries alive."""
        saved: dict[int, float] = {}
        for prefix, entry in live:
            block = prefix
            while block != -1:
                gain = self._gain(block, entry, index)
                if gain > saved.get(block, 0.0):
                    saved[block] = gain
                block = self._parent[block]
        # Exact whatever the order of the entries: a rounding that moved with it would settle ties by chance.
        return self._cold[index + 1] - math.fsum(saved.values())

    def _gain(self, block: int, entry: Entry, index: int) -> float:
        """What a live entry saves on a block in later requests, at most."""
        uses = self._uses[block]
        at = bisect_right(uses, index)
        if at == len(uses) or self._turns[uses[at]].at > entry.expires:
            return 0.0
        cold, warm = self._costs[block]
        # Any read may be prolonged by a short write behind it, so the longest lifetime is assumed from then on.
        read = self._turns[uses[at]].prices.read + warm[-1][at + 1]
        return self._size[block] * max(0.0, cold[at] - read)

    def _of_block(self, uses: Sequence[int]) -> _Costs:
        """For each use on: the least cost of a token not cached, and of one kept since the use before, by lifetime."""
        count = len(uses)
        cold = [0.0] * (count + 1)
        warm = [[0.0] * (count + 1) for _ in self._ttls]
        for at in range(count - 1, -1, -1):
            turn = self._turns[uses[at]]
            prices = turn.prices
            writes = (prices.write_5m, prices.write_1h) if len(self._ttls) > 1 else (self._write_price(turn),)
            cold[at] = min(
                prices.uncached + cold[at + 1],
                *(write + warm[kind][at + 1] for kind, write in enumerate(writes)),
            )
            pause = turn.at - self._turns[uses[at - 1]].at if at else 0.0
            for kind, ttl in enumerate(self._ttls):
                read = prices.read + warm[-1][at + 1]
                warm[kind][at] = min(cold[at], read) if pause <= ttl else cold[at]
        return tuple(cold), tuple(map(tuple, warm))

    def _write_price(self, turn: MarkedTurn) -> float:
        return turn.prices.write_5m if self._ttls[0] <= self._short_s else turn.prices.write_1h

    def _all_cold(self, index: int) -> float:
        """The least cost of the requests from one on with nothing cached."""
        total = sum(turn.tail * turn.prices.uncached for turn in self._turns[index:])
        for prefix, uses in self._uses.items():
            at = bisect_right(uses, index - 1)
            total += self._size[prefix] * self._costs[prefix][0][at]
        return total
