"""Messages and documents as Cohere's v2 chat takes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.messages import (
    AssistantMessage,
    Base64Source,
    Document,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    ReasoningText,
    Refusal,
    SystemMessage,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    UserPart,
)

__all__ = ["TOOL_PLAN", "WIRE", "document_item", "is_tool_plan", "message_items"]

WIRE: Final = "cohere-chat"
TOOL_PLAN: Final[dict[str, Any]] = {"field": "tool_plan"}
"""What marks reasoning that came, and goes back, as the message's `tool_plan`."""

Item = dict[str, Any]


def is_tool_plan(reasoning: Reasoning) -> bool:
    """Whether a piece of reasoning is the plan the model wrote before it called tools."""
    return reasoning.extra == TOOL_PLAN


def document_item(document: Document) -> Item:
    """A document the model may cite: its text, title and facts under `data`, its name under `id`.

    Raises:
        UnsupportedCapability: It is not text.
    """
    source = document.source
    if isinstance(source, TextSource):
        text = source.text
    elif isinstance(source, Base64Source) and (document.media_type or "").startswith("text/"):
        text = source.to_bytes().decode("utf-8", "replace")
    else:
        raise UnsupportedCapability(
            f"Cohere takes documents as text, not {document.media_type or type(source).__name__}: load the file first"
        )
    data: Item = {"text": text}
    if document.title:
        data["title"] = document.title
    data |= {key: value for key, value in sorted(document.metadata.items()) if key not in data}
    return {"id": document.id, "data": data} if document.id else {"data": data}


def message_items(message: Message) -> list[Item]:
    """The items a message becomes; a tool's result is one of its own.

    Raises:
        UnsupportedCapability: A part has no place on this wire.
    """
    if isinstance(message, SystemMessage):
        return [{"role": "system", "content": message.content}]
    if isinstance(message, AssistantMessage):
        return _assistant(message)
    results = [_tool_message(part) for part in message.tool_results]
    return results + _user(message)


def _user(message: UserMessage) -> list[Item]:
    said = [part for part in message.content if not isinstance(part, ToolResult)]
    if not said:
        return []
    pieces = [_user_piece(part) for part in said]
    if len(pieces) == 1 and pieces[0]["type"] == "text":
        return [{"role": "user", "content": pieces[0]["text"]}]
    return [{"role": "user", "content": pieces}]


def _user_piece(part: UserPart) -> Item:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": _image_url(part)}
    if isinstance(part, Document):
        return {"type": "text", "text": part.rendered()}
    raise UnsupportedCapability(f"Cohere takes no {type(part).__name__.lower()} in a prompt")


def _image_url(image: Image) -> Item:
    source = image.source
    if isinstance(source, UrlSource):
        url = source.url
    elif isinstance(source, Base64Source):
        if image.media_type is None:
            raise UsageError("an inline image needs its `media_type`, such as `image/png`")
        url = f"data:{image.media_type};base64,{source.data}"
    else:
        raise UnsupportedCapability("Cohere takes images inline or by address, not by file id")
    return {"url": url} if image.detail is None else {"url": url, "detail": image.detail}


def _tool_message(result: ToolResult) -> Item:
    if any(isinstance(piece, Image) for piece in result.content):
        raise UnsupportedCapability("Cohere takes no images in a tool's result")
    return {"role": "tool", "tool_call_id": result.provider_id or result.call_id, "content": result.text}


def _assistant(message: AssistantMessage) -> list[Item]:
    """The model's turn; thoughts, the plan and citations go back only where they came from."""
    own = message.wire == WIRE
    plan = [
        part.text for part in message.content if own and isinstance(part, Reasoning) and is_tool_plan(part)
    ]
    content = list(_content(message, own=own))
    calls = [_call(part) for part in message.content if isinstance(part, ToolCall)]
    cited = [
        citation.raw
        for part in message.content
        if own and isinstance(part, Text)
        for citation in part.citations
        if citation.raw is not None
    ]
    item: Item = {"role": "assistant"}
    if len(content) == 1 and content[0]["type"] == "text":
        item["content"] = content[0]["text"]
    elif content:
        item["content"] = content
    if plan:
        item["tool_plan"] = "".join(plan)
    if calls:
        item["tool_calls"] = calls
    if cited:
        item["citations"] = cited
    return [item] if len(item) > 1 else []


def _content(message: AssistantMessage, *, own: bool) -> Iterator[Item]:
    for part in message.content:
        if isinstance(part, Text | Refusal):
            if part.text:
                yield {"type": "text", "text": part.text}
        elif isinstance(part, Reasoning):
            if own and not is_tool_plan(part):
                thoughts = "".join(piece.text for piece in part.content if isinstance(piece, ReasoningText))
                if thoughts:
                    yield {"type": "thinking", "thinking": thoughts}
        elif not isinstance(part, ToolCall | ProviderPart):
            raise UnsupportedCapability(
                f"Cohere takes no {type(part).__name__.lower()} in an answer of the model"
            )


def _call(call: ToolCall) -> Item:
    """The call with the arguments as the model wrote them; the wire holds them as text and does not parse it."""
    function = {"name": call.name, "arguments": call.arguments_json or "{}"}
    return {"id": call.provider_id or call.id, "type": "function", "function": function}
