"""Messages as input items of the OpenAI Responses API (https://platform.openai.com/docs/api-reference/responses/create)."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from agentlab.errors import InvalidHistory, UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Json,
    ProviderPart,
    Reasoning,
    ReasoningEncrypted,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    UserPart,
)

__all__ = [
    "NAME",
    "assistant_items",
    "breakpoint_marker",
    "custom_calls",
    "system_items",
    "user_items",
]

NAME: Final = "openai-responses"

_Item = dict[str, Any]
_LONGEST_CALL_ID: Final = 64


def breakpoint_marker(ttl: str | None) -> _Item:
    """The value of `prompt_cache_breakpoint`; without a time to live it takes the request's."""
    return {"mode": "explicit"} if ttl is None else {"mode": "explicit", "ttl": ttl}


def custom_calls(message: AssistantMessage) -> frozenset[str]:
    """Ids of the calls to free-text tools in a message; their results have an item type of their own."""
    if message.wire != NAME:
        return frozenset()
    return frozenset(call.id for call in message.tool_calls if _is_custom(call))


def system_items(text: str, role: str, marker: _Item | None) -> list[_Item]:
    """A system message; an empty one is no item."""
    if not text:
        return []
    content: _Item = {"type": "input_text", "text": text}
    return [{"type": "message", "role": role, "content": _marked([content], marker)}]


# ------------------------------------------------------------------------------------------------ the user


def user_items(message: UserMessage, marker: _Item | None, custom: frozenset[str]) -> list[_Item]:
    """A user message: an item for each tool result, and one for what stands between them.

    Args:
        message: The message.
        marker: Put on its last content part; None for no breakpoint.
        custom: Ids of calls to free-text tools.
    """
    items: list[_Item] = []
    spoken: list[_Item] = []
    for part in message.content:
        if isinstance(part, ToolResult):
            _flush(items, spoken)
            items.append(_tool_result(part, is_custom=part.call_id in custom))
        else:
            spoken.append(_content(part))
    _flush(items, spoken)
    if marker is not None and items:
        field = "content" if "content" in items[-1] else "output"
        items[-1][field] = _marked(items[-1][field], marker)
    return items


def _flush(items: list[_Item], spoken: list[_Item]) -> None:
    if spoken:
        items.append({"type": "message", "role": "user", "content": list(spoken)})
        spoken.clear()


def _marked(content: str | list[_Item], marker: _Item | None) -> str | list[_Item]:
    if marker is None:
        return content
    parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
    return [*parts[:-1], {**parts[-1], "prompt_cache_breakpoint": marker}]


def _content(part: UserPart) -> _Item:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, Image):
        return _image(part)
    if isinstance(part, Document):
        return _document(part)
    kind = "sound" if isinstance(part, Audio) else "film"
    raise UnsupportedCapability(f"the OpenAI Responses API takes no {kind} as input")


def _image(image: Image) -> _Item:
    item: _Item = {"type": "input_image", "detail": image.detail or "auto"}
    if isinstance(image.source, FileSource):
        item["file_id"] = image.source.file_id
    elif isinstance(image.source, UrlSource):
        item["image_url"] = image.source.url
    elif isinstance(image.source, Base64Source):
        item["image_url"] = _data_url(image.source, image.media_type)
    else:
        raise UnsupportedCapability("an image must be a URL, a file id or base64, not text")
    return item


def _document(document: Document) -> _Item:
    """Text is shown as text; other types go as a file, whose name the provider requires beside inline data."""
    source = document.source
    if isinstance(source, TextSource) or (
        isinstance(source, Base64Source) and (document.media_type or "").startswith("text/")
    ):
        return {"type": "input_text", "text": document.rendered()}
    if isinstance(source, UrlSource):
        return {"type": "input_file", "file_url": source.url}
    if isinstance(source, FileSource):
        return {"type": "input_file", "file_id": source.file_id}
    return {
        "type": "input_file",
        "filename": document.title or document.id or "document.pdf",
        "file_data": _data_url(source, document.media_type),
    }


def _data_url(source: Base64Source, media_type: str | None) -> str:
    if not media_type:
        raise InvalidHistory("inline media needs its `media_type`")
    return f"data:{media_type};base64,{source.data}"


def _tool_result(result: ToolResult, *, is_custom: bool) -> _Item:
    output: str | list[_Item] = result.text
    if any(isinstance(piece, Image) for piece in result.content):
        output = [_piece(piece) for piece in result.content]
    return {
        "type": "custom_tool_call_output" if is_custom else "function_call_output",
        "call_id": _call_id(result.provider_id or result.call_id),
        "output": output,
    }


def _piece(piece: Text | Json | Image) -> _Item:
    if isinstance(piece, Image):
        return _image(piece)
    return {"type": "input_text", "text": ToolResult("", "", (piece,)).text}


