"""Compares what our decoder made of an exchange with what the provider's SDK made of it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from agentlab import errors
from tests.corpus.recordings import Recording, Result

# The class each SDK exception corresponds to. SDKs that have one class for all go by the status alone.
ERROR_CLASSES: dict[int, type[errors.ModelError]] = {
    400: errors.BadRequest,
    401: errors.AuthenticationFailed,
    403: errors.AuthenticationFailed,
    404: errors.NotFound,
    408: errors.ModelError,
    409: errors.BadRequest,
    413: errors.BadRequest,
    422: errors.BadRequest,
    429: errors.RateLimited,
}

USAGE_COUNTS = {
    "input_total": "input_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "output_total": "output_tokens",
    "reasoning": "reasoning_tokens",
}


def differences(recording: Recording, result: Result) -> dict[str, tuple[Any, Any]]:
    """Each field that differs, with (expected, ours); empty where all agree."""
    expected = recording.expected
    unresolved = set(expected.get("unresolved") or ())
    if "*" in unresolved:
        return {}
    if recording.record["status"] >= 400:
        return _error_difference(recording, result)
    found: dict[str, tuple[Any, Any]] = {}

    def compare(name: str, want: Any, have: Any) -> None:
        if name not in unresolved and want != have:
            found[name] = (want, have)

    in_band = bool(expected.get("error"))
    compare("error", in_band, result.error is not None)
    compare("text", expected["text"] or "", result.message.text)
    compare("reasoning", expected["reasoning"] or "", result.reasoning)
    compare("tool_plan", expected.get("tool_plan") or "", result.tool_plan)
    compare("tool_calls", *_tool_calls(expected, result))
    reason = expected["finish_reason"]  # old Vertex bodies carry enums as integers; our reasons are words
    compare("finish_reason", str(reason) if isinstance(reason, int) else reason, result.raw_finish_reason)
    if not in_band and expected["complete"] is not None:  # None for unary bodies: nothing to be cut off
        compare("complete", expected["complete"], result.complete)
    compare("signatures", expected.get("signatures") or [], [_digest(text) for text in result.signatures])
    compare("encrypted", expected.get("encrypted") or [], [_digest(text) for text in result.encrypted])
    for theirs, ours in USAGE_COUNTS.items():
        want = (expected.get("usage") or {}).get(theirs)
        have = getattr(result.usage, ours)
        if (want or 0) != (have or 0) and "usage" not in unresolved:
            compare(f"usage.{theirs}", want, have)
    return found


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _tool_calls(expected: dict[str, Any], result: Result) -> tuple[list[Any], list[Any]]:
    want = [
        (call["name"], _canonical(call.get("arguments"), call), call["id"])
        for call in expected["tool_calls"] or ()
    ]
    have = []
    for call in result.tool_calls:
        if call.has_valid_arguments and not (call.extra or {}).get("custom"):
            arguments = json.dumps(call.arguments, sort_keys=True)
        else:
            arguments = call.arguments_json
        have.append((call.name, arguments, call.provider_id))
    return want, have


def _canonical(arguments: Any, call: dict[str, Any]) -> str:
    if call.get("custom") or call.get("valid_json") is False:
        return str(call.get("arguments_raw") or "")
    return json.dumps(arguments if arguments is not None else {}, sort_keys=True)


def _error_difference(recording: Recording, result: Result) -> dict[str, tuple[Any, Any]]:
    status = recording.record["status"]
    want = ERROR_CLASSES.get(status, errors.ServerError if status >= 500 else errors.ModelError)
    if isinstance(result.error, want) and result.error.status == status:
        return {}
    return {"error": (want.__name__, repr(result.error))}
