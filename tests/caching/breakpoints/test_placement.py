"""Breakpoint placement: equal to brute force, never worse than any usual placement, and right where those are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise, permutations, product
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agentlab.caching.breakpoints.bound import Bound
from agentlab.caching.breakpoints.idle import without_idle
from agentlab.caching.breakpoints.marker_rules import Entry, MarkedTurn, MarkerRules, bill
from agentlab.caching.breakpoints.placement import Placement, place_breakpoints
from agentlab.caching.breakpoints.search import Plan, cheapest
from agentlab.caching.calls import RecordedCall
from agentlab.caching.prices import Rates, rates
from agentlab.caching.profiles.registry import profile_for
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, Usage

SHORT, LONG = 300.0, 3600.0
PRICES = Rates(uncached=1e-6, read=1e-7, write_5m=1.25e-6, write_1h=2e-6, output=5e-6)
MOST_PLANS = 30_000
TAIL = profile_for("anthropic", "claude-sonnet-4-6").tail_tokens
"""Tokens behind the last block of a request, which begin the answer and are never cached."""


# ------------------------------------------------------------- brute force


def markings(turn: MarkedTurn, most: int, ttls: Sequence[float]) -> Iterator[list[tuple[int, float]]]:
    """Every way to mark a request that the wire allows."""
    for size in range(min(most, len(turn.markable)) + 1):
        for places in combinations(turn.markable, size):
            for lifetimes in product(ttls, repeat=size):
                if all(later <= earlier for earlier, later in pairwise(lifetimes)):
                    yield list(zip(places, lifetimes, strict=True))


def brute(
    turns: Sequence[MarkedTurn], rules: MarkerRules, ttls: Sequence[float], entries: dict[int, Entry]
) -> float:
    if not turns:
        return 0.0
    costs = []
    for markers in markings(turns[0], rules.max_markers, ttls):
        charged, after = bill(rules, turns[0], entries, markers)
        costs.append(charged.cost_usd + brute(turns[1:], rules, ttls, after))
    return min(costs)


@st.composite
def runs(draw: st.DrawFn) -> list[MarkedTurn]:
    """A few short requests that grow, branch and pause; some blocks cannot be marked."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=3, max_size=3))
    unmarkable = draw(st.integers(0, 8))
    prices = Rates(
        1.0,
        draw(st.sampled_from([0.05, 0.1, 0.5])),
        draw(st.sampled_from([1.0, 1.25])),
        draw(st.sampled_from([1.25, 2.0])),
        5.0,
    )
    numbers: dict[tuple[int, ...], int] = {}
    turns: list[MarkedTurn] = []
    blocks: tuple[int, ...] = ()
    at = 0.0
    for _ in range(draw(st.integers(1, 4))):
        kept = draw(st.integers(0, len(blocks))) if draw(st.booleans()) else len(blocks)
        new = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
        blocks = (blocks[:kept] + tuple(new))[:6]
        prefixes = [numbers.setdefault(blocks[:end], len(numbers)) for end in range(1, len(blocks) + 1)]
        tokens = [0]
        for place, block in enumerate(blocks):
            tokens.append(tokens[-1] + 100 * sizes[block] + 17 * place)
        at += draw(st.sampled_from([0.0, 10.0, 200.0, 400.0, 4000.0]))
        markable = tuple(place for place, each in enumerate(prefixes, 1) if (each + unmarkable) % 9)
        turns.append(MarkedTurn(at, tuple(prefixes), tuple(tokens), markable, prices))
    return turns


