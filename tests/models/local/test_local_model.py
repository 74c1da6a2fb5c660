"""A model in this process: streaming, stopping between tokens, counting, and what its failures become."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.errors import ContextTooLong, MissingExtra, ServerError, UnsupportedCapability, UsageError
from agentlab.messages import (
    AssistantMessage,
    Document,
    Image,
    Reasoning,
    ReasoningText,
    Request,
    RequestSent,
    SystemMessage,
    Text,
    TextDelta,
    ToolCall,
    ToolDefinition,
    ToolResult,
    TurnFinished,
    UserMessage,
)
from agentlab.models import Model
from agentlab.models.local import LocalModel, Sampling, Token
from agentlab.models.local.chat_messages import chat_messages, chat_tools
from agentlab.models.local.detokenizer import Detokenizer
from agentlab.models.local.transformers_engine import transformers_model
from agentlab.tools import tool

pytestmark = pytest.mark.anyio


class Scripted:
    """An engine that writes what it is told, a word at a time."""

    window = 1000

    def __init__(self, *answers: str | Exception, endless: bool = False) -> None:
        self.answers = list(answers)
        self.endless = endless
        self.prompts: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = []
        self.samplings: list[Sampling] = []
        self.made = 0
        self.running = 0
        self.most_running = 0

    def prompt(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Sequence[int]:
        self.prompts.append((messages, tools))
        return list(range(sum(len(str(each["content"])) for each in messages)))

    def opens_thought(self, prompt: Sequence[int]) -> bool:
        return False

    def reused(self, prompt: Sequence[int]) -> int:
        return 3 if len(self.prompts) > 1 else 0

    def generate(self, prompt: Sequence[int], sampling: Sampling, stop: threading.Event) -> Iterator[Token]:
        self.samplings.append(sampling)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            answer = self.answers.pop(0) if self.answers else "word"
            if isinstance(answer, Exception):
                yield Token("so far ")
                raise answer
            left = sampling.max_tokens or 0
            while True:
                for word in answer.split(" "):
                    if stop.is_set() or not left:
                        return
                    self.made, left = self.made + 1, left - 1
                    yield Token(f"{word} ")
                if not self.endless:
                    yield Token("", ends=True)
                    return
        finally:
            self.running -= 1


def asked(text: str = "hi", **options: Any) -> Request:
    return Request(model="m", messages=(UserMessage.of(text),), **options)


async def turn_of(model: LocalModel, request: Request) -> TurnFinished:
    found = [event async for event in model.stream(request).events]
    assert isinstance(found[-1], TurnFinished)
    return found[-1]


async def test_an_answer_streams_and_is_counted() -> None:
    engine = Scripted("one two three")
    model = LocalModel("mine", engine)
    assert isinstance(model, Model)
    events = [event async for event in model.stream(asked(temperature=0.5)).events]
    assert isinstance(events[0], RequestSent)
    assert json.loads(events[0].body) == {"model": "mine", "messages": [{"role": "user", "content": "hi"}]}
    assert [each.text for each in events if isinstance(each, TextDelta)] == ["one ", "two ", "three "]
    turn = events[-1]
    assert isinstance(turn, TurnFinished)
    assert turn.message.text == "one two three "
    assert (turn.usage.input_tokens, turn.usage.output_tokens, turn.usage.cache_read_tokens) == (2, 4, 0)
    assert (turn.finish_reason, turn.usage.reasoning_tokens) == ("stop", None)
    assert engine.samplings == [Sampling(0.5, 998)]


async def test_an_agent_calls_tools_through_it_and_reads_what_is_kept() -> None:
    @tool
    def add(a: int, b: int) -> int:
        """Adds."""
        return a + b

    engine = Scripted(
        '<think>add</think><tool_call>{"name": "add", "arguments": {"a": 2, "b": 3}}</tool_call>', "It is 5."
    )
    run = await Agent(LocalModel("mine", engine), preamble="Be brief.", tools=[add]).prompt("2 + 3?")
    assert run.text == "It is 5. "
    assert run.usage.cache_read_tokens == 3
    messages, tools = engine.prompts[-1]
    assert [each["role"] for each in messages] == ["system", "user", "assistant", "tool"]
    assert messages[2]["tool_calls"][0]["function"] == {"name": "add", "arguments": {"a": 2, "b": 3}}
    assert (messages[2]["reasoning_content"], messages[3]["content"]) == ("add", "5")
    assert tools[0]["function"]["name"] == "add"


async def test_it_is_stopped_between_tokens_when_nobody_listens_any_more() -> None:
    engine = Scripted(endless=True)
    engine.window = 10**9
    model = LocalModel("mine", engine)
    async with aclosing(model.stream(asked()).events) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    made = engine.made
    assert engine.running == 0
    assert await asyncio.to_thread(lambda: engine.made) == made


async def test_a_cancelled_call_ends_its_thread_and_the_next_one_runs() -> None:
    engine = Scripted(endless=True)
    engine.window = 10**9
    model = LocalModel("mine", engine)
    began = asyncio.Event()

    async def listen() -> None:
        async for event in model.stream(asked()).events:
            if isinstance(event, TextDelta):
                began.set()

    task = asyncio.create_task(listen())
    await began.wait()
    waiting = asyncio.create_task(turn_of(model, asked()))
    await asyncio.sleep(0)
    waiting.cancel()
    task.cancel()
    for each in (task, waiting):
        with pytest.raises(asyncio.CancelledError):
            await each
    assert engine.running == 0
    engine.endless = False
    assert (await turn_of(model, asked())).finish_reason == "stop"


async def test_calls_take_turns() -> None:
    engine = Scripted(*["one two"] * 5)
    model = LocalModel("mine", engine)
    turns = await asyncio.gather(*(turn_of(model, asked()) for _ in range(5)))
    assert engine.most_running == 1
    assert {turn.message.text for turn in turns} == {"one two "}


async def test_an_answer_ends_at_its_limit_or_at_a_stop() -> None:
    cut = await turn_of(LocalModel("mine", Scripted("one two three")), asked(max_tokens=2))
    assert (cut.message.text, cut.finish_reason, cut.usage.output_tokens) == ("one two ", "length", 2)
    engine = Scripted(endless=True)
    stopped = await turn_of(LocalModel("mine", engine), asked(stop_sequences=("d w",)))
    assert (stopped.message.text, stopped.finish_reason) == ("wor", "stop")
    assert engine.running == 0


async def test_an_engine_that_fails_is_a_server_error_with_what_had_arrived() -> None:
    model = LocalModel("mine", Scripted(RuntimeError("out of memory")))
    with pytest.raises(
        ServerError, match="local:mine: the engine failed: RuntimeError: out of memory"
    ) as failed:
        await turn_of(model, asked())
    assert failed.value.partial is not None
    assert failed.value.partial.text == "so far "
    with pytest.raises(UsageError, match="mine too"):
        await turn_of(LocalModel("mine", Scripted(UsageError("mine too"))), asked())


async def test_what_it_cannot_do_is_refused_before_anything_is_computed() -> None:
    engine = Scripted()
    model = LocalModel("mine", engine)
    with pytest.raises(ContextTooLong, match="has 2,000 tokens, and the model's window 1,000"):
        await turn_of(model, asked("x" * 2000))
    picture = UserMessage((Image.from_bytes(b"x", media_type="image/png"),))
    for request in (
        asked(tools=(ToolDefinition("t"),), tool_choice="required"),
        Request(model="m", messages=(picture,)),
    ):
        with pytest.raises(UnsupportedCapability):
            await turn_of(model, request)
    assert engine.made == 0


def test_messages_take_the_form_of_chat_templates() -> None:
    request = Request(
        model="m",
        preamble="Be brief.",
        context=(Document.from_text("a book"),),
        messages=(
            SystemMessage("Be kind."),
            UserMessage.of("hi"),
            AssistantMessage(
                (
                    Reasoning((ReasoningText("hm"),)),
                    Text("yes"),
                    ToolCall(id="1", name="t", arguments_json="{"),
                )
            ),
            UserMessage((ToolResult(call_id="1", name="t", content=(Text("r"),)), Text("go on"))),
        ),
        tools=(ToolDefinition("t"),),
    )
    told = chat_messages(request)
    assert [each["role"] for each in told] == ["system", "user", "assistant", "tool", "user"]
    assert told[0]["content"] == "Be brief.\n\nBe kind."
    assert "a book" in told[1]["content"]
    assert told[1]["content"].endswith("\n\nhi")
    assert told[2]["tool_calls"][0]["function"]["arguments"] == {}
    assert told[2]["reasoning_content"] == "hm"
    assert [each["function"]["name"] for each in chat_tools(request)] == ["t"]


def test_characters_of_several_tokens_are_given_once_they_are_whole() -> None:
    text = "a\u00e9\u4e2d\U0001f600 z"
    made = Detokenizer(lambda ids: bytes(ids).decode("utf-8", "replace"))
    pieces = [made.add(byte) for byte in text.encode()]
    assert "".join(pieces) + made.finish() == text
    assert all(not piece or piece in text for piece in pieces)
    cut = Detokenizer(lambda ids: bytes(ids).decode("utf-8", "replace"))
    assert "".join([cut.add(byte) for byte in text.encode()[:3]]) + cut.finish() == "a\u00e9"[:2]


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_library_that_is_not_installed_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None if package == "torch" else types.ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[transformers\]"):
        transformers_model("folder")
