"""A run is judged by its policy and its taint, and what was judged is told, kept and taken along."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentlab.agent import Agent, DynamicContext, Run
from agentlab.agent.approving import ApprovalPolicy, Rule
from agentlab.agent.composition.pipeline import pipeline
from agentlab.agent.spans import spans_of
from agentlab.errors import ApprovalNeeded, RunProtocolViolation
from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    Judged,
    ToolCall,
    ToolResult,
    ToolStarted,
    UserMessage,
    events_from_json,
    events_to_json,
)
from agentlab.notebook.run.state import RunState
from agentlab.retrieval import Document, LexicalIndex, search_tool
from agentlab.tools import FunctionTool, tool
from tests.agent.approving.scripted import agent_of, calls, ended
from tests.agent.bench import results_of

pytestmark = pytest.mark.anyio
POLICY = ApprovalPolicy()


class Desk:
    """Tools that note what was done with them."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.gate = asyncio.Event()

        async def read(path: str = "a.txt") -> str:
            """Read a file."""
            return f"the text of {path}"

        async def send(text: str) -> str:
            """Send a text."""
            self.sent.append(text)
            return "sent"

        async def wait(text: str) -> str:
            """Send a text once the gate is open."""
            async with asyncio.timeout(30):
                await self.gate.wait()
            self.sent.append(text)
            return "sent"

        def fail() -> str:
            """Fail."""
            raise ValueError("anybody's words")

        self.read = FunctionTool(read, effect="read", returns="untrusted")
        self.send = FunctionTool(send, effect="network", returns="trusted")
        self.wait = FunctionTool(wait, effect="network", returns="trusted")
        self.fail = FunctionTool(fail, effect="read", returns="untrusted")
        self.tools = [self.read, self.send, self.wait, self.fail]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def kinds(events: list[Any]) -> list[str]:
    kept = (Judged, ApprovalAsked, ApprovalGiven, ToolStarted, ToolResult)
    return [type(event).__name__ for event in events if isinstance(event, kept)]


def verdicts(run: Run) -> list[tuple[str, str, str]]:
    return [(judged.name, judged.verdict, judged.by) for judged in run.judged]


async def test_without_a_policy_nothing_is_judged_but_the_taint_is_known(desk: Desk) -> None:
    stream = agent_of([calls("read")], [calls("send", text="x")], tools=desk.tools).stream_prompt("Go.")
    events, _ = await ended(stream)
    assert kinds(events) == ["ToolStarted", "ToolResult"] * 2
    assert desk.sent == ["x"]
    assert (stream.run.tainted, stream.run.judged) == (["`read`"], [])


async def test_before_anything_untrusted_was_read_sending_is_no_question(desk: Desk) -> None:
    agent = agent_of([calls("send", text="x")], [calls("read")], tools=desk.tools, approvals=POLICY)
    stream = agent.stream_prompt("Go.")
    events, error = await ended(stream)
    assert error is None
    assert kinds(events) == ["ToolStarted", "ToolResult"] * 2
    assert desk.sent == ["x"]
    assert stream.run.judged == []


async def test_a_denied_call_is_skipped_and_the_model_is_told_why(desk: Desk) -> None:
    policy = ApprovalPolicy(rules=(Rule("send", "deny", {"text": "*x*"}, "nothing with an x leaves"),))
    stream = agent_of([calls("send", text="x")], tools=desk.tools, approvals=policy).stream_prompt("Go.")
    events, _ = await ended(stream)
    assert kinds(events) == ["Judged", "ToolResult"]
    result = results_of(stream.run.messages)[0]
    assert (result.status, result.text) == ("skipped", "nothing with an x leaves")
    assert desk.sent == []
    assert verdicts(stream.run) == [("send", "deny", "rule")]


async def test_a_rule_that_allows_is_told_too(desk: Desk) -> None:
    policy = ApprovalPolicy(rules=(Rule("send", "allow", reason="our own server"),))
    stream = agent_of([calls("read")], [calls("send", text="x")], tools=desk.tools, approvals=policy)
    run = await stream.prompt("Go.", tainted="a mail")
    assert desk.sent == ["x"]
    assert verdicts(run.run) == [("send", "allow", "rule")]


