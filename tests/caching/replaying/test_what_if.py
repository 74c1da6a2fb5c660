"""`what_if` tells what a recorded run would have cost otherwise: exactly where nothing changed, in shape where it did."""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from agentlab.caching import workloads
from agentlab.caching.orderings.ordering import Ordering
from agentlab.caching.replaying.comparison import compare_orderings
from agentlab.caching.replaying.first_token import FirstToken
from agentlab.caching.replaying.what_if import what_if
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, Usage
from tests.caching.encoded import MODELS, encoded

TEN_CALLS = workloads.agent_loop(system_tokens=10_000, calls=10)
SMALL = workloads.Sizes(system=1500, tools=2, tool=20, result=300)


def saved(provider: str, ordering: str = "stable_first", **options: object) -> float:
    frame = what_if(TEN_CALLS, provider=provider, ordering=ordering, **options)
    share: float = frame.attrs["totals"]["input_saved_share"]
    return share


@pytest.mark.parametrize("provider", ["openai:gpt-5.2", "anthropic:claude-sonnet-4-5", "openai:gpt-5.6"])
def test_caching_a_whole_loop_saves_three_quarters_where_reads_cost_a_tenth(provider: str) -> None:
    assert 0.74 <= saved(provider) <= 0.80


def test_caching_a_whole_loop_saves_less_where_reads_cost_half() -> None:
    assert saved("openai:gpt-4o") == pytest.approx(0.44, abs=0.01)


def test_caching_only_the_system_prompt_saves_less_than_everything() -> None:
    system_only = Ordering(
        "system_only",
        ("tools", "preamble", "documents", "volatile", "few_shots", "history", "retrieved", "prompt"),
    )
    tenth = what_if(TEN_CALLS, ordering=system_only, provider="openai:gpt-5.2").attrs["totals"]
    half = what_if(TEN_CALLS, ordering=system_only, provider="openai:gpt-4o").attrs["totals"]
    assert tenth["input_saved_share"] == pytest.approx(0.60, abs=0.03)
    assert half["input_saved_share"] == pytest.approx(0.34, abs=0.02)
    marked = what_if(TEN_CALLS, provider="anthropic:claude-sonnet-4-5", breakpoints=("preamble",)).attrs[
        "totals"
    ]
    assert marked["input_saved_share"] == pytest.approx(0.60, abs=0.03)


@pytest.mark.parametrize("provider", ["anthropic:claude-sonnet-4-5", "openai:gpt-5.6"])
def test_a_timestamp_first_costs_more_than_no_cache_where_writes_cost_more(provider: str) -> None:
    assert -0.26 <= saved(provider, "volatile_first") <= -0.15


def test_a_timestamp_first_saves_next_to_nothing_where_writes_are_free() -> None:
    assert 0 <= saved("openai:gpt-5.2", "volatile_first") < 0.05


@pytest.mark.parametrize("name", MODELS.values())
def test_without_a_change_the_new_and_the_original_are_one(name: str) -> None:
    calls = encoded(workloads.agent_loop(calls=4, sizes=SMALL, system_tokens=1500), name)
    frame = what_if(calls)
    assert (frame.filter(like="delta_").fillna(0) == 0).all().all()
    assert frame.attrs["provider"] == frame.attrs["provider_original"] == name


@pytest.mark.parametrize("name", MODELS.values())
def test_calls_without_requests_can_move_to_another_provider_but_not_be_reordered(name: str) -> None:
    calls = encoded(workloads.agent_loop(calls=4, volatile=False), name)
    moved = what_if(calls, provider="anthropic:claude-opus-4-5")
    assert (moved["cache_read_tokens"][1:] > 10_000).all()
    with pytest.raises(UsageError, match="call 1 was recorded as a body only"):
        what_if(calls, ordering="query_first")


def test_a_prompt_is_counted_in_the_tokens_the_provider_reported() -> None:
    calls = [structs.replace(call, usage=Usage(input_tokens=20_000 + n)) for n, call in enumerate(TEN_CALLS)]
    frame = what_if(calls)
    assert list(frame["input_tokens"]) == [20_000 + n for n in range(10)]
    assert frame["cache_read_tokens"].iloc[1] > 15_000
    fewer = what_if(calls, tools=("tool_0",))
    assert (fewer["delta_input_tokens"] < -100).all()
    assert (fewer["input_tokens"] > 19_000).all()


