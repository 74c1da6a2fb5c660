"""What the simulator bills for a conversation is what a forecast of its recording says: one accounting."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.caching.calibration.cassettes import turns
from agentlab.caching.calibration.forecasts import forecasts
from agentlab.caching.calibration.recordings import Exchange
from agentlab.caching.profiles.registry import profile_for, profile_named, profiles
from agentlab.messages import Text
from agentlab.simulator.cache import Accounts, policy_factory
from agentlab.simulator.exchange import Reply, SimRequest

LONG = "The archive of the harbour keeps one ledger for each ship, and each year has 1 page. " * 330
ASKED = ("Which ship came first?", "And then?", "How many pages has 1854?", "Thank you. " * 90)
MODELS = {
    "openai": ("openai", "gpt-5.6"),
    "openai-legacy": ("openai", "gpt-4o-mini"),
    "azure": ("azure", "gpt-5.6"),
    "azure-legacy": ("azure", "gpt-4o"),
    "bedrock-mantle": ("bedrock-mantle-chat", "openai.gpt-5.6-luna"),
    "anthropic": ("anthropic", "claude-sonnet-4-6"),
    "bedrock-claude": ("bedrock", "us.anthropic.claude-haiku-4-5"),
    "bedrock-nova": ("bedrock", "us.amazon.nova-lite-v1:0"),
    "gemini": ("gemini-chat", "gemini-2.5-flash"),
    "kimi": ("moonshot", "kimi-k3"),
    "kimi-k2": ("moonshot", "kimi-k2"),
}
WIRES = {"anthropic": "anthropic", "bedrock-claude": "bedrock_converse", "bedrock-nova": "bedrock_converse"}
RECORDED = {
    "anthropic": "anthropic-messages",
    "bedrock_converse": "bedrock-converse",
    "openai_chat": "openai-chat",
}
NAMES = [row.name for row in profiles() if row.vendors and row.family != "none"]


def conversation(wire: str, model: str, opening: str, **options: Any) -> list[dict[str, Any]]:
    """The bodies of a conversation: each turn sends back what was answered."""
    bodies: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for number, text in enumerate((opening, *ASKED)):
        content: Any = {
            "anthropic": [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}],
            "bedrock_converse": [{"text": text}, {"cachePoint": {"type": "default"}}],
        }.get(wire, text)
        bare: Any = {
            "anthropic": [{"type": "text", "text": text}],
            "bedrock_converse": [{"text": text}],
        }.get(wire, text)
        system: dict[str, Any] = {
            "anthropic": {"system": [{"type": "text", "text": LONG}]},
            "bedrock_converse": {"system": [{"text": LONG}]},
        }.get(wire, {})
        start = [] if system else [{"role": "system", "content": LONG}]
        bodies.append(
            {
                "model": model,
                **system,
                "messages": [*start, *said, {"role": "user", "content": content}],
                **options,
            }
        )
        answer: Any = f"Ledger {number}. " * 40
        if wire != "openai_chat":
            answer = [{"type": "text", "text": answer}] if wire == "anthropic" else [{"text": answer}]
        said += [{"role": "user", "content": bare}, {"role": "assistant", "content": answer}]
    return bodies


def simulated(vendor: str, wire: str, model: str, bodies: list[dict[str, Any]]) -> list[Exchange]:
    """The conversation as the simulator bills it, recorded."""
    accounts = Accounts(policy_factory("provider", strict=True))
    recorded = []
    for number, body in enumerate(bodies):
        request = SimRequest(vendor=vendor, wire=wire, model=model, json=body)
        reply = Reply(content=(Text(f"Ledger {number % 5}. " * 40),))
        at = 1_790_000_000.0 + 20 * number
        usage = accounts.account(request, reply, at)
        recorded.append(
            Exchange(str(number), "simulated", number, vendor, model, RECORDED[wire], body, False, usage, at)
        )
    return recorded


def differences(vendor: str, model: str, recorded: list[Exchange]) -> list[tuple[Any, ...]]:
    """Where a forecast is not what was billed: read and written."""
    profile = profile_for(vendor, model)
    found = []
    for placed in turns(recorded):
        for forecast in forecasts(placed, profile):
            usage, outcome = forecast.turn.exchange.usage, forecast.outcome
            billed = (usage.cache_read_tokens, usage.cache_write_tokens)
            if (outcome.read_tokens, outcome.write_tokens) != billed:
                found.append((forecast.turn.exchange.id, outcome, billed))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_of_a_simulated_conversation_is_right_to_the_token(name: str):
    vendor, model = MODELS.get(name, (profile_named(name).vendors[0], "m"))
    assert profile_for(vendor, model).name == name
    wire = WIRES.get(name, "openai_chat")
    bodies = conversation(wire, model, "Hello.") + conversation(wire, model, "Good day to you.")
    recorded = simulated(vendor, wire, model, bodies)
    assert differences(vendor, model, recorded) == []
    reads = [exchange.usage.cache_read_tokens for exchange in recorded]
    if profile_for(vendor, model).reports_reads:
        assert all(reads[1:5]), reads


@pytest.mark.parametrize("choice", [{"type": "auto"}, {"type": "any"}])
@pytest.mark.parametrize("thinking", [{"type": "disabled"}, {"type": "enabled", "budget_tokens": 1024}])
def test_what_the_vendor_adds_is_billed_and_forecast_alike(choice: Any, thinking: Any):
    tools = [{"name": "add", "description": "Add.", "input_schema": {"type": "object", "properties": {}}}]
    bodies = conversation(
        "anthropic", "claude-sonnet-4-6", "Hello.", tools=tools, tool_choice=choice, thinking=thinking
    )
    assert (
        differences(
            "anthropic", "claude-sonnet-4-6", simulated("anthropic", "anthropic", "claude-sonnet-4-6", bodies)
        )
        == []
    )


def test_a_marker_behind_the_preamble_alone_is_billed_and_forecast_alike():
    bodies = [
        {
            "model": "claude-sonnet-4-6",
            "system": [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": text}],
        }
        for text in ASKED
    ]
    recorded = simulated("anthropic", "anthropic", "claude-sonnet-4-6", bodies)
    assert differences("anthropic", "claude-sonnet-4-6", recorded) == []
    assert recorded[1].usage.cache_read_tokens == recorded[0].usage.cache_write_tokens


def test_an_answer_sent_back_is_read_as_far_as_it_was_generated():
    recorded = simulated(
        "deepseek",
        "openai_chat",
        "deepseek-v4-flash",
        conversation("openai_chat", "deepseek-v4-flash", "Hi."),
    )
    first, second = recorded[0].usage, recorded[1].usage
    assert second.cache_read_tokens == (first.input_tokens + first.output_tokens) // 128 * 128
    assert second.cache_read_tokens > first.input_tokens
