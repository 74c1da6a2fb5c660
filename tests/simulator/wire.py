"""A dialect without a server: ask it, and read its frames back by hand."""

from __future__ import annotations

import json
from typing import Any

from agentlab.messages import Usage
from agentlab.simulator.dialects import Ids, Rejected

USAGE = Usage(
    input_tokens=100,
    output_tokens=20,
    cache_read_tokens=60,
    cache_write_tokens=30,
    cache_write_5m_tokens=10,
    cache_write_1h_tokens=20,
    reasoning_tokens=5,
)
PATHS = {
    "anthropic": "/v1/messages",
    "openai_responses": "/v1/responses",
    "gemini": "/v1beta/models/gemini-3.5-flash:streamGenerateContent",
    "ollama": "/api/chat",
    "cohere_chat": "/v2/chat",
    "bedrock_converse": "/model/anthropic.claude-sonnet-4-6/converse-stream",
}
VENDORS = {"openai_responses": "openai", "cohere_chat": "cohere", "bedrock_converse": "bedrock"}


def parse(dialect, body: Any, *, path: str | None = None, query: dict[str, str] | None = None):
    """The request as the dialect understands it."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    vendor = VENDORS.get(dialect.wire, dialect.wire)
    headers = {"anthropic-version": "2023-06-01"}
    return dialect.parse(vendor, path or PATHS[dialect.wire], query or {}, headers, raw)


def refusal(dialect, body: Any, *, path: str | None = None):
    """What the dialect says to a request it refuses; an assertion where it does not."""
    try:
        parse(dialect, body, path=path)
    except Rejected as rejected:
        return rejected.reply
    raise AssertionError("the request was accepted")


def streamed(dialect, request, answer, usage: Usage = USAGE) -> list[tuple[str | None, Any]]:
    """Each event's name and data; every item the dialect yields must be one whole event."""
    events = []
    for frame in dialect.stream(request, answer, usage, Ids(0, 0, 1_767_225_600.0)):
        ending = b"\r\n\r\n" if b"\r\n" in frame else b"\n\n"
        assert frame.endswith(ending)
        assert frame.count(ending) == 1
        lines = frame.removesuffix(ending).decode().replace("\r\n", "\n").split("\n")
        names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        assert len(data) == 1
        events.append((names[0] if names else None, json.loads(data[0])))
    return events


def whole(dialect, request, answer, usage: Usage = USAGE) -> Any:
    """The unary answer."""
    return json.loads(dialect.unary(request, answer, usage, Ids(0, 0, 1_767_225_600.0)))
