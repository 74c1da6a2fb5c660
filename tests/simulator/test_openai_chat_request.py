"""Whatever bytes come, the chat wire understands or refuses them; it never falls over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.simulator.dialects import OpenAIChat, Rejected
from agentlab.simulator.exchange import SimRequest

FIELDS = [
    "model", "messages", "tools", "tool_choice", "stream", "response_format", "reasoning_effort", "thinking",
    "max_tokens", "stream_options", "role", "content", "tool_calls", "tool_call_id", "id", "function", "name",
    "arguments", "type", "text", "image_url", "url", "parameters", "properties", "strict", "json_schema", "schema",
    "file", "input_audio", "allowed_tools",
]  # fmt: skip
WORDS = [
    "system",
    "user",
    "assistant",
    "tool",
    "function",
    "text",
    "image_url",
    "file",
    "json_schema",
    "object",
    "m",
]

values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(WORDS) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=25,
)


def parsed(body: bytes, vendor: str = "openai") -> SimRequest | Rejected:
    try:
        return OpenAIChat().parse(vendor, "/v1/chat/completions", {}, {}, body)
    except Rejected as refused:
        return refused


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_understood(body: bytes) -> None:
    answer = parsed(body)
    assert isinstance(answer, Rejected)
    assert answer.reply.status == 400


USER = {"role": "user", "content": "x"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
BODY = {"model": "m", "messages": [USER, {"role": "assistant", "tool_calls": [CALL]}], "tools": [TOOL]}
BODY["messages"] += [{"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "r"}]}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}}
WHOLE: dict[str, Any] = {
    **BODY,
    "response_format": SCHEMA,
    "tool_choice": "auto",
    "stream_options": {},
    "stream": True,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*path, key)
        yield from places(inner, (*path, key))


@pytest.mark.parametrize(
    "value", [None, True, 1, -1.5, "x", "", [], {}, [None], [{}], [1, "x"], {"type": []}], ids=repr
)
def test_a_request_with_anything_in_any_place_is_refused_or_understood(value: Any) -> None:
    for path in places(WHOLE):
        body = json.loads(json.dumps(WHOLE))
        holder = body
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = value
        answer = parsed(json.dumps(body).encode(), vendor="other")
        assert isinstance(answer, SimRequest) or answer.reply.status == 400, path


@given(st.dictionaries(st.sampled_from(FIELDS), values))
def test_any_object_is_refused_or_understood(body: dict[str, Any]) -> None:
    answer = parsed(json.dumps(body).encode())
    assert isinstance(answer, SimRequest) or answer.reply.status == 400


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("/v1/chat/completions", True),
        ("/api/v1/chat/completions", True),
        ("/openai/deployments/gpt/chat/completions", True),
        ("/chat/completions", True),
        ("/v1/completions", False),
        ("/v1/chat/completions/chatcmpl-1", False),
    ],
)
def test_the_wire_is_known_by_the_end_of_its_path(path: str, takes: bool) -> None:
    assert OpenAIChat().matches("POST", path) is takes
    assert not OpenAIChat().matches("GET", path)
