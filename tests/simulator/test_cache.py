"""The vendors' own cache rules, seen through their own SDKs on the server's clock."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from agentlab.caching.profiles.registry import profile_for
from agentlab.errors import UsageError
from agentlab.simulator import Latency, Simulator, serve
from agentlab.simulator.cache import policy_factory, profile_of
from agentlab.simulator.exchange import SimRequest

LONG = "hello " * 6_000
SYSTEM: list[Any] = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
HI: list[Any] = [{"role": "user", "content": "hi"}]


def anthropic(sim: Simulator) -> Anthropic:
    return Anthropic(base_url=sim.base_url("anthropic"), api_key=sim.token, max_retries=0)


def openai(sim: Simulator) -> OpenAI:
    return OpenAI(base_url=sim.base_url("openai"), api_key=sim.token, max_retries=0)


def said(sim: Simulator, **options: Any) -> Any:
    """The usage of one message."""
    options = {"model": "claude-sonnet-5", "max_tokens": 64, "system": SYSTEM, "messages": HI, **options}
    with anthropic(sim) as client:
        return client.messages.create(**options).usage


def asked(sim: Simulator, model: str = "gpt-5.6", text: str = LONG, **options: Any) -> Any:
    """The usage of one response."""
    with openai(sim) as client:
        return client.responses.create(model=model, input=text, **options).usage


def test_an_entry_of_five_minutes_is_gone_after_six(sim: Simulator) -> None:
    first = said(sim)
    assert (first.cache_read_input_tokens, first.cache_creation_input_tokens > 5_000) == (0, True)
    sim.advance("4m")
    assert said(sim).cache_read_input_tokens == first.cache_creation_input_tokens
    sim.advance("4m")
    assert said(sim).cache_read_input_tokens == first.cache_creation_input_tokens
    sim.advance("6m")
    late = said(sim)
    assert late.cache_read_input_tokens == 0
    assert late.cache_creation_input_tokens == first.cache_creation_input_tokens


def test_hourly_and_short_writes_are_told_apart(sim: Simulator) -> None:
    hourly = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    tail: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]}
    ]
    split = said(sim, system=hourly, messages=tail).cache_creation
    assert split.ephemeral_1h_input_tokens > 5_000
    assert split.ephemeral_5m_input_tokens > 5_000
    sim.advance("30m")
    again = said(sim, system=hourly, messages=tail)
    assert again.cache_read_input_tokens == split.ephemeral_1h_input_tokens
    assert again.cache_creation.ephemeral_5m_input_tokens == split.ephemeral_5m_input_tokens


@pytest.mark.parametrize(("model", "cached"), [("claude-opus-5", True), ("claude-opus-4-7", False)])
def test_the_least_length_is_that_of_the_model(sim: Simulator, model: str, cached: bool) -> None:
    system = [{"type": "text", "text": "hello " * 1_500, "cache_control": {"type": "ephemeral"}}]
    assert bool(said(sim, model=model, system=system).cache_creation_input_tokens) is cached


def test_newer_models_bill_writes_and_read_them_exactly(sim: Simulator) -> None:
    first, second = asked(sim), asked(sim)
    tail = profile_for("openai", "gpt-5.6").tail_tokens
    assert first.input_tokens_details.cache_write_tokens == first.input_tokens - tail
    assert second.input_tokens_details.cached_tokens == first.input_tokens - tail
    assert second.input_tokens_details.cache_write_tokens == 0
    sim.advance("31m")
    assert asked(sim).input_tokens_details.cached_tokens == 0


def test_older_models_read_multiples_of_128_and_bill_no_write(sim: Simulator) -> None:
    first, second = (asked(sim, "gpt-4o-mini") for _ in range(2))
    assert first.input_tokens_details.cache_write_tokens == 0
    read = second.input_tokens_details.cached_tokens
    assert read % 128 == 0
    assert first.input_tokens - 128 < read <= first.input_tokens


def test_short_prompts_are_read_where_the_plain_rule_is_asked_for() -> None:
    with serve(policy="longest-prefix") as sim:
        first, second = asked(sim, text="hello"), asked(sim, text="hello")
    assert (first.input_tokens_details.cached_tokens, second.input_tokens_details.cached_tokens) == (
        0,
        first.input_tokens,
    )


def test_chance_is_left_out_unless_it_is_asked_for() -> None:
    def reads(**options: Any) -> list[int]:
        with (
            serve(**options) as sim,
            OpenAI(base_url=sim.base_url("groq"), api_key=sim.token, max_retries=0) as client,
        ):
            found = []
            for _ in range(12):
                usage = client.chat.completions.create(
                    model="openai/gpt-oss-20b", messages=[{"role": "user", "content": LONG}]
                ).usage
                assert usage is not None
                details = usage.prompt_tokens_details
                found.append(details.cached_tokens or 0 if details else 0)
            return found

    assert all(reads()[1:])
    chance = reads(strict_cache=False, seed=1)
    assert not all(chance[1:])
    assert any(chance)
    assert chance == reads(strict_cache=False, seed=1)


def test_a_pace_that_is_only_noted_delays_no_entry() -> None:
    with serve(latency=Latency(first_token_s=3.0)) as sim:
        asked(sim)
        assert asked(sim).input_tokens_details.cached_tokens > 0


@pytest.mark.parametrize(
    ("vendor", "wire", "name"),
    [
        ("openai", "openai_responses", "openai-legacy"),
        ("mine", "anthropic", "anthropic"),
        ("mine", "gemini", "gemini"),
        ("mine", "openai_chat", "unknown"),
        ("perplexity", "openai_chat", "none"),
    ],
)
def test_a_vendor_without_a_row_follows_its_wire(vendor: str, wire: str, name: str) -> None:
    assert profile_of(SimRequest(vendor=vendor, wire=wire, model="m")).name == name


def test_five_markers_on_a_gateway_are_refused_as_by_the_vendor_behind_it(sim: Simulator) -> None:
    parts: list[Any] = [
        {"type": "text", "text": str(number), "cache_control": {"type": "ephemeral"}} for number in range(5)
    ]
    with (
        OpenAI(base_url=sim.base_url("openrouter"), api_key=sim.token, max_retries=0) as client,
        pytest.raises(Exception, match="maximum of 4 blocks with cache_control"),
    ):
        client.chat.completions.create(
            model="anthropic/claude-sonnet-5", messages=[{"role": "user", "content": parts}]
        )


def test_a_policy_that_is_no_policy_is_refused() -> None:
    with pytest.raises(UsageError, match="policy"):
        policy_factory("longest")  # type: ignore[arg-type]
