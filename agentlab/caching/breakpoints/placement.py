"""Where cache markers should stand in the requests of a run, exactly, and what the usual placements lose.

Each request may hold up to four markers, and each marker costs: what it writes is billed above the plain rate, and pays
off only if it is read in time. The best markers depend on what later requests share, so they are planned over the whole
run, by dynamic programming (`agentlab.caching.breakpoints.search`), in the billing model of
`agentlab.caching.breakpoints.marker_rules`. The plan knows the future: it is the bound that rules of thumb are measured against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from agentlab.caching.breakpoints.idle import without_idle
from agentlab.caching.breakpoints.marked_run import MarkedRun, marked_run
from agentlab.caching.breakpoints.marker_rules import Bill, Entry, MarkedTurn, MarkerRules, bill
from agentlab.caching.breakpoints.search import Plan, cheapest
from agentlab.caching.breakpoints.static import best_options, stops_of
from agentlab.caching.calls import Calls, calls_of
from agentlab.caching.prices import Rates
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions
from agentlab.short_repr import ShortRepr, one_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Marker", "PlacedTurn", "Placement", "place_breakpoints"]


class Marker(ShortRepr, Struct, frozen=True):
    """A cache breakpoint.

    Attributes:
        block: Index of the block it ends at, in render order.
        label: That block, for readers.
        ttl: Lifetime of its entry, by its name at the vendor.
    """

    block: int
    label: str
    ttl: str


class PlacedTurn(ShortRepr, Struct, frozen=True):
    """One request of a plan.

    Attributes:
        turn: Its place in the run, from 1.
        markers: Where its markers stand.
        bill: What its prompt is charged for.
    """

    turn: int
    markers: tuple[Marker, ...]
    bill: Bill


class Placement(Struct, frozen=True):
    """The cheapest markers for a run, beside the usual ones. Costs are of the prompts alone, in US dollars.

    Attributes:
        turns: The plan.
        cost_usd: What the plan costs.
        last_block_usd: What one marker of the shortest lifetime on the very last block of each request costs.
        automatic_usd: What the provider's automatic mode costs: one marker of the shortest lifetime that moves to the last block of
            each request that can be cached.
        uncached_usd: What no marker at all costs.
        options: The best cache controls that are the same for every request.
        options_usd: What the run costs with them.
        lifetimes: The lifetimes of the vendor's entries in seconds, by name, the shortest first.
        exact: Whether no plan is cheaper. False for runs that branch so much that not all plans could be weighed.
    """

    turns: tuple[PlacedTurn, ...]
    cost_usd: float
    last_block_usd: float
    automatic_usd: float
    uncached_usd: float
    options: CacheOptions
    options_usd: float
    lifetimes: dict[str, float]
    exact: bool = True

    def __repr__(self) -> str:
        costs = ", ".join(
            f"{name}={getattr(self, name):.6g}"
            for name in ("cost_usd", "last_block_usd", "automatic_usd", "uncached_usd", "options_usd")
        )
        return one_line(f"Placement(turns={len(self.turns)}, {costs}, options={self.options!r})")

    @property
    def regret_last_block_usd(self) -> float:
        """What marking only the last block costs above the plan."""
        return self.last_block_usd - self.cost_usd

    @property
    def regret_automatic_usd(self) -> float:
        """What the automatic mode costs above the plan."""
        return self.automatic_usd - self.cost_usd

    @property
    def regret_options_usd(self) -> float:
        """What the best settings for the whole run cost above the plan: the price of not knowing the future."""
        return self.options_usd - self.cost_usd

    def frame(self) -> pd.DataFrame:
        """One row a request: its markers, tokens by rate, cost."""
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        written = [f"cache_write_{name}_tokens" for name in self.lifetimes]
        rows = [
            {
                "turn": turn.turn,
                "markers": ", ".join(
                    f"{marker.label} [{marker.block}] {marker.ttl}" for marker in turn.markers
                ),
                "uncached_tokens": turn.bill.uncached_tokens,
                "cache_read_tokens": turn.bill.read_tokens,
                written[0]: turn.bill.write_short_tokens,
                **dict.fromkeys(written[1:], turn.bill.write_long_tokens),
                "cost_usd": turn.bill.cost_usd,
            }
            for turn in self.turns
        ]
        return pd.DataFrame(rows)


def place_breakpoints(
    trace: Calls,
    k: int | None = None,
    *,
    rates: Rates | None = None,
    min_tokens: int | None = None,
    lookback: int | None = None,
    ttls: Sequence[str] | None = None,
) -> Placement:
    """The cheapest places for cache markers over a whole run.

    Exact in its model: calls come one after the other at their recorded times, an entry can be read from then on until
    its lifetime has passed since its last use, a marker finds entries up to `lookback` blocks before it, markers of a
    longer lifetime stand before those of a shorter one, and output costs the same under every plan. Prompts are as long as
    the provider reported; those it did not count are estimated by its profile's factors. A vendor that takes no markers
    is planned for as if it took Anthropic's. A marker without which the run would cost the same is left out.

    Args:
        trace: A trace, or a list of `RecordedCall`.
        k: Markers a request may hold, at most those the vendor takes; all of these where None.
        rates: Prices of a token; those of each call's model and day where None.
        min_tokens: A shorter prefix is not cached; that of the provider's profile where None.
        lookback: How many blocks before its own a marker looks at; that of the profile where None.
        ttls: Lifetimes to choose from, by their names at the vendor; all of them where None. One without a price is left
            out.

    Raises:
        UsageError: There is no call or no price, the calls are out of order, or the vendor has no such lifetime or fewer
            markers.
    """
    calls = calls_of(trace)
    if not calls:
        raise UsageError("there are no calls to place markers in")
    run = marked_run(calls, k, given=rates, min_tokens=min_tokens, lookback=lookback, ttls=ttls)
    turns, rules, allowed = run.turns, run.rules, list(run.allowed.values())
    found = cheapest(turns, rules, allowed)
    stops = [
        stops_of(each, has_context=call.request is not None and bool(call.request.context))
        for call, each in zip(calls, run.blocks, strict=True)
    ]
    return Placement(
        _placed(run, without_idle(turns, rules, found.plan)),
        found.cost_usd,
        _cost(turns, rules, lambda turn: len(turn.prefixes) if len(turn.prefixes) in turn.markable else 0),
        _cost(turns, rules, lambda turn: turn.markable[-1] if turn.markable else 0),
        _cost(turns, rules, lambda _: 0),
        *best_options(turns, stops, rules, run.allowed),
        run.lifetimes,
        found.exact,
    )


def _placed(run: MarkedRun, plan: Plan) -> tuple[PlacedTurn, ...]:
    placed: list[PlacedTurn] = []
    entries: dict[int, Entry] = {}
    names = {seconds: name for name, seconds in run.lifetimes.items()}
    for number, (turn, each, markers) in enumerate(zip(run.turns, run.blocks, plan, strict=True), 1):
        charged, entries = bill(run.rules, turn, entries, markers)
        # A setting is rendered, but no marker stands on it and no lookback counts it.
        places = [index for index, block in enumerate(each) if block.kind != "setting"]
        named = tuple(
            Marker(places[place - 1], each[places[place - 1]].label, names[ttl]) for place, ttl in markers
        )
        placed.append(PlacedTurn(number, named, charged))
    return tuple(placed)


def _cost(turns: Sequence[MarkedTurn], rules: MarkerRules, place: Callable[[MarkedTurn], int]) -> float:
    """What a run costs with one marker of the shortest lifetime a request, or none where its place is 0."""
    entries: dict[int, Entry] = {}
    total = 0.0
    for turn in turns:
        chosen = place(turn)
        charged, entries = bill(rules, turn, entries, [(chosen, rules.short_s)] if chosen else [])
        total += charged.cost_usd
    return total