def _call_id(known: str) -> str:
    """The id that joins call and result. Ids of other wires may be longer than this one takes."""
    if len(known) <= _LONGEST_CALL_ID:
        return known
    return f"call_{hashlib.sha256(known.encode()).hexdigest()[:32]}"


# -------------------------------------------------------------------------------------------- the assistant


def assistant_items(message: AssistantMessage, *, item_ids: bool) -> list[_Item]:
    """A turn of the model.

    Ids and reasoning go back only as a whole: the server pairs them, so a turn that was cut off, came over another wire,
    or whose reasoning cannot be replayed, is told in plain items.

    Args:
        message: The turn.
        item_ids: Whether the vendor takes item ids back.
    """
    own = message.wire == NAME
    whole = own and not message.interrupted and all(map(_is_replayable, message.content))
    items: list[_Item] = []
    told = _Told(message, items, own=own, with_ids=whole and item_ids)
    for part in message.content:
        if isinstance(part, Text):
            told.text(part)
            continue
        if isinstance(part, Refusal):
            told.refusal(part)
            continue
        told.flush()
        if isinstance(part, ToolCall):
            items.append(_tool_call(part, own=own, with_id=whole and item_ids))
        elif isinstance(part, Reasoning) and whole:
            items.append(_reasoning(part, with_id=item_ids))
        elif isinstance(part, ProviderPart) and part.wire == NAME and not message.interrupted:
            items.append(part.payload)
        elif isinstance(part, Image | Audio):
            told.text(Text(f"[{'image' if isinstance(part, Image) else 'audio'} {part.media_type or ''}]"))
    told.flush()
    while items and items[-1].get("type") == "reasoning":
        items.pop()  # reasoning without the item it led to is refused
    return items


class _Told:
    """Joins neighbouring texts of one message item."""

    def __init__(self, message: AssistantMessage, items: list[_Item], *, own: bool, with_ids: bool) -> None:
        self._message = message
        self._items = items
        self._own = own
        self._with_ids = with_ids
        self._fields: _Item = {}
        self._parts: list[Text | Refusal] = []

    def text(self, part: Text) -> None:
        fields = (part.extra or {}) if self._own else {}
        if self._parts and fields != self._fields:
            self.flush()
        self._fields = fields
        self._parts.append(part)

    def refusal(self, part: Refusal) -> None:
        if not self._parts and self._own and self._message.id:
            self._fields = {"id": self._message.id}
        self._parts.append(part)

    def flush(self) -> None:
        if any(part.text for part in self._parts):
            self._items.append(self._item())
        self._fields, self._parts = {}, []

    def _item(self) -> _Item:
        item: _Item = {"type": "message", "role": "assistant"}
        if self._with_ids and self._fields.get("id"):
            item["id"] = self._fields["id"]
            item["status"] = self._fields.get("status", "completed")
            item["content"] = [_output(part) for part in self._parts]
        else:
            item["content"] = "".join(part.text for part in self._parts)
        if self._fields.get("phase"):
            item["phase"] = self._fields["phase"]
        return item


def _output(part: Text | Refusal) -> _Item:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    annotations = [citation.raw for citation in part.citations if citation.raw is not None]
    return {"type": "output_text", "text": part.text, "annotations": annotations}


def _is_replayable(part: object) -> bool:
    """Whether a part is no reasoning, or reasoning the server can read again: nothing of it is stored there."""
    return not isinstance(part, Reasoning) or any(
        isinstance(piece, ReasoningEncrypted) or (isinstance(piece, ReasoningText) and bool(piece.text))
        for piece in part.content
    )


def _reasoning(block: Reasoning, *, with_id: bool) -> _Item:
    item: _Item = {"type": "reasoning"}
    if with_id and block.id:
        item["id"] = block.id
    item["summary"] = [
        {"type": "summary_text", "text": piece.text}
        for piece in block.content
        if isinstance(piece, ReasoningSummary)
    ]
    clear = [
        {"type": "reasoning_text", "text": piece.text}
        for piece in block.content
        if isinstance(piece, ReasoningText)
    ]
    if clear:
        item["content"] = clear
    for piece in block.content:
        if isinstance(piece, ReasoningEncrypted):
            item["encrypted_content"] = piece.data
    return item | (block.extra or {})


def _is_custom(call: ToolCall) -> bool:
    return bool((call.extra or {}).get("custom"))


def _tool_call(call: ToolCall, *, own: bool, with_id: bool) -> _Item:
    is_custom = own and _is_custom(call)
    item: _Item = {"type": "custom_tool_call" if is_custom else "function_call"}
    if with_id and call.item_id:
        item["id"] = call.item_id
    item["call_id"] = _call_id(call.provider_id or call.id)
    item["name"] = call.name
    if is_custom:
        item["input"] = call.arguments_json
    else:
        item["arguments"] = call.arguments_json or "{}"
    if own and call.extra:
        item |= {name: value for name, value in call.extra.items() if name != "custom"}
    return item
