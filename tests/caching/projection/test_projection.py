"""Projections: what is projected is what the formulas say, and the optima are optima."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from agentlab.caching.calls import RecordedCall
from agentlab.caching.prices import Rates, rates
from agentlab.caching.projection.growth import growth_of
from agentlab.caching.projection.projection import Compaction, Projection, project
from agentlab.errors import UsageError
from agentlab.messages import Usage

JULY = datetime(2026, 7, 20, tzinfo=UTC).timestamp()
NOVEMBER = datetime(2026, 11, 20, tzinfo=UTC).timestamp()
PRICES = Rates(uncached=1e-6, read=1e-7, write_5m=1.25e-6, write_1h=2e-6, output=5e-6)


def recorded(
    turns: int = 5,
    first: int = 10_000,
    growth: int = 500,
    *,
    output: int = 100,
    gap_s: float = 60.0,
    read: float | None = 1.0,
    model: str = "anthropic:claude-sonnet-4-6",
    at: float = NOVEMBER,
) -> list[RecordedCall]:
    """A run of counted calls; each reads this share of the prompt before it."""
    vendor, _, name = model.partition(":")
    calls = []
    for turn in range(turns):
        prompt = first + growth * turn
        hit = None if read is None else (round(read * (prompt - growth)) if turn else 0)
        usage = Usage(
            input_tokens=prompt,
            output_tokens=output,
            cache_read_tokens=hit,
            cache_write_tokens=None if hit is None else prompt - hit,
        )
        calls.append(RecordedCall("openai-chat", "", vendor, name, usage, at + gap_s * turn, output))
    return calls


def test_the_growth_is_measured() -> None:
    grown = growth_of(recorded(read=0.8))
    assert (grown.calls, grown.first_tokens, grown.tokens_per_turn) == (5, 10_000, 500)
    assert (grown.output_tokens, grown.think_time_s) == (100, 60.0)
    assert grown.read_share == pytest.approx(0.8, abs=1e-4)
    assert grown.prompt_tokens(11) == 15_000


def test_a_run_whose_reads_are_not_reported_is_taken_to_read_all_it_can() -> None:
    assert growth_of(recorded(read=None)).read_share == 1.0
    assert growth_of(recorded(read=0.0)).read_share == 0.0


def test_estimates_stand_in_where_nothing_was_counted() -> None:
    bodies = [
        '{"messages":[{"role":"user","content":"' + "word " * count + '"}]}' for count in (200, 400, 600)
    ]
    calls = [RecordedCall("openai-chat", each, "openai", "gpt-5.6", output_tokens=7) for each in bodies]
    grown = growth_of(calls)
    assert grown.tokens_per_turn == pytest.approx(200, rel=0.1)
    assert grown.output_tokens == 7
    assert grown.at is None


def test_the_curve_of_the_recorded_turns_costs_what_they_cost() -> None:
    calls = recorded()
    curve = project(calls, 5).curve
    table = project(calls, 5).prices
    assert curve["cached_usd"].sum() == pytest.approx(table["recorded_usd"].iloc[-1])
    assert list(curve["input_tokens"]) == [10_000, 10_500, 11_000, 11_500, 12_000]
    assert curve["cached_total_usd"].iloc[-1] == pytest.approx(curve["cached_usd"].sum())


def test_the_first_turn_is_dearer_cached_and_every_later_one_cheaper() -> None:
    curve = project(recorded(output=0), 200, rates=PRICES).curve
    assert curve["cached_usd"].iloc[0] == pytest.approx(1.25 * curve["uncached_usd"].iloc[0])
    assert (curve["cached_usd"].iloc[1:] < curve["uncached_usd"].iloc[1:]).all()
    saved = 1 - curve["cached_total_usd"].iloc[-1] / curve["uncached_total_usd"].iloc[-1]
    assert 0.85 < saved < 0.9


def test_an_agent_loop_reads_more_than_ninety_percent() -> None:
    curve = project(recorded(20, 5000, 300), 40).curve
    assert curve["cache_read_tokens"].sum() / curve["input_tokens"].sum() > 0.9


def test_a_long_prompt_is_projected_at_the_price_of_its_tier() -> None:
    calls = recorded(3, 200_000, 50_000, output=0, model="openai:gpt-5.6", read=0.0)
    curve = project(calls, 3).curve
    assert curve["uncached_usd"].iloc[0] == pytest.approx(200_000 * 4e-6)
    assert curve["uncached_usd"].iloc[2] == pytest.approx(300_000 * 8e-6)


def test_compacting_too_often_and_too_seldom_both_cost_more_than_the_best_cadence() -> None:
    projection = project(recorded(growth=3000), 100, rates=PRICES)
    cadence = projection.cadence.set_index("every_turns")["cost_usd"]
    best = projection.best_cadence
    assert best is not None
    assert cadence[best] == cadence.min()
    assert 1 < best < 100
    assert cadence[1] > 1.05 * cadence[best]
    assert cadence[100] > 1.05 * cadence[best]


def test_a_short_run_is_best_not_compacted() -> None:
    projection = project(recorded(growth=50), 6, rates=PRICES)
    assert projection.best_cadence is None
    assert projection.cadence.iloc[-1]["compactions"] == 0


def test_never_compacting_costs_what_the_curve_costs() -> None:
    projection = project(recorded(), 30, rates=PRICES)
    assert projection.cadence["cost_usd"].iloc[-1] == pytest.approx(projection.curve["cached_usd"].sum())


def test_one_compaction_by_hand() -> None:
    projection = project(
        recorded(first=1000, growth=100, output=10), 3, compaction=Compaction(summary_tokens=40), rates=PRICES
    )
    cost = projection.cadence.set_index("every_turns")["cost_usd"][2]
    read, write, out = PRICES.read, PRICES.write_5m, PRICES.output
    first = 1000 * write + 10 * out
    second = 1000 * read + 100 * write + 10 * out
    summary = 1100 * read + 100 * write + 40 * out
    third = 1000 * read + 140 * write + 10 * out
    assert cost == pytest.approx(first + second + summary + third)
    cut = project(
        recorded(first=1000, growth=100, output=10),
        3,
        compaction=Compaction(summary_tokens=40, calls_model=False),
        rates=PRICES,
    )
    assert cut.cadence.set_index("every_turns")["cost_usd"][2] == pytest.approx(first + second + third)


@settings(max_examples=40, deadline=None)
@given(
    growth=st.integers(0, 5000),
    turns=st.integers(1, 40),
    summary=st.integers(0, 3000),
    read=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_the_best_cadence_is_the_least_of_the_sweep(
    growth: int, turns: int, summary: int, read: float
) -> None:
    projection = project(
        recorded(growth=growth, read=read), turns, compaction=Compaction(summary), rates=PRICES
    )
    costs = projection.cadence["cost_usd"]
    best = projection.best_cadence
    assert len(costs) == turns
    assert costs[(best or turns) - 1] == costs.min()


def test_each_lifetime_is_best_just_for_the_pauses_it_outlives() -> None:
    table = project(recorded(), rates=PRICES).lifetimes([60, 300, 301, 3600, 3601])
    assert list(table["best"]) == ["5m", "5m", "1h", "1h", "5m"]
    read, new = 12_000, 500
    assert table["5m_usd"].iloc[0] == pytest.approx(read * 1e-7 + new * 1.25e-6)
    assert table["5m_usd"].iloc[2] == pytest.approx(12_500 * 1.25e-6)
    assert table["1h_usd"].iloc[2] == pytest.approx(read * 1e-7 + new * 2e-6)


def test_the_lifetimes_compared_are_the_vendor_s_at_its_own_prices() -> None:
    table = project(recorded(model="openai:gpt-5.6")).lifetimes()
    assert [name for name in table if name.endswith("_usd")] == ["30m_usd", "12h_usd"]
    by_pause = table.set_index("think_time_s")
    assert list(by_pause["best"][[1800, 1801, 43_200, 43_201]]) == ["30m", "12h", "12h", "30m"]
    assert by_pause["12h_usd"][43_201] == pytest.approx(12_500 * 2.5 * 4e-6)
    assert by_pause["30m_usd"][43_201] == pytest.approx(12_500 * 1.25 * 4e-6)
    some = project(recorded(model="openai:gpt-5.6")).lifetimes([60], ["12h"])
    assert list(some) == ["think_time_s", "12h_usd", "best"]


def test_a_vendor_with_one_lifetime_has_one_and_one_without_says_so() -> None:
    table = project(recorded(model="gemini:gemini-2.5-flash")).lifetimes()
    assert [name for name in table if name.endswith("_usd")] == ["default_usd"]
    with pytest.raises(UsageError, match="`perplexity:sonar` has no prompt cache"):
        project(recorded(model="perplexity:sonar"), rates=PRICES).lifetimes()
    with pytest.raises(UsageError, match="no known time"):
        project(recorded(model="vllm:qwen3"), rates=PRICES).lifetimes()
    with pytest.raises(UsageError, match="no cache lifetimes '5m'; give a list of '30m', '12h'"):
        project(recorded(model="openai:gpt-5.6")).lifetimes(lifetimes=["5m"])
    with pytest.raises(UsageError, match="0 or more, not -1"):
        project(recorded()).lifetimes([-1])


def test_what_was_recorded_with_a_longer_lifetime_is_projected_with_it() -> None:
    body = '{"prompt_cache_options":{"ttl":"12h"},"input":[{"role":"user","content":"go"}]}'
    calls = [
        structs.replace(call, wire="openai-responses", body=body) for call in recorded(model="openai:gpt-5.6")
    ]
    projection = project(calls, 5)
    assert projection.growth.ttl == "12h"
    assert projection.curve["cached_usd"].iloc[0] == pytest.approx(10_000 * 2.5 * 4e-6 + 100 * 20e-6)
    assert projection.curve["cached_usd"].sum() == pytest.approx(projection.prices["recorded_usd"].iloc[-1])


def test_a_change_of_prices_is_a_row_of_its_own() -> None:
    table = project(recorded(model="openai:gpt-5.6-sol", at=JULY), 10).prices
    assert list(table["from_date"]) == [None, date(2026, 8, 21)]
    assert list(table["input_usd_per_mtok"]) == pytest.approx([5.0, 4.0])
    assert table["recorded_usd"].iloc[0] > table["recorded_usd"].iloc[1]
    assert table["projected_usd"].iloc[0] > table["projected_usd"].iloc[1]


def test_the_prices_are_those_of_the_day_of_the_run() -> None:
    july = project(recorded(model="openai:gpt-5.6", at=JULY), 3).curve
    november = project(recorded(model="openai:gpt-5.6", at=NOVEMBER), 3).curve
    assert july["uncached_usd"].iloc[0] == pytest.approx(10_000 * 5e-6 + 100 * 30e-6)
    assert november["uncached_usd"].iloc[0] == pytest.approx(10_000 * 4e-6 + 100 * 20e-6)


def test_an_unknown_price_is_refused_and_a_given_one_taken() -> None:
    unknown = recorded(model="nobody:nothing")
    with pytest.raises(UsageError, match="no price for `nobody:nothing`"):
        _ = project(unknown).curve
    assert math.isfinite(project(unknown, 3, rates=PRICES).curve["cached_usd"].sum())


def test_no_calls_and_no_turns_are_refused() -> None:
    with pytest.raises(UsageError, match="no calls"):
        project([])
    for turns in (0, -3, 2.5):
        with pytest.raises(UsageError, match="at least one turn"):
            project(recorded(), turns)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="a summary cannot have -1 tokens"):
        project(recorded(), compaction=Compaction(-1))
    with pytest.raises(UsageError, match="a trace, or a list"):
        project("trace")  # type: ignore[arg-type]


def test_a_projection_says_what_it_was_made_of() -> None:
    projection = project(recorded(), 7)
    assert isinstance(projection, Projection)
    assert (projection.turns, projection.growth.calls) == (7, 5)
    assert rates("anthropic", "claude-sonnet-4-6", NOVEMBER).known
