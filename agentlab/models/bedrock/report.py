"""What an answer of Bedrock Converse reports beside its content: usage, stop reason, errors."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.errors import ModelError, ProtocolError
from agentlab.messages import FinishReason, Usage
from agentlab.models.wire import error_for_status

__all__ = ["corrupt", "error_from", "finish_reason_of", "is_exception", "stream_error", "usage_of"]

Json = dict[str, Any]

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_EXCEPTIONS: Final = {
    "accessDeniedException": 403,
    "internalServerException": 500,
    "modelErrorException": 500,
    "modelNotReadyException": 429,
    "modelStreamErrorException": 500,
    "modelTimeoutException": 504,
    "resourceNotFoundException": 404,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "validationException": 400,
}
_SHOWN: Final = 2000


class _CacheWrite(Struct):
    ttl: str = "5m"
    inputTokens: int = 0  # noqa: N815 - the wire's name


class _NativeUsage(Struct, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[_CacheWrite] | None = None


def finish_reason_of(stop_reason: str) -> FinishReason:
    """Normalise a stop reason; malformed output and unknown words are `other`."""
    return _FINISH.get(stop_reason, "other")


def usage_of(native: Json) -> Usage:
    """Usage in the house's convention: the wire counts cache reads and writes beside `inputTokens`, here they are in it.

    Raises:
        ProtocolError: A count is no number.
    """
    try:
        given = msgspec.convert(native, _NativeUsage)
    except msgspec.ValidationError as error:
        raise corrupt(msgspec.json.encode(native), error) from None
    read, written = given.cache_read_input_tokens, given.cache_write_input_tokens
    by_ttl = {each.ttl: each.inputTokens for each in given.cache_details or ()}
    return Usage(
        input_tokens=None
        if given.input_tokens is None
        else given.input_tokens + (read or 0) + (written or 0),
        output_tokens=given.output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_5m_tokens=by_ttl.get("5m", 0) if by_ttl else None,
        cache_write_1h_tokens=by_ttl.get("1h", 0) if by_ttl else None,
        reported_total_tokens=given.total_tokens,
        raw=native,
    )


def is_exception(event: str, payload: Any) -> bool:
    """Whether a message of the stream is the provider's error: one of its exceptions, or just a sentence."""
    return event in _EXCEPTIONS or event.endswith("Exception") or _sentence(payload) is not None


def stream_error(event: str, payload: Any, data: bytes) -> ModelError:
    """The error an exception in the stream stands for."""
    said = _sentence(payload) or event
    more = payload.get("originalMessage") if isinstance(payload, dict) else None
    text = f"{said} ({more})" if isinstance(more, str) and more not in said else said
    return error_for_status(_EXCEPTIONS.get(event, 500), text, code=event, body=_shown(data))


def error_from(status: int, body: bytes) -> ModelError:
    """What an HTTP error response says: `{"message"}`."""
    text = body.decode("utf-8", "replace")
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError):
        payload = None
    code = payload.get("__type") if isinstance(payload, dict) else None
    return error_for_status(
        status,
        _sentence(payload) or text.strip()[:500],
        code=code.rpartition("#")[2] if isinstance(code, str) else None,
        body=text,
    )


def corrupt(data: bytes, error: Exception) -> ProtocolError:
    """The error for bytes that are not what the wire allows."""
    return ProtocolError(f"Bedrock sent what its wire does not allow: {error}", body=_shown(data))


def _sentence(payload: Any) -> str | None:
    """The `message` of an error; AWS writes it in either case."""
    if not isinstance(payload, dict):
        return None
    said = payload.get("message", payload.get("Message"))
    return said if isinstance(said, str) else None


def _shown(data: bytes) -> str:
    return data[:_SHOWN].decode("utf-8", "replace")