@settings(max_examples=150, deadline=None)
@given(
    turns=runs(),
    rules=st.builds(
        MarkerRules, st.sampled_from([0, 300, 700]), st.sampled_from([1, 2, 3, 20]), st.integers(1, 3)
    ),
    ttls=st.sampled_from([[SHORT], [LONG, SHORT]]),
)
def test_the_plan_costs_what_the_best_of_all_plans_costs(
    turns: list[MarkedTurn], rules: MarkerRules, ttls: list[float]
) -> None:
    plans = 1
    for turn in turns:
        plans *= sum(1 for _ in markings(turn, rules.max_markers, ttls))
    assume(plans <= MOST_PLANS)
    found = cheapest(turns, rules, ttls)
    cost, plan = found.cost_usd, found.plan
    assert found.exact
    assert cost == pytest.approx(brute(turns, rules, ttls, {}), rel=1e-12)
    entries: dict[int, Entry] = {}
    charged = 0.0
    for turn, markers in zip(turns, plan, strict=True):
        assert list(markers) in list(markings(turn, rules.max_markers, ttls))
        each, entries = bill(rules, turn, entries, markers)
        charged += each.cost_usd
    assert charged == pytest.approx(cost, rel=1e-12)


# ------------------------------------------------------- recorded requests


def text(words: int, name: str) -> str:
    return " ".join(f"{name}{index % 7}" for index in range(words))


def body(system: str, *messages: str, parts: int = 0) -> str:
    """An Anthropic request: a system text, messages, and one more message of many parts."""
    said: list[dict[str, Any]] = [
        {"role": "assistant" if index % 2 else "user", "content": [{"type": "text", "text": each}]}
        for index, each in enumerate(messages)
    ]
    if parts:
        content = [{"type": "text", "text": f"result {index}"} for index in range(parts)]
        said.append({"role": "user", "content": content})
    return msgspec.json.encode(
        {"model": "m", "system": [{"type": "text", "text": system}], "messages": said}
    ).decode()


def calls(*bodies: str, gap_s: float = 30.0) -> list[RecordedCall]:
    return [
        RecordedCall("anthropic-messages", each, "anthropic", "claude-sonnet-4-6", at=1.79e9 + gap_s * index)
        for index, each in enumerate(bodies)
    ]


SYSTEM = text(2000, "rule")


def loop(turns: int, *, gap_s: float = 30.0, system: str = SYSTEM) -> list[RecordedCall]:
    """A run that only appends."""
    said = [text(80, f"m{index}x") for index in range(2 * turns)]
    return calls(*(body(system, *said[: 2 * turn + 1]) for turn in range(turns)), gap_s=gap_s)


def assert_consistent(placed: Placement) -> None:
    assert placed.cost_usd == pytest.approx(sum(turn.bill.cost_usd for turn in placed.turns))
    usual = (placed.last_block_usd, placed.automatic_usd, placed.uncached_usd, placed.options_usd)
    assert placed.cost_usd <= min(usual) + 1e-12
    assert placed.options_usd <= min(placed.last_block_usd, placed.uncached_usd) + 1e-12
    assert placed.exact


def test_a_run_that_only_appends_marks_its_last_block_and_nothing_in_its_last_turn() -> None:
    placed = place_breakpoints(loop(4), rates=PRICES)
    assert_consistent(placed)
    for turn in placed.turns[:-1]:
        assert turn.markers[-1].block == 2 * turn.turn - 1
        assert turn.bill.uncached_tokens == TAIL
    last = placed.turns[-1].bill
    assert (last.write_short_tokens, last.write_long_tokens) == (0, 0)
    assert last.read_tokens > 0
    assert placed.regret_last_block_usd == pytest.approx((last.uncached_tokens - TAIL) * 0.25e-6)
    assert placed.regret_automatic_usd == pytest.approx(placed.regret_last_block_usd)
    assert placed.options == CacheOptions(("last",), ttl="5m")


def test_more_than_twenty_new_blocks_cost_the_last_block_its_whole_prefix() -> None:
    run = calls(body(SYSTEM, "go"), body(SYSTEM, "go", "calls", parts=22))
    placed = place_breakpoints(run, rates=PRICES, min_tokens=0)
    assert_consistent(placed)
    assert placed.turns[1].bill.read_tokens == placed.turns[0].bill.write_short_tokens
    assert placed.regret_last_block_usd > 1000 * 1e-6
    assert set(placed.options.breakpoints) == {"preamble"}
    assert placed.last_block_usd > placed.uncached_usd


