"""Prices: recorded bills reproduced to the nanodollar, unknown prices never zero, and agreement with the whole table."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.caching.price_lists import price_list_of
from agentlab.caching.prices import (
    cost_usd,
    price_changes,
    rates,
    savings_ceiling,
    turn_cost,
    write_price,
)
from agentlab.caching.profiles.registry import profile_for, profiles
from agentlab.errors import UsageError
from agentlab.messages import Usage
from agentlab.models.vendors import vendors

NANODOLLAR = 1e-9
NOVEMBER = datetime(2026, 11, 20, 12, 0, tzinfo=UTC).timestamp()
JULY = datetime(2026, 7, 20, 12, 0, tzinfo=UTC).timestamp()
TICK_USD = 1e-10  # xAI reports costs in ticks


def usage(prompt: int, output: int, read: int = 0, write: int = 0, **more: float) -> Usage:
    return Usage(
        input_tokens=prompt, output_tokens=output, cache_read_tokens=read, cache_write_tokens=write, **more
    )


# Usage and bill of recorded calls; the bill is the provider's own where it reports one.
BILLS = [
    ("anthropic", "claude-sonnet-4-6", usage(5270, 71, 5169, 99), NOVEMBER, 0.00299295),
    (
        "anthropic",
        "claude-sonnet-4-6",
        usage(4566, 71, 0, 4563, cache_write_1h_tokens=4544, cache_write_5m_tokens=19),
        NOVEMBER,
        0.02840925,
    ),
    ("openrouter", "openai/gpt-4o-mini", usage(4597, 4, 4480), NOVEMBER, 0.00035595),
    ("openrouter", "openai/gpt-4o-mini", usage(4624, 4, 4480), NOVEMBER, 0.00036),
    ("openrouter", "anthropic/claude-sonnet-4.6", usage(2572, 63, 0, 2569), NOVEMBER, 0.01058775),
    ("openrouter", "anthropic/claude-sonnet-4.6", usage(2649, 100, 2569, 79), NOVEMBER, 0.00256995),
    ("openrouter", "anthropic/claude-sonnet-4.6", usage(2572, 100, 2240, 329), NOVEMBER, 0.00341475),
    ("openai", "gpt-5.6-sol", usage(4020, 5, 0, 4012), JULY, 0.025265),
    ("openai", "gpt-5.6-sol", usage(4020, 5, 4012), JULY, 0.002196),
    ("openai", "gpt-5.6-sol", usage(4020, 5, 0, 4012), NOVEMBER, 0.020192),
    # Named grok-3-mini in the request, billed as grok-4.3.
    ("x-ai", "grok-4.3", usage(4858, 113, 192), NOVEMBER, 61_534_000 * TICK_USD),
    ("x-ai", "grok-4.3", usage(4858, 112, 4800), NOVEMBER, 13_125_000 * TICK_USD),
    ("x-ai", "grok-4.3", usage(4885, 165, 4864), NOVEMBER, 14_115_500 * TICK_USD),
]


@pytest.mark.parametrize(("provider", "model", "tokens", "at", "bill"), BILLS)
def test_recorded_bills_are_reproduced_to_the_nanodollar(
    provider: str, model: str, tokens: Usage, at: float, bill: float
) -> None:
    cost = turn_cost(provider, model, tokens, at)
    parts = (
        cost.uncached_usd,
        cost.read_usd,
        cost.write_5m_usd,
        cost.write_1h_usd,
        cost.output_usd,
    )
    assert cost.total_usd == pytest.approx(bill, rel=0, abs=NANODOLLAR)
    assert math.fsum(parts) == pytest.approx(bill, rel=0, abs=NANODOLLAR)
    assert cost.note is None
    assert cost_usd(provider, model, tokens, at=at) == cost.total_usd


def test_one_hour_writes_cost_their_own_rate_and_the_rest_the_five_minute_rate() -> None:
    tokens = usage(4566, 71, 0, 4563, cache_write_1h_tokens=4544, cache_write_5m_tokens=19)
    cost = turn_cost("anthropic", "claude-sonnet-4-6", tokens, NOVEMBER)
    assert cost.write_1h_usd == pytest.approx(4544 * 6e-6)
    assert cost.write_5m_usd == pytest.approx(19 * 3.75e-6)
    assert cost.uncached_usd == pytest.approx(3 * 3e-6)
    assert cost.output_usd == pytest.approx(71 * 15e-6)


def test_writes_without_a_split_are_default_writes() -> None:
    cost = turn_cost("anthropic", "claude-sonnet-4-6", usage(1000, 0, 0, 1000), NOVEMBER)
    assert (cost.write_5m_usd, cost.write_1h_usd) == (pytest.approx(1000 * 3.75e-6), 0.0)


def test_a_split_without_its_sum_is_priced_all_the_same() -> None:
    split = Usage(input_tokens=100, output_tokens=0, cache_write_5m_tokens=60, cache_write_1h_tokens=40)
    cost = turn_cost("anthropic", "claude-sonnet-4-6", split, NOVEMBER)
    assert cost.uncached_usd == 0.0
    assert cost.total_usd == pytest.approx(60 * 3.75e-6 + 40 * 6e-6)


def test_writes_of_a_model_that_charges_none_cost_as_input() -> None:
    old = rates("openai", "gpt-4o-mini", NOVEMBER)
    assert old.write_5m == old.write_1h == old.uncached


def test_an_unknown_model_costs_nan_and_says_so() -> None:
    cost = turn_cost("openai", "no-such-model", usage(10, 1))
    assert not rates("no-such-provider", "x").known
    assert math.isnan(cost.total_usd)
    assert math.isnan(cost.uncached_usd)
    assert cost.note == "the price table has no price for `no-such-model` of `openai`"
    assert cost_usd("openai", "no-such-model", usage(10, 1)) is None


def test_a_read_without_a_price_is_nan_but_no_read_is_free() -> None:
    model = ("openai", "gpt-4")
    assert math.isnan(rates(*model, NOVEMBER).read)
    with_read = turn_cost(*model, usage(100, 1, read=50), NOVEMBER)
    assert math.isnan(with_read.read_usd)
    assert math.isnan(with_read.total_usd)
    assert with_read.note == "the price table has no price for reads from the cache"
    without = turn_cost(*model, usage(100, 1), NOVEMBER)
    assert without.read_usd == 0.0
    assert without.total_usd > 0
    assert without.note is None


def test_an_hour_write_where_only_the_default_write_has_a_price_is_nan() -> None:
    assert math.isnan(rates("openai", "gpt-5.6", NOVEMBER).write_1h)
    assert rates("openai", "gpt-5.6", NOVEMBER).write_5m > rates("openai", "gpt-5.6", NOVEMBER).uncached


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (Usage(output_tokens=5), "did not report the prompt's tokens"),
        (Usage(input_tokens=5), "did not report the tokens it generated"),
        (usage(2168, 100, 2161, 2161), "contradict each other"),
    ],
)
def test_counts_that_are_missing_or_contradict_make_the_cost_unknown(tokens: Usage, said: str) -> None:
    cost = turn_cost("google", "gemini-2.5-flash", tokens, NOVEMBER)
    assert math.isnan(cost.total_usd)
    assert said in (cost.note or "")
    assert cost_usd("google", "gemini-2.5-flash", tokens, at=NOVEMBER) is None


def test_an_embedding_model_needs_no_output_count() -> None:
    cost = turn_cost("openai", "text-embedding-3-small", Usage(input_tokens=1_000_000), NOVEMBER)
    assert cost.output_usd == 0.0
    assert cost.total_usd == pytest.approx(0.02)


def test_no_usage_at_all_has_no_cost() -> None:
    assert cost_usd("openai", "gpt-4o", Usage()) is None


def test_the_providers_own_figure_is_the_total_and_the_difference_is_told() -> None:
    own = usage(2168, 100, 2161, 2161, reported_cost_usd=0.0004970133333)
    cost = turn_cost("openrouter", "google/gemini-2.5-flash", own, NOVEMBER)
    assert cost.total_usd == 0.0004970133333
    assert "the provider's own figure; derived from the price table it is unknown" in (cost.note or "")
    assert cost_usd("openrouter", "google/gemini-2.5-flash", own) == 0.0004970133333
    agreed = usage(4597, 4, 4480, reported_cost_usd=0.00035595)
    assert turn_cost("openrouter", "openai/gpt-4o-mini", agreed, NOVEMBER).note is None
    other = usage(4597, 4, 4480, reported_cost_usd=0.5)
    assert "it is $0.00035595" in (turn_cost("openrouter", "openai/gpt-4o-mini", other, NOVEMBER).note or "")


def test_the_price_of_the_day_of_the_call_is_used() -> None:
    assert rates("openai", "gpt-5.6", JULY).uncached == pytest.approx(5e-6)
    assert rates("openai", "gpt-5.6", NOVEMBER).uncached == pytest.approx(4e-6)
    assert price_changes("openai", "gpt-5.6") == (date(2026, 8, 21),)
    assert price_changes("openai", "gpt-4o-mini") == ()
    assert price_changes("nobody", "nothing") == ()


def test_peak_hours_have_their_own_price() -> None:
    peak = datetime(2026, 11, 20, 2, 30, tzinfo=UTC).timestamp()
    assert rates("deepseek", "deepseek-v4-flash", peak).uncached == pytest.approx(
        2 * rates("deepseek", "deepseek-v4-flash", NOVEMBER).uncached
    )


def test_a_long_prompt_pays_the_price_of_its_tier_for_every_token() -> None:
    below, above = usage(272_000, 10), usage(272_001, 10)
    assert turn_cost("openai", "gpt-5.6", below, NOVEMBER).uncached_usd == pytest.approx(272_000 * 4e-6)
    assert turn_cost("openai", "gpt-5.6", above, NOVEMBER).uncached_usd == pytest.approx(272_001 * 8e-6)


def test_a_fee_for_each_request_is_in_the_total_and_told() -> None:
    cost = turn_cost("perplexity", "sonar", usage(1000, 100), NOVEMBER)
    fee = rates("perplexity", "sonar", NOVEMBER).request
    assert fee > 0
    assert cost.total_usd == pytest.approx(cost.uncached_usd + cost.output_usd + fee)
    assert "a request" in (cost.note or "")


@pytest.mark.parametrize(
    ("provider", "model", "ceiling"),
    [
        ("openai", "gpt-4o", 0.5),
        ("openai", "gpt-4.1", 0.75),
        ("openai", "gpt-5.6", 0.9),
        ("anthropic", "claude-sonnet-4-6", 0.9),
        ("anthropic", "claude-opus-5-5", 0.95),
        ("x-ai", "grok-3-mini", 0.75),
    ],
)
def test_the_savings_ceiling_is_one_minus_the_read_multiplier(
    provider: str, model: str, ceiling: float
) -> None:
    assert savings_ceiling(provider, model, NOVEMBER) == pytest.approx(ceiling)


def test_what_cannot_be_priced_is_refused_with_a_sentence() -> None:
    with pytest.raises(UsageError, match="no vendor is called 'opnai'; did you mean 'openai'"):
        savings_ceiling("opnai", "gpt-4o")
    assert "did you mean 'openai'" in (turn_cost("opnai", "gpt-4o", usage(1, 1)).note or "")
    with pytest.raises(UsageError, match=r"a `Usage`, such as `turn.usage`, not 'None'"):
        turn_cost("openai", "gpt-4o", None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="`input_tokens` cannot be negative, and it is -3"):
        turn_cost("openai", "gpt-4o", usage(-3, 1))
    with pytest.raises(UsageError, match="Unix time in seconds, not 'today'"):
        turn_cost("openai", "gpt-4o", usage(3, 1), at="today")  # type: ignore[arg-type]


def test_the_savings_ceiling_of_an_unknown_price_is_nan() -> None:
    assert math.isnan(savings_ceiling("openai", "no-such-model"))
    assert math.isnan(savings_ceiling("openai", "gpt-4"))


def _models() -> list[tuple[str, str]]:
    return [(provider.id, model.id) for provider in get_snapshot().providers for model in provider.models]


@settings(max_examples=400, deadline=None)
@given(
    model=st.sampled_from(_models()),
    counts=st.tuples(*[st.integers(0, 150_000)] * 4),
    output=st.integers(0, 5000),
    hour=st.integers(0, 23),
)
def test_every_model_of_the_table_costs_what_the_table_says(
    model: tuple[str, str], counts: tuple[int, int, int, int], output: int, hour: int
) -> None:
    uncached, read, short, long = counts
    when = datetime(2026, 11, 20, hour, 30, tzinfo=UTC)
    tokens = usage(
        sum(counts), output, read, short + long, cache_write_5m_tokens=short, cache_write_1h_tokens=long
    )
    cost = turn_cost(*model, tokens, when.timestamp())
    if math.isnan(cost.total_usd):
        assert "the price table has no price for" in (cost.note or "")
        return
    prices = rates(*model, when.timestamp(), input_tokens=sum(counts))
    if long and math.isnan(prices.write_1h):
        # The table bills it as its parent, a short write; the provider does not.
        assert cost.write_1h_usd == pytest.approx(
            long * prices.uncached * profile_for(*model).write_multipliers["1h"]
        )
        return
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=sum(counts),
            output_tokens=output,
            cache_read_tokens=read,
            cache_write_tokens=short + long,
            cache_write_1h_tokens=long,
        ),
        model[1],
        provider_id=model[0],
        genai_request_timestamp=when,
    )
    assert cost.total_usd == pytest.approx(float(expected.total_price), rel=1e-12, abs=NANODOLLAR)
    assert uncached or cost.uncached_usd == 0.0


@pytest.mark.parametrize("vendor", ["x-ai", "xai", "xai-chat"])
def test_a_vendor_that_speaks_two_wires_has_one_price_list(vendor: str) -> None:
    assert rates(vendor, "grok-4.3", NOVEMBER).uncached == pytest.approx(1.25e-6)


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("openai-chat", "gpt-5.6"),
        ("chatgpt", "gpt-5.6"),
        ("azure-responses", "gpt-5.6"),
        ("copilot", "claude-haiku-4.5"),
        ("copilot-responses", "claude-haiku-4.5"),
        ("anthropic-chat", "claude-sonnet-4-6"),
        ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("bedrock-mantle", "openai.gpt-5.6-luna"),
        ("bedrock-mantle-chat", "openai.gpt-5.6-luna"),
        ("gemini", "gemini-2.5-flash"),
        ("gemini-chat", "gemini-2.5-flash"),
        ("vertex", "gemini-2.5-flash"),
        ("deepseek-responses", "deepseek-chat"),
        ("moonshot", "kimi-k3"),
        ("openrouter-responses", "openai/gpt-4o"),
    ],
)
def test_a_vendor_of_another_name_than_the_table_s_is_priced(vendor: str, model: str) -> None:
    assert rates(vendor, model, NOVEMBER).known
    assert turn_cost(vendor, model, usage(100, 10), NOVEMBER).note is None


def test_every_vendor_has_a_price_list_or_a_reason_why_it_has_none() -> None:
    listed = {provider.id for provider in get_snapshot().providers}
    for vendor in {*vendors(), *(each for row in profiles() for each in row.vendors)}:
        found = price_list_of(vendor)
        note = turn_cost(vendor, "no-such-model", usage(1, 1)).note or ""
        assert (found in listed) != (": " in note), (vendor, note)


def test_an_unknown_price_says_why_the_table_has_none() -> None:
    cost = turn_cost("ollama", "qwen3:4b", usage(100, 10))
    assert math.isnan(cost.total_usd)
    assert cost.note == (
        "the price table has no price for `qwen3:4b` of `ollama`: it runs on a machine of your own"
    )


LIFETIMES = [
    (row.vendors[0], model, ttl)
    for row, model in [
        (profile_for("openai", "gpt-5.6"), "gpt-5.6"),
        (profile_for("azure", "gpt-5.6"), "gpt-5.6"),
        (profile_for("openai", "gpt-4.1"), "gpt-4.1"),
        (profile_for("azure", "gpt-4.1"), "gpt-4.1"),
        (profile_for("anthropic", "claude-sonnet-4-6"), "claude-sonnet-4-6"),
        (profile_for("bedrock", "anthropic.claude-opus-4-7"), "anthropic.claude-opus-4-7"),
        (profile_for("bedrock-mantle", "openai.gpt-5.6-luna"), "openai.gpt-5.6-luna"),
        (profile_for("moonshot", "kimi-k3"), "kimi-k3"),
    ]
    for ttl in row.ttl
]


@pytest.mark.parametrize(("vendor", "model", "ttl"), LIFETIMES)
def test_a_write_costs_what_the_profile_says_for_its_lifetime(vendor: str, model: str, ttl: str) -> None:
    profile, prices = profile_for(vendor, model), rates(vendor, model, NOVEMBER)
    expected = profile.write_multipliers[ttl] * prices.uncached
    assert write_price(prices, profile, ttl) == pytest.approx(expected)
    assert turn_cost(vendor, model, usage(1000, 0, 0, 1000), NOVEMBER, ttl=ttl).total_usd == pytest.approx(
        1000 * expected
    )


def test_every_profile_of_several_lifetimes_is_among_those_tested() -> None:
    several = {row.name for row in profiles() if len(row.ttl) > 1}
    assert several == {profile_for(vendor, model).name for vendor, model, _ in LIFETIMES}


def test_a_lifetime_the_vendor_lacks_is_written_with_its_default() -> None:
    plain = turn_cost("openai", "gpt-5.6", usage(1000, 0, 0, 1000), NOVEMBER)
    assert turn_cost("openai", "gpt-5.6", usage(1000, 0, 0, 1000), NOVEMBER, ttl="5m") == plain
