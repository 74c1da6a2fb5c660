"""Errors of the Chat Completions wire: many bodies, one tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from agentlab.errors import ContentFiltered, ModelError
from agentlab.models.wire import error_for_status

__all__ = ["error_from_payload", "read_error"]

_FILTERED: Final = ("content_filter", "content_policy_violation", "responsibleaipolicyviolation")

# Words of an error's type or code that stand for a status where a stream, whose own status is 200, gives none.
_STATUS_BY_WORD: Final = (
    ("auth", 401),
    ("api_key", 401),
    ("permission", 403),
    ("forbidden", 403),
    ("rate_limit", 429),
    ("too_many_requests", 429),
    ("quota", 429),
    ("not_found", 404),
    ("overloaded", 503),
    ("unavailable", 503),
    ("timeout", 504),
    ("invalid", 400),
    ("bad_request", 400),
    ("exceed_context", 400),
    ("context_length", 400),
    ("tool_use_failed", 400),
    ("unsupported", 400),
)


def error_from_payload(payload: Any, *, status: int | None = None, body: str | None = None) -> ModelError:
    """The error a payload reports.

    Args:
        payload: The parsed body or frame; a string where it is not JSON.
        status: HTTP status; None inside a stream, where it follows from the payload.
        body: The text it came in.
    """
    message, code, own = read_error(payload)
    if status is None:
        status = own if own is not None and 400 <= own <= 599 else _status_of(code)
    if any(word in f"{code or ''} {_inner_code(payload)}".lower() for word in _FILTERED):
        return ContentFiltered(f"HTTP {status}: {message}", status=status, code=code, body=body)
    return error_for_status(status, message, code=code, body=body)


def read_error(payload: Any) -> tuple[str, str | None, int | None]:
    """Message, code and status of an error body.

    Bodies seen: `{error: {message, type, code}}`, `{error: "text"}`, `{message, code}` (Mistral), `{detail: ...}`
    (FastAPI servers), `{errors: [{message}]}` (Cloudflare), a list of any of these (Gemini's endpoint), plain text.
    OpenRouter puts the words of the vendor behind it in `metadata.raw`.
    """
    if isinstance(payload, list):
        return read_error(payload[0]) if payload else ("", None, None)
    if not isinstance(payload, Mapping):
        return ("" if payload is None else str(payload), None, None)
    for name in ("error", "errors", "detail"):
        inner = payload.get(name)
        if not inner:
            continue
        message, code, status = read_error(inner)
        return (
            message or _as_text(payload.get("message")),
            code or _code(payload),
            status if status is not None else _status(payload),
        )
    message = _as_text(payload.get("message") or payload.get("msg") or payload.get("error_message"))
    metadata = payload.get("metadata")
    if message and isinstance(metadata, Mapping) and metadata.get("raw"):
        message = f"{message}: {_as_text(metadata['raw'])}"
    return (message or _as_text(payload), _code(payload), _status(payload))


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _code(payload: Mapping[str, Any]) -> str | None:
    """The code where it is a word, else the type; a number is a status."""
    code, kind = payload.get("code"), payload.get("type")
    if isinstance(code, str) and code and not code.isdecimal():
        return code
    if isinstance(kind, str) and kind:
        return kind
    return str(code) if code else None


def _status(payload: Mapping[str, Any]) -> int | None:
    for name in ("status_code", "status", "code", "raw_status_code"):
        value = payload.get(name)
        if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()):
            return int(value)
    return None


def _status_of(code: str | None) -> int:
    spoken = (code or "").lower()
    return next((status for word, status in _STATUS_BY_WORD if word in spoken), 500)


def _inner_code(payload: Any) -> str:
    """Azure's own word, one level down."""
    error = payload.get("error") if isinstance(payload, Mapping) else None
    inner = error.get("innererror") if isinstance(error, Mapping) else None
    return _as_text(inner.get("code")) if isinstance(inner, Mapping) else ""