def test_a_tail_that_changes_every_turn_is_left_out_of_the_cache() -> None:
    run = calls(*(body(SYSTEM, f"It is {hour} o'clock. {text(400, f'now{hour}x')}") for hour in range(4)))
    placed = place_breakpoints(run, rates=PRICES)
    assert_consistent(placed)
    assert [marker.label for marker in placed.turns[0].markers] == ["system"]
    assert all(turn.bill.write_short_tokens == 0 for turn in placed.turns[1:])
    assert placed.regret_last_block_usd > 0.5 * placed.cost_usd
    assert placed.options == CacheOptions(("preamble",), ttl="5m")
    assert placed.regret_options_usd == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("gap_s", "ttl"), [(30.0, "5m"), (300.0, "5m"), (600.0, "1h"), (3600.0, "1h")])
def test_the_lifetime_follows_the_pauses(gap_s: float, ttl: str) -> None:
    placed = place_breakpoints(loop(5, gap_s=gap_s), rates=PRICES)
    assert placed.turns[0].markers[-1].ttl == placed.options.ttl == ttl
    assert_consistent(placed)


def test_pauses_longer_than_every_lifetime_are_not_worth_a_marker() -> None:
    placed = place_breakpoints(loop(3, gap_s=4000.0), rates=PRICES)
    assert all(turn.markers == () for turn in placed.turns)
    assert placed.options == CacheOptions()
    assert placed.cost_usd == pytest.approx(placed.uncached_usd)
    plain = placed.uncached_usd - 3 * TAIL * 1e-6
    assert placed.last_block_usd == pytest.approx(1.25 * plain + 3 * TAIL * 1e-6)


def test_prefixes_below_the_minimum_are_not_marked() -> None:
    placed = place_breakpoints(loop(3, system="short"), rates=PRICES, min_tokens=100_000)
    assert placed.cost_usd == pytest.approx(placed.uncached_usd)
    assert all(turn.markers == () for turn in placed.turns)


def test_the_prices_and_the_minimum_are_those_of_the_recorded_model() -> None:
    placed = place_breakpoints(loop(3))
    first = placed.turns[0].bill
    assert first.cost_usd == pytest.approx(first.write_short_tokens * 3.75e-6 + first.uncached_tokens * 3e-6)
    assert first.write_short_tokens > 1024


def test_a_model_without_prices_is_refused_by_name() -> None:
    unknown = [msgspec.structs.replace(call, model="nothing-1") for call in loop(2)]
    with pytest.raises(UsageError, match="no cache prices for `anthropic:nothing-1`"):
        place_breakpoints(unknown)


def test_no_calls_or_calls_out_of_order_are_refused() -> None:
    with pytest.raises(UsageError, match="no calls"):
        place_breakpoints([])
    with pytest.raises(UsageError, match="order of their times"):
        place_breakpoints(loop(3)[::-1], rates=PRICES)
    with pytest.raises(UsageError, match="at least one marker"):
        place_breakpoints(loop(2), 0, rates=PRICES)


def test_counted_tokens_replace_estimates() -> None:
    run = loop(2)
    plain = place_breakpoints(run, rates=PRICES)
    total = _sent(plain)
    counted = [msgspec.structs.replace(run[0], usage=Usage(input_tokens=2 * total)), run[1]]
    doubled = place_breakpoints(counted, rates=PRICES)
    assert _sent(doubled) == 2 * total


def _sent(placed: Placement) -> int:
    """All tokens of the first prompt."""
    first = placed.turns[0].bill
    return first.uncached_tokens + first.read_tokens + first.write_short_tokens + first.write_long_tokens


@settings(max_examples=60, deadline=None)
@given(turns=runs(), most=st.integers(1, 3), seed=st.randoms(use_true_random=False))
def test_a_marker_goes_only_if_nothing_costs_more_without_it(
    turns: list[MarkedTurn], most: int, seed: Random
) -> None:
    rules = MarkerRules(0, 2, most)
    plan = tuple(tuple(seed.choice(list(markings(turn, most, [LONG, SHORT])))) for turn in turns)
    kept = without_idle(turns, rules, plan)
    assert all(set(few) <= set(many) for few, many in zip(kept, plan, strict=True))
    assert _cost(turns, rules, kept) <= _cost(turns, rules, plan) * (1 + 1e-9)
    assert without_idle(turns, rules, kept) == kept


