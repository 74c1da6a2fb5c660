"""What every model behind every wire must do for an agent: tools, reasoning, parity of streamed and unary answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from agentlab.agent import Agent, Hook, RenameCall, RequestPatch, RunResult
from agentlab.errors import MaxTurnsReached, UnsupportedCapability, UsageError
from agentlab.messages import (
    CacheOptions,
    Image,
    Notice,
    Reasoning,
    ReasoningOptions,
    SpecificTools,
    Text,
    ToolCall,
    TurnFinished,
    UserMessage,
)
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import tool
from tests.agent.bench import Bench, add, assert_sendable, results_of

pytestmark = pytest.mark.anyio

ALOUD = ReasoningOptions(effort="low", summary="auto")


class Stop(BaseModel):
    city: str
    nights: int = 1


class Trip(BaseModel):
    name: str
    stops: list[Stop]
    notes: dict[str, str] | None = None


@tool
def ping() -> str:
    """Answer."""
    return "pong"


@tool
def plan(trip: Trip, urgent: bool = False) -> dict[str, Any]:
    """Plan a trip."""
    return {"nights": sum(stop.nights for stop in trip.stops), "urgent": urgent, "notes": trip.notes}


@tool
def greet(name: str, greeting: str = "Hello") -> str:
    """Greet."""
    return f"{greeting}, {name}"


def calls_of(run: RunResult) -> list[tuple[str, dict[str, Any]]]:
    return [
        (part.name, part.arguments)
        for message in run.messages
        for part in message.content
        if isinstance(part, ToolCall)
    ]


def assert_prefixes_kept(run: RunResult) -> None:
    requests = run.trace.requests
    assert all(request.prefix is not None and request.prefix.is_prefix for request in requests[1:])
    assert not list(run.trace.of(Notice))


async def test_parallel_calls_run_and_come_back_in_order(bench: Bench, vendor: str, stream: bool) -> None:
    said = reply("Two sums.", calls=[call("add", a=1, b=2), call("ping"), call("add", a=30, b=4)])
    run = await bench.agent(vendor, [said, "3, pong, 34"], tools=[add, ping], stream=stream).prompt("go")
    assert run.text == "3, pong, 34"
    assert [result.text for result in results_of(run)] == ["3", "pong", "34"]
    assert [result.status for result in results_of(run)] == ["success"] * 3
    assert calls_of(run) == [("add", {"a": 1, "b": 2}), ("ping", {}), ("add", {"a": 30, "b": 4})]
    assert bench.refused == []
    assert len(bench.requests) == 2
    assert_prefixes_kept(run)


async def test_a_tool_without_arguments_can_be_called(bench: Bench, vendor: str, stream: bool) -> None:
    run = await bench.agent(vendor, [call("ping"), "done"], tools=[ping], stream=stream).prompt("go")
    assert [result.text for result in results_of(run)] == ["pong"]
    assert calls_of(run) == [("ping", {})]
    assert run.text == "done"


async def test_nested_and_optional_arguments_arrive(bench: Bench, vendor: str, stream: bool) -> None:
    trip = {
        "name": 'Ré"\n😀',
        "stops": [{"city": "Oslo", "nights": 3}, {"city": "Bergen"}],
        "notes": {"a": "b"},
    }
    turns = [
        reply(
            calls=[
                call("plan", trip=trip),
                call("greet", name="Ada"),
                call("greet", name="Bo", greeting="Hei"),
            ]
        ),
        "done",
    ]
    run = await bench.agent(vendor, turns, tools=[plan, greet], stream=stream).prompt("go")
    first, second, third = results_of(run)
    assert msgspec.json.decode(first.text) == {"nights": 4, "urgent": False, "notes": {"a": "b"}}
    assert (second.text, third.text) == ("Hello, Ada", "Hei, Bo")
    assert calls_of(run)[0] == ("plan", {"trip": trip})


async def test_tools_over_several_turns_keep_the_prefix(bench: Bench, vendor: str, stream: bool) -> None:
    turns = [call("add", a=1, b=2), call("add", a=3, b=3), reply("Now", calls=[call("ping")]), "nine"]
    agent = bench.agent(
        vendor, turns, tools=[add, ping], stream=stream, preamble="You add.", context=["A fact.", "Another."]
    )
    run = await agent.prompt("go")
    assert run.text == "nine"
    assert [result.text for result in results_of(run)] == ["3", "6", "pong"]
    assert [request.turn for request in run.trace.requests] == [1, 2, 3, 4]
    assert_prefixes_kept(run)
    assert len(bench.requests) == 4


async def test_text_beside_a_call_stays_in_its_turn(bench: Bench, vendor: str, stream: bool) -> None:
    run = await bench.agent(
        vendor, [reply("Let me see.", calls=[call("ping")]), "done"], tools=[ping], stream=stream
    ).prompt("?")
    first = run.trace.turns[0]
    assert first.message.text == "Let me see."
    assert [type(part) for part in first.message.content] == [Text, ToolCall]
    assert first.finish_reason == "tool_calls"
    assert run.trace.turns[1].finish_reason == "stop"


async def test_reasoning_survives_the_tool_loop(bench: Bench, vendor: str, stream: bool) -> None:
    seen: list[SimRequest] = []
    turns = iter([reply(reasoning="I shall ping.", calls=[call("ping")]), reply("done", reasoning="Good.")])

    def behaviour(request: SimRequest) -> Any:
        seen.append(request)
        return next(turns)

    run = await bench.agent(vendor, behaviour, tools=[ping], stream=stream, reasoning=ALOUD).prompt("go")
    assert run.text == "done"
    assert bench.refused == []
    kept = [part for message in run.messages for part in message.content if isinstance(part, Reasoning)]
    assert len(kept) == 2
    replayed = [
        part for message in seen[1].messages for part in message.content if isinstance(part, Reasoning)
    ]
    assert bool(replayed) == (vendor != "openai-chat")  # Chat Completions has no place for reasoning
    assert_prefixes_kept(run)


async def test_streamed_and_unary_answers_are_the_same(bench: Bench, vendor: str) -> None:
    def turns() -> list[Any]:
        return [
            reply("Hm.", reasoning="Think.", calls=[call("add", a=1, b=2), call("ping")]),
            reply("Three. Größe 😀", reasoning="Ok."),
        ]

    runs = [
        await bench.agent(vendor, turns(), tools=[add, ping], stream=stream, reasoning=ALOUD).prompt("go")
        for stream in (True, False)
    ]
    first, second = runs
    assert _plain(first) == _plain(second)
    assert first.text == second.text == "Three. Größe 😀"
    for one, other in zip(first.run.records, second.run.records, strict=True):
        assert one.usage.output_tokens == other.usage.output_tokens
        assert one.usage.input_tokens == other.usage.input_tokens
        assert (one.finish_reason, one.raw_finish_reason) == (other.finish_reason, other.raw_finish_reason)


def _plain(run: RunResult) -> list[Any]:
    """What was said, without the ids a provider makes."""
    return [
        (type(part).__name__, part.name, part.arguments)
        if isinstance(part, ToolCall)
        else (type(part).__name__, getattr(part, "text", None))
        for message in run.messages
        for part in message.content
        if part
        != Text("", signature=getattr(part, "signature", None))  # Gemini signs a stream with an empty text
    ]


async def test_a_streamed_answer_adds_up_to_its_deltas(bench: Bench, vendor: str) -> None:
    agent = bench.agent(
        vendor, [reply("One two three, größer 😀.", reasoning="Count them.")], reasoning=ALOUD
    )
    texts: list[str] = []
    async for event in agent.stream_prompt("count"):
        if type(event).__name__ == "TextDelta":
            texts.append(event.text)  # type: ignore[union-attr]
        if isinstance(event, TurnFinished):
            assert event.message.text == "".join(texts) == "One two three, größer 😀."
            assert event.message.reasoning == "Count them."
    assert len(texts) > 2


async def test_an_unknown_tool_is_told_to_the_model_and_the_run_goes_on(
    bench: Bench, vendor: str, stream: bool
) -> None:
    turns = [reply(calls=[call("nope", x=1), call("ping")]), "recovered"]
    run = await bench.agent(vendor, turns, tools=[ping], stream=stream).prompt("go")
    unknown, known = results_of(run)
    assert unknown.status == "failed"
    assert unknown.text == "there is no tool `nope`; there are ping"
    assert known.text == "pong"
    assert run.text == "recovered"
    assert bench.refused == []


async def test_invalid_arguments_are_told_to_the_model_and_the_run_goes_on(
    bench: Bench, vendor: str, stream: bool
) -> None:
    turns = [call("add", a="many", b=2), call("add", a=1, b=2), "three"]
    run = await bench.agent(vendor, turns, tools=[add], stream=stream).prompt("go")
    wrong, right = results_of(run)
    assert wrong.status == "failed"
    assert "invalid arguments for `add`: a: " in wrong.text
    assert right.text == "3"
    assert run.text == "three"


@pytest.mark.parametrize("budget", [0, 1, 2, 3])
async def test_max_turns_is_exact_on_the_wire(bench: Bench, vendor: str, budget: int) -> None:
    agent = bench.agent(vendor, lambda _: reply(calls=[call("ping")]), tools=[ping], max_turns=budget)
    with pytest.raises(MaxTurnsReached) as caught:
        await agent.prompt("go")
    assert len(bench.requests) == budget
    assert caught.value.max_turns == budget
    assert_sendable(caught.value.history)


@pytest.mark.parametrize("choice", ["auto", "none", "required", SpecificTools(("ping",))], ids=str)
async def test_every_form_of_tool_choice_is_sent_or_refused(bench: Bench, vendor: str, choice: Any) -> None:
    seen: list[SimRequest] = []

    def behaviour(request: SimRequest) -> Any:
        seen.append(request)
        return "fine"

    agent = bench.agent(vendor, behaviour, tools=[add, ping], tool_choice=choice)
    names = {"required": "tool_choice_required", "auto": "tools", "none": "tools"}
    capability = names[choice] if isinstance(choice, str) else "tool_choice_specific"
    if not agent.model.supports(capability):
        with pytest.raises(UnsupportedCapability):
            await agent.prompt("go")
        assert bench.requests == []
        return
    await agent.prompt("go")
    assert bench.refused == []
    if vendor == "ollama" or (vendor, choice) == ("bedrock", "none"):
        # these APIs have no such field; the tools are left out where none may be called
        assert bool(seen[0].tools) == (choice != "none")
        return
    assert seen[0].tool_choice in {choice, None if choice == "auto" else choice}


async def test_a_tool_choice_that_cannot_be_met_is_refused_before_any_io(bench: Bench, vendor: str) -> None:
    with pytest.raises(UsageError, match="offered are ping"):
        await bench.agent(vendor, ["x"], tools=[ping], tool_choice=SpecificTools(("pong",))).prompt("go")
    with pytest.raises(UsageError, match="offers no tools"):
        await bench.agent(vendor, ["x"], tool_choice="required").prompt("go")
    assert bench.requests == []


async def test_an_image_in_a_result_is_sent_or_refused_cleanly(bench: Bench, vendor: str) -> None:
    @tool
    def look() -> Image:
        """Look."""
        return Image.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")

    agent = bench.agent(vendor, [call("look"), "a picture"], tools=[look])
    if agent.model.supports("image_tool_results"):
        assert (await agent.prompt("go")).text == "a picture"
        assert bench.refused == []
        assert "iVBORw0KGgo" in bench.requests[-1].body.decode()
        return
    with pytest.raises(UnsupportedCapability, match="take images in tool results"):
        await agent.prompt("go")
    assert len(bench.requests) == 1


async def test_a_moving_preamble_is_noticed(bench: Bench, vendor: str) -> None:
    class Clockwork(Hook):
        def on_completion_call(self, context: Any, request: Any) -> RequestPatch:
            return RequestPatch(preamble=f"{request.preamble} It is {context.turn} o'clock.")

    agent = bench.agent(
        vendor, [call("ping"), "done"], tools=[ping], preamble="Be terse.", hooks=[Clockwork()]
    )
    run = await agent.prompt("go")
    (notice,) = run.trace.of(Notice)
    assert notice.kind == "prefix_moved"
    moved = run.trace.requests[1].prefix
    assert moved is not None
    assert not moved.is_prefix
    assert moved.before is not None
    assert "1 o'clock" in moved.before.text


async def test_the_second_turn_of_a_conversation_reads_the_cache(bench: Bench, vendor: str) -> None:
    cache = CacheOptions(breakpoints=("last",)) if vendor in {"anthropic", "bedrock"} else None
    agent = bench.agent(
        vendor, ["first answer", "second answer"], preamble="You are long. " * 300, cache=cache
    )
    first = await agent.prompt("hello")
    second = await agent.prompt("again", history=first.all_messages)
    if vendor == "ollama":
        assert second.usage.cache_read_tokens is None  # not reported, and so not 0
        return
    assert second.usage.cache_read_tokens is not None
    assert second.usage.cache_read_tokens > 0.8 * (first.usage.input_tokens or 0)
    assert (second.usage.input_tokens or 0) >= second.usage.cache_read_tokens


async def test_another_agent_can_go_on_with_the_history_of_any_wire(bench: Bench, vendor: str) -> None:
    turns = [reply("Hm", reasoning="secret", calls=[call("ping")]), "done"]
    first = await bench.agent(vendor, turns, tools=[ping]).prompt("go")
    for other in ("openai-chat", "openai", "anthropic", "gemini", "ollama", "cohere", "bedrock"):
        agent = bench.agent(other, ["I see."], tools=[ping])
        second = await agent.prompt("and now?", history=first.all_messages)
        assert second.text == "I see."
    assert bench.refused == []


async def test_a_renamed_call_is_answered_under_its_new_name(bench: Bench, vendor: str) -> None:
    class Rename(Hook):
        def on_invalid_tool_call(self, context: Any, call: ToolCall, available: Any) -> RenameCall:
            assert call.name == "Ping"
            assert available == ("ping",)
            return RenameCall("ping")

    run = await bench.agent(vendor, [call("Ping"), "done"], tools=[ping], hooks=[Rename()]).prompt("go")
    assert [(result.name, result.text) for result in results_of(run)] == [("ping", "pong")]
    assert [name for name, _ in calls_of(run)] == ["ping"]
    assert bench.refused == []


async def test_an_agent_makes_nothing_of_its_prompt_but_what_was_given(bench: Bench, vendor: str) -> None:
    seen: list[SimRequest] = []

    def behaviour(request: SimRequest) -> Any:
        seen.append(request)
        return "ok"

    agent: Agent = bench.agent(vendor, behaviour, preamble="P", context=["the fact"])
    await agent.prompt("the question")
    (request,) = seen
    assert request.preamble == "P"
    texts = [message.text for message in request.messages if isinstance(message, UserMessage)]
    assert "the fact" in texts[0]
    assert texts[-1].endswith("the question")
