"""A model that follows a script written as functions of what it has seen, and agents of it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from itertools import count
from typing import Any

from anyio.lowlevel import checkpoint

from agentlab.agent import Agent, RunStream
from agentlab.errors import ApprovalNeeded
from agentlab.messages import AssistantMessage, Event, Request, Text, TextDelta, ToolCall, TurnFinished, Usage
from agentlab.models import ModelStream
from agentlab.short_repr import one_line

__all__ = ["Scripted", "Step", "agent_of", "calls", "ended", "seen_by"]

Step = Callable[[Request], Sequence[ToolCall] | str] | Sequence[ToolCall] | str
"""What is said in a turn: tool calls or a text, or a function that says it of the request."""

_IDS = count()


def calls(name: str, **arguments: Any) -> ToolCall:
    """A call of a tool."""
    return ToolCall(f"call_{next(_IDS)}", name, json.dumps(arguments))


class Scripted:
    """Says one step after the other, and "Done." past the script."""

    name = "test:scripted"
    model_id = "scripted"

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)

    def session(self) -> AbstractAsyncContextManager[object]:
        return nullcontext()

    def supports(self, capability: str) -> bool:
        return True

    def stream(self, request: Request) -> ModelStream:
        step = self._steps.pop(0) if self._steps else "Done."
        said = step(request) if callable(step) else step
        parts = (Text(said),) if isinstance(said, str) else tuple(said)
        return ModelStream(self._events(parts), lambda: None)

    async def _events(self, parts: Sequence[Text | ToolCall]) -> AsyncGenerator[Event, None]:
        for part in parts:
            await checkpoint()
            yield TextDelta(part.text) if isinstance(part, Text) else part
        message = AssistantMessage(tuple(parts))
        yield TurnFinished(message, Usage(input_tokens=1, output_tokens=1), "stop", cost_usd=0.0)

    def __repr__(self) -> str:
        return one_line("Scripted()")


def agent_of(*steps: Step, **options: Any) -> Agent:
    """An agent whose model follows a script."""
    return Agent(Scripted(*steps), **options)


def seen_by(request: Request) -> str:
    """All that a model is shown."""
    return repr([request.preamble, request.context, request.retrieved]) + "".join(
        repr(part) for message in request.messages for part in _parts(message)
    )


def _parts(message: Any) -> list[Any]:
    content = message.content
    if isinstance(content, str):
        return [content]
    return [getattr(part, "text", None) or part for part in content]


async def ended(stream: RunStream) -> tuple[list[Event], ApprovalNeeded | None]:
    """The events of a run, and the error where it stands still."""
    events: list[Event] = []
    try:
        async for event in stream:
            events.append(event)
    except ApprovalNeeded as error:
        return events, error
    return events, None
