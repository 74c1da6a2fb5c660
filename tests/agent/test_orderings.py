"""An agent's ordering, few-shots and volatile facts on every wire: sendable, and a stable prefix where one is promised."""

from __future__ import annotations

from itertools import count, pairwise

import pytest

from agentlab.agent import Run, Trace
from agentlab.caching import orderings, shared_prefix, split
from agentlab.caching.orderings.arrangement import arrange
from agentlab.errors import UsageError
from agentlab.messages import Message, UserMessage
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor as vendor_row
from agentlab.simulator import call, reply
from agentlab.tools import tool
from tests.agent.bench import VENDORS, Bench, add

pytestmark = pytest.mark.anyio

TURNS = [reply(calls=[call("add", a=1, b=2)]), reply(calls=[call("add", a=3, b=3)]), "Six."]


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def clock() -> object:
    ticks = count()
    return lambda: f"It is minute {next(ticks)}."


def options(ordering: str = "stable_first") -> dict[str, object]:
    return {
        "preamble": "You add.",
        "context": ["Sums are commutative."],
        "few_shots": [("1+1?", "Two.")],
        "tools": [add, weather],
        "volatile": ["The user is in Oslo.", clock()],
        "ordering": ordering,
    }


def prefixes(trace: Trace) -> list[bool]:
    blocks = [split(call.wire, call.body) for call in trace.calls]
    return [shared_prefix(before, after).is_prefix for before, after in pairwise(blocks)]


@pytest.mark.parametrize("ordering", orderings.PRESETS)
async def test_every_preset_is_sent_on_every_wire_and_accepted(
    bench: Bench, vendor: str, ordering: str
) -> None:
    run = await bench.agent(vendor, TURNS, **options(ordering)).prompt("1+2, and twice that?")
    assert run.text == "Six."
    assert bench.refused == []
    sent = bench.requests[-1].body.decode()
    for words in ["You add.", "Sums are commutative.", "1+1?", "It is minute 0.", "1+2, and twice"]:
        assert sent.count(words) == 1, words


@pytest.mark.parametrize("ordering", ["stable_first", "query_first", "recency_edges"])
async def test_a_run_only_appends(bench: Bench, vendor: str, ordering: str) -> None:
    run = await bench.agent(vendor, TURNS, **options(ordering)).prompt("1+2?")
    assert prefixes(run.trace) == [True, True]


async def test_a_chat_under_stable_first_only_appends(bench: Bench, vendor: str) -> None:
    agent = bench.agent(vendor, [*TURNS, "Nine."], **options())
    history: list[Message] = []
    first = await agent.chat("1+2?", history)
    second = await agent.chat("And three more?", history)
    blocks = [split(call.wire, call.body) for call in (*first.trace.calls, *second.trace.calls)]
    assert shared_prefix(blocks[-2], blocks[-1]).is_prefix
    assert bench.requests[-1].body.decode().count("It is minute") == 2


async def test_a_clock_in_the_system_prompt_moves_the_prefix_of_every_run(bench: Bench, vendor: str) -> None:
    agent = bench.agent(vendor, [*TURNS, "Nine."], **options("volatile_first"))
    history: list[Message] = []
    first = await agent.chat("1+2?", history)
    second = await agent.chat("And three more?", history)
    before, after = (split(run.trace.calls[-1].wire, run.trace.calls[-1].body) for run in (first, second))
    match = shared_prefix(before, after)
    assert not match.is_prefix
    read = [
        block for block in after[: match.blocks] if block.part != "documents"
    ]  # Cohere renders them first
    assert {block.kind for block in read} <= {"tool", "setting"}


async def test_volatile_facts_are_asked_once_a_run_and_survive_a_pause(bench: Bench) -> None:
    agent = bench.agent("openai-chat", TURNS, **options())
    run = agent.start("1+2?")
    async for _ in agent.resume(run):
        if run.turns_made == 1:
            break
    resumed = Run.from_json(run.to_json())
    assert resumed.facts == run.facts
    assert run.facts is not None
    assert run.facts.volatile == ("The user is in Oslo.", "It is minute 0.")
    assert run.facts.prompt == UserMessage.of("1+2?")
    async for _ in agent.resume(resumed):
        pass
    assert all(each.body.decode().count("It is minute 0.") == 1 for each in bench.requests)


async def test_the_trace_has_each_request_before_and_after_it_was_arranged(bench: Bench, vendor: str) -> None:
    run = await bench.agent(vendor, TURNS, **options("query_first")).prompt("1+2?")
    row = vendor_row(VENDORS[vendor].partition(":")[0])
    calls = run.trace.calls
    assert len(calls) == len(run.trace.asked) == 3
    for call_ in calls:
        assert call_.request is not None
        assert call_.request.volatile == ("The user is in Oslo.", "It is minute 0.")
        assert wire_for(call_.wire).encode(arrange(call_.request), row).body.decode() == call_.body
        assert (call_.vendor, call_.model) == tuple(VENDORS[vendor].split(":", 1))
    assert [call_.usage for call_ in calls] == [turn.usage for turn in run.trace.turns]
    assert [call_.at for call_ in calls] == sorted(call_.at for call_ in calls)


async def test_a_trace_with_requests_comes_back_from_json_and_stays_small(bench: Bench) -> None:
    agent = bench.agent("openai-chat", TURNS, **{**options(), "preamble": "You add. " * 500})
    trace = (await agent.prompt("1+2?")).trace
    text = trace.to_json()
    again = Trace.from_json(text)
    assert again == trace
    assert again.calls == trace.calls
    bodies = sum(each.body.decode().count("You add. " * 500) for each in bench.requests)
    assert text.count("You add. " * 500) == bodies + 1  # once for all that was asked


async def test_an_ordering_the_wire_cannot_say_is_refused_before_anything_is_sent(bench: Bench) -> None:
    late = ("tools", "documents", "few_shots", "history", "preamble", "retrieved", "volatile", "prompt")
    with pytest.raises(UsageError, match="no place for system text"):
        await bench.agent("gemini", TURNS, **options(late)).prompt("1+2?")
    assert bench.requests == []


async def test_tools_chosen_by_turn_are_the_tools_that_can_be_called(bench: Bench) -> None:
    one = ("tools:1", *orderings.stable_first.parts[1:])
    turns = [reply(calls=[call("add", a=1, b=2)]), "Sunny."]
    run = await bench.agent("openai-chat", turns, **options(one)).prompt(
        "What is the weather in the city of Oslo?"
    )
    assert '"name":"weather"' in bench.requests[0].body.decode()
    assert "there is no tool `add`; there are weather" in bench.requests[1].body.decode()
    assert run.text == "Sunny."
