"""Messages as plain text: for a model that sums them up, and for an index that finds them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from agentlab.messages import AssistantMessage, Message, Text, ToolCall, ToolResult, UserMessage

__all__ = ["transcript"]

_LONGEST_RESULT: Final = 2_000


def transcript(messages: Sequence[Message], *, tools: bool = True) -> str:
    """Who said what, line by line; reasoning is left out, and of long results the end.

    Args:
        messages: The messages.
        tools: Whether calls and results are told.
    """
    return "\n".join(line for message in messages for line in _lines(message, tools=tools) if line)


def _lines(message: Message, *, tools: bool) -> Iterator[str]:
    if not isinstance(message, UserMessage | AssistantMessage):
        yield f"System: {message.content}"
        return
    who = "User" if isinstance(message, UserMessage) else "Assistant"
    for part in message.content:
        if isinstance(part, Text):
            text = part.text.strip()
            yield "" if not text or _is_documents(text) else f"{who}: {text}"
        elif isinstance(part, ToolCall) and tools:
            yield f"{who} called {part.name}({part.arguments_json})"
        elif isinstance(part, ToolResult) and tools:
            text = part.text
            shown = text if len(text) <= _LONGEST_RESULT else f"{text[:_LONGEST_RESULT]}…"
            yield f"{part.name} gave: {shown}"


def _is_documents(text: str) -> bool:
    """Whether a text is documents that were told with a prompt: no words of the user's."""
    return text.startswith("<file id: ") and text.endswith("</file>")
