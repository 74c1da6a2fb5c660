"""Messages as items of the Chat Completions wire.

Source: OpenAI API reference, "Create chat completion: messages"; OpenRouter, Mistral and DeepSeek API documentation for
their own parts and fields.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, assert_never

from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Message,
    ProviderPart,
    Reasoning,
    Refusal,
    SystemMessage,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    UserPart,
    Video,
)
from agentlab.models.openai_chat.dialect import ChatDialect

__all__ = ["Marker", "items_of", "system_item"]

Item = dict[str, Any]
Marker = tuple[str, dict[str, str]]
"""A cache marker: the field of a content part and its value."""

_NINE: Final = re.compile(r"[A-Za-z0-9]{9}")
_AUDIO_FORMATS: Final = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "mp4": "m4a", "x-m4a": "m4a"}


def system_item(text: str, dialect: ChatDialect, marker: Marker | None = None) -> Item:
    """Instructions, as the first item or amid the history."""
    return _marked({"role": dialect.system_role, "content": text}, marker)


def items_of(message: Message, dialect: ChatDialect, marker: Marker | None = None) -> list[Item]:
    """What a message becomes: usually one item; one for each tool result.

    Args:
        message: The message.
        dialect: The vendor's.
        marker: Put on the message's last content part, where it has one.

    Raises:
        UnsupportedCapability: The wire or the vendor has no place for a part of it.
    """
    if isinstance(message, SystemMessage):
        return [system_item(message.content, dialect, marker)]
    items = (
        _user_items(message, dialect)
        if isinstance(message, UserMessage)
        else _assistant_items(message, dialect)
    )
    if items and marker:
        items[-1] = _marked(items[-1], marker)
    return items


def _marked(item: Item, marker: Marker | None) -> Item:
    content = item.get("content")
    if marker is None or not content:
        return item
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
    parts[-1] = {**parts[-1], marker[0]: marker[1]}
    return {**item, "content": parts}


# ------------------------------------------------------------------------ user


def _user_items(message: UserMessage, dialect: ChatDialect) -> list[Item]:
    """Results first: they must follow the calls at once."""
    items: list[Item] = [_result_item(result, dialect) for result in message.tool_results]
    parts = [_user_part(part, dialect) for part in message.content if not isinstance(part, ToolResult)]
    if parts:
        items.append({"role": "user", "content": _simplest(parts)})
    return items


def _simplest(parts: list[Item]) -> str | list[Item]:
    """One text as a plain string, the form every vendor takes."""
    if len(parts) == 1 and parts[0]["type"] == "text":
        text: str = parts[0]["text"]
        return text
    return parts


def _result_item(result: ToolResult, dialect: ChatDialect) -> Item:
    item: Item = {"role": "tool", "tool_call_id": _wire_id(result.call_id, dialect)}
    if not any(isinstance(piece, Image) for piece in result.content):
        return {**item, "content": result.text}
    if not dialect.image_tool_results:
        raise UnsupportedCapability(
            f"the result of `{result.name}` holds an image, and this vendor takes only text there"
        )
    parts = [
        _image_part(piece) if isinstance(piece, Image) else _text_part(_alone(result, piece))
        for piece in result.content
    ]
    return {**item, "content": parts}


def _alone(result: ToolResult, piece: Any) -> str:
    """One piece of a result as text."""
    return ToolResult(result.call_id, result.name, (piece,)).text


def _user_part(part: UserPart, dialect: ChatDialect) -> Item:
    if isinstance(part, Text):
        return _text_part(part.text)
    if isinstance(part, Image):
        return _image_part(part)
    if isinstance(part, Audio):
        return _audio_part(part, dialect)
    if isinstance(part, Video):
        if not dialect.video:
            raise UnsupportedCapability("this vendor takes no video")
        return {"type": "video_url", "video_url": {"url": _url(part, "video/mp4", "video")}}
    if isinstance(part, Document):
        return _document_part(part, dialect)
    if isinstance(part, ToolResult):
        raise TypeError("tool results are items, not parts")
    assert_never(part)


def _text_part(text: str) -> Item:
    return {"type": "text", "text": text}


def _image_part(image: Image) -> Item:
    place: Item = {"url": _url(image, "image/png", "image")}
    if image.detail:
        place["detail"] = image.detail
    return {"type": "image_url", "image_url": place}


def _url(part: Image | Audio | Video | Document, default_type: str, what: str) -> str:
    source = part.source
    if isinstance(source, UrlSource):
        return source.url
    if isinstance(source, Base64Source):
        return f"data:{part.media_type or default_type};base64,{source.data}"
    raise UnsupportedCapability(f"Chat Completions takes {what} as URL or bytes, not as {_kind(source)}")


def _kind(source: FileSource | TextSource | UrlSource | Base64Source) -> str:
    return str(source.__struct_config__.tag)


def _audio_part(audio: Audio, dialect: ChatDialect) -> Item:
    source = audio.source
    if dialect.audio == "string" and isinstance(source, UrlSource | Base64Source):
        data = source.url if isinstance(source, UrlSource) else source.data
        return {"type": "input_audio", "input_audio": data}
    if dialect.audio == "object" and isinstance(source, Base64Source):
        subtype = (audio.media_type or "audio/wav").partition("/")[2]
        return {
            "type": "input_audio",
            "input_audio": {"data": source.data, "format": _AUDIO_FORMATS.get(subtype, subtype)},
        }
    raise UnsupportedCapability(f"this vendor takes no sound given as {_kind(source)}")


def _document_part(document: Document, dialect: ChatDialect) -> Item:
    source = document.source
    textual = (document.media_type or "").startswith("text/")
    if isinstance(source, TextSource) or (isinstance(source, Base64Source) and textual):
        return _text_part(document.rendered())
    name = document.title or document.id
    if dialect.documents == "document_url" and not isinstance(source, FileSource):
        named = {"document_name": name} if name else {}
        return {
            "type": "document_url",
            "document_url": _url(document, "application/pdf", "a document"),
            **named,
        }
    if dialect.documents in {"file", "file_url"} and isinstance(source, Base64Source):
        data = _url(document, "application/pdf", "a document")
        return {"type": "file", "file": {"filename": name or "document.pdf", "file_data": data}}
    if dialect.documents in {"file", "file_url"} and isinstance(source, FileSource):
        return {"type": "file", "file": {"file_id": source.file_id}}
    if dialect.documents == "file_url" and isinstance(source, UrlSource):
        return {"type": "file", "file": {"filename": name or "document.pdf", "file_data": source.url}}
    raise UnsupportedCapability(
        f"this vendor takes no document of type {document.media_type or 'unknown'} given as {_kind(source)}"
    )


# ------------------------------------------------------------------- assistant


def _assistant_items(message: AssistantMessage, dialect: ChatDialect) -> list[Item]:
    """One item, or none where the turn holds nothing that vendors take back (reasoning alone)."""
    texts = [part.text for part in message.content if isinstance(part, Text) and part.text]
    refusals = [part.text for part in message.content if isinstance(part, Refusal)]
    own = [
        part.payload
        for part in message.content
        if isinstance(part, ProviderPart) and part.wire == message.wire == "openai-chat"
    ]
    if any(isinstance(part, Image | Audio) for part in message.content):
        raise UnsupportedCapability("Chat Completions takes no images or sound in the model's own messages")
    calls = [_call_item(part, message, dialect) for part in message.content if isinstance(part, ToolCall)]
    if not (texts or refusals or own or calls):
        return []
    content: str | list[Item] | None = "".join(texts) or None
    thoughts = _thinking_parts(message) if dialect.reasoning_replay == "thinking_parts" else []
    if own or thoughts:
        content = [*thoughts, *([_text_part(content)] if isinstance(content, str) else []), *own]
    item: Item = {"role": "assistant", "content": content}
    if refusals:
        item["refusal"] = "".join(refusals)
    item |= _reasoning_fields(message, dialect)
    if calls:
        item["tool_calls"] = calls
    return [item]


def _call_item(call: ToolCall, message: AssistantMessage, dialect: ChatDialect) -> Item:
    item: Item = {
        "id": _wire_id(call.id, dialect),
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments_json or "{}"},
    }
    signed = (call.extra or {}).get("extra_content")
    if signed and message.wire == "openai-chat":
        item["extra_content"] = signed
    return item


def _wire_id(call_id: str, dialect: ChatDialect) -> str:
    """The id as the vendor takes it; an id from elsewhere is mapped to one that is always the same."""
    if dialect.tool_call_ids == "any" or _NINE.fullmatch(call_id):
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def _reasonings(message: AssistantMessage) -> Sequence[Reasoning]:
    return [part for part in message.content if isinstance(part, Reasoning)]


def _readable(blocks: Iterable[Reasoning]) -> str:
    return "\n".join(block.text for block in blocks if block.text)


def _reasoning_fields(message: AssistantMessage, dialect: ChatDialect) -> Item:
    """Reasoning to send back. Details are signed: they go back only over the wire they came from."""
    replay = dialect.reasoning_replay
    if replay in {"reasoning", "reasoning_content"}:
        text = _readable(_reasonings(message))
        return {replay: text} if text else {}
    if replay == "reasoning_details" and message.wire == "openai-chat":
        details = [
            detail
            for block in _reasonings(message)
            for detail in (block.extra or {}).get("reasoning_details", ())
        ]
        return {"reasoning_details": details} if details else {}
    return {}


def _thinking_parts(message: AssistantMessage) -> list[Item]:
    text = _readable(_reasonings(message))
    return [{"type": "thinking", "thinking": [_text_part(text)]}] if text else []