async def test_a_tainted_run_asks_and_consent_is_on_record_before_the_tool_runs(desk: Desk) -> None:
    agent = agent_of([calls("read")], [calls("send", text="x")], tools=desk.tools, approvals=POLICY)
    stream = agent.stream_prompt("Go.")
    stream.attended = True
    events: list[Any] = []
    async for event in stream:
        events.append(event)
        if isinstance(event, ApprovalAsked):
            assert "`read`" in event.reason
            assert desk.sent == []
            assert stream.decide(event.call_id, approved=True, note="it is fine")
    assert kinds(events)[2:] == [
        "Judged",
        "ApprovalAsked",
        "ApprovalGiven",
        "Judged",
        "ToolStarted",
        "ToolResult",
    ]
    assert verdicts(stream.run) == [("send", "ask", "taint"), ("send", "allow", "user")]
    assert desk.sent == ["x"]


@pytest.mark.parametrize(("answer", "verdict"), [(True, "allow"), ("not that", "deny")])
async def test_an_approver_answers_and_is_named(desk: Desk, answer: bool | str, verdict: str) -> None:
    agent = agent_of(
        [calls("send", text="x")], tools=desk.tools, approvals=POLICY, approver=lambda _c, _r: answer
    )
    run = await agent.prompt("Go.", tainted="a mail")
    assert verdicts(run.run) == [("send", "ask", "taint"), ("send", verdict, "approver")]
    assert desk.sent == ["x"] * (answer is True)


async def test_the_first_untrusted_result_taints_what_is_judged_after_it_and_not_before(desk: Desk) -> None:
    """Of one turn: `wait` is judged before `read` has answered, `send` waits for a slot until it has."""
    turn = [calls("wait", text="early"), calls("read"), calls("send", text="late")]
    agent = agent_of(turn, tools=desk.tools, approvals=POLICY, tool_concurrency=2)
    stream = agent.stream_prompt("Go.")

    async def watched() -> None:
        async for event in stream:
            if isinstance(event, Judged):
                assert event.name == "send"
                desk.gate.set()

    with pytest.raises(ApprovalNeeded) as raised:
        await watched()
    assert [call.name for call in raised.value.calls] == ["send"]
    assert desk.sent == ["early"]
    assert verdicts(stream.run) == [("send", "ask", "taint")]


async def test_a_tool_that_fails_taints_as_well_and_one_that_was_skipped_does_not(desk: Desk) -> None:
    policy = ApprovalPolicy(rules=(Rule("read", "deny"),))
    agent = agent_of(
        [calls("read")], [calls("fail")], [calls("send", text="x")], tools=desk.tools, approvals=policy
    )
    stream = agent.stream_prompt("Go.")
    _, error = await ended(stream)
    assert error is not None
    assert stream.run.tainted == ["`fail`"]
    assert [result.untrusted for result in results_of(stream.run.messages)] == [False, True]
    assert desk.sent == []


async def test_the_taint_and_the_verdicts_go_on_in_another_process(desk: Desk) -> None:
    steps = ([calls("read")], [calls("send", text="x")])
    agent = agent_of(*steps, tools=desk.tools, approvals=POLICY)
    with pytest.raises(ApprovalNeeded) as raised:
        await agent.prompt("Go.")
    run = Run.from_json(raised.value.run_json)
    assert run.tainted == ["`read`"]
    assert verdicts(run) == [("send", "ask", "taint")]
    undecided = agent_of(tools=desk.tools, approvals=POLICY).resume(Run.from_json(run.to_json()))
    _, error = await ended(undecided)
    assert error is not None, "a run read back asks again"
    run.decide(raised.value.calls[0].id, approved=True, note="yes")
    resumed = agent_of([calls("send", text="y")], tools=desk.tools, approvals=POLICY).resume(
        Run.from_json(run.to_json())
    )
    _, again = await ended(resumed)
    assert desk.sent == ["x"], "the decision held for its own call and no other"
    assert again is not None
    assert verdicts(resumed.run) == [
        ("send", "ask", "taint"),
        ("send", "allow", "user"),
        ("send", "ask", "taint"),
    ]


