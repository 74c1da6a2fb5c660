"""A set of agents chooses who answers, says why, and leaves one record of the choice and the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.agent.composition.router import AgentSet, Choice, IndexChooser, ModelChooser
from agentlab.errors import OutputInvalid, UsageError
from agentlab.messages import AssistantMessage, Message, RunFinished, UserMessage
from agentlab.simulator import reply
from tests.agent.bench import Bench
from tests.agent.composition.asking import cast, one_of

pytestmark = pytest.mark.anyio

FOR = {"billing": "Invoices, payments and refunds.", "travel": "Flights, trains and hotels."}


def offices(bench: Bench, chooses: Any = None, **options: Any) -> AgentSet:
    """Two agents; `chooses` is what a choosing model says."""
    cast(
        bench,
        billing=lambda _: reply("Billing here."),
        travel=lambda request: reply(f"Travel here, after {len(request.messages) - 1}."),
        You=lambda request: chooses(request) if callable(chooses) else reply(json.dumps(chooses)),
    )
    return AgentSet({name: one_of(bench, name, description=what) for name, what in FOR.items()}, **options)


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_model_chooses_by_a_typed_answer_and_says_why(bench: Bench, streamed: bool) -> None:
    model = bench.model("openai")
    chooser = ModelChooser(Agent(model, name="router", stream=streamed))
    agents = offices(bench, {"agent": "travel", "reason": "It is about a flight."}, by=chooser)
    routed = await agents.route("My flight is late")
    assert (routed.name, routed.reason) == ("travel", "It is about a flight.")
    assert routed.text == str(routed) == "Travel here, after 0."
    tree = routed.trace.tree
    assert tree["agent"].tolist() == ["router", "router", "travel"]
    assert tree["depth"].tolist() == [0, 1, 1]
    assert routed.trace.total_usage.input_tokens == tree["input_tokens"].sum()
    assert routed.run.trace is routed.trace.children[1]
    asked = bench.requests[0]
    assert b"Flights, trains and hotels." in asked.body
    assert b'"enum":["billing","travel"]' in asked.body.replace(b" ", b"")
    assert bench.refused == []


async def test_a_model_that_names_nobody_is_asked_again_and_then_refused(bench: Bench) -> None:
    agents = offices(bench, {"agent": "kitchen", "reason": "Hungry."}, by=bench.model("openai"))
    with pytest.raises(OutputInvalid, match="no `Choice`"):
        await agents.route("Soup?")
    assert len(bench.requests) == 2


async def test_a_function_chooses_plain_or_async(bench: Bench) -> None:
    agents = offices(bench, by=lambda prompt: "billing" if "pay" in prompt else "travel")
    routed = await agents.route("I want to pay")
    assert (routed.name, routed.text) == ("billing", "Billing here.")

    async def later(prompt: str) -> Choice:
        return Choice("travel", f"{len(prompt)} letters")

    assert (await agents.route("Hi", by=later)).reason == "2 letters"
    with pytest.raises(UsageError, match="a name or a `Choice`"):
        await agents.route("Hi", by=lambda _: 3)  # type: ignore[arg-type]


async def test_descriptions_are_searched_where_nothing_else_is_said(bench: Bench) -> None:
    agents = offices(bench)
    routed = await agents.route("Which hotels and trains are there?")
    assert routed.name == "travel"
    assert "fits best" in routed.reason
    assert [child.agent_name for child in routed.trace.children] == ["travel"]
    with pytest.raises(UsageError, match="give the set a `default`"):
        await agents.route("Something else entirely")


async def test_the_default_answers_where_nobody_fits(bench: Bench) -> None:
    agents = offices(bench, default="billing")
    routed = await agents.route("Something else entirely")
    assert (routed.name, routed.reason) == ("billing", "the default: no description fits")
    strict = offices(bench, default="billing", by=IndexChooser(threshold=99.0))
    assert (await strict.route("hotels")).name == "billing"
    assert (
        await agents.route("x", by=lambda _: "kitchen")
    ).reason == "the default: the choice fell on 'kitchen'"


async def test_the_history_goes_to_the_agent_that_is_chosen(bench: Bench) -> None:
    history: list[Message] = [UserMessage.of("Hi"), AssistantMessage.of("Hello")]
    routed = await offices(bench).route(UserMessage.of("hotels"), history=history)
    assert routed.text == "Travel here, after 2."


async def test_a_choice_that_fails_is_recorded_and_raised(bench: Bench) -> None:
    seen: list[Any] = []

    class Broken:
        async def choose(self, prompt: str, agents: Mapping[str, str]) -> Choice:
            from agentlab.agent.current_run import current_run  # noqa: PLC0415 - only here

            seen.append(current_run())
            raise KeyError(prompt)

    with pytest.raises(KeyError):
        await offices(bench, by=Broken()).route("hotels")
    ended = next(seen[0].trace.of(RunFinished))
    assert (ended.stop_reason, ended.detail) == ("error", "KeyError: 'hotels'")


async def test_agents_are_found_by_name(bench: Bench) -> None:
    agents = offices(bench)
    assert list(agents) == ["billing", "travel"] == list(agents.names)
    assert (await agents["billing"].prompt("?")).text == "Billing here."
    larger = agents.with_agent("home", agents["billing"])
    assert (len(agents), len(larger), "home" in larger, "home" in agents) == (2, 3, True, False)
    with pytest.raises(UsageError, match="no agent is called 'kitchen'; there are 'billing', 'travel'"):
        agents["kitchen"]
    assert repr(larger) == "AgentSet(billing, travel, home)"


def test_without_await(bench: Bench) -> None:
    assert offices(bench).route_sync("hotels").name == "travel"


def test_a_set_without_agents_or_with_an_unknown_default_is_refused() -> None:
    agent = Agent("sim:openai/gpt-5.6")
    with pytest.raises(UsageError, match="one agent or more"):
        AgentSet({})
    with pytest.raises(UsageError, match="none of 'a'"):
        AgentSet({"a": agent}, default="b")
    with pytest.raises(UsageError, match="cannot choose"):
        AgentSet({"a": agent}, by=3)  # type: ignore[arg-type]
