"""A tool that asks runs on a recorded consent alone, whoever gives it and whenever; else the run can go on later."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from agentlab.agent import Agent, Run, RunStream
from agentlab.errors import ApprovalNeeded, RunProtocolViolation, RunStopped, UsageError
from agentlab.messages import ApprovalAsked, ApprovalGiven, ToolCall, ToolResult, ToolStarted
from agentlab.models import WireModel
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import FunctionTool, tool
from tests.agent.bench import Bench, add, assert_sendable, bench_of, results_of
from tests.agent.stepping import Suspended, Trickle

pytestmark = pytest.mark.anyio


class Shop:
    """Counts what was really bought."""

    def __init__(self, *, approval: Any = "it costs money") -> None:
        self.bought: list[str] = []

        def buy(thing: str) -> str:
            """Buy a thing."""
            self.bought.append(thing)
            return f"bought {thing}"

        self.tool = FunctionTool(buy, approval=approval)


def buys(request: SimRequest) -> Any:
    results = results_of([request.messages[-1]])
    if results:
        return reply("; ".join(result.text for result in results))
    return reply("Let me.", calls=[call("buy", thing="a cow"), call("add", a=1, b=2)])


def agent_of(bench: Bench, shop: Shop, **options: Any) -> Agent:
    return bench.agent("openai", buys, tools=[shop.tool, add], **options)


async def watched(stream: RunStream, answer: bool, note: str = "") -> list[Any]:
    """Iterate and answer each question from another thread; the events of tools."""
    stream.attended = True
    seen: list[Any] = []
    async for event in stream:
        if isinstance(event, ApprovalAsked):
            threading.Thread(target=stream.decide, args=(event.call_id, answer, note)).start()
        if isinstance(event, ApprovalAsked | ApprovalGiven | ToolStarted | ToolResult):
            seen.append(event)
    return seen


async def test_a_person_who_watches_is_asked_and_consent_runs_the_tool(bench: Bench) -> None:
    shop = Shop()
    stream = agent_of(bench, shop).stream_prompt("Buy a cow.")
    seen = await watched(stream, answer=True)
    kinds = [type(event).__name__ for event in seen if getattr(event, "name", "buy") == "buy"]
    assert kinds == ["ApprovalAsked", "ApprovalGiven", "ToolStarted", "ToolResult"]
    assert next(event.reason for event in seen if isinstance(event, ApprovalAsked)) == "it costs money"
    assert shop.bought == ["a cow"]
    assert stream.run.text == "bought a cow; 3"


async def test_a_refusal_runs_nothing_and_the_model_is_told_why(bench: Bench) -> None:
    shop = Shop()
    stream = agent_of(bench, shop).stream_prompt("Buy a cow.")
    seen = await watched(stream, answer=False, note="we have no meadow")
    assert shop.bought == []
    assert [event.name for event in seen if isinstance(event, ToolStarted)] == ["add"]
    result = next(result for result in results_of(stream.run.messages) if result.name == "buy")
    assert (result.status, result.text) == ("skipped", "we have no meadow")
    assert stream.run.text == "we have no meadow; 3"


async def test_where_nobody_can_be_asked_the_run_stands_still_and_goes_on_in_another_process(
    bench: Bench,
) -> None:
    shop = Shop()
    with pytest.raises(ApprovalNeeded, match="`buy` asks for approval") as raised:
        await agent_of(bench, shop).prompt("Buy a cow.")
    assert shop.bought == []
    assert [one.name for one in raised.value.calls] == ["buy"]
    assert_sendable(raised.value.history)
    run = Run.from_json(raised.value.run_json)
    assert [one.name for one in run.pending_calls] == ["buy"], "the call that asked nobody was answered"
    run.decide(raised.value.calls[0].id, approved=True)
    stream = agent_of(bench, shop).resume(Run.from_json(run.to_json()))
    async for _ in stream:
        pass
    assert shop.bought == ["a cow"]
    assert stream.run.text == "bought a cow; 3"


async def test_every_call_that_waits_is_named_and_the_trace_says_what_for(bench: Bench) -> None:
    def twice(request: SimRequest) -> Any:
        return reply("", calls=[call("buy", thing="a cow"), call("buy", thing="a hen")])

    shop = Shop()
    stream = bench.agent("openai", twice, tools=[shop.tool]).stream_prompt("Buy.")
    with pytest.raises(ApprovalNeeded) as raised:
        async for _ in stream:
            pass
    assert sorted(one.arguments["thing"] for one in raised.value.calls) == ["a cow", "a hen"]
    last: Any = stream.trace.events[-1].event
    assert (last.stop_reason, last.detail) == ("stopped", "waits for approval of `buy`, `buy`")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (True, "bought a cow; 3"),
        (False, "the user did not approve this call; 3"),
        ("too dear", "too dear; 3"),
    ],
)
async def test_an_approver_decides_in_place_of_a_person(bench: Bench, answer: Any, text: str) -> None:
    asked: list[tuple[str, str]] = []

    async def approver(one: ToolCall, reason: str) -> bool | str:
        asked.append((one.name, reason))
        return answer  # type: ignore[no-any-return]

    shop = Shop()
    run = await agent_of(bench, shop, approver=approver).prompt("Buy a cow.")
    assert run.text == text
    assert asked == [("buy", "it costs money")]
    assert shop.bought == ["a cow"] * (answer is True)


async def test_an_approver_that_does_not_say_yes_or_no_is_told_so_and_nothing_runs(bench: Bench) -> None:
    shop = Shop()
    with pytest.raises(UsageError, match=r"gives True, False, or a text.*gave None"):
        await agent_of(bench, shop, approver=lambda _call, _reason: None).prompt("Buy a cow.")
    assert shop.bought == []


async def test_a_tool_may_ask_for_some_arguments_alone(bench: Bench) -> None:
    def dear(arguments: Mapping[str, Any]) -> bool | str:
        return "a cow is dear" if arguments["thing"] == "a cow" else False

    def hen(request: SimRequest) -> Any:
        return (
            "Done." if results_of([request.messages[-1]]) else reply("", calls=[call("buy", thing="a hen")])
        )

    shop = Shop(approval=dear)
    await bench.agent("openai", hen, tools=[shop.tool]).prompt("Buy a hen.")
    assert shop.bought == ["a hen"]
    with pytest.raises(ApprovalNeeded):
        await agent_of(bench, shop).prompt("Buy a cow.")
    assert shop.bought == ["a hen"]


async def test_a_call_that_waits_for_a_person_takes_no_slot(bench: Bench) -> None:
    shop = Shop()
    stream = agent_of(bench, shop, tool_concurrency=1).stream_prompt("Buy a cow.")
    stream.attended = True
    order = []
    async for event in stream:
        if isinstance(event, ApprovalAsked):
            waiting = event.call_id
        if isinstance(event, ToolResult):
            order.append(event.name)
            if event.name == "add":
                assert stream.decide(waiting, True)
    assert order == ["add", "buy"]


async def test_a_second_answer_and_an_answer_to_nothing_change_nothing(bench: Bench) -> None:
    shop = Shop()
    stream = agent_of(bench, shop).stream_prompt("Buy a cow.")
    stream.attended = True
    assert not stream.decide("nothing", True)
    async for event in stream:
        if isinstance(event, ApprovalAsked):
            assert stream.decide(event.call_id, False)
            assert not stream.decide(event.call_id, True)
    assert shop.bought == []
    with pytest.raises(RunProtocolViolation, match="not pending"):
        stream.run.decide("nothing", approved=True)


async def test_stop_ends_a_run_that_waits_for_a_person(bench: Bench) -> None:
    shop = Shop()
    stream = agent_of(bench, shop).stream_prompt("Buy a cow.")
    stream.attended = True

    async def stopped_when_asked() -> None:
        async for event in stream:
            if isinstance(event, ApprovalAsked):
                threading.Thread(target=stream.stop).start()

    with pytest.raises(RunStopped, match="stopped by the user"):
        await stopped_when_asked()
    assert shop.bought == []
    assert_sendable(stream.run.all_messages)


async def test_cancelled_at_any_await_nothing_runs_that_was_not_approved() -> None:
    """Cut at every suspension of a run whose question is answered with yes: what ran has its decision on record."""
    with bench_of() as bench:
        for at in count(1, 2):
            shop = Shop()
            agent = agent_of(bench, shop)
            assert isinstance(agent.model, WireModel)
            agent.model.http = Trickle()
            stream = agent.stream_prompt("Buy a cow.")
            given: list[str] = []

            async def consume(stream: RunStream = stream, given: list[str] = given) -> None:
                stream.attended = True
                async for event in stream:
                    if isinstance(event, ApprovalAsked):
                        given.append(event.call_id)
                        stream.decide(event.call_id, True)

            try:
                await Suspended(consume(), at, 0)
            except asyncio.CancelledError:
                assert len(shop.bought) <= len(given)
                assert_sendable(stream.run.all_messages)
                continue
            break
        assert at > 20
        assert shop.bought == ["a cow"]


def test_asking_is_declared_where_the_tool_is_made() -> None:
    @tool(approval="it deletes")
    def remove(path: str) -> str:
        """Remove a file."""
        return path

    assert remove.approval == "it deletes"
    assert add.approval is False
