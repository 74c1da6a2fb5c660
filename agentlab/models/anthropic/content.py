"""Messages as the Anthropic Messages wire takes them: roles and content blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.messages import (
    AssistantMessage,
    Base64Source,
    Document,
    FileSource,
    Image,
    Json,
    Message,
    ProviderPart,
    Reasoning,
    ReasoningRedacted,
    ReasoningText,
    Refusal,
    SystemMessage,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    ToolResultContent,
    UrlSource,
    UserMessage,
    UserPart,
)
from agentlab.models.tool_history import object_input, results_before_system, safe_id

__all__ = ["WIRE", "Form", "cache_control", "message_items", "placed"]

WIRE: Final = "anthropic-messages"
_NEVER_MARKED: Final = {"thinking", "redacted_thinking"}
_TEXTUAL: Final = {
    "application/json",
    "application/xml",
    "application/x-javascript",
    "application/x-python",
}
_OWN_METADATA: Final = {"citations", "context"}

Block = dict[str, Any]


class Form(Struct, frozen=True, cache_hash=True):
    """How a message is to be written; tells apart its forms in a cache of bytes.

    Attributes:
        marker: Lifetime of a cache marker on its last block; None for no marker.
        system_role: Whether a system message keeps its role.
        unsigned_thinking: Whether thinking without a signature goes back (vendors that sign nothing).
    """

    marker: str | None = None
    system_role: bool = False
    unsigned_thinking: bool = False


def cache_control(ttl: str) -> Block:
    """A cache marker. `5m` is the wire's default and is never written, so that saying it changes no byte."""
    return {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}


def placed(messages: Sequence[Message], form: Form) -> list[tuple[Message, Form]]:
    """The messages in wire order, each with its form.

    A system message in the midst keeps its role where the model allows it: after a user message, before the model's
    turn or at the end. Elsewhere it is a user message in `<system>` tags. One between a tool call and its result waits
    until after the result, which has to come first.

    Source: https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
    """
    ordered = list(results_before_system(messages))
    plain = Form(unsigned_thinking=form.unsigned_thinking)
    if not form.system_role:
        return [(message, plain) for message in ordered]
    rows: list[tuple[Message, Form]] = []
    after_user = False
    for index, message in enumerate(ordered):
        if not isinstance(message, SystemMessage):
            rows.append((message, plain))
            after_user = isinstance(message, UserMessage)
            continue
        following = next((each for each in ordered[index:] if not isinstance(each, SystemMessage)), None)
        keeps_role = after_user and not isinstance(following, UserMessage)
        rows.append((message, Form(system_role=True) if keeps_role else plain))
    return rows


def message_items(message: Message, form: Form) -> Iterator[Block]:
    """The items a message becomes: one, or none where nothing of it may be sent.

    Raises:
        UnsupportedCapability: A part has no place on this wire.
    """
    if isinstance(message, SystemMessage):
        role = "system" if form.system_role else "user"
        text = message.content if form.system_role else f"<system>\n{message.content}\n</system>"
        blocks = [_text(text)] if message.content else []
    elif isinstance(message, UserMessage):
        role, blocks = "user", _user_blocks(message)
    else:
        role, blocks = "assistant", _assistant_blocks(message, form)
    if blocks:
        yield {"role": role, "content": _marked(blocks, form.marker)}


def _marked(blocks: list[Block], ttl: str | None) -> list[Block]:
    """The blocks with a marker on the last that may carry one (thinking may not)."""
    if ttl is None:
        return blocks
    for index in range(len(blocks) - 1, -1, -1):
        if blocks[index]["type"] not in _NEVER_MARKED:
            return [
                *blocks[:index],
                {**blocks[index], "cache_control": cache_control(ttl)},
                *blocks[index + 1 :],
            ]
    return blocks


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _user_blocks(message: UserMessage) -> list[Block]:
    """Tool results first, as the wire demands; empty text, which it refuses, only where there is nothing else."""
    results = [_tool_result(part) for part in message.tool_results]
    others = [part for part in message.content if not isinstance(part, ToolResult)]
    spoken = [part for part in others if not (isinstance(part, Text) and not part.text)]
    if not results and not spoken:
        spoken = others[:1]
    return results + [_user_block(part) for part in spoken]


def _user_block(part: UserPart) -> Block:
    if isinstance(part, Text):
        return _text(part.text)
    if isinstance(part, Image):
        return _image(part)
    if isinstance(part, Document):
        return _document(part)
    raise UnsupportedCapability(f"the Anthropic wire takes no {type(part).__name__.lower()} in a prompt")


