"""Where cache markers should stand in the requests of a run, exactly, and what the usual placements lose.

Each request may hold up to four markers, and each marker costs: what it writes is billed above the plain rate, and pays
off only if it is read in time. The best markers depend on what later requests share, so they are planned over the whole
run, by dynamic programming (`agentlab.caching.breakpoints.search`), in the billing model of
`agentlab.caching.breakpoints.marker_rules`. The plan knows the future: it is the bound that rules of thumb are measured against.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from agentlab.caching.blocks.splitting import Block
from agentlab.caching.breakpoints.marker_rules import TTL_SECONDS, Bill, Entry, MarkedTurn, MarkerRules, bill
from agentlab.caching.breakpoints.search import Plan, cheapest
from agentlab.caching.breakpoints.static import best_options, stops_of
from agentlab.caching.calls import Calls, RecordedCall, calls_of
from agentlab.caching.prices import Rates
from agentlab.caching.prices import rates as rates_of
from agentlab.caching.profiles.registry import profile_for
from agentlab.caching.replaying.layouts import layouts
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Marker", "PlacedTurn", "Placement", "place_breakpoints"]

TTL = Literal["5m", "1h"]
_UNMARKED: Final = ('"type":"thinking"', '"type":"redacted_thinking"')
LOOKBACK: Final = 20
"""Blocks a marker looks back where a provider's profile does not say."""
_TTL_NAMES: Final[dict[float, TTL]] = {300.0: "5m", 3600.0: "1h"}


class Marker(Struct, frozen=True):
    """A cache breakpoint.

    Attributes:
        block: Index of the block it ends at, in render order.
        label: That block, for readers.
        ttl: Lifetime of its entry.
    """

    block: int
    label: str
    ttl: TTL


class PlacedTurn(Struct, frozen=True):
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
        last_block_usd: What one 5-minute marker on the very last block of each request costs.
        automatic_usd: What the provider's automatic mode costs: one 5-minute marker that moves to the last block of
            each request that can be cached.
        uncached_usd: What no marker at all costs.
        options: The best cache controls that are the same for every request.
        options_usd: What the run costs with them.
        exact: Whether no plan is cheaper. False for runs that branch so much that not all plans could be weighed.
    """

    turns: tuple[PlacedTurn, ...]
    cost_usd: float
    last_block_usd: float
    automatic_usd: float
    uncached_usd: float
    options: CacheOptions
    options_usd: float
    exact: bool = True

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

        rows = [
            {
                "turn": turn.turn,
                "markers": ", ".join(
                    f"{marker.label} [{marker.block}] {marker.ttl}" for marker in turn.markers
                ),
                "uncached_tokens": turn.bill.uncached_tokens,
                "cache_read_tokens": turn.bill.read_tokens,
                "cache_write_5m_tokens": turn.bill.write_5m_tokens,
                "cache_write_1h_tokens": turn.bill.write_1h_tokens,
                "cost_usd": turn.bill.cost_usd,
            }
            for turn in self.turns
        ]
        return pd.DataFrame(rows)


def place_breakpoints(
    trace: Calls,
    k: int = 4,
    *,
    rates: Rates | None = None,
    min_tokens: int | None = None,
    lookback: int | None = None,
    ttls: Sequence[TTL] = ("5m", "1h"),
) -> Placement:
    """The cheapest places for cache markers over a whole run.

    Exact in its model: calls come one after the other at their recorded times, an entry can be read from then on until
    its lifetime has passed since its last use, a marker finds entries up to `lookback` blocks before it, markers of 1
    hour stand before those of 5 minutes, and output costs the same under every plan. Tokens are estimated, scaled to
    what the provider counted where the calls say so.

    Args:
        trace: A trace, or a list of `RecordedCall`.
        k: Markers a request may hold; Anthropic allows 4.
        rates: Prices of a token; those of each call's model and day where None.
        min_tokens: A shorter prefix is not cached; that of the provider's profile where None.
        lookback: How many blocks before its own a marker looks at; that of the profile where None.
        ttls: Lifetimes to choose from; 1 hour is left out where it has no price.

    Raises:
        UsageError: There is no call or no price, or the calls are out of order.
    """
    calls = calls_of(trace)
    if not calls:
        raise UsageError("there are no calls to place markers in")
    blocks = [layout.blocks for layout in layouts(calls)]
    turns = _turns(calls, blocks, rates)
    profile = profile_for(calls[0].vendor, calls[0].model)
    rules = MarkerRules(
        profile.min_tokens if min_tokens is None else min_tokens,
        (profile.lookback or LOOKBACK) if lookback is None else lookback,
        k,
    )
    allowed = [TTL_SECONDS[ttl] for ttl in ttls if ttl != "1h" or _has_hour_price(turns)]
    if k < 1 or not allowed:
        raise UsageError("at least one marker of one lifetime has to be allowed")
    found = cheapest(turns, rules, allowed)
    stops = [
        stops_of(each, has_context=call.request is not None and bool(call.request.context))
        for call, each in zip(calls, blocks, strict=True)
    ]
    return Placement(
        _placed(turns, blocks, rules, found.plan),
        found.cost_usd,
        _cost(turns, rules, lambda turn: len(turn.prefixes) if len(turn.prefixes) in turn.markable else 0),
        _cost(turns, rules, lambda turn: turn.markable[-1] if turn.markable else 0),
        _cost(turns, rules, lambda _: 0),
        *best_options(turns, stops, rules, [_TTL_NAMES[ttl] for ttl in allowed]),
        found.exact,
    )


def _turns(
    calls: Sequence[RecordedCall], blocks: Sequence[tuple[Block, ...]], given: Rates | None
) -> list[MarkedTurn]:
    scale = _scale(calls, blocks)
    numbers: dict[tuple[int, str], int] = {}
    turns: list[MarkedTurn] = []
    for call, each in zip(calls, blocks, strict=True):
        prefixes: list[int] = []
        estimated = [0]
        skipped, tokens_skipped = "", 0
        for block in each:
            if block.kind == "setting":
                skipped, tokens_skipped = f"{skipped}{block.digest} ", tokens_skipped + block.tokens
                continue
            before = prefixes[-1] if prefixes else -1
            prefixes.append(numbers.setdefault((before, skipped + block.digest), len(numbers)))
            estimated.append(estimated[-1] + tokens_skipped + block.tokens)
            skipped, tokens_skipped = "", 0
        tokens = tuple(round(count * scale) for count in estimated)
        places = [block for block in each if block.kind != "setting"]
        markable = tuple(place for place, block in enumerate(places, 1) if _can_be_marked(block))
        prices = given or _prices(call, tokens[-1])
        turns.append(MarkedTurn(call.at, tuple(prefixes), tokens, markable, prices))
    if any(later.at < earlier.at for earlier, later in pairwise(turns)):
        raise UsageError("the calls are not in the order of their times")
    return turns


def _can_be_marked(block: Block) -> bool:
    """Thinking cannot: https://platform.claude.com/docs/en/build-with-claude/prompt-caching."""
    return not any(kind in block.text for kind in _UNMARKED)


