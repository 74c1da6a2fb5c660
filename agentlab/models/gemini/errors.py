"""Gemini's error objects, from error responses and from streams.

Source: https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

from typing import Any

import msgspec

from agentlab.errors import AuthenticationFailed, ModelError
from agentlab.models.wire import error_for_status

__all__ = ["error_from", "error_of"]


def error_from(status: int, body: bytes) -> ModelError:
    """What an HTTP error response says."""
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError):
        return error_for_status(
            status, body.decode("utf-8", "replace").strip(), body=body.decode("utf-8", "replace")
        )
    if isinstance(payload, list):
        payload = payload[0] if payload else {}
    detail = payload.get("error", payload) if isinstance(payload, dict) else payload
    return error_of(detail, status, body)


def error_of(detail: Any, status: int, body: bytes) -> ModelError:
    """The error an error object stands for; in a stream it names its status itself."""
    text = body.decode("utf-8", "replace")
    if not isinstance(detail, dict):
        return error_for_status(status, "" if detail is None else str(detail), body=text)
    code = detail.get("status")
    named = detail.get("code")
    status = named if isinstance(named, int) and named >= 400 else status
    error = error_for_status(status, str(detail.get("message") or ""), code=code, body=text)
    for entry in detail.get("details") or ():
        if isinstance(entry, dict) and entry.get("reason") == "API_KEY_INVALID":
            error = AuthenticationFailed(str(error), status=status, code="API_KEY_INVALID", body=text)
        elif isinstance(entry, dict) and str(entry.get("@type", "")).endswith("google.rpc.RetryInfo"):
            error.retry_after = _seconds(entry.get("retryDelay"))
    return error


def _seconds(duration: Any) -> float | None:
    """A duration of Google's JSON form, such as `34.07s`."""
    try:
        return float(str(duration).removesuffix("s"))
    except ValueError:
        return None
