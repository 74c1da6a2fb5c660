"""Recordings where our result differs from the SDK's on purpose, each with the reason.

A reason is a rule about the recording wherever it can be, so that it holds for other recordings too; the rest is listed
by id.
"""

from __future__ import annotations

import re
from typing import Any

from tests.corpus.recordings import Recording

BY_ID: dict[str, str] = {
    "1a288cb8a64ecb65": "two messages spliced into one stream: the second `message_start` is a protocol error here",
}


def reason_for(recording: Recording, found: dict[str, tuple[Any, Any]]) -> str | None:
    """Why this difference is meant, or None."""
    body = recording.body
    fields = set(found)
    if recording.id in BY_ID:
        return BY_ID[recording.id]
    if fields == {"text"} and re.search(rb'"content":\s*\{', body):
        return "the gateway sends `content` as an object; we keep its JSON, the SDK's reader joins its keys"
    if recording.record["status"] == 400 and fields == {"error"} and b"API_KEY_INVALID" in body:
        return "Gemini answers 400 to a bad key; here that is `AuthenticationFailed`"
    if (
        (fields <= {"signatures"}
        and b"executableCode" in body)
        or (b"toolCall" in body
        and fields <= {"signatures"})
    ):
        return "signatures of code-execution parts stay inside the replayed provider part"
    if fields <= {"tool_calls", "finish_reason"} and b'"tool_calls":[{"id":"","type":' in body.replace(
        b" ", b""
    ):
        return "the gateway fills an empty tool call into every answer; it is no call"
    return None
