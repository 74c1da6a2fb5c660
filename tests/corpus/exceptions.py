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

OBJECT_CONTENT = re.compile(rb'"content":\s*\{')
EMPTY_CALL = re.compile(rb'"function_call":\s*\{"arguments":\s*"",\s*"name":\s*""\}')
REASONING_DETAILS = re.compile(rb'"reasoning_details":\s*\[')
CHAT_BODY = re.compile(rb'"object":\s*"chat\.completion"')
REASONING_TOKENS = re.compile(rb'"reasoning_tokens":\s*[1-9]')


def reason_for(recording: Recording, found: dict[str, tuple[Any, Any]]) -> str | None:
    """Why this difference is meant, or None."""
    body = recording.body
    fields = set(found)
    if recording.id in BY_ID:
        return BY_ID[recording.id]
    if fields == {"text"} and OBJECT_CONTENT.search(body):
        return "the gateway sends `content` as an object; we keep its JSON, the SDK's reader joins its keys"
    if fields <= {"tool_calls", "finish_reason"} and EMPTY_CALL.search(body):
        return "the gateway fills an empty function call (and an empty finish reason) into every answer; neither is one"
    if fields == {"reasoning"} and REASONING_DETAILS.search(body):
        return "reasoning in `reasoning_details` alone: we read it, the SDK's reader does not"
    if (
        fields == {"usage.reasoning"}
        and recording.wire_name == "cohere-chat"
        and REASONING_TOKENS.search(body)
    ):
        return "Cohere counts reasoning tokens in a field its SDK does not name; we read it"
    if recording.record["status"] == 400 and fields == {"error"} and b"API_KEY_INVALID" in body:
        return "Gemini answers 400 to a bad key; here that is `AuthenticationFailed`"
    if fields == {"error"} and recording.wire_name == "openai-responses" and CHAT_BODY.search(body):
        return "a Chat Completions body behind a Responses path: a protocol error here, an empty answer to the SDK"
    return None
