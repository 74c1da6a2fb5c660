"""The agent as a user meets it: options, variations, conversations, sync calls, errors that help."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agentlab.agent import Agent, Hook, RunResult
from agentlab.errors import (
    InvalidHistory,
    MaxTurnsReached,
    MissingKey,
    RunStopped,
    ServerError,
    UnsupportedCapability,
    UsageError,
)
from agentlab.messages import (
    AssistantMessage,
    Document,
    Image,
    Message,
    ReasoningOptions,
    SystemMessage,
    Text,
    TextDelta,
    UserMessage,
)
from agentlab.models import ModelStream, model
from agentlab.simulator import ErrorReply, call, reply
from agentlab.tools import FunctionTool, ToolContext, Toolset, tool
from tests.agent.bench import Bench, add, assert_sendable


def some_model() -> Any:
    return model("ollama:qwen3:4b", base_url="http://127.0.0.1:9")


def made(**options: Any) -> Agent:
    return Agent(some_model(), **options)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("preambel", "did you mean `preamble`"),
        ("max_turn", "did you mean `max_turns`"),
        ("tool", "did you mean `tools`"),
        ("zzz", "there are additional_params, "),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest_name(wrong: str, hint: str) -> None:
    with pytest.raises(UsageError, match=rf"no option `{wrong}`.*{hint}"):
        made().with_(**{wrong: 1})


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("opnai:gpt-5.6", "did you mean `openai`"),
        ("gpt-5.6", "vendor:model"),
        ("sim:gpt", "sim:vendor/model"),
    ],
)
def test_a_wrong_model_name_is_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        Agent(name)


def test_a_vendor_that_needs_a_key_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(MissingKey, match="ANTHROPIC_API_KEY"):
        Agent("anthropic:claude-sonnet-4-6")


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(UsageError, match="is no model"):
        Agent(3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="belong to a model given by name"):
        Agent(some_model(), api_key="k")


def test_variations_leave_the_agent_as_it_was() -> None:
    agent = made(preamble="A", tools=[add], temperature=0.1)
    varied = agent.with_(preamble="B", max_turns=3)
    assert (agent.settings.preamble, agent.settings.max_turns) == ("A", 20)
    assert (varied.settings.preamble, varied.settings.max_turns, varied.settings.temperature) == ("B", 3, 0.1)
    assert varied.tools.names == ("add",)
    assert varied.model is agent.model
    assert agent.append_preamble("more").settings.preamble == "A\nmore"
    other = FunctionTool(add.function, name="plus")
    assert agent.with_tools(other).tools.names == ("add", "plus")
    assert agent.tools.names == ("add",)


def test_texts_become_numbered_documents() -> None:
    mine = Document.from_text("c", id="mine")
    agent = made(context=["a", "b", mine])
    assert [document.id for document in agent.settings.context] == ["static_doc_0", "static_doc_1", "mine"]
    assert made(context="one text").settings.context == (Document.from_text("one text", id="static_doc_0"),)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("low", ReasoningOptions(effort="low")),
        ("none", ReasoningOptions(effort="none")),
        (2048, ReasoningOptions(budget_tokens=2048)),
        (ReasoningOptions(summary="auto"), ReasoningOptions(summary="auto")),
        (None, None),
    ],
    ids=str,
)
def test_reasoning_takes_an_effort_a_budget_or_options(given: Any, read: Any) -> None:
    assert made(reasoning=given).settings.reasoning == read


@pytest.mark.parametrize("given", ["lo", True, 1.5, ["low"]], ids=str)
def test_reasoning_that_is_neither_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="`reasoning` is an effort"):
        made(reasoning=given)


def test_single_values_stand_for_lists() -> None:
    class Quiet(Hook):
        pass

    quiet = Quiet()
    agent = made(tools=add, hooks=quiet, stop_sequences="END")
    assert agent.tools.names == ("add",)
    assert agent.settings.hooks == (quiet,)
    assert agent.settings.stop_sequences == ("END",)
    assert made(tools=Toolset([add])).tools.names == ("add",)


@pytest.mark.parametrize("options", [{"max_turns": -1}, {"tools": ["add"]}, {"hooks": [print]}], ids=str)
def test_values_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        made(**options)


def test_a_plain_function_becomes_a_tool() -> None:
    def double(n: int) -> int:
        """Double."""
        return 2 * n

    agent = made(tools=[double])
    assert agent.tools.definitions[0].description == "Double."
    assert "double" in repr(agent)


def test_the_first_request_can_be_looked_at(bench: Bench) -> None:
    agent = bench.agent("openai", ["x"], preamble="P", tools=[add], context=["c"], temperature=0.3)
    request = agent.completion("hello", [UserMessage.of("before"), AssistantMessage.of("yes")])
    assert (request.model, request.preamble, request.temperature) == ("gpt-5.6", "P", 0.3)
    assert [getattr(message, "text", None) for message in request.messages] == ["before", "yes", "hello"]
    assert bench.requests == []


@pytest.mark.anyio
async def test_a_prompt_may_be_text_parts_or_a_message(bench: Bench) -> None:
    agent = bench.agent("anthropic", lambda _: "ok")
    image = Image.from_bytes(b"\x89PNG\r\n\x1a\n")
    for prompt in (
        "text",
        Text("text"),
        [Text("look"), image],
        ["look", image],
        image,
        UserMessage.of("text"),
    ):
        run = await agent.prompt(prompt)  # type: ignore[arg-type]
        assert isinstance(run.messages[0], UserMessage)
    assert bench.refused == []
    with pytest.raises(InvalidHistory):
        await agent.prompt([])


@pytest.mark.anyio
async def test_chat_appends_what_was_said_on_success_only(bench: Bench, vendor: str) -> None:
    history: list[Message] = []
    agent = bench.agent(vendor, ["One.", call("add", a=1, b=2), "Three."], tools=[add])
    assert (await agent.chat("first", history)).text == "One."
    assert len(history) == 2
    second = await agent.chat("second", history)
    assert history[2:] == list(second.messages)
    assert len(history) == 6
    assert_sendable(history)
    before = list(history)
    with pytest.raises(ServerError):
        await bench.agent(vendor, lambda _: ErrorReply(500, "Down.")).chat("third", history)
    with pytest.raises(MaxTurnsReached):
        await bench.agent(vendor, lambda _: call("add", a=1, b=2), tools=[add], max_turns=1).chat(
            "4", history
        )
    assert history == before


@pytest.mark.anyio
async def test_a_streamed_chat_appends_when_it_ends_well_only(bench: Bench, vendor: str) -> None:
    history: list[Message] = []
    agent = bench.agent(vendor, lambda _: "A few words of an answer.")
    async for event in agent.stream_chat("first", history):
        if isinstance(event, TextDelta):
            assert history == []
    assert len(history) == 2
    broken_off = agent.stream_chat("second", history)
    async for event in broken_off:
        if isinstance(event, TextDelta):
            break
    await broken_off.aclose()
    stopped = agent.stream_chat("third", history)
    stopped.stop()
    with pytest.raises(RunStopped):
        async for _ in stopped:
            pass
    assert len(history) == 2


@pytest.mark.anyio
async def test_a_system_message_in_the_history_is_sent(bench: Bench, vendor: str) -> None:
    history = [SystemMessage("Speak like a pirate."), UserMessage.of("hi"), AssistantMessage.of("Arr")]
    agent = bench.agent(vendor, ["Aye"])
    try:
        assert (await agent.prompt("go", history=history)).text == "Aye"
    except UnsupportedCapability:
        assert bench.requests == []
        return
    assert "pirate" in bench.requests[0].body.decode()
    assert bench.refused == []


def test_prompt_sync_works_without_a_loop(bench: Bench, vendor: str) -> None:
    run = bench.agent(vendor, [call("add", a=1, b=2), "three"], tools=[add]).prompt_sync("go")
    assert (run.text, str(run)) == ("three", "three")


@pytest.mark.anyio
async def test_prompt_sync_works_inside_a_running_loop(bench: Bench) -> None:
    assert asyncio.get_running_loop().is_running()
    assert bench.agent("openai", ["fine"]).prompt_sync("go").text == "fine"


def test_prompt_sync_raises_what_prompt_raises(bench: Bench) -> None:
    with pytest.raises(MaxTurnsReached):
        bench.agent("openai", ["x"]).prompt_sync("go", max_turns=0)


@pytest.mark.anyio
async def test_one_agent_runs_many_conversations_at_once(bench: Bench, vendor: str) -> None:
    agent = bench.agent(vendor, lambda request: f"You said {request.messages[-1].text}.")  # type: ignore[union-attr]
    runs = await asyncio.gather(*(agent.prompt(f"number {n}") for n in range(12)))
    assert [run.text for run in runs] == [f"You said number {n}." for n in range(12)]


@pytest.mark.anyio
async def test_a_result_shows_itself_and_its_turns(bench: Bench) -> None:
    run: RunResult = await bench.agent(
        "openai", [call("add", a=1, b=2), reply("x" * 100)], tools=[add]
    ).prompt("go")
    assert repr(run) == f"RunResult('{'x' * 57}...', turns=2, stop_reason='done')"
    frame = run.turns
    assert list(frame.index) == [1, 2]
    assert list(frame["provider"]) == ["openai", "openai"]
    assert list(frame["tool_calls"]) == [1, 0]
    assert frame["input_tokens"].sum() == run.usage.input_tokens
    assert run.all_messages == run.messages


@pytest.mark.anyio
async def test_a_stream_is_iterated_once(bench: Bench) -> None:
    stream = bench.agent("openai", ["x"]).stream_prompt("go")
    async for _ in stream:
        pass
    with pytest.raises(UsageError, match="iterated once"):
        async for _ in stream:
            pass


@pytest.mark.anyio
async def test_a_model_of_ones_own_needs_no_wire() -> None:
    from contextlib import nullcontext  # noqa: PLC0415

    from agentlab.messages import RequestSent, TurnFinished, Usage  # noqa: PLC0415

    class Echo:
        name = "mine:echo"
        model_id = "echo"

        def stream(self, request: Any) -> ModelStream:
            async def events() -> Any:
                yield RequestSent("my-wire", "nowhere", "{}")
                said = AssistantMessage.of(request.messages[-1].text.upper())
                yield TurnFinished(said, Usage(), "stop")

            return ModelStream(events(), lambda: None)

        def session(self) -> Any:
            return nullcontext()

        def supports(self, capability: str) -> bool:
            return False

    run = await Agent(Echo(), tool_context=ToolContext("x")).prompt("hello")
    assert run.text == "HELLO"
    again = await Agent(Echo()).prompt("hello again", history=run.all_messages)
    assert again.text == "HELLO AGAIN"


@tool
def unused() -> str:
    """Do nothing."""
    return ""


@pytest.mark.parametrize("prompt", ["", " \n", (), [""], UserMessage(()), UserMessage.of("", " ")])
def test_an_empty_prompt_is_refused_before_anything_is_sent(prompt: Any) -> None:
    with pytest.raises(UsageError, match="the prompt is empty"):
        Agent(some_model()).stream_prompt(prompt)