def _image(image: Image) -> Block:
    source = image.source
    if isinstance(source, Base64Source):
        if image.media_type is None:
            raise UsageError("an inline image needs its `media_type`, such as `image/png`")
        return {
            "type": "image",
            "source": {"type": "base64", "media_type": image.media_type, "data": source.data},
        }
    if isinstance(source, UrlSource):
        return {"type": "image", "source": {"type": "url", "url": source.url}}
    if isinstance(source, FileSource):
        return {"type": "image", "source": {"type": "file", "file_id": source.file_id}}
    raise UnsupportedCapability("an image cannot be text")


def _document(document: Document) -> Block:
    """A document block. Metadata `citations: "true"` turns citations on; other metadata becomes the block's `context`."""
    block: Block = {"type": "document", "source": _document_source(document)}
    title = document.title or document.id
    if title:
        block["title"] = title
    metadata = document.metadata
    facts = [f"{key}: {value}" for key, value in sorted(metadata.items()) if key not in _OWN_METADATA]
    context = "\n".join([metadata["context"], *facts] if metadata.get("context") else facts)
    if context:
        block["context"] = context
    if metadata.get("citations") == "true":
        block["citations"] = {"enabled": True}
    return block


def _document_source(document: Document) -> Block:
    source, media_type = document.source, document.media_type or ""
    if isinstance(source, UrlSource):
        return {"type": "url", "url": source.url}
    if isinstance(source, FileSource):
        return {"type": "file", "file_id": source.file_id}
    if isinstance(source, TextSource):
        return {"type": "text", "media_type": "text/plain", "data": source.text}
    if media_type == "application/pdf":
        return {"type": "base64", "media_type": media_type, "data": source.data}
    if media_type.startswith("text/") or media_type in _TEXTUAL:
        return {
            "type": "text",
            "media_type": "text/plain",
            "data": source.to_bytes().decode("utf-8", "replace"),
        }
    raise UnsupportedCapability(
        f"the Anthropic wire takes PDF and text documents, not {media_type or 'bytes without a media type'}"
    )


def _tool_result(result: ToolResult) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": safe_id(result.call_id)}
    content = [_result_piece(piece) for piece in result.content if piece != Text("")]
    if content:
        block["content"] = content
    if result.is_error:
        block["is_error"] = True
    return block


def _result_piece(piece: ToolResultContent) -> Block:
    if isinstance(piece, Image):
        return _image(piece)
    if isinstance(piece, Json):
        return _text(msgspec.json.encode(piece.value, order="sorted").decode())
    return _text(piece.text)


def _assistant_blocks(message: AssistantMessage, form: Form) -> list[Block]:
    """The model's turn in the order it came; what only another wire understands is left out.

    The provider checks signed thinking against its place in the turn, so nothing is moved.
    """
    own = message.wire == WIRE
    blocks: list[Block] = []
    for part in message.content:
        if isinstance(part, Text):
            if part.text:
                cited = [citation.raw for citation in part.citations if own and citation.raw is not None]
                blocks.append({**_text(part.text), "citations": cited} if cited else _text(part.text))
        elif isinstance(part, Reasoning):
            blocks += _thinking(part, form) if own else []
        elif isinstance(part, ToolCall):
            blocks.append(_tool_use(part, own=own))
        elif isinstance(part, Refusal):
            blocks += [_text(part.text)] if part.text else []
        elif isinstance(part, ProviderPart):
            if part.wire == WIRE and not _is_unanswered(part, message):
                blocks.append(part.payload)
        else:
            kind = type(part).__name__.lower()
            raise UnsupportedCapability(f"the Anthropic wire takes no {kind} in an answer of the model")
    return blocks


def _thinking(reasoning: Reasoning, form: Form) -> Iterator[Block]:
    """Signed and redacted thinking as it came; the API refuses thinking without its signature."""
    for piece in reasoning.content:
        if isinstance(piece, ReasoningRedacted):
            yield {"type": "redacted_thinking", "data": piece.data}
        elif isinstance(piece, ReasoningText) and piece.signature is not None:
            yield {"type": "thinking", "thinking": piece.text, "signature": piece.signature}
        elif isinstance(piece, ReasoningText) and form.unsigned_thinking and piece.text:
            yield {"type": "thinking", "thinking": piece.text}


def _tool_use(call: ToolCall, *, own: bool) -> Block:
    block = {
        "type": "tool_use",
        "id": safe_id(call.id),
        "name": call.name,
        "input": object_input(call.arguments_json),
    }
    return {**block, **call.extra} if own and call.extra else block


def _is_unanswered(part: ProviderPart, message: AssistantMessage) -> bool:
    """Whether a cut-off turn holds a server tool's call without its result, which the API refuses."""
    if not message.interrupted or not part.kind.endswith("tool_use"):
        return False
    call_id = part.payload.get("id")
    return not any(
        isinstance(other, ProviderPart) and other.payload.get("tool_use_id") == call_id
        for other in message.content
    )
