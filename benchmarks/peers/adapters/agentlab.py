"""Agentlab: the model alone, an agent, and an agent being watched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from time import monotonic
from typing import Any, ClassVar

import agentlab as al
from agentlab.http import HttpClient
from agentlab.http.own_client import Transport
from agentlab.messages import AssistantMessage, Message, Request, Text, TextDelta, ToolCall, UserMessage
from agentlab.models import model
from agentlab.notebook import RunState
from agentlab.notebook.run.projection import Projection
from agentlab.notebook.run.publisher import Publisher
from benchmarks.peers.way import KEY, PREAMBLE, PROMPT, Way, add, said, save

__all__ = ["WAYS"]

_VENDORS = {"chat": "openai-chat", "responses": "openai", "anthropic": "anthropic"}


class Asked(Way):
    """What both levels share.

    Attributes:
        transport: What carries the bytes; None leaves it to the client.
    """

    transport: ClassVar[Transport | None] = None

    async def open(self) -> None:
        """Make a model, and hold its connections."""
        base_url = self.url if self.wire == "anthropic" else f"{self.url}/v1"
        self._model = model(
            f"{_VENDORS[self.wire]}:{self.model}",
            api_key=KEY,
            base_url=base_url,
            http=HttpClient(transport=self.transport),
        )
        self._session = self._model.session()
        await self._session.__aenter__()
        self._agent = al.Agent(self._model, preamble=PREAMBLE, tools=[add, save], max_turns=1000)

    async def close(self) -> None:
        """Let them go."""
        await self._session.__aexit__(None, None, None)

    def past(self, messages: int) -> tuple[Message, ...]:
        """Texts in turn."""
        return tuple(
            AssistantMessage((Text(said(place)),)) if place % 2 else UserMessage.of(said(place))
            for place in range(messages)
        )

    def schema(self, function: Any) -> object:
        """A tool."""
        return al.tool(function).definition


class Model(Asked):
    """`model.stream`."""

    async def _said(self, messages: Sequence[Message]) -> str:
        request = Request(model=self.model, messages=tuple(messages))
        events = self._model.stream(request).events
        text = [event.text async for event in events if isinstance(event, TextDelta)]
        return "".join(text)

    async def text(self) -> str:
        """One call."""
        return await self._said([UserMessage.of(PROMPT)])

    async def arguments(self) -> str:
        """The call, once it is whole."""
        request = self._agent.completion(PROMPT)
        async for event in self._model.stream(request).events:
            if isinstance(event, ToolCall):
                arguments = event.arguments_json
        return str(json.loads(arguments)["text"])

    async def continued(self, past: tuple[Message, ...]) -> str:
        """One more call."""
        return await self._said((*past, UserMessage.of(PROMPT)))


class Agent(Asked):
    """`Agent.stream_prompt`; its trace is always kept."""

    async def text(self) -> str:
        """A run of one turn, read to the end."""
        return await self._streamed()

    async def run(self) -> str:
        """A run with tools."""
        return await self._streamed()

    async def arguments(self) -> str:
        """A run that saves a text."""
        stream = self._agent.stream_prompt(PROMPT)
        async for _ in stream:
            pass
        called = stream.run.messages[1]
        assert isinstance(called, AssistantMessage)
        return str(json.loads(called.tool_calls[0].arguments_json)["text"])

    async def continued(self, past: tuple[Message, ...]) -> str:
        """A run behind a history."""
        return await self._streamed(past)

    async def _streamed(self, history: tuple[Message, ...] = ()) -> str:
        stream = self._agent.stream_prompt(PROMPT, history=history)
        async for _ in stream:
            pass
        return stream.run.text


class AgentAlone(Agent):
    """The same without holding connections between runs: what the shortest code does."""

    async def open(self) -> None:
        """Make a model and an agent."""
        await super().open()
        await super().close()

    async def close(self) -> None:
        """There is nothing to let go."""


class _Sink:
    """Where a view's messages go: made JSON, as a kernel makes them, and counted."""

    def __init__(self) -> None:
        self.sent_bytes = 0

    def send_patch(self, patch: dict[str, Any]) -> None:
        """Take a message."""
        self.sent_bytes += len(json.dumps(patch))

    def put_snapshot(self, snapshot: dict[str, Any]) -> None:
        """Take the whole."""
        self.sent_bytes += len(json.dumps(snapshot))


class Httpcore(Agent):
    """An agent whose bytes come through httpcore, as those of `httpx` do."""

    transport: ClassVar[Transport | None] = "httpcore"


class Watched(Agent):
    """An agent with a live view, whose messages are made and go nowhere."""

    async def _streamed(self, history: tuple[Message, ...] = ()) -> str:
        stream = self._agent.stream_prompt(PROMPT, history=history)
        state = RunState(PROMPT)
        publisher = Publisher(Projection(state), _Sink(), size=lambda: state.size, clock=monotonic)
        async for event in stream:
            state.apply(event, stream.trace.events[-1].at_s)
            publisher.changed()
        publisher.close()
        return stream.run.text


class ModelAnthropic(Model):
    """On the Anthropic wire."""

    wire: ClassVar[str] = "anthropic"


class ModelResponses(Model):
    """On the Responses wire."""

    wire: ClassVar[str] = "responses"


class AgentAnthropic(Agent):
    """On the Anthropic wire."""

    wire: ClassVar[str] = "anthropic"


class AgentResponses(Agent):
    """On the Responses wire."""

    wire: ClassVar[str] = "responses"


class WatchedAnthropic(Watched):
    """On the Anthropic wire."""

    wire: ClassVar[str] = "anthropic"


class HttpcoreAnthropic(Httpcore):
    """On the Anthropic wire."""

    wire: ClassVar[str] = "anthropic"


class HttpcoreResponses(Httpcore):
    """On the Responses wire."""

    wire: ClassVar[str] = "responses"


WAYS = {
    "agentlab model": Model,
    "agentlab model (anthropic)": ModelAnthropic,
    "agentlab model (responses)": ModelResponses,
    "agentlab agent": Agent,
    "agentlab agent (anthropic)": AgentAnthropic,
    "agentlab agent (responses)": AgentResponses,
    "agentlab agent, httpcore": Httpcore,
    "agentlab agent, httpcore (anthropic)": HttpcoreAnthropic,
    "agentlab agent, httpcore (responses)": HttpcoreResponses,
    "agentlab agent, watched": Watched,
    "agentlab agent, watched (anthropic)": WatchedAnthropic,
    "agentlab agent, no session held": AgentAlone,
}
