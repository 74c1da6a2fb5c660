"""Which agents and vendors a batch serves."""

from __future__ import annotations

import pytest

import agentlab as al
from agentlab.errors import UnsupportedCapability
from agentlab.experiments.batch import batch_price_multiplier, check_single_turn
from agentlab.experiments.batch.running import batch_apis
from agentlab.experiments.batch.vendors import batch_vendors
from agentlab.models.registry import model
from agentlab.models.vendors import vendors


@al.tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def asked(name: str = "openai:gpt-5.6") -> al.Agent:
    return al.Agent(model(name, base_url="http://127.0.0.1:1", api_key="k"), name="adder")


def test_agents_that_ask_once_are_served() -> None:
    check_single_turn(asked())
    check_single_turn(asked().with_(tools=[add], max_turns=1))


def test_an_agent_that_may_ask_twice_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        UnsupportedCapability, match=r"'adder' has tools \(add\) .* 20 model calls; set `max_turns=1`"
    ):
        check_single_turn(asked().with_(tools=[add]))


def test_an_agent_of_another_vendor_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnsupportedCapability, match=r"`openai:`, `openai-chat:`, `anthropic:`"):
        check_single_turn(asked("gemini:gemini-3.5-flash"))


def test_a_model_of_ones_own_is_refused() -> None:
    class Own:
        name = "own:model"
        model_id = "model"

    agent = asked()
    agent.model = Own()  # type: ignore[assignment]
    with pytest.raises(UnsupportedCapability, match="Own is none"):
        check_single_turn(agent)


def test_the_table_names_vendors_and_interfaces_that_exist() -> None:
    for name, row in batch_vendors().items():
        assert name in vendors()
        assert row.api in batch_apis()
        assert row.price_multiplier is None or 0 < row.price_multiplier <= 1
        assert row.max_requests > 0
        assert row.max_bytes > 0


def test_prices_are_told_of_those_that_have_one() -> None:
    assert batch_price_multiplier("anthropic") == 0.5
    assert batch_price_multiplier("ollama") is None
