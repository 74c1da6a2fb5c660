"""Messages: who says what, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

from agentlab.messages.parts import AssistantPart, Reasoning, Text, ToolCall, ToolResult, UserPart
from agentlab.short_repr import ShortRepr

__all__ = [
    "AssistantMessage",
    "Message",
    "SystemMessage",
    "UserMessage",
    "messages_from_json",
    "messages_to_json",
]


class SystemMessage(ShortRepr, Struct, frozen=True, tag="system", tag_field="role", weakref=True):
    """Instructions that outrank the user's. An empty one is allowed."""

    content: str


class UserMessage(ShortRepr, Struct, frozen=True, tag="user", tag_field="role", weakref=True):
    """What the user says, and what tools answered."""

    content: tuple[UserPart, ...]

    @classmethod
    def of(cls, *parts: UserPart | str) -> UserMessage:
        """Build a message; strings become `Text`."""
        return cls(tuple(Text(part) if isinstance(part, str) else part for part in parts))

    @property
    def text(self) -> str:
        """All text parts, joined by newlines."""
        return "\n".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The tool results in it, in order."""
        return tuple(part for part in self.content if isinstance(part, ToolResult))


class AssistantMessage(
    ShortRepr, Struct, frozen=True, tag="assistant", tag_field="role", omit_defaults=True, weakref=True
):
    """What the model said, with everything needed to say it again to the same provider.

    Attributes:
        content: Its parts, in the order the provider gave them.
        id: The provider's replayable id of the message (`msg_...`).
        wire: The wire it came over; signed and encrypted parts go back only there.
        model: The model that wrote it.
        interrupted: Whether it was cut off: cancelled, stopped, or the stream broke.
    """

    content: tuple[AssistantPart, ...] = ()
    id: str | None = None
    wire: str | None = None
    model: str | None = None
    interrupted: bool = False

    @classmethod
    def of(cls, *parts: AssistantPart | str) -> AssistantMessage:
        """Build a message; strings become `Text`."""
        return cls(tuple(Text(part) if isinstance(part, str) else part for part in parts))

    @property
    def text(self) -> str:
        """The visible answer: all text parts, concatenated."""
        return "".join(part.text for part in self.content if isinstance(part, Text))

    @property
    def reasoning(self) -> str:
        """The readable reasoning, blocks joined by newlines."""
        return "\n".join(part.text for part in self.content if isinstance(part, Reasoning) and part.text)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls in it, in order."""
        return tuple(part for part in self.content if isinstance(part, ToolCall))

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing: no parts, or only empty text without signature."""
        return all(isinstance(part, Text) and not part.text and not part.signature for part in self.content)


Message = SystemMessage | UserMessage | AssistantMessage

_DECODER = msgspec.json.Decoder(list[Message])


def messages_to_json(messages: Iterable[Message]) -> str:
    """Serialise a history without loss; equal histories give equal text."""
    return msgspec.json.encode(list(messages), order="deterministic").decode()


def messages_from_json(text: str | bytes) -> list[Message]:
    """Read a history back.

    Raises:
        msgspec.ValidationError: The text is JSON but not a history; the message names the path.
    """
    return _DECODER.decode(text)


def last_user_text(messages: Sequence[Message]) -> str | None:
    """The newest text a user wrote, or None; tool results do not count (Rig's `rag_text`)."""
    for message in reversed(messages):
        if isinstance(message, UserMessage):
            for part in message.content:
                if isinstance(part, Text):
                    return part.text
    return None
