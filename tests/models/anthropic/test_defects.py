from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ModelError,
    NotFound,
    ProtocolError,
    RateLimited,
    ServerError,
)
from agentlab.http import Frame
from agentlab.messages import ProviderPart, UnknownEvent
from agentlab.models.anthropic.decoder import AnthropicDecoder
from tests.models.anthropic.frames import START, STOP, decode, delta, frame, start, stop


def test_unknown_events_deltas_and_blocks_pass_through() -> None:
    block = {"type": "hologram", "data": "x"}
    decoder, events = decode(
        START,
        {"type": "weather", "index": "odd"},
        start(0, block),
        delta(0, "hologram_delta", text={"not": "a string"}),
        delta(0, "sparkle_delta", size=3),
        stop(0),
        STOP,
    )
    assert [event.kind for event in events if isinstance(event, UnknownEvent)] == [
        "weather",
        "hologram_delta",
        "sparkle_delta",
        "hologram",
    ]
    assert decoder.assembly.message().content == (ProviderPart("anthropic-messages", "hologram", block),)


@pytest.mark.parametrize(
    "data",
    [
        b'{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "te',
        b"nothing of the kind",
        b'["a list"]',
        b'{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 7}}',
        b'{"type": "content_block_delta", "index": 0}',
        b'{"type": "content_block_start", "index": 0}',
        b'{"type": "message_start"}',
        b'{"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": "{"}}',
        b'\xff{"type": "ping"}',
    ],
)
def test_a_frame_that_the_wire_does_not_allow_is_a_protocol_error(data: bytes) -> None:
    decoder, _ = decode(START)
    with pytest.raises(ProtocolError):
        decoder.frame(Frame(data))


def test_a_second_message_in_one_stream_is_a_protocol_error() -> None:
    decoder, _ = decode(START, start(0, {"type": "text", "text": "a"}))
    with pytest.raises(ProtocolError):
        decoder.frame(frame(START))


def test_a_block_that_begins_twice_is_a_protocol_error() -> None:
    decoder, _ = decode(START, start(0, {"type": "text", "text": "a"}))
    with pytest.raises(ProtocolError):
        decoder.frame(frame(start(0, {"type": "text", "text": "b"})))


def test_text_inside_a_tool_call_is_a_protocol_error() -> None:
    decoder, _ = decode(START, start(0, {"type": "tool_use", "id": "t", "name": "add", "input": {}}))
    with pytest.raises(ProtocolError):
        decoder.frame(frame(delta(0, "text_delta", text="a")))


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("overloaded_error", ServerError, 529),
        ("api_error", ServerError, 500),
        ("timeout_error", ServerError, 504),
        ("rate_limit_error", RateLimited, 429),
        ("authentication_error", AuthenticationFailed, 401),
        ("permission_error", AuthenticationFailed, 403),
        ("not_found_error", NotFound, 404),
        ("invalid_request_error", BadRequest, 400),
        ("request_too_large", BadRequest, 413),
        ("a_new_error", ServerError, 500),
    ],
)
def test_an_error_in_the_stream_is_raised_as_what_it_is(
    kind: str, error: type[ModelError], status: int
) -> None:
    decoder, _ = decode(START)
    with pytest.raises(error) as caught:
        decoder.frame(
            frame({"type": "error", "error": {"type": kind, "message": "No."}, "request_id": "req_1"})
        )
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (status, kind, "req_1")
    assert "No." in str(caught.value)


def test_an_error_without_a_type_is_raised_too() -> None:
    decoder, _ = decode(START)
    with pytest.raises(ServerError):
        decoder.frame(Frame(b'{"error": {"message": "gateway failed"}}', "data"))


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"type": "message"}', b'{"content": "text"}'])
def test_a_response_that_is_not_a_message_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        AnthropicDecoder().body(body)


def test_an_error_object_with_status_200_is_raised() -> None:
    with pytest.raises(ServerError):
        AnthropicDecoder().body(b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}')


@given(st.binary(max_size=200))
def test_garbage_is_a_model_error_and_completes_nothing(data: bytes) -> None:
    decoder, _ = decode(START)
    with contextlib.suppress(ModelError):
        decoder.frame(Frame(data))
    assert not decoder.assembly.complete


json_values = st.sampled_from(
    [None, True, 7, 1.5, "x", "", [], ["x"], [None], {}, {"a": 1}, {"input_tokens": "x"}]
)
known_keys = st.sampled_from(
    ["index", "delta", "content_block", "message", "usage", "error", "text", "input", "id"]
)


@given(
    st.sampled_from(["message_start", "content_block_start", "content_block_delta", "message_delta", "new"]),
    st.dictionaries(known_keys, json_values, max_size=4),
    st.sampled_from(["text", "thinking", "tool_use", "redacted_thinking", "text_delta", "input_json_delta"]),
)
def test_defective_events_never_escape_as_another_error(
    kind: str, fields: dict[str, Any], inner: str
) -> None:
    for key in ("delta", "content_block"):
        if isinstance(fields.get(key), dict):
            fields[key]["type"] = inner
    decoder = AnthropicDecoder()
    with contextlib.suppress(ModelError):
        decoder.frame(frame({"type": kind, **fields}))
        decoder.frame(frame(STOP))
    assert decoder.assembly.message().wire == "anthropic-messages"
