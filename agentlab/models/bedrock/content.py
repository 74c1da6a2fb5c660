"""Messages as Converse takes them: the roles user and assistant in turns, and content blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
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
    ToolCall,
    ToolResult,
    ToolResultContent,
    UserMessage,
)
from agentlab.models.bedrock.media import media_block
from agentlab.models.tool_history import object_input, safe_id

__all__ = ["WIRE", "Form", "has_tool_blocks", "message_items", "role_of"]

WIRE: Final = "bedrock-converse"
_LONGEST_ID: Final = 64

Block = dict[str, Any]


class Form(Struct, frozen=True):
    """How messages are written; tells apart their forms in a cache of bytes.

    Attributes:
        calls_as_text: Whether calls and their results are told as text. Converse takes their blocks only beside a
            `toolConfig`, and that would let the model call again.
    """

    calls_as_text: bool = False


def role_of(message: Message) -> str:
    """Whose turn a message is on the wire, which knows two; a system message in the midst is the user's."""
    return "assistant" if isinstance(message, AssistantMessage) else "user"


def has_tool_blocks(messages: Iterable[Message]) -> bool:
    """Whether any of the messages holds a call or a result."""
    return any(
        isinstance(part, ToolCall | ToolResult)
        for message in messages
        if not isinstance(message, SystemMessage)
        for part in message.content
    )


def message_items(message: Message, form: Form) -> Iterator[Block]:
    """The item a message becomes, or none where nothing of it may be sent.

    Raises:
        UnsupportedCapability: A part has no place on this wire.
    """
    if isinstance(message, SystemMessage):
        blocks = [_text(f"<system>\n{message.content}\n</system>")] if message.content else []
    elif isinstance(message, UserMessage):
        blocks = _user_blocks(message, form)
    else:
        blocks = list(_assistant_blocks(message, form))
    if blocks:
        yield {"role": role_of(message), "content": blocks}


def _text(text: str) -> Block:
    return {"text": text}


def _user_blocks(message: UserMessage, form: Form) -> list[Block]:
    """Tool results first, as the wire demands; empty text, which it refuses, only where there is nothing else."""
    results = [
        _told_result(part) if form.calls_as_text else _tool_result(part) for part in message.tool_results
    ]
    others = [part for part in message.content if not isinstance(part, ToolResult)]
    spoken = [part for part in others if not (isinstance(part, Text) and not part.text)]
    if not results and not spoken:
        spoken = others[:1]
    return results + [_text(part.text) if isinstance(part, Text) else media_block(part) for part in spoken]


def _tool_result(result: ToolResult) -> Block:
    """A result. Success is not said: models other than Claude and Nova take no `status`."""
    block: Block = {
        "toolUseId": safe_id(result.call_id, longest=_LONGEST_ID),
        "content": [_result_piece(piece) for piece in result.content if piece != Text("")],
    }
    if result.is_error:
        block["status"] = "error"
    return {"toolResult": block}


def _result_piece(piece: ToolResultContent) -> Block:
    if isinstance(piece, Image):
        return media_block(piece)
    if isinstance(piece, Json):
        written = msgspec.json.encode(piece.value, order="sorted")
        return {"json": msgspec.Raw(written)} if isinstance(piece.value, dict) else _text(written.decode())
    return _text(piece.text)


def _told_result(result: ToolResult) -> Block:
    return _text(f"<tool_result name={_quoted(result.name)}>\n{result.text}\n</tool_result>")


def _told_call(call: ToolCall) -> Block:
    return _text(f"<tool_call name={_quoted(call.name)}>\n{call.arguments_json}\n</tool_call>")


def _quoted(name: str) -> str:
    return msgspec.json.encode(name).decode()


def _assistant_blocks(message: AssistantMessage, form: Form) -> Iterator[Block]:
    """The model's turn in the order it came; what only another wire understands is left out."""
    own = message.wire == WIRE
    for part in message.content:
        if isinstance(part, Text | Refusal):
            if part.text:
                yield _answer(part, own=own)
        elif isinstance(part, Reasoning):
            if own:
                yield from _reasoning(part)
        elif isinstance(part, ToolCall):
            yield _told_call(part) if form.calls_as_text else _tool_use(part)
        elif isinstance(part, ProviderPart):
            if part.wire == WIRE and not _is_unanswered(part, message):
                yield part.payload
        else:
            kind = type(part).__name__.lower()
            raise UnsupportedCapability(f"Bedrock takes no {kind} in an answer of the model")


def _answer(part: Text | Refusal, *, own: bool) -> Block:
    cited = [
        citation.raw
        for citation in (part.citations if own and isinstance(part, Text) else ())
        if citation.raw is not None
    ]
    if cited:
        return {"citationsContent": {"content": [_text(part.text)], "citations": cited}}
    return _text(part.text)


def _reasoning(reasoning: Reasoning) -> Iterator[Block]:
    """Signed and withheld reasoning as it came; Claude refuses what is not signed, and others want none back."""
    for piece in reasoning.content:
        if isinstance(piece, ReasoningRedacted):
            yield {"reasoningContent": {"redactedContent": piece.data}}
        elif isinstance(piece, ReasoningText) and piece.signature is not None:
            signed = {"text": piece.text, "signature": piece.signature}
            yield {"reasoningContent": {"reasoningText": signed}}


def _tool_use(call: ToolCall) -> Block:
    use = {
        "toolUseId": safe_id(call.id, longest=_LONGEST_ID),
        "name": call.name,
        "input": object_input(call.arguments_json),
    }
    return {"toolUse": use}


def _is_unanswered(part: ProviderPart, message: AssistantMessage) -> bool:
    """Whether a cut-off turn holds a server tool's call without its result."""
    if not message.interrupted or part.kind != "toolUse":
        return False
    call_id = part.payload["toolUse"].get("toolUseId")
    return not any(
        isinstance(other, ProviderPart) and other.payload.get("toolResult", {}).get("toolUseId") == call_id
        for other in message.content
    )
