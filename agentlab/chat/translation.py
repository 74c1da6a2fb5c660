"""From an agent's events to those of a chat."""

from __future__ import annotations

from collections.abc import Iterator

from agentlab.chat.events import (
    ApprovalPending,
    Call,
    ChatEvent,
    Chunk,
    Noted,
    Observation,
    Thought,
)
from agentlab.chat.summarising import observed
from agentlab.messages import (
    ApprovalAsked,
    Event,
    Notice,
    ReasoningDelta,
    TextDelta,
    ToolResult,
    TurnFinished,
    TurnStarted,
)

__all__ = ["Translation", "reasoning_id"]


def reasoning_id(run_id: str, turn: int) -> str:
    """The one name of all reasoning of a turn, as events and the session tell it."""
    return f"{run_id}-{turn}"


class Translation:
    """Translates the events of one answer, in their order.

    An answer's end is not among them: the chat tells it when the session has it.

    Attributes:
        run_id: The run's id; it begins the ids of reasoning.
    """

    def __init__(self, run_id: str = "") -> None:
        self.run_id = run_id
        self._turn = 0
        self._noted: set[tuple[str, str]] = set()

    def of(self, event: Event | ChatEvent) -> Iterator[ChatEvent]:
        """What a reader of the chat is told of an event; nothing of most. Events of the chat itself stay what they are."""
        match event:
            case TurnStarted(turn=turn):
                self._turn = turn
            case TextDelta(text=text):
                yield Chunk(text)
            case ReasoningDelta(text=text):
                yield Thought(text, reasoning_id(self.run_id, self._turn))
            case TurnFinished(message=message):
                for call in message.tool_calls:
                    yield Call(call.id, call.name, call.arguments_json)
            case ToolResult(call_id=call_id, name=name, status=status):
                yield Observation(call_id, name, observed(event), status)
            case ApprovalAsked(call_id=call_id, name=name, reason=reason):
                yield ApprovalPending(call_id, name, reason)
            case Notice(kind=kind, text=text) if (kind, text) not in self._noted:
                self._noted.add((kind, text))
                yield Noted(kind, text)
            case _:
                if isinstance(event, ChatEvent):
                    yield event
