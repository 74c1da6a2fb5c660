"""A model in this process, as agents need one: its engine works in a thread and is stopped between tokens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from agentlab.caching.orderings.arrangement import arrange
from agentlab.errors import AgentlabError, ContextTooLong, ModelError, ServerError
from agentlab.http import Clock, SystemClock
from agentlab.messages import AssistantMessage, Event, FinishReason, Request, RequestSent, TurnFinished, Usage
from agentlab.models.capabilities import check_capabilities
from agentlab.models.interface import ModelStream
from agentlab.models.local.answer_parser import AnswerParser
from agentlab.models.local.chat_messages import chat_messages, chat_tools
from agentlab.models.timing import Stopwatch

__all__ = ["Engine", "LocalModel", "Sampling", "Token"]

_BODY_WIRE: Final = "openai-chat"
_LOOK_S: Final = 0.05
_LACKS: Final = frozenset(
    {
        "tool_choice_required",
        "tool_choice_specific",
        "structured_output",
        "structured_output_with_tools",
        "images",
        "documents",
        "audio",
        "video",
        "reasoning",
        "image_tool_results",
    }
)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen.

    Attributes:
        temperature: None leaves it to the engine; 0 takes the likeliest.
        max_tokens: Most tokens of the answer; None for as many as the window holds.
    """

    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """What a generated token adds to the text.

    Attributes:
        text: `""` while a character is incomplete.
        ends: Whether it is the token by which the model ends its answer.
        count: How many tokens were made; 0 for what was left of the ones before.
    """

    text: str
    ends: bool = False
    count: int = 1


class Engine(Protocol):
    """A library that runs a model; called in one thread at a time.

    Attributes:
        window: Most tokens of prompt and answer together.
    """

    window: int

    def prompt(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Sequence[int]:
        """The tokens of a conversation, by the model's chat template.

        Raises:
            UsageError: The template does not take it.
        """
        ...

    def opens_thought(self, prompt: Sequence[int]) -> bool:
        """Whether the prompt ends inside a thought, which the answer then goes on with."""
        ...

    def reused(self, prompt: Sequence[int]) -> int:
        """How many tokens at the start of a prompt need not be computed: they are there from the last call."""
        ...

    def generate(self, prompt: Sequence[int], sampling: Sampling, stop: threading.Event) -> Iterator[Token]:
        """The answer, token by token; `stop` ends it before the next one."""
        ...


class LocalModel:
    """A model whose engine runs in this process; one call at a time, others wait.

    Args:
        name: What it is called, `"local:smollm2"`.
        engine: What runs it.
        clock: Time; for tests.
    """

    def __init__(self, name: str, engine: Engine, *, clock: Clock | None = None) -> None:
        self.name = name if ":" in name else f"local:{name}"
        self.model_id = self.name.partition(":")[2]
        self.engine = engine
        self.clock = clock or SystemClock()
        self._turn = threading.Lock()

    def stream(self, request: Request) -> ModelStream:
        """Begin a model call; nothing is computed until the events are asked for."""
        call = _Call(self, arrange(request), self._turn)
        return ModelStream(call.events(), call.partial)

    def session(self) -> AbstractAsyncContextManager[object]:
        """Nothing is to be kept open."""
        return nullcontext()

    def supports(self, capability: str) -> bool:
        """Texts and tools, and the model's own choice of them."""
        return capability not in _LACKS

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r})"


