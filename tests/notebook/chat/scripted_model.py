"""A model that says what a test wants, and waits where a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, nullcontext

from agentlab.agent import Agent
from agentlab.messages import (
    AssistantMessage,
    Event,
    Request,
    SystemMessage,
    Text,
    TextDelta,
    ToolCall,
    TurnFinished,
    Usage,
)
from agentlab.models import ModelStream
from agentlab.notebook.chat.answerer import AgentAnswerer
from agentlab.notebook.chat.chat import Chat
from agentlab.notebook.chat.conversation import Conversation

Step = "str | ToolCall | Gate | Exception"


class Gate:
    """Holds an answer until the test lets it go on."""

    def __init__(self) -> None:
        self.reached: Future[None] = Future()
        self._opened: Future[None] = Future()

    def open(self) -> None:
        """Let it go on."""
        self._opened.set_result(None)

    async def wait(self) -> None:
        """Say that it is reached, and wait."""
        self.reached.set_result(None)
        await asyncio.wrap_future(self._opened)


class ScriptedModel:
    """Answers one call after the other; past the script it repeats what it was asked.

    Attributes:
        asked: The requests, in order.
    """

    name = "test:scripted"
    model_id = "scripted"

    def __init__(self, *script: Iterable[Step]) -> None:
        self.script = [list(steps) for steps in script]
        self.asked: list[Request] = []

    def session(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    def supports(self, capability: str) -> bool:
        return True

    def stream(self, request: Request) -> ModelStream:
        self.asked.append(request)
        last = request.messages[-1]
        steps = self.script.pop(0) if self.script else [f"You said: {getattr(last, 'text', '')}"]
        said: list[Text | ToolCall] = []
        return ModelStream(self._events(steps, said), lambda: AssistantMessage(tuple(said)) if said else None)

    async def _events(self, steps: list[Step], said: list[Text | ToolCall]) -> AsyncGenerator[Event, None]:
        text = ""
        for step in steps:
            if isinstance(step, Gate):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            elif isinstance(step, ToolCall):
                said.append(step)
                yield step
            else:
                text += step
                said[:1] = [Text(text)]
                yield TextDelta(step)
        usage = Usage(input_tokens=1200, output_tokens=34, cache_read_tokens=1000, cache_write_tokens=0)
        yield TurnFinished(AssistantMessage(tuple(said)), usage, "stop", cost_usd=0.0021)


def agent_of(*script: Iterable[Step], **options: object) -> Agent:
    """An agent whose model says this."""
    return Agent(ScriptedModel(*script), **options)  # type: ignore[arg-type]


def answering(agent: Agent) -> Callable[[Conversation], AgentAnswerer]:
    """It as who answers in every conversation."""
    answerer = AgentAnswerer(agent)
    return lambda _conversation: answerer


def model_of(agent: Agent) -> ScriptedModel:
    """Its model."""
    assert isinstance(agent.model, ScriptedModel)
    return agent.model


async def reached(gate: Gate) -> None:
    """Wait until an answer has come to a gate."""
    await asyncio.wrap_future(gate.reached)


def texts(chat: Chat) -> list[str]:
    """What has been said in a chat."""
    return [message.text for message in chat.history if not isinstance(message, SystemMessage)]