def test_longer_thinking_outlives_short_entries_and_not_long_ones() -> None:
    marked = {"provider": "anthropic:claude-sonnet-4-5", "breakpoints": ("preamble", "last")}
    lost = what_if(TEN_CALLS, think_time_s=600, **marked)
    kept = what_if(TEN_CALLS, think_time_s=600, ttl="1h", **marked)
    assert (lost["cache_read_tokens"] == 0).all()
    assert (kept["cache_read_tokens"][1:] > 10_000).all()
    assert kept["cache_write_1h_tokens"].sum() > 0
    assert kept["cache_write_5m_tokens"].sum() == 0


def test_without_breakpoints_a_cache_of_markers_stays_empty() -> None:
    frame = what_if(TEN_CALLS, provider="anthropic:claude-sonnet-4-5", breakpoints=())
    assert frame["cache_read_tokens"].sum() == frame["cache_write_5m_tokens"].sum() == 0
    assert frame.attrs["totals"]["saved_share"] == pytest.approx(0)


def test_the_recorded_usage_is_the_original() -> None:
    usage = Usage(
        input_tokens=30_000,
        output_tokens=10,
        cache_read_tokens=20_000,
        cache_write_tokens=3_000,
        cache_write_1h_tokens=1_000,
        cache_write_5m_tokens=2_000,
    )
    calls = [structs.replace(call, usage=usage, ttft_s=0.7) for call in TEN_CALLS]
    row = what_if(calls, provider="anthropic:claude-sonnet-4-5", first_token=FirstToken(1, 1, 0, 0)).iloc[0]
    assert row["uncached_tokens_original"] == 7_000
    assert row["cache_write_5m_tokens_original"] == 2_000
    assert row["cache_write_1h_tokens_original"] == 1_000
    assert row["ttft_s_original"] == 10_001
    assert row["ttft_s_recorded"] == 0.7
    assert row["delta_cache_read_tokens"] == -20_000


def test_totals_are_the_sums() -> None:
    frame = what_if(TEN_CALLS, ordering="query_first")
    totals = frame.attrs["totals"]
    for name in ("input_tokens", "cost_usd", "ttft_s", "cost_usd_original"):
        assert totals[name] == pytest.approx(float(frame[name].sum()))
    assert totals["hit_share"] == pytest.approx(
        frame["cache_read_tokens"].sum() / frame["input_tokens"].sum()
    )


def test_an_unknown_price_is_unknown_and_not_free() -> None:
    frame = what_if(TEN_CALLS, provider="ollama:qwen3:4b")
    assert math.isnan(frame["cost_usd"].iloc[0])
    assert frame["input_tokens"].iloc[0] > 10_000


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(UsageError, match="no call"):
        what_if([])
    with pytest.raises(UsageError, match="vendor:model"):
        what_if(TEN_CALLS, provider="gpt-4o")
    with pytest.raises(UsageError, match="no ordering is called"):
        what_if(TEN_CALLS, ordering="best")


def test_orderings_are_compared_at_each_provider() -> None:
    table = compare_orderings(
        TEN_CALLS,
        orderings=["stable_first", "volatile_first"],
        providers=["openai:gpt-5.2", "anthropic:claude-opus-4-5"],
    )
    assert list(table.index) == [
        (provider, ordering)
        for provider in ("openai:gpt-5.2", "anthropic:claude-opus-4-5")
        for ordering in ("stable_first", "volatile_first")
    ]
    assert (table.xs("stable_first", level=1)["hit_share"] > 0.8).all()
    assert table.loc[("anthropic:claude-opus-4-5", "volatile_first"), "saved_share"] < 0


def test_the_cache_options_of_a_request_are_its_markers() -> None:
    cache = CacheOptions(breakpoints=("preamble",))
    calls = [
        structs.replace(
            call,
            vendor="anthropic",
            model="claude-sonnet-4-5",
            request=structs.replace(call.request, cache=cache) if call.request else None,
        )
        for call in TEN_CALLS
    ]
    frame = what_if(calls)
    assert frame["cache_read_tokens"][1:].nunique() == 1


def test_a_warm_fan_out_writes_once_and_a_cold_one_every_time() -> None:
    sizes = workloads.Sizes(tools=0, prompt=1)
    price = 10_000 * 3e-6
    for warm, expected in ((False, 8 * 1.25), (True, 1.25 + 7 * 0.1)):
        calls = workloads.fan_out(branches=8, system_tokens=10_000, sizes=sizes, warm_first=warm)
        totals = what_if(calls, breakpoints=("preamble",)).attrs["totals"]
        assert totals["input_cost_usd"] / price == pytest.approx(expected, rel=0.01)