def _scale(calls: Sequence[RecordedCall], blocks: Sequence[tuple[Block, ...]]) -> float:
    """Tokens as the provider counts them, for one estimated token; over the run, so that equal blocks stay equal."""
    counted = [
        (call.usage.input_tokens, sum(block.tokens for block in each))
        for call, each in zip(calls, blocks, strict=True)
        if call.usage is not None and call.usage.input_tokens
    ]
    estimated = sum(estimate for _, estimate in counted)
    return sum(count for count, _ in counted) / estimated if estimated else 1.0


def _prices(call: RecordedCall, tokens: int) -> Rates:
    found = rates_of(call.vendor, call.model, call.at or None, input_tokens=tokens)
    if math.isnan(found.uncached) or math.isnan(found.read) or math.isnan(found.write_5m):
        raise UsageError(
            f"the price table has no cache prices for `{call.vendor}:{call.model}`; give them as `rates=`"
        )
    return found


def _has_hour_price(turns: Sequence[MarkedTurn]) -> bool:
    return not any(math.isnan(turn.prices.write_1h) for turn in turns)


def _placed(
    turns: Sequence[MarkedTurn], blocks: Sequence[tuple[Block, ...]], rules: MarkerRules, plan: Plan
) -> tuple[PlacedTurn, ...]:
    placed: list[PlacedTurn] = []
    entries: dict[int, Entry] = {}
    for number, (turn, each, markers) in enumerate(zip(turns, blocks, plan, strict=True), 1):
        charged, entries = bill(rules, turn, entries, markers)
        # A setting is rendered, but no marker stands on it and no lookback counts it.
        places = [index for index, block in enumerate(each) if block.kind != "setting"]
        named = tuple(
            Marker(places[place - 1], each[places[place - 1]].label, _TTL_NAMES[ttl])
            for place, ttl in markers
        )
        placed.append(PlacedTurn(number, named, charged))
    return tuple(placed)


def _cost(turns: Sequence[MarkedTurn], rules: MarkerRules, place: Callable[[MarkedTurn], int]) -> float:
    """What a run costs with one 5-minute marker a request, or none where its place is 0."""
    entries: dict[int, Entry] = {}
    total = 0.0
    for turn in turns:
        chosen = place(turn)
        charged, entries = bill(rules, turn, entries, [(chosen, TTL_SECONDS["5m"])] if chosen else [])
        total += charged.cost_usd
    return total
