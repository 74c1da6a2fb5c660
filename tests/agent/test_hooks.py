"""Hooks see every step and steer the run; an answer they may not give is an error, never lost."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.agent import (
    Hook,
    HookContext,
    RenameCall,
    RequestPatch,
    RetryTurn,
    RewriteArguments,
    RewriteResult,
    Skip,
    Stop,
    UseModel,
)
from agentlab.errors import MaxTurnsReached, RunStopped, UsageError
from agentlab.messages import AssistantMessage, Document, Request, Text, ToolCall, UserMessage
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import tool
from tests.agent.bench import Bench, add, assert_sendable, results_of

pytestmark = pytest.mark.anyio


@tool
def ping() -> str:
    """Answer."""
    return "pong"


def hook(event: str, answer: Any, *, once: bool = False) -> Hook:
    """A hook with one method, which gives one answer."""
    left = [answer] if once else None

    def say(_self: Hook, *_: Any) -> Any:
        if left is None:
            return answer
        return left.pop() if left else None

    made: Hook = type("Given", (Hook,), {event: say})()
    return made


async def test_rewritten_arguments_reach_the_tool_and_not_the_history(bench: Bench, vendor: str) -> None:
    hooks = [hook("on_tool_call", RewriteArguments({"a": 10, "b": 20}))]
    run = await bench.agent(vendor, [call("add", a=1, b=2), "done"], tools=[add], hooks=hooks).prompt("go")
    assert results_of(run)[0].text == "30"
    assert run.trace.turns[0].message.tool_calls[0].arguments == {"a": 1, "b": 2}
    assert bench.refused == []


async def test_a_rewritten_result_is_what_the_model_sees(bench: Bench, vendor: str) -> None:
    hooks = [hook("on_tool_result", RewriteResult((Text("censored"),)))]
    run = await bench.agent(vendor, [call("add", a=1, b=2), "done"], tools=[add], hooks=hooks).prompt("go")
    assert results_of(run)[0].text == "censored"
    assert "censored" in bench.requests[-1].body.decode()


async def test_a_skipped_tool_does_not_run_and_the_model_is_told_why(bench: Bench, vendor: str) -> None:
    ran = []

    @tool
    def danger() -> str:
        """Act."""
        ran.append(1)
        return "done"

    hooks = [hook("on_tool_call", Skip("not allowed here"))]
    run = await bench.agent(vendor, [call("danger"), "ok"], tools=[danger], hooks=hooks).prompt("go")
    assert ran == []
    assert [(result.text, result.status) for result in results_of(run)] == [("not allowed here", "skipped")]
    assert bench.refused == []


async def test_a_skipped_unknown_call_is_answered_with_the_reason(bench: Bench, vendor: str) -> None:
    hooks = [hook("on_invalid_tool_call", Skip("no such thing"))]
    run = await bench.agent(vendor, [call("nope"), "ok"], tools=[ping], hooks=hooks).prompt("go")
    assert [(result.text, result.status) for result in results_of(run)] == [("no such thing", "skipped")]


async def test_renaming_to_a_tool_there_is_not_is_told_to_the_model(bench: Bench) -> None:
    hooks = [hook("on_invalid_tool_call", RenameCall("neither"))]
    run = await bench.agent("openai", [call("nope"), "ok"], tools=[ping], hooks=hooks).prompt("go")
    assert results_of(run)[0].text == "there is no tool `neither`; there are ping"


async def test_a_patch_changes_one_request_and_not_the_run(bench: Bench, vendor: str) -> None:
    seen: list[SimRequest] = []

    def says(request: SimRequest) -> Any:
        seen.append(request)
        return call("ping") if len(seen) == 1 else "done"

    patch = RequestPatch(
        preamble="Patched.",
        temperature=0.5,
        max_tokens=77,
        active_tools=("ping",),
        extra_context=(Document.from_text("extra fact", id="x"),),
    )
    agent = bench.agent(
        vendor,
        says,
        tools=[add, ping],
        preamble="Plain.",
        hooks=[hook("on_completion_call", patch, once=True)],
    )
    run = await agent.prompt("go")
    assert [request.preamble for request in seen] == ["Patched.", "Plain."]
    assert [[each.name for each in request.tools] for request in seen] == [["ping"], ["add", "ping"]]
    assert seen[0].max_tokens == 77
    assert seen[1].max_tokens != 77
    assert "extra fact" in seen[0].body.decode()
    assert "extra fact" not in seen[1].body.decode()
    assert run.messages[0] == UserMessage.of("go")
    assert bench.refused == []


async def test_patched_messages_are_sent_and_not_kept(bench: Bench) -> None:
    other = (UserMessage.of("something else"),)
    agent = bench.agent("openai", ["ok"], hooks=[hook("on_completion_call", RequestPatch(messages=other))])
    run = await agent.prompt("go")
    assert "something else" in bench.requests[0].body.decode()
    assert run.messages[0] == UserMessage.of("go")


async def test_patches_of_several_hooks_add_up(bench: Bench) -> None:
    hooks = [
        hook(
            "on_completion_call",
            RequestPatch(additional_params={"seed": 1, "top_p": 0.5}, active_tools=("add",)),
        ),
        hook("on_completion_call", RequestPatch(additional_params={"seed": 2}, temperature=0.1)),
    ]
    await bench.agent("openai-chat", ["ok"], tools=[add, ping], hooks=hooks).prompt("go")
    (request,) = bench.requests
    assert request.json is not None
    assert (request.json["seed"], request.json["top_p"], request.json["temperature"]) == (2, 0.5, 0.1)
    assert [each["function"]["name"] for each in request.json["tools"]] == ["add"]


async def test_a_patch_that_cannot_be_met_is_refused(bench: Bench) -> None:
    hooks = [hook("on_completion_call", RequestPatch(active_tools=("nope",)))]
    with pytest.raises(UsageError, match="names nope; offered are ping"):
        await bench.agent("openai", ["ok"], tools=[ping], hooks=hooks).prompt("go")
    assert bench.requests == []


async def test_a_call_to_a_tool_that_was_not_active_is_an_unknown_one(bench: Bench) -> None:
    hooks = [hook("on_completion_call", RequestPatch(active_tools=("ping",)), once=True)]
    agent = bench.agent("openai", [call("add", a=1, b=2), "ok"], tools=[add, ping], hooks=hooks)
    assert results_of(await agent.prompt("go"))[0].text == "there is no tool `add`; there are ping"


STOPS = [
    "on_completion_call",
    "on_model_select",
    "on_text_delta",
    "on_reasoning_delta",
    "on_tool_call_delta",
    "on_stream_response_finish",
    "on_model_turn_finished",
    "on_tool_call",
    "on_tool_result",
    "on_invalid_tool_call",
]


@pytest.mark.parametrize("event", STOPS)
async def test_every_hook_may_stop_the_run(bench: Bench, event: str) -> None:
    said = reply("Words first.", reasoning="Hm.", calls=[call("ping"), call("nope")])
    agent = bench.agent("anthropic", [said], tools=[ping], hooks=[hook(event, Stop("no further"))])
    stream = agent.stream_prompt("go")
    with pytest.raises(RunStopped) as caught:
        async for _ in stream:
            pass
    assert caught.value.reason == "no further"
    assert caught.value.history == stream.run.all_messages
    assert (stream.run.stop_reason, stream.run.detail) == ("stopped", "no further")
    assert_sendable(caught.value.history)
    assert len(bench.requests) == (0 if event in STOPS[:2] else 1)


@pytest.mark.parametrize("event", ["on_stream_response_finish", "on_model_turn_finished"])
async def test_a_final_turn_that_is_stopped_is_kept_and_counted(
    bench: Bench, vendor: str, event: str
) -> None:
    stream = bench.agent(vendor, ["the answer"], hooks=[hook(event, Stop("seen enough"))]).stream_prompt("go")
    with pytest.raises(RunStopped) as caught:
        async for _ in stream:
            pass
    assert caught.value.partial is not None
    assert (caught.value.partial.text, stream.run.text) == ("the answer", "the answer")
    assert (stream.run.stop_reason, stream.run.turns_made) == ("stopped", 1)
    assert stream.run.usage.output_tokens


async def test_a_turn_is_retried_with_feedback_and_both_are_kept(bench: Bench, vendor: str) -> None:
    hooks = [hook("on_model_turn_finished", RetryTurn("Shorter, please."), once=True)]
    run = await bench.agent(vendor, ["A long answer.", "Short."], hooks=hooks).prompt("go")
    assert run.text == "Short."
    assert [message.text for message in run.messages if not isinstance(message, str)] == [  # type: ignore[union-attr]
        "go",
        "A long answer.",
        "Shorter, please.",
        "Short.",
    ]
    assert run.run.turns_made == 2


async def test_a_turn_is_retried_without_feedback_and_dropped(bench: Bench, vendor: str) -> None:
    hooks = [hook("on_model_turn_finished", RetryTurn(), once=True)]
    run = await bench.agent(vendor, ["Bad.", "Good."], hooks=hooks).prompt("go")
    assert [type(message) for message in run.messages] == [UserMessage, AssistantMessage]
    assert run.text == "Good."
    assert len(run.run.records) == 2
    first, second = bench.requests
    assert first.body == second.body


async def test_retries_of_a_turn_count(bench: Bench) -> None:
    agent = bench.agent(
        "openai", lambda _: "no", hooks=[hook("on_model_turn_finished", RetryTurn())], max_turns=3
    )
    with pytest.raises(MaxTurnsReached):
        await agent.prompt("go")
    assert len(bench.requests) == 3


async def test_a_turn_that_calls_tools_cannot_be_retried_and_is_not_lost(bench: Bench) -> None:
    agent = bench.agent(
        "openai", [call("ping")], tools=[ping], hooks=[hook("on_model_turn_finished", RetryTurn())]
    )
    stream = agent.stream_prompt("go")
    with pytest.raises(UsageError, match="only answers can be retried"):
        async for _ in stream:
            pass
    assert stream.run.turns_made == 1
    assert [result.status for result in results_of(stream.run.messages)] == ["interrupted"]
    assert stream.run.stop_reason == "error"


async def test_a_hook_may_choose_another_model(bench: Bench) -> None:
    hooks = [hook("on_model_select", UseModel(bench.model("gemini")), once=True)]
    run = await bench.agent("openai", [call("ping"), "done"], tools=[ping], hooks=hooks).prompt("go")
    assert [request.vendor for request in bench.requests] == ["gemini", "openai"]
    assert [record.model for record in run.run.records] == ["gemini:gemini-2.5-flash", "openai:gpt-5.6"]
    assert run.text == "done"


async def test_choosing_what_is_no_model_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError, match="takes a model object, not 'gpt'"):
        await bench.agent("openai", ["x"], hooks=[hook("on_model_select", UseModel("gpt"))]).prompt("go")
    assert bench.requests == []


@pytest.mark.parametrize("event", STOPS)
async def test_an_answer_an_event_does_not_take_is_an_error(bench: Bench, event: str) -> None:
    said = reply("Words first.", reasoning="Hm.", calls=[call("ping"), call("nope")])
    agent = bench.agent("anthropic", [said], tools=[ping], hooks=[hook(event, True)])
    stream = agent.stream_prompt("go")
    with pytest.raises(UsageError, match=rf"`Given\.{event}` may return .*`Stop` or None, not True"):
        async for _ in stream:
            pass
    assert stream.run.stop_reason == "error"
    assert_sendable(stream.run.all_messages)


class Recorder(Hook):
    """Notes what it is asked; every other method is async."""

    def __init__(self, notes: list[str], name: str, answer: Any = None) -> None:
        self.notes, self.name, self.answer = notes, name, answer

    async def on_completion_call(self, context: HookContext, request: Request) -> None:
        self.notes.append(f"{self.name} call {context.turn}")

    def on_text_delta(self, context: HookContext, delta: str, text: str) -> None:
        assert text.endswith(delta)
        if self.notes[-1] != f"{self.name} text":
            self.notes.append(f"{self.name} text")

    async def on_tool_call(self, context: HookContext, call: ToolCall) -> Any:
        self.notes.append(f"{self.name} tool")
        return self.answer

    def on_tool_result(self, *_: Any) -> None:
        self.notes.append(f"{self.name} result")

    async def on_stream_response_finish(self, *_: Any) -> None:
        self.notes.append(f"{self.name} finish")

    def on_completion_response(self, *_: Any) -> None:
        self.notes.append(f"{self.name} response")


async def test_hooks_are_asked_in_order_at_every_step(bench: Bench, vendor: str, stream: bool) -> None:
    notes: list[str] = []
    agent = bench.agent(
        vendor, [call("ping"), "done now"], tools=[ping], hooks=[Recorder(notes, "a")], stream=stream
    )
    await agent.prompt("go")
    end = "finish" if stream else "response"
    assert notes == [f"a {note}" for note in ("call 1", end, "tool", "result", "call 2", "text", end)]


async def test_the_first_hook_that_answers_wins(bench: Bench) -> None:
    notes: list[str] = []
    hooks = [
        Recorder(notes, "a"),
        Recorder(notes, "b", Skip("b says no")),
        Recorder(notes, "c", Skip("c says no")),
    ]
    run = await bench.agent("openai", [call("ping"), "done"], tools=[ping], hooks=hooks).prompt("go")
    assert results_of(run)[0].text == "b says no"
    assert [note for note in notes if note.endswith("tool")] == ["a tool", "b tool"]


async def test_hooks_keep_values_on_the_scratchpad_of_their_run(bench: Bench) -> None:
    class Counter(Hook):
        def on_completion_call(self, context: HookContext, request: Request) -> None:
            context.scratchpad.insert((context.scratchpad.get(int) or 0) + 1)
            seen.append(
                (context.run_id, context.agent_name, context.is_streaming, context.scratchpad.get(int))
            )

    seen: list[tuple[str, str, bool, int | None]] = []
    agent = bench.agent("openai", lambda _: "ok", hooks=[Counter()], name="bob")
    first = await agent.prompt("go")
    second = await agent.prompt("go")
    assert seen == [(first.run.id, "bob", True, 1), (second.run.id, "bob", True, 1)]
