from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import (
    BadRequest,
    ContentFiltered,
    ContextTooLong,
    ModelError,
    NotFound,
    ProtocolError,
    RateLimited,
    ServerError,
)
from agentlab.http import Frame
from agentlab.messages import (
    Reasoning,
    ReasoningEncrypted,
    Text,
)
from tests.models.openai_responses.frames import (
    USAGE,
    added,
    args_delta,
    call_item,
    completed,
    created,
    done,
    feed,
    message_item,
    new_decoder,
    reasoning_item,
    text_delta,
)


@pytest.mark.parametrize(
    ("reason", "normalised"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("max_tool_calls", "other")],
)
def test_incomplete_is_terminal_and_says_why(reason: str, normalised: str) -> None:
    decoder = new_decoder()
    response = {
        "status": "incomplete",
        "incomplete_details": {"reason": reason},
        "output": [reasoning_item("s")],
    }
    feed(decoder, {"type": "response.incomplete", "response": response})
    assert decoder.assembly.complete is True
    assert decoder.assembly.finish_reason == normalised
    assert decoder.assembly.raw_finish_reason == f"incomplete:{reason}"
    assert decoder.assembly.message().content == (Reasoning((ReasoningEncrypted("s"),), id="rs_1"),)


@pytest.mark.parametrize(
    ("kind", "raw"), [("response.completed", "completed"), ("response.incomplete", "incomplete:None")]
)
def test_a_terminal_event_without_a_status_speaks_for_itself(kind: str, raw: str) -> None:
    decoder = new_decoder()
    feed(decoder, {"type": kind, "response": {"output": []}})
    assert (decoder.assembly.complete, decoder.assembly.raw_finish_reason) == (True, raw)


def test_a_terminal_event_whose_status_is_failed_raises() -> None:
    decoder = new_decoder()
    with pytest.raises(ServerError, match="oops"):
        feed(decoder, completed([], status="failed", error={"code": "server_error", "message": "oops"}))


def test_fields_a_gateway_adds_to_reasoning_are_kept_for_replay() -> None:
    decoder = new_decoder()
    feed(decoder, done(0, reasoning_item("s") | {"format": "google-gemini-v1", "signature": None}))
    (block,) = decoder.assembly.message().content
    assert isinstance(block, Reasoning)
    assert block.extra == {"format": "google-gemini-v1"}


def test_a_message_cut_in_its_item_keeps_that_status() -> None:
    decoder = new_decoder()
    feed(decoder, done(0, message_item("par", status="incomplete")))
    assert decoder.assembly.message().content == (Text("par", extra={"id": "msg_1", "status": "incomplete"}),)


def test_a_stream_without_its_terminal_event_is_not_complete() -> None:
    decoder = new_decoder()
    feed(decoder, created(), text_delta(0, "Hi"), done(0, message_item("Hi")))
    assert decoder.end() == []
    assert decoder.assembly.complete is False


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        ("rate_limit_exceeded", RateLimited, 429),
        ("insufficient_quota", RateLimited, 429),
        ("server_error", ServerError, 500),
        ("server_is_overloaded", ServerError, 503),
        ("invalid_image_format", BadRequest, 400),
        ("context_length_exceeded", ContextTooLong, 400),
        ("image_content_policy_violation", ContentFiltered, 400),
        ("model_not_found", NotFound, 404),
        ("something_else", ServerError, 500),
        (502, ServerError, 502),
    ],
)
def test_a_failed_response_raises_what_its_code_means_with_usage_noted(
    code: Any, kind: type[ModelError], status: int
) -> None:
    decoder = new_decoder()
    response = {
        "id": "resp_1",
        "status": "failed",
        "error": {"code": code, "message": "broke"},
        "usage": USAGE,
    }
    with pytest.raises(kind, match="broke") as caught:
        feed(decoder, {"type": "response.failed", "response": response})
    assert caught.value.status == status
    assert caught.value.code == str(code)
    assert decoder.assembly.usage.input_tokens == 120
    assert decoder.assembly.raw_finish_reason == "failed"
    assert decoder.assembly.complete is False