async def test_a_decision_does_not_outweigh_a_policy_that_denies(desk: Desk) -> None:
    with pytest.raises(ApprovalNeeded) as raised:
        await agent_of([calls("send", text="x")], tools=desk.tools, approvals=POLICY).prompt(
            "Go.", tainted="it"
        )
    run = Run.from_json(raised.value.run_json)
    run.decide(raised.value.calls[0].id, approved=True)
    await ended(agent_of(tools=desk.tools, approvals=ApprovalPolicy(default="deny")).resume(run))
    assert desk.sent == []


async def test_a_later_prompt_of_a_conversation_is_tainted_by_what_was_read_earlier(desk: Desk) -> None:
    first = await agent_of([calls("read")], tools=desk.tools).prompt("Read it.")
    later = agent_of([calls("send", text="x")], tools=desk.tools, approvals=POLICY)
    stream = later.stream_prompt("Send it.", history=first.run.all_messages)
    _, error = await ended(stream)
    assert error is not None
    assert stream.run.tainted == ["`read`"]
    assert desk.sent == []


async def test_documents_found_for_a_prompt_taint_it_and_the_prompts_after_it(desk: Desk) -> None:
    index = LexicalIndex()
    await index.insert([Document("1", "mules and donkeys")])
    found = agent_of(tools=desk.tools, approvals=POLICY, dynamic_context=[DynamicContext(index, 1)])
    run = (await found.prompt("mules")).run
    assert len(run.tainted) == 1
    assert run.tainted[0].startswith("documents of the index")
    later = agent_of([calls("send", text="x")], tools=desk.tools, approvals=POLICY)
    _, error = await ended(later.stream_prompt("Send it.", history=run.all_messages))
    assert error is not None
    assert desk.sent == []


async def test_documents_that_a_search_tool_found_taint(desk: Desk) -> None:
    index = LexicalIndex()
    await index.insert([Document("1", "mules and donkeys")])
    agent = agent_of(
        [calls("search_vector_store", query="mules")], [calls("send", text="x")], approvals=POLICY
    )
    stream = agent.with_tools(search_tool(index), *desk.tools).stream_prompt("Go.")
    _, error = await ended(stream)
    assert error is not None
    assert stream.run.tainted == ["`search_vector_store`"]


# ----------------------------------------------------------------- runs inside


def asking(inner: Agent, *, then: str = "send", **options: Any) -> Agent:
    """An agent that asks one inside it, and sends then."""
    return agent_of([calls("inner", prompt="Do it.")], [calls(then, text="x")], **options).with_tools(
        inner.as_tool()
    )


async def test_an_agent_inside_takes_over_the_policy_and_the_taint(desk: Desk) -> None:
    inner = agent_of([calls("send", text="x")], name="inner", tools=[desk.send])
    stream = asking(inner, tools=[desk.send], approvals=POLICY).stream_prompt("Go.", tainted="a mail")
    await ended(stream)
    assert desk.sent == []
    inside = [judged for judged in stream.run.judged if judged.within]
    assert [(judged.name, judged.verdict) for judged in inside] == [("send", "ask")]
    call = stream.run.messages[1].tool_calls[0]  # type: ignore[union-attr]
    assert inside[0].within == call.id


async def test_an_agent_inside_that_allows_itself_more_is_held_by_the_policy_around(desk: Desk) -> None:
    lax = ApprovalPolicy(rules=(Rule("*", "allow"),))
    inner = agent_of([calls("send", text="x")], name="inner", tools=[desk.send], approvals=lax)
    await ended(asking(inner, tools=[desk.send], approvals=POLICY).stream_prompt("Go.", tainted="a mail"))
    assert desk.sent == []


async def test_what_an_agent_inside_read_taints_the_run_around_it_with_its_answer(desk: Desk) -> None:
    inner = agent_of([calls("read")], name="inner", tools=[desk.read])
    stream = asking(inner, tools=[desk.send], approvals=POLICY).stream_prompt("Go.")
    _, error = await ended(stream)
    assert error is not None
    assert stream.run.tainted == ["`read` in `inner`"]
    assert stream.run.results == []
    assert results_of(stream.run.messages)[0].untrusted
    assert desk.sent == []