def _cost(turns: Sequence[MarkedTurn], rules: MarkerRules, plan: Plan) -> float:
    entries: dict[int, Entry] = {}
    total = 0.0
    for turn, markers in zip(turns, plan, strict=True):
        charged, entries = bill(rules, turn, entries, markers)
        total += charged.cost_usd
    return total


def test_an_idle_marker_is_left_out() -> None:
    turn = MarkedTurn(0.0, (0, 1, 2), (0, 2000, 4000, 6000), (1, 2, 3), PRICES)
    again = msgspec.structs.replace(turn, at=10.0)
    plan = (((1, SHORT), (3, SHORT)), ((1, SHORT), (2, SHORT), (3, SHORT)))
    assert without_idle([turn, again], MarkerRules(), plan) == (((3, SHORT),), ((3, SHORT),))


def test_a_vendor_s_own_lifetimes_are_planned_with_at_its_own_prices() -> None:
    said = [text(2000, "rule"), *(text(80, f"m{index}x") for index in range(6))]
    bodies = [
        msgspec.json.encode(
            {"input": [{"role": "user", "content": each} for each in said[: 2 * turn + 1]]}
        ).decode()
        for turn in range(4)
    ]
    run = [
        RecordedCall("openai-responses", each, "openai", "gpt-5.6", at=1.79e9 + 7200 * index)
        for index, each in enumerate(bodies)
    ]
    placed = place_breakpoints(run)
    first = placed.turns[0]
    assert [marker.ttl for marker in first.markers] == ["12h"]
    uncached = rates("openai", "gpt-5.6", run[0].at).uncached
    plain = (first.bill.uncached_tokens + 2.5 * first.bill.write_long_tokens) * uncached
    assert first.bill.cost_usd == pytest.approx(plain)
    assert placed.options.ttl == "12h"
    assert "cache_write_12h_tokens" in placed.frame()


def test_what_the_vendor_cannot_do_is_refused_with_a_sentence() -> None:
    run = loop(2)
    with pytest.raises(UsageError, match="takes 4 markers in a request, not 5"):
        place_breakpoints(run, 5)
    with pytest.raises(UsageError, match="no cache lifetime '12h'; it has '5m' and '1h'"):
        place_breakpoints(run, ttls=["12h"])
    with pytest.raises(UsageError, match="at least one lifetime"):
        place_breakpoints(run, ttls=[])
    for k in (0, -1, 2.5):
        with pytest.raises(UsageError, match="at least one marker, not"):
            place_breakpoints(run, k)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="`lookback` cannot be negative"):
        place_breakpoints(run, lookback=-1)


def test_the_frame_has_a_row_a_turn() -> None:
    placed = place_breakpoints(loop(3), rates=PRICES)
    frame = placed.frame()
    assert list(frame["turn"]) == [1, 2, 3]
    assert frame["cost_usd"].sum() == pytest.approx(placed.cost_usd)
    assert frame.loc[0, "markers"].endswith("5m")


def test_the_bound_does_not_depend_on_the_order_of_a_set() -> None:
    sizes = (0, 7, 1190, 1197, 2380, 2396, 2441)  # whose plain sum does depend on it
    turns = [
        MarkedTurn(at, tuple(range(6)), sizes, (1, 2, 3, 4, 5, 6), Rates(2e-6, 2e-7, 2.5e-6, 4e-6, 1e-5))
        for at in (0.0, 60.0, 500.0)
    ]
    live = [(prefix, Entry(300.0, 300.0 + prefix)) for prefix in range(6)]
    bound = Bound(turns, [300.0, 3600.0])
    assert len({bound.after(0, order) for order in permutations(live)}) == 1


def test_a_long_run_is_planned_in_reasonable_time() -> None:
    placed = place_breakpoints(loop(40), rates=PRICES)
    assert len(placed.turns) == 40
    assert_consistent(placed)