def test_a_failed_response_without_details_still_raises() -> None:
    with pytest.raises(ServerError, match="the response failed"):
        feed(new_decoder(), {"type": "response.failed", "response": {"status": "failed", "error": None}})


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None},
        {"type": "error", "error": {"type": "insufficient_quota", "code": None, "message": "slow down"}},
        {"error": {"code": 429, "message": "slow down"}},
    ],
)
def test_an_error_event_raises_in_each_of_its_shapes(payload: dict[str, Any]) -> None:
    decoder = new_decoder()
    with pytest.raises(RateLimited, match="slow down"):
        feed(decoder, text_delta(0, "x"), payload)
    assert decoder.assembly.message(interrupted=True).text == "x"


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"type":"response.output_text.delta"}',
        b'{"type":"response.output_text.delta","delta":5}',
        b'{"type":"response.output_item.done","item":[]}',
        b'{"type":"response.output_item.done","item":{"type":"reasoning","summary":["x"]}}',
        b'{"type":"response.output_item.done","item":{"type":"message","content":5}}',
        b'{"type":"response.completed","response":{"output":[{"id":[]}]}}',
        b'{"type":7}',
        b'{"delta":"x"}',
    ],
)
def test_a_corrupt_event_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        new_decoder().frame(Frame(data))


def test_a_whole_body_gives_the_message_and_the_last_events_of_its_stream() -> None:
    web = {"type": "url_citation", "url": "https://a.example", "title": "A"}
    output = [
        reasoning_item("sealed", summary="why"),
        message_item("Hello", part={"annotations": [web]}),
        call_item('{"a":1}'),
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ]
    streamed, unary = new_decoder(), new_decoder()
    live = feed(
        streamed,
        created(),
        {
            "type": "response.reasoning_summary_text.delta",
            "output_index": 0,
            "summary_index": 0,
            "delta": "why",
        },
        done(0, output[0]),
        text_delta(1, "Hello"),
        done(1, output[1]),
        added(2, call_item("")),
        args_delta(2, '{"a":1}'),
        done(2, output[2]),
        done(3, output[3]),
        completed(output),
    )
    whole = unary.body(json.dumps(completed(output)["response"]).encode()) + unary.assembly.close()
    assert whole == live
    assert unary.assembly.message() == streamed.assembly.message()
    assert unary.assembly.usage == streamed.assembly.usage
    assert unary.assembly.complete
    assert unary.assembly.finish_reason == "tool_calls"


def test_a_body_that_is_still_queued_is_not_complete() -> None:
    decoder = new_decoder()
    decoder.body(b'{"id":"resp_1","status":"queued","output":[]}')
    assert (decoder.assembly.complete, decoder.assembly.raw_finish_reason) == (False, "queued")


def test_a_failed_body_raises_with_usage_noted() -> None:
    decoder = new_decoder()
    body = {"status": "failed", "error": {"code": "server_error", "message": "oops"}, "usage": USAGE}
    with pytest.raises(ServerError, match="oops"):
        decoder.body(json.dumps(body).encode())
    assert decoder.assembly.usage.output_tokens == 30


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b'{"object":"chat.completion","choices":[]}', b'{"output":[{"id":{}}]}']
)
def test_a_body_that_is_no_response_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        new_decoder().body(body)


SCALARS = st.none() | st.booleans() | st.integers(-3, 9) | st.text(max_size=4)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "item",
            "response",
            "delta",
            "text",
            "output_index",
            "content_index",
            "summary_index",
            "annotation",
            "error",
        ]
    ),
    JSON
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["message", "reasoning", "function_call", "custom_tool_call", "x"])},
        optional={
            "id": JSON,
            "content": JSON,
            "summary": JSON,
            "arguments": JSON,
            "output": JSON,
            "call_id": SCALARS,
            "usage": JSON,
            "error": JSON,
        },
    ),
)
KINDS = st.sampled_from(
    [
        "response.output_text.delta",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
        "response.incomplete",
        "response.failed",
        "response.output_text.annotation.added",
        "error",
        "other",
    ]
)


@settings(deadline=None)
@given(st.lists(st.tuples(KINDS, FIELDS), max_size=6))
def test_no_payload_raises_anything_but_a_model_error(stream: list[tuple[str, dict[str, Any]]]) -> None:
    decoder = new_decoder()
    for kind, fields in stream:
        try:
            decoder.frame(Frame(json.dumps({"type": kind, **fields}).encode()))
        except ModelError:
            break
    decoder.assembly.message(interrupted=True)


@settings(deadline=None)
@given(st.text(max_size=40), st.data())
def test_text_does_not_depend_on_how_it_was_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]
    decoder = new_decoder()
    feed(
        decoder,
        *(text_delta(0, piece) for piece in pieces),
        done(0, message_item(text)),
        completed([message_item(text)]),
    )
    assert decoder.assembly.message().text == text
