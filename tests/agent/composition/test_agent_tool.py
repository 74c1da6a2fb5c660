"""An agent as a tool: one tree of runs, which shares context, stop, approvals and budget."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from agentlab.agent import Agent, Hook, RunResult, Stop, Trace
from agentlab.agent.composition.agent_tool import AgentTool
from agentlab.agent.current_run import current_run
from agentlab.errors import BudgetSpent, RunStopped, UsageError
from agentlab.experiments.metering import Budget, Limiters, MeteredModel
from agentlab.messages import ApprovalAsked, ApprovalGiven, RunFinished, TextDelta, ToolCall, ToolStarted
from agentlab.notebook.trace.chart import rows_of
from agentlab.notebook.trace.timeline import timeline
from agentlab.simulator import Fault, call, reply
from agentlab.tools import FunctionTool, ToolContext, tool
from tests.agent.bench import Bench, assert_sendable, results_of
from tests.agent.composition.asking import asks, cast, one_of
from tests.agent.stepping import assert_nothing_left

pytestmark = pytest.mark.anyio

ASKING = asks("child", {"prompt": "How many?"})


def family(bench: Bench, child_says: Any, *, parent_says: Any = ASKING, **options: Any) -> Agent:
    """A parent that asks its child once; options with `child_` in front are the child's."""
    of_child = {key.removeprefix("child_"): value for key, value in options.items() if key[:6] == "child_"}
    of_parent = {key: value for key, value in options.items() if key[:6] != "child_"}
    cast(bench, parent=parent_says, child=child_says)
    child = one_of(bench, "child", **of_child)
    return one_of(bench, "parent", tools=[child.as_tool(), *of_parent.pop("tools", ())], **of_parent)


def test_the_tool_is_named_and_described_as_the_agent() -> None:
    plain = Agent("sim:openai/gpt-5.6").as_tool()
    assert plain.definition.name == "agent_tool"
    known = Agent("sim:openai/gpt-5.6", name="Book keeper!", description="Keeps books.", preamble="Be exact.")
    told = known.as_tool().definition
    assert told.name == "Book_keeper"
    assert told.description.splitlines() == [
        "Prompt the agent `Book keeper!` to do a task for you.",
        "Keeps books.",
        "Its instructions: Be exact.",
    ]
    assert list(told.parameters["properties"]) == ["prompt"] == told.parameters["required"]
    other = known.as_tool("books", "Ask about money.").definition
    assert (other.name, other.description) == ("books", "Ask about money.")
    for bad in ("", "two words", "x" * 65):
        with pytest.raises(UsageError, match="cannot name a tool"):
            known.as_tool(bad)


async def test_the_answer_is_the_result_and_both_runs_are_one_tree(bench: Bench, vendor: str) -> None:
    cast(bench, parent=ASKING, child=lambda _: reply("Forty-two."))
    child = one_of(bench, "child", vendor=vendor)
    run = await one_of(bench, "parent", vendor=vendor, tools=[child.as_tool()]).prompt("How many are there?")
    assert "Forty-two." in run.text
    (inner,) = run.trace.children
    assert (inner.agent_name, inner.title, inner.children) == ("child", "How many?", [])
    assert inner.call_id == results_of(run)[0].call_id
    assert [result.status for result in results_of(run)] == ["success"]
    assert bench.refused == []


async def test_own_and_total_are_kept_apart_at_every_depth(bench: Bench) -> None:
    deep = lambda _: reply("Seven.")  # noqa: E731 - a speaker in one line
    cast(bench, top=asks("middle", {"prompt": "?"}), middle=asks("low", {"prompt": "??"}), low=deep)
    low = one_of(bench, "low", vendor="anthropic")
    middle = one_of(bench, "middle", tools=[low.as_tool()])
    run = await one_of(bench, "top", tools=[middle.as_tool()]).prompt("go")
    tree = run.trace.tree.set_index("agent")
    assert list(tree.index) == ["top", "middle", "low"]
    assert tree["depth"].tolist() == [0, 1, 2]
    assert tree["turns"].tolist() == [2, 2, 1]
    own = tree["input_tokens"].tolist()
    assert tree["total_input_tokens"].tolist() == [sum(own), own[1] + own[2], own[2]]
    assert run.usage.input_tokens == own[0]
    assert run.trace.total_usage.input_tokens == sum(own)
    costs = tree["cost_usd"].tolist()
    assert run.trace.total_cost_usd == pytest.approx(sum(costs))
    assert run.cost_usd == pytest.approx(costs[0])
    assert all(cost > 0 for cost in costs)