async def test_an_agent_inside_that_read_nothing_taints_nothing(desk: Desk) -> None:
    inner = agent_of(name="inner")
    stream = asking(inner, tools=[desk.send], approvals=POLICY).stream_prompt("Go.")
    _, error = await ended(stream)
    assert error is None
    assert (desk.sent, stream.run.tainted) == (["x"], [])


async def test_a_pipeline_in_a_tool_takes_over_both_and_gives_its_taint_back(desk: Desk) -> None:
    sending = agent_of([calls("read")], [calls("send", text="from within")], name="piped", tools=desk.tools)

    @tool(effect="read", returns="trusted")
    async def piped(prompt: str) -> str:
        """Ask a pipeline."""
        try:
            return await pipeline(str).prompt(sending).call(prompt)  # type: ignore[arg-type, return-value]
        except ApprovalNeeded as error:
            return str(error)

    agent = agent_of([calls("piped", prompt="x")], [calls("send", text="x")], tools=[piped, desk.send])
    stream = agent.with_(approvals=POLICY).stream_prompt("Go.")
    _, error = await ended(stream)
    assert error is not None
    assert stream.run.tainted == ["`read` in `piped`"]
    assert desk.sent == []


async def test_questions_of_an_agent_inside_are_answered_by_who_watches_the_run_around(desk: Desk) -> None:
    inner = agent_of([calls("read")], [calls("send", text="x")], name="inner", tools=desk.tools)
    stream = (
        agent_of([calls("inner", prompt="Do it.")], approvals=POLICY)
        .with_tools(inner.as_tool())
        .stream_prompt("Go.")
    )
    stream.attended = True
    async for event in stream:
        if isinstance(event, ApprovalAsked):
            assert "this run has seen what anybody may have written" in event.reason
            stream.decide(event.call_id, approved=True)
    assert desk.sent == ["x"]
    assert [(judged.verdict, judged.by) for judged in stream.run.judged] == [
        ("ask", "taint"),
        ("allow", "user"),
    ]


# --------------------------------------------------------------------- the rest


async def test_two_calls_with_one_id_are_not_decided_together(desk: Desk) -> None:
    first, second = calls("send", text="harmless"), calls("send", text="evil")
    twins = [first, ToolCall(first.id, "send", second.arguments_json)]
    asked: list[str] = []

    def approver(call: ToolCall, _reason: str) -> bool:
        asked.append(call.arguments["text"])
        return True

    agent = agent_of(twins, tools=desk.tools, approvals=POLICY, approver=approver, tool_concurrency=1)
    stream = agent.stream_prompt("Go.", tainted="a mail")
    with pytest.raises(RunProtocolViolation, match="not pending"):
        await ended(stream)
    assert asked == desk.sent == ["harmless"]


async def test_the_events_are_data_and_the_views_take_them(desk: Desk) -> None:
    policy = ApprovalPolicy(rules=(Rule("send", "deny", reason="nothing leaves"),))
    stream = agent_of([calls("send", text="x")], tools=desk.tools, approvals=policy).stream_prompt("Go.")
    events, _ = await ended(stream)
    assert events_from_json(events_to_json(events)) == events
    state = RunState()
    for event in events:
        state.apply(event)
    assert state.is_finished
    refused = [
        span
        for span in spans_of((traced.event, traced.at_s) for traced in stream.trace.events)
        if span.kind == "approval"
    ]
    assert [(span.name, span.status, span.detail) for span in refused] == [
        ("send", "denied", "nothing leaves")
    ]


def test_what_is_said_to_taint_is_named_once_in_bounds_and_survives_json() -> None:
    run = Run.start(
        UserMessage.of("Go."), max_turns=1, tainted=["a", "a", "", "b" * 1_000, *map(str, range(99))]
    )
    assert len(run.tainted) == 50
    assert run.tainted[0] == "a"
    assert max(map(len, run.tainted)) <= 201
    assert Run.start(UserMessage.of("Go."), max_turns=1, tainted="a mail").tainted == ["a mail"]
    again = Run.from_json(run.to_json())
    again.taint("a", "another")
    assert again.tainted == run.tainted, "the first names are kept"