class _Call:
    """One model call: the engine in its thread, and its tokens on the loop."""

    def __init__(self, model: LocalModel, request: Request, turn: threading.Lock) -> None:
        self._model = model
        self._request = request
        self._turn = turn
        self._watch = Stopwatch(model.clock)
        self._parser: AnswerParser | None = None
        self._stop = threading.Event()
        self._usage = Usage()

    def partial(self) -> AssistantMessage | None:
        """What has arrived."""
        return self._parser.assembly.message(interrupted=True) if self._parser is not None else None

    async def events(self) -> AsyncGenerator[Event, None]:
        """All events of the call."""
        model, request = self._model, self._request
        check_capabilities(model, request)
        asked = _Asked(chat_messages(request), chat_tools(request))
        self._watch.start()
        yield RequestSent(_BODY_WIRE, model.name, asked.body(model.model_id))
        loop, said = asyncio.get_running_loop(), asyncio.Queue[_Said]()
        work = loop.run_in_executor(
            None, self._work, asked, lambda each: loop.call_soon_threadsafe(said.put_nowait, each)
        )
        ended, thoughts = False, 0
        try:
            while isinstance(token := await said.get(), Token | _Begun):
                if isinstance(token, _Begun):
                    self._parser = parser = AnswerParser(
                        stops=request.stop_sequences, tools=bool(asked.tools), thinking=token.in_thought
                    )
                    continue
                thoughts += parser.thinks
                for event in parser.feed(token.text):
                    self._watch.event(event)
                    yield event
                ended = token.ends or parser.stopped
                if ended:
                    break
        finally:
            self._stop.set()
            await asyncio.shield(work)
        if isinstance(token, BaseException):
            raise self._failure(token)
        for event in parser.finish():
            self._watch.event(event)
            yield event
        reasoning = thoughts or None
        self._usage = msgspec.structs.replace(self._usage, reasoning_tokens=reasoning)
        for last in self._finished(parser, "stop" if ended else "length"):
            yield last

    def _work(self, asked: _Asked, hand: Callable[[_Said], object]) -> None:
        """In the thread: compute, and hand each token over."""
        while not self._turn.acquire(timeout=_LOOK_S):
            if self._stop.is_set():
                return
        try:
            if not self._stop.is_set():
                self._compute(asked, hand)
                hand(None)
        except Exception as error:  # noqa: BLE001 - it is raised on the loop
            hand(error)
        finally:
            self._turn.release()

    def _compute(self, asked: _Asked, hand: Callable[[_Said], object]) -> None:
        engine = self._model.engine
        prompt = engine.prompt(asked.messages, asked.tools)
        room = engine.window - len(prompt)
        if room <= 0:
            raise ContextTooLong(
                f"{self._model.name}: the prompt has {len(prompt):,} tokens, and the model's window {engine.window:,}"
            )
        most = self._request.max_tokens
        counted = Usage(input_tokens=len(prompt), cache_read_tokens=engine.reused(prompt), output_tokens=0)
        hand(_Begun(engine.opens_thought(prompt)))
        sampling = Sampling(self._request.temperature, room if most is None else min(room, most))
        made = 0
        self._usage = counted
        for token in engine.generate(prompt, sampling, self._stop):
            made += token.count
            self._usage = msgspec.structs.replace(counted, output_tokens=made)
            hand(token)

    def _finished(self, parser: AnswerParser, reason: FinishReason) -> list[Event]:
        assembly = parser.assembly
        assembly.finish(reason, reason)
        assembly.complete = True
        events: list[Event] = [*assembly.close()]
        self._parser = None
        finished = TurnFinished(
            message=assembly.message(),
            usage=self._usage,
            finish_reason=assembly.finish_reason,
            raw_finish_reason=reason,
            timing=self._watch.timing(),
        )
        return [*events, finished]

    def _failure(self, error: BaseException) -> BaseException:
        """The error of the engine as one of ours, with what had arrived."""
        partial = self.partial()
        if not isinstance(error, AgentlabError):
            error = ServerError(f"{self._model.name}: the engine failed: {type(error).__name__}: {error}")
        if isinstance(error, ModelError) and partial is not None and not partial.is_empty:
            error.partial = partial
        error.__context__ = None
        return error.with_traceback(None)


@dataclass(frozen=True, slots=True)
class _Asked:
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]

    def body(self, model_id: str) -> str:
        """The request in the form of Chat Completions, which is that of chat templates."""
        tools = {"tools": self.tools} if self.tools else {}
        return msgspec.json.encode({"model": model_id, **tools, "messages": self.messages}).decode()


@dataclass(frozen=True, slots=True)
class _Begun:
    in_thought: bool


_Said = Token | _Begun | Exception | None
