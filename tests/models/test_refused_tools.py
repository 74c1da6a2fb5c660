"""A model of Ollama that cannot call tools: the agent answers without them, and the user is told once for each call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.errors import BadRequest
from agentlab.messages import Notice, RequestSent
from agentlab.models import FallbackModel, Model
from agentlab.simulator import ErrorReply, SimRequest, call, reply
from tests.agent.bench import Bench, add, bench_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench() -> Iterator[Bench]:
    with bench_of() as made:
        made.sim.behaviour = without_tools
        yield made


def without_tools(request: SimRequest) -> Any:
    if request.tools:
        return ErrorReply(400, "registry.ollama.ai/library/gemma:2b does not support tools")
    return reply("Three, I think.")


def offered(bench: Bench) -> list[bool]:
    """Whether tools were offered, request by request."""
    return [bool(json.loads(request.body).get("tools")) for request in bench.requests]


async def test_the_agent_answers_without_tools_and_the_user_is_told_once(bench: Bench) -> None:
    events = [event async for event in Agent(bench.model("ollama"), tools=[add]).stream_prompt("1 + 2?")]
    notices = [event for event in events if isinstance(event, Notice)]
    assert [(notice.kind, notice.text) for notice in notices] == [
        ("tools_dropped", "ollama:qwen3:4b cannot call tools; the request is sent without them")
    ]
    assert len([event for event in events if isinstance(event, RequestSent)]) == 2
    assert offered(bench) == [True, False]


async def test_what_the_server_said_is_remembered_and_every_run_records_it(bench: Bench) -> None:
    agent = Agent(bench.model("ollama"), tools=[add])
    first = await agent.prompt("1 + 2?")
    second = await agent.prompt("And 2 + 3?", history=first.messages)
    assert (first.text, second.text) == ("Three, I think.",) * 2
    assert offered(bench) == [True, False, False]
    assert [[notice.kind for notice in run.trace.of(Notice)] for run in (first, second)] == [
        ["tools_dropped"]
    ] * 2
    assert first.turns["retries"].tolist() == [0]


async def test_another_model_is_asked_with_tools(bench: Bench) -> None:
    await Agent(bench.model("ollama"), tools=[add]).prompt("1 + 2?")
    await Agent(bench.model("ollama"), tools=[add]).prompt("1 + 2?")
    assert offered(bench) == [True, False, True, False]


async def test_without_tools_nothing_is_said(bench: Bench) -> None:
    model = bench.model("ollama")
    await Agent(model, tools=[add]).prompt("1 + 2?")
    run = await Agent(model).prompt("Hi")
    assert list(run.trace.of(Notice)) == []


async def test_a_history_with_calls_of_another_model_is_sent_without_tools_too(bench: Bench) -> None:
    says = iter([reply("", calls=[call("add", a=1, b=2)]), reply("Three.")])
    bench.sim.behaviour = lambda _: next(says)
    before = await Agent(bench.model("openai"), tools=[add]).prompt("1 + 2?")
    bench.sim.behaviour = without_tools
    run = await Agent(bench.model("ollama"), tools=[add]).prompt("Sure?", history=before.messages)
    assert run.text == "Three, I think."


async def test_another_refusal_is_raised_and_nothing_is_remembered(bench: Bench) -> None:
    bench.sim.behaviour = lambda _: ErrorReply(400, "invalid format")
    model = bench.model("ollama")
    with pytest.raises(BadRequest, match="invalid format"):
        await Agent(model, tools=[add]).prompt("Hi")
    assert not model.refuses_tools


async def test_as_a_fallback_it_drops_its_tools_alone(bench: Bench) -> None:
    def say(request: SimRequest) -> Any:
        return ErrorReply(529, "Overloaded") if request.vendor == "openai" else without_tools(request)

    bench.sim.behaviour = say
    models: list[Model] = [bench.model("openai"), bench.model("ollama")]
    run = await Agent(FallbackModel(models, clock=bench.clock), tools=[add]).prompt("1 + 2?")
    assert run.text == "Three, I think."
    assert [notice.kind for notice in run.trace.of(Notice)][:2] == ["fallback", "tools_dropped"]
    assert run.trace.turns[0].model == "ollama:qwen3:4b"
