"""What an answer of the Anthropic Messages wire reports beside its content: usage, stop reason, errors."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from agentlab.errors import ModelError, ProtocolError
from agentlab.messages import CacheDiagnosis, CacheVerdict, FinishReason, Usage
from agentlab.models.encoding import encode_json
from agentlab.models.wire import error_for_status

__all__ = ["cache_diagnosis_of", "corrupt", "error_of", "finish_reason_of", "shaped", "shown", "usage_of"]

Json = dict[str, Any]

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_STATUS: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


_VERDICTS: Final[dict[str, CacheVerdict]] = {
    "previous_message_not_found": "not_found",
    "unavailable": "unavailable",
}


class _CacheWrites(Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _OutputDetails(Struct):
    thinking_tokens: int | None = None


class _NativeUsage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _CacheWrites | None = None
    output_tokens_details: _OutputDetails | None = None
    cost: float | None = None


_Shape = TypeVar("_Shape")


def finish_reason_of(stop_reason: str | None) -> FinishReason | None:
    """Normalise a stop reason; `pause_turn` (a server tool loop to be continued) and unknown words are `other`."""
    return None if stop_reason is None else _FINISH.get(stop_reason, "other")


def usage_of(native: Json) -> Usage:
    """Usage in the house's convention: the wire counts cache reads and writes beside `input_tokens`, here they are in it.

    With compaction or a fallback the top level counts only the last round; `raw["iterations"]` holds them all, and their
    sum is what is billed.
    """
    given = shaped(native, _NativeUsage)
    read, written = given.cache_read_input_tokens, given.cache_creation_input_tokens
    split = given.cache_creation or _CacheWrites()
    short, long = split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens
    if written is not None and short is not None and short + (long or 0) != written:
        # The split comes at the start only, while the total grows with every round of a server tool.
        short, long = (
            (written, 0) if short and not long else (0, written) if long and not short else (None, None)
        )
    return Usage(
        input_tokens=None
        if given.input_tokens is None
        else given.input_tokens + (read or 0) + (written or 0),
        output_tokens=given.output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        reasoning_tokens=given.output_tokens_details.thinking_tokens if given.output_tokens_details else None,
        reported_cost_usd=given.cost,
        raw=native,
    )


def cache_diagnosis_of(native: Json | None) -> CacheDiagnosis | None:
    """The `diagnostics` of a message; None where nothing was asked, or the provider saw no change.

    Source: https://platform.claude.com/docs/en/build-with-claude/cache-diagnostics
    """
    if native is None:
        return None
    reason = native.get("cache_miss_reason")
    if not isinstance(reason, dict):
        return CacheDiagnosis("pending", raw=native)
    word, tokens = str(reason.get("type")), reason.get("cache_missed_input_tokens")
    missed = tokens if isinstance(tokens, int) and not isinstance(tokens, bool) else None
    return CacheDiagnosis(_VERDICTS.get(word, "miss"), word, missed, native)


def error_of(payload: Any, *, status: int | None = None, body: str | None = None) -> ModelError:
    """The error an error object stands for, in a response or in a stream.

    Args:
        payload: The decoded body or event: `{"type": "error", "error": {"type", "message"}, "request_id"}`.
        status: HTTP status; where it is None the error's type gives one, 500 if it is unknown.
        body: The text to keep with the error.
    """
    envelope = payload if isinstance(payload, dict) else {}
    inner = envelope.get("error")
    details = inner if isinstance(inner, dict) else envelope
    code = details.get("type") or details.get("code")
    message = details.get("message") or envelope.get("message") or (inner if isinstance(inner, str) else "")
    error = error_for_status(
        status or _STATUS.get(str(code), 500),
        str(message or (body or "")[:500]),
        code=None if code is None else str(code),
        body=body,
    )
    request_id = envelope.get("request_id")
    error.request_id = request_id if isinstance(request_id, str) else None
    return error


def shaped(value: Json, shape: type[_Shape]) -> _Shape:
    """Read a decoded object by its type.

    Raises:
        ProtocolError: A field has a type the wire does not allow.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise corrupt(encode_json(value), error) from error


def shown(data: bytes) -> str:
    """As much of a frame as an error should carry."""
    return data[:2000].decode("utf-8", "replace")


def corrupt(data: bytes, error: Exception) -> ProtocolError:
    """The error for bytes that are not what the wire allows."""
    return ProtocolError(f"the provider sent what its wire does not allow: {error}", body=shown(data))