async def test_the_spans_of_the_child_lie_in_the_span_of_its_tool(bench: Bench) -> None:
    run = await family(bench, lambda _: reply("Forty-two.")).prompt("go")
    spans = run.trace.spans
    outer = spans[(spans["kind"] == "tool") & (spans["depth"] == 0)].iloc[0]
    inner = spans[spans["depth"] == 1]
    assert set(inner["agent"]) == {"child"}
    assert (inner["start_s"] >= outer["start_s"]).all()
    assert spans["start_s"].is_monotonic_increasing


async def test_a_trace_with_children_survives_json(bench: Bench) -> None:
    run = await family(bench, lambda _: reply("Forty-two.")).prompt("go")
    again = Trace.from_json(run.trace.to_json())
    assert again == run.trace
    assert again.children[0].asked == run.trace.children[0].asked


async def test_any_agent_asked_in_a_tool_joins_the_tree_also_from_a_thread(bench: Bench) -> None:
    cast(bench, parent=asks("look", {}), child=lambda _: reply("Found."))
    child = one_of(bench, "child")

    @tool
    def look() -> str:
        """Look."""
        return child.prompt_sync("where?").text

    @tool(name="look")
    async def look_async() -> str:
        """Look."""
        return (await child.prompt("where?")).text

    for made in (look, look_async):
        run = await one_of(bench, "parent", tools=[made]).prompt("go")
        assert run.text == "so it is: Found."
        assert [trace.agent_name for trace in run.trace.children] == ["child"]
    assert current_run() is None


async def test_parallel_children_are_not_mixed_up(bench: Bench) -> None:
    def both(request: Any) -> Any:
        results = results_of([request.messages[-1]])
        if results:
            return reply(" ".join(result.text for result in results))
        return reply("Two.", calls=[call("child", prompt=name) for name in ("a", "b")])

    def echo(request: Any) -> Any:
        return reply(f"It is {request.messages[-1].text}.")

    run = await family(bench, echo, parent_says=both).prompt("go")
    assert run.text == "It is a. It is b."
    calls = {result.call_id: result.text for result in results_of(run)}
    told = {trace.call_id: next(trace.of(RunFinished)).text for trace in run.trace.children}
    assert told == calls


async def test_the_context_is_inherited_and_the_childs_own_goes_before(bench: Bench) -> None:
    @dataclass(frozen=True)
    class User:
        name: str

    @dataclass(frozen=True)
    class Shop:
        name: str

    @tool
    def who(context: ToolContext) -> str:
        """Tell."""
        return f"{context.require(User).name} in {context.require(Shop).name}"

    agent = family(
        bench,
        asks("who", {}, then=""),
        child_tools=[who],
        child_tool_context=ToolContext(Shop("the child's shop")),
        tool_context=ToolContext(User("Ada"), Shop("the parent's shop")),
    )
    assert (await agent.prompt("go")).text == "so it is: Ada in the child's shop"


async def test_a_child_that_fails_is_a_tool_error_and_the_run_goes_on(bench: Bench) -> None:
    agent = family(bench, asks("nothing", {}), child_max_turns=1)
    run = await agent.prompt("go")
    (result,) = results_of(run)
    assert result.status == "failed"
    assert "the agent `child` failed: the run made its 1 model call" in result.text
    assert run.stop_reason == "done"
    assert next(run.trace.children[0].of(RunFinished)).stop_reason == "max_turns"


@pytest.mark.parametrize("arguments", [{}, {"prompt": " "}, {"prompt": 3}, {"prompt": "a", "more": 1}])
async def test_arguments_that_do_not_fit_are_told_to_the_model(
    bench: Bench, arguments: Mapping[str, Any]
) -> None:
    run = await family(bench, lambda _: reply("x"), parent_says=asks("child", arguments)).prompt("go")
    assert "it takes `prompt`" in results_of(run)[0].text
    assert run.trace.children == []


async def test_the_child_may_make_no_more_calls_than_its_parent(bench: Bench) -> None:
    busy = lambda _: reply("Again.", calls=[call("nothing")])  # noqa: E731 - a speaker in one line
    agent = family(bench, busy, max_turns=2, child_max_turns=9)
    run = await agent.prompt("go")
    assert "the run made its 2 model calls" in run.text
    assert len(run.trace.children[0].turns) == 2


