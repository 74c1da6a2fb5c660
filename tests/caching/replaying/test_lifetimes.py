"""What a write costs follows from the lifetime it was asked for, at every vendor that has more than one."""

from __future__ import annotations

import pytest
from msgspec import structs

from agentlab.caching import workloads
from agentlab.caching.calls import RecordedCall
from agentlab.caching.prices import rates
from agentlab.caching.profiles.registry import profile_for, profiles
from agentlab.caching.replaying.comparison import compare_orderings
from agentlab.caching.replaying.what_if import what_if
from agentlab.errors import UsageError
from agentlab.messages import CacheOptions, Usage

SIZES = workloads.Sizes(tools=1, tool=20, result=300)
CALLS = workloads.agent_loop(calls=2, sizes=SIZES, system_tokens=5000)
MODELS = [
    "openai:gpt-5.6",
    "azure:gpt-5.6",
    "bedrock-mantle:openai.gpt-5.6-luna",
    "openai:gpt-4.1",
    "azure:gpt-4.1",
    "anthropic:claude-sonnet-4-5",
    "bedrock:anthropic.claude-opus-4-7",
    "moonshot:kimi-k3",
]
LIFETIMES = [(name, ttl) for name in MODELS for ttl in profile_for(*name.split(":")).ttl]


def test_every_profile_of_several_lifetimes_is_tried() -> None:
    tried = {profile_for(*name.split(":")).name for name in MODELS}
    assert {row.name for row in profiles() if len(row.ttl) > 1} == tried


@pytest.mark.parametrize(("name", "ttl"), LIFETIMES)
def test_a_write_is_priced_by_its_lifetime(name: str, ttl: str) -> None:
    vendor, model = name.split(":")
    profile = profile_for(vendor, model)
    frame = what_if(CALLS, provider=name, ttl=ttl)
    first = frame.iloc[0]
    written = sum(
        first[column] for column in frame if column.startswith("cache_write_") and "_o" not in column
    )
    prices = rates(vendor, model, CALLS[0].at)
    expected = (first["input_tokens"] - written) + written * profile.write_multipliers[ttl]
    assert first["input_cost_usd"] == pytest.approx(expected * prices.uncached)
    if profile.write_multipliers[ttl] != 1.0:
        assert written > 2000


def test_another_lifetime_than_the_default_has_a_column_of_its_name() -> None:
    frame = what_if(CALLS, provider="openai:gpt-5.6", ttl="12h")
    assert frame["cache_write_12h_tokens"].sum() > 3000
    assert frame["cache_write_5m_tokens"].sum() == 0
    assert frame["delta_cache_write_12h_tokens"].equals(frame["cache_write_12h_tokens"])
    assert "cache_write_12h_tokens" not in what_if(CALLS, provider="openai:gpt-5.6")


def test_what_was_reported_is_priced_by_the_lifetime_its_request_asked_for() -> None:
    usage = Usage(input_tokens=3000, output_tokens=0, cache_read_tokens=0, cache_write_tokens=3000)
    cache = CacheOptions(ttl="12h")
    calls = [
        structs.replace(
            CALLS[0], model="gpt-5.6", usage=usage, request=structs.replace(CALLS[0].request, cache=cache)
        )
    ]
    row = what_if(calls, ttl="30m").iloc[0]
    assert row["cost_usd_original"] == pytest.approx(
        3000 * 2.5 * rates("openai", "gpt-5.6", calls[0].at).uncached
    )
    assert row["cache_write_12h_tokens_original"] == 3000
    assert row["input_cost_usd"] < 0.51 * row["input_cost_usd_original"]


def test_providers_of_other_lifetimes_are_compared_in_one_table() -> None:
    cached = [
        structs.replace(
            call, model="gpt-5.6", request=structs.replace(call.request, cache=CacheOptions(ttl="12h"))
        )
        for call in CALLS
    ]
    table = compare_orderings(
        cached, orderings=["stable_first"], providers=["openai:gpt-5.6", "anthropic:claude-sonnet-4-5"]
    )
    assert table.loc[("openai:gpt-5.6", "stable_first"), "cache_write_12h_tokens"] > 0
    assert table["cache_write_12h_tokens"].dtype == "int64"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"provider": "openai:gpt-5.6", "ttl": "5m"}, "no cache lifetime '5m'; it has '30m' and '12h'"),
        ({"provider": "perplexity:sonar", "ttl": "5m"}, "`perplexity:sonar` has no prompt cache"),
        ({"provider": "gemini:gemini-2.5-flash", "ttl": "5m"}, "lets nobody choose"),
        ({"provider": "antropic:claude-sonnet-4-5"}, "did you mean 'anthropic'"),
        ({"provider": 3}, "vendor:model"),
        ({"ordering": "stablefirst"}, "did you mean 'stable_first'"),
        ({"ordering": 3}, "a name, an `Ordering` or a list of parts, not 3"),
        ({"breakpoints": ["end"]}, "a list of 'tools', 'preamble', 'context', 'last', not 'end'"),
        ({"breakpoints": "last"}, "a list of 'tools'"),
        ({"tools": ["tool_9"]}, "offered no tool 'tool_9'; it has 'tool_0'"),
        ({"tools": "tool_0"}, r"write \['tool_0'\]"),
        ({"think_time_s": -1}, "0 or more, not -1"),
    ],
)
def test_what_cannot_be_changed_is_refused_with_a_sentence(change: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        what_if(CALLS, **change)  # type: ignore[arg-type]


def test_what_is_no_trace_or_sent_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a trace, or a list of `RecordedCall`, is needed here, not 'x'"):
        what_if("x")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="neither a body nor a request, so nobody knows what it sent"):
        what_if([RecordedCall("", "", "openai", "gpt-5.6")])
    with pytest.raises(UsageError, match="`orderings` is a list with one at least"):
        compare_orderings(CALLS, orderings=[])
    with pytest.raises(UsageError, match=r"`providers` is a list with one at least, not 'openai:gpt-5.2'"):
        compare_orderings(CALLS, providers="openai:gpt-5.2")


def test_an_unknown_price_comes_with_its_reason() -> None:
    assert "a machine of your own" in what_if(CALLS, provider="ollama:qwen3:4b").attrs["cost_note"]
    assert what_if(CALLS, provider="openai:gpt-5.2").attrs["cost_note"] is None
