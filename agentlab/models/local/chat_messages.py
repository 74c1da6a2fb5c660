"""A request in the form that chat templates take: the messages and tools of Chat Completions, with arguments as objects.

Templates of many models want user and assistant to take turns, so user messages that follow each other are put together.

Source: https://huggingface.co/docs/transformers/chat_templating
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    Document,
    Message,
    Reasoning,
    ReasoningSummary,
    ReasoningText,
    Request,
    SystemMessage,
    Text,
    ToolResult,
    UserMessage,
    UserPart,
)
from agentlab.models.encoding import conversation

__all__ = ["chat_messages", "chat_tools"]


def chat_tools(request: Request) -> list[dict[str, Any]]:
    """The tools, as templates show them to the model; none where it may call none."""
    if request.tool_choice == "none":
        return []
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in request.tools
    ]


def chat_messages(request: Request) -> list[dict[str, Any]]:
    """The messages of a plain request; the preamble and system messages at the head are one system message.

    Raises:
        UnsupportedCapability: A message holds what is no text.
    """
    leading = [request.preamble] if request.preamble else []
    rest = list(conversation(request))
    if request.context:  # it stands before the messages, and system messages at their head before it
        context, rest = rest[:1], rest[1:]
    else:
        context = []
    while rest and isinstance(first := rest[0], SystemMessage):
        leading.append(first.content)
        rest = rest[1:]
    told: list[dict[str, Any]] = [{"role": "system", "content": "\n\n".join(leading)}] if leading else []
    for message in [*context, *rest]:
        for entry in _entries(message):
            if told and entry["role"] == "user" == told[-1]["role"]:
                told[-1] = {"role": "user", "content": f"{told[-1]['content']}\n\n{entry['content']}"}
            else:
                told.append(entry)
    return told


def _entries(message: Message) -> Iterator[dict[str, Any]]:
    if isinstance(message, SystemMessage):
        yield {"role": "system", "content": message.content}
    elif isinstance(message, AssistantMessage):
        yield _assistant(message)
    else:
        yield from _user(message)


def _user(message: UserMessage) -> Iterator[dict[str, Any]]:
    texts: list[str] = []
    for part in message.content:
        if isinstance(part, ToolResult):
            yield {
                "role": "tool",
                "name": part.name,
                "tool_call_id": part.call_id,
                "content": part.text,
            }
        else:
            texts.append(_text(part))
    if texts:
        yield {"role": "user", "content": "\n".join(texts)}


def _text(part: UserPart) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Document):
        return part.rendered()
    raise UnsupportedCapability(f"a local model takes texts, not {type(part).__name__.lower()}s")


def _assistant(message: AssistantMessage) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": "assistant", "content": message.text}
    thoughts = [
        piece.text
        for part in message.content
        if isinstance(part, Reasoning)
        for piece in part.content
        if isinstance(piece, ReasoningText | ReasoningSummary)
    ]
    if thoughts:
        entry["reasoning_content"] = "\n".join(thoughts)
    if message.tool_calls:
        entry["tool_calls"] = [
            {
                "type": "function",
                "id": call.id,
                "function": {
                    "name": call.name,
                    "arguments": call.arguments if call.has_valid_arguments else {},
                },
            }
            for call in message.tool_calls
        ]
    return entry