async def test_agents_that_ask_each_other_without_end_are_stopped(bench: Bench) -> None:
    cast(bench, loop=asks("again", {}))

    @tool
    async def again() -> str:
        """Ask the same agent."""
        return (await one_of(bench, "loop", tools=[again]).prompt("go")).text

    run = await one_of(bench, "loop", tools=[again]).prompt("go")
    assert "runs are nested 16 deep" in run.text
    assert run.trace.tree["depth"].max() == 16


# ----------------------------------------------------------------- stopping


async def stopped_while_the_child_speaks(bench: Bench, agent: Agent, how: str) -> tuple[Any, BaseException]:
    stream = agent.stream_prompt("go")

    async def consume() -> None:
        async for _ in stream:
            pass

    task = asyncio.ensure_future(consume())
    while not any(True for child in stream.trace.children for _ in child.of(TextDelta)):
        await checkpoint()
    if how == "stop":
        stream.stop("enough")
    else:
        task.cancel()
    with pytest.raises((RunStopped, asyncio.CancelledError)) as caught:
        await task
    return stream, caught.value


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_ending_the_parent_ends_the_child_and_keeps_what_it_had_said(bench: Bench, how: str) -> None:
    said = reply("One two three four five six seven.", fault=Fault("stall", at_event=8))
    agent = family(bench, lambda _: said)
    stream, error = await stopped_while_the_child_speaks(bench, agent, how)
    await assert_nothing_left(bench.sim.port)
    assert isinstance(error, RunStopped if how == "stop" else asyncio.CancelledError)
    (inner,) = stream.trace.children
    ended = next(inner.of(RunFinished))
    assert ended.stop_reason == "cancelled"
    assert ended.text.startswith("One")
    (result,) = results_of(stream.run.messages)
    assert result.status == "interrupted"
    assert f"it had said: {ended.text}" in result.text
    assert_sendable(stream.run.all_messages)


async def test_a_child_that_takes_too_long_leaves_what_it_had_said(bench: Bench) -> None:
    cast(bench, parent=ASKING, child=asks("wait", {}))

    @tool
    async def wait() -> str:
        """Wait for ever."""
        await asyncio.Event().wait()
        return "never"

    child = one_of(bench, "child", tools=[wait])
    run = await one_of(bench, "parent", tools=[child.as_tool(timeout_s=0.2)]).prompt("go")
    (result,) = results_of(run)
    assert (result.status, result.text) == (
        "interrupted",
        "the agent `child` was interrupted; it had said: Let me ask.",
    )
    assert run.stop_reason == "done"


# ---------------------------------------------------------------- approvals


class Vault:
    """Counts what was really opened."""

    def __init__(self) -> None:
        self.opened = 0

        def unlock(door: str) -> str:
            """Open a door."""
            self.opened += 1
            return f"{door} is open"

        self.tool = FunctionTool(unlock, approval="it is locked")


UNLOCKING = asks("unlock", {"door": "north"}, then="")


async def test_the_parents_approver_decides_on_the_childs_calls(bench: Bench) -> None:
    asked: list[tuple[str, Any, str]] = []

    def approver(inner: ToolCall, reason: str) -> bool:
        asked.append((inner.name, inner.arguments, reason))
        return True

    vault = Vault()
    agent = family(bench, UNLOCKING, child_tools=[vault.tool], approver=approver)
    assert (await agent.prompt("go")).text == "so it is: north is open"
    assert asked == [("unlock", {"door": "north"}, "it is locked")]
    refusing = family(bench, UNLOCKING, child_tools=[vault.tool], approver=lambda *_: "not today")
    assert (await refusing.prompt("go")).text == "so it is: not today"
    assert vault.opened == 1


async def test_the_childs_own_approver_goes_before_the_parents(bench: Bench) -> None:
    vault = Vault()
    agent = family(
        bench,
        UNLOCKING,
        child_tools=[vault.tool],
        child_approver=lambda *_: True,
        approver=lambda *_: "no",
    )
    assert (await agent.prompt("go")).text == "so it is: north is open"


