"""The errors the OpenAI Responses API reports: as an HTTP body, as a stream event, or in a failed response."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from agentlab.errors import ContentFiltered, ModelError, NotFound
from agentlab.models.wire import error_for_status

__all__ = ["error_of"]

# The HTTP status an error code of a stream would have had (https://platform.openai.com/docs/guides/error-codes).
_STATUS_OF_CODE: Final = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "too_many_requests": 429,
    "server_error": 500,
    "internal_error": 500,
    "server_is_overloaded": 503,
    "overloaded_error": 503,
    "slow_down": 503,
    "vector_store_timeout": 504,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "permission_error": 403,
    "model_not_found": 404,
    "image_file_not_found": 400,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "data_residency_mismatch": 400,
}
_LONGEST_MESSAGE: Final = 1000
_FILTERED: Final = frozenset(
    {
        "bio_policy",
        "content_filter",
        "content_policy_violation",
        "cyber_policy_violation",
        "image_content_policy_violation",
        "misalignment_policy_violation",
        "moderation_blocked",
    }
)


def error_of(status: int | None, details: Any, *, body: str | None = None) -> ModelError:
    """The error a provider reports, in a body or in a stream.

    Args:
        status: HTTP status of the response; None in a stream, where the code stands for it.
        details: The parsed body, or the error object of an event. Gateways nest it, flatten it or send bare text.
        body: The body as sent; None in a stream, where the details are kept instead.
    """
    body = body or msgspec.json.encode(details).decode()
    outer = _fields(details)
    inner = outer.get("error") or outer
    fields = _fields(inner)
    message = next(
        (str(text) for text in (fields.get("message"), outer.get("message"), outer.get("detail")) if text), ""
    )
    if not message and isinstance(inner or details, str):
        message = str(inner or details)
    words = [str(word) for word in (fields.get("code"), fields.get("type"), outer.get("code")) if word]
    words = [word for word in words if word != "error"]
    code = words[0] if words else None
    if status is None:
        status = next((found for word in words if (found := _status_of(word)) is not None), 500)
    error = error_for_status(status, message[:_LONGEST_MESSAGE], code=code, body=body)
    kind = ContentFiltered if code in _FILTERED else NotFound if code == "model_not_found" else type(error)
    return error if isinstance(error, kind) else kind(str(error), status=status, code=code, body=body)


def _status_of(code: str) -> int | None:
    if code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[code]
    if code.isdecimal() and 400 <= int(code) < 600:
        return int(code)
    return 400 if code.startswith(("invalid_", "image_", "unsupported_")) else None


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
