"""Gemini's parts: what the pieces of a message become in `contents`.

Sources: https://ai.google.dev/api/caching#Part, https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Raw

from agentlab.errors import InvalidHistory, UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Json,
    ProviderPart,
    Reasoning,
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
    Video,
)

__all__ = ["WIRE", "model_parts", "user_parts"]

WIRE: Final = "gemini"

_Media = Image | Audio | Video | Document


def user_parts(message: UserMessage) -> list[dict[str, Any]]:
    """The parts of a user's turn, in order."""
    return [_user_part(part) for part in message.content]


def model_parts(message: AssistantMessage, foreign_signature: str | None) -> list[dict[str, Any]]:
    """The parts of a model's turn, in order; signatures and thoughts only where this wire gave them.

    Args:
        message: The turn.
        foreign_signature: Signs the first tool call of a turn whose calls carry no signature of this wire (another
            vendor's, or an older model's); None leaves it unsigned.
    """
    ours = message.wire == WIRE
    parts: list[dict[str, Any]] = []
    for part in message.content:
        parts += _model_part(part, ours=ours)
    calls = [encoded for encoded in parts if "functionCall" in encoded]
    if foreign_signature and calls and not any("thoughtSignature" in call for call in calls):
        calls[0]["thoughtSignature"] = foreign_signature
    return parts


def _user_part(part: UserPart) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, ToolResult):
        return {"functionResponse": _function_response(part)}
    return _media(part)


def _model_part(part: AssistantPart, *, ours: bool) -> list[dict[str, Any]]:
    if isinstance(part, Text):
        signature = part.signature if ours else None
        return [_signed({"text": part.text}, signature)] if part.text or signature else []
    if isinstance(part, Reasoning):
        return _thoughts(part) if ours else []
    if isinstance(part, ToolCall):
        return [_signed({"functionCall": _function_call(part)}, part.signature if ours else None)]
    if isinstance(part, ProviderPart):
        return [part.payload] if part.wire == WIRE else []
    if isinstance(part, Refusal):
        return [{"text": part.text}]
    signature = part.signature if ours and isinstance(part, Image) else None
    return [_signed(_media(part), signature)]


def _signed(part: dict[str, Any], signature: str | None) -> dict[str, Any]:
    return {**part, "thoughtSignature": signature} if signature else part


def _thoughts(block: Reasoning) -> list[dict[str, Any]]:
    thoughts: list[dict[str, Any]] = []
    for piece in block.content:
        if isinstance(piece, ReasoningText):
            thoughts.append(_signed({"text": piece.text, "thought": True}, piece.signature))
        elif isinstance(piece, ReasoningSummary):
            thoughts.append({"text": piece.text, "thought": True})
    return thoughts


def _function_call(call: ToolCall) -> dict[str, Any]:
    """The call, with the arguments as the model wrote them; ids minted here stay here.

    Gemini takes arguments as an object only, so text that is none is sent as an empty object: the result that follows
    tells the model what was wrong.
    """
    encoded: dict[str, Any] = {} if call.provider_id is None else {"id": call.provider_id}
    encoded["name"] = call.name
    written = call.arguments_json.strip()
    encoded["args"] = Raw(written.encode()) if written and call.has_valid_arguments else {}
    return encoded


def _function_response(result: ToolResult) -> dict[str, Any]:
    encoded: dict[str, Any] = {} if result.provider_id is None else {"id": result.provider_id}
    encoded["name"] = result.name
    images = [piece for piece in result.content if isinstance(piece, Image)]
    encoded["response"] = _response(result)
    if images:
        encoded["parts"] = [_media(image) for image in images]
    return encoded


def _response(result: ToolResult) -> dict[str, Any]:
    """The structured answer: an object as it is, anything else as `result`, a failure as `error`."""
    said = [piece for piece in result.content if not isinstance(piece, Image)]
    if result.is_error:
        return {"error": result.text}
    if len(said) == 1 and isinstance(said[0], Json) and isinstance(said[0].value, dict):
        return said[0].value
    if any(isinstance(piece, Json) for piece in said):
        values = [piece.value if isinstance(piece, Json) else piece.text for piece in said]
        return {"result": values[0] if len(values) == 1 else values}
    if not said:
        return {}
    return {"result": "\n".join(piece.text for piece in said if isinstance(piece, Text))}


def _media(part: _Media) -> dict[str, Any]:
    """Bytes travel inline, files and addresses by name; a text document is written out."""
    source = part.source
    if isinstance(source, TextSource):
        if isinstance(part, Document):
            return {"text": part.rendered()}
        raise UnsupportedCapability(f"Gemini takes no {type(part).__name__.lower()} from a text source")
    if isinstance(source, Base64Source):
        if part.media_type is None:
            raise InvalidHistory(f"inline {type(part).__name__.lower()} needs a media type")
        return {"inlineData": {"mimeType": part.media_type, "data": source.data}}
    place = {} if part.media_type is None else {"mimeType": part.media_type}
    return {"fileData": {**place, "fileUri": _uri(source)}}


def _uri(source: UrlSource | FileSource) -> str:
    return source.url if isinstance(source, UrlSource) else source.file_id