@pytest.mark.parametrize("answer", [True, False])
async def test_who_watches_the_parent_is_asked_for_the_child_and_for_its_child(
    bench: Bench, answer: bool
) -> None:
    vault = Vault()
    cast(bench, parent=ASKING, child=asks("grandchild", {"prompt": "?"}, then=""), grandchild=UNLOCKING)
    grandchild = one_of(bench, "grandchild", tools=[vault.tool])
    child = one_of(bench, "child", tools=[grandchild.as_tool()])
    stream = one_of(bench, "parent", tools=[child.as_tool()]).stream_prompt("go")
    stream.attended = True
    seen: list[Any] = []
    async for event in stream:
        if isinstance(event, ApprovalAsked):
            assert stream.decide(event.call_id, answer, "no, thank you")
        if isinstance(event, ApprovalAsked | ApprovalGiven | ToolStarted):
            seen.append(event)
    started, asked, given = seen
    assert started.call_id == asked.call_id == given.call_id
    assert asked.name == "child"
    assert asked.reason == 'it wants to call `unlock`({"door":"north"}): it is locked'
    assert given.approved is answer
    assert vault.opened == int(answer)
    assert stream.run.text == "so it is: " + ("north is open" if answer else "no, thank you")


async def test_where_nobody_can_be_asked_the_parent_is_told_and_nothing_runs(bench: Bench) -> None:
    vault = Vault()
    run = await family(bench, UNLOCKING, child_tools=[vault.tool]).prompt("go")
    (result,) = results_of(run)
    assert result.status == "failed"
    assert "nobody is there to give it" in result.text
    assert vault.opened == 0


# ------------------------------------------------------------------ budgets


def metered(bench: Bench, agent: Agent, usd: float) -> tuple[Agent, Budget]:
    budget = Budget(usd)
    limiters = Limiters(4, clock=bench.clock)
    model = MeteredModel(agent.model, limiter=limiters.of(agent.model), budget=budget, clock=bench.clock)
    return agent.with_(model=model), budget


async def test_the_child_spends_of_the_parents_budget(bench: Bench) -> None:
    agent, budget = metered(bench, family(bench, lambda _: reply("Forty-two."), max_tokens=50), 1.0)
    run: RunResult = await agent.prompt("go")
    assert run.trace.total_cost_usd == pytest.approx(budget.spent_usd)
    assert run.cost_usd is not None
    assert budget.spent_usd > run.cost_usd


async def test_a_budget_too_small_for_the_child_stops_it_and_then_the_parent(bench: Bench) -> None:
    agent = family(bench, lambda _: reply("Forty-two."), max_tokens=50, child_max_tokens=100_000)
    limited, budget = metered(bench, agent, 0.05)
    run = await limited.prompt("go")
    (result,) = results_of(run)
    assert result.status == "failed"
    assert "BudgetSpent" in result.text
    assert run.trace.children[0].requests == ()
    with pytest.raises(BudgetSpent):
        await limited.with_(max_tokens=100_000).prompt("go")
    assert budget.spent_usd < 0.05


async def test_a_run_on_another_loop_may_not_pass_by_the_budget(bench: Bench) -> None:
    cast(bench, parent=asks("look", {}), child=lambda _: reply("Found."))

    @tool
    def look() -> str:
        """Look."""
        return one_of(bench, "child").prompt_sync("where?").text

    agent, _ = metered(bench, one_of(bench, "parent", tools=[look], max_tokens=50), 1.0)
    run = await agent.prompt("go")
    assert "make the tool async" in results_of(run)[0].text


async def test_a_hook_that_stops_the_child_does_not_stop_the_parent(bench: Bench) -> None:
    class Guard(Hook):
        def on_completion_call(self, context: Any, request: Any) -> Stop:
            return Stop("not for you")

    run = await family(bench, lambda _: reply("x"), child_hooks=[Guard()]).prompt("go")
    assert "the run was stopped: not for you" in results_of(run)[0].text
    assert isinstance(Agent("sim:openai/gpt-5.6").as_tool(), AgentTool)


async def test_the_timeline_shows_the_child_below_its_call(bench: Bench) -> None:
    cast(
        bench,
        top=asks("middle", {"prompt": "?"}),
        middle=asks("low", {"prompt": "??"}),
        low=lambda _: reply("7"),
    )
    middle = one_of(bench, "middle", tools=[one_of(bench, "low").as_tool()])
    run = await one_of(bench, "top", tools=[middle.as_tool()]).prompt("go")
    labels = [row.label for row in rows_of(timeline(run).spans)]
    assert labels == [
        "turn 1",
        "middle",
        "middle: turn 1",
        "middle: low",
        "low: turn 1",
        "middle: turn 2",
        "turn 2",
    ]
    assert "2 turns, 1 tool call" in str(timeline(run))
