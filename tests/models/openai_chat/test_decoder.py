"""Streams of the Chat Completions wire, one for each oddity of a vendor."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import BadRequest, ModelError, ProtocolError, RateLimited, ServerError
from agentlab.http import Frame
from agentlab.messages import (
    Base64Source,
    Image,
    Refusal,
    Text,
    TextDelta,
    UnknownEvent,
    UrlSource,
    messages_from_json,
    messages_to_json,
)
from tests.models.openai_chat.frames import DONE, call_delta, chunk, decoder, run


def test_text_deltas_become_events_and_one_message() -> None:
    reader = decoder()
    events = run(
        reader,
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk({}, "stop"),
        DONE,
    )
    assert events == [TextDelta("Hel"), TextDelta("lo")]
    message = reader.assembly.message()
    assert message.content == (Text("Hello"),)
    assert (message.wire, message.model, message.id) == ("openai-chat", "m-1", None)
    assert reader.assembly.response_id == "chatcmpl-1"
    assert (reader.assembly.finish_reason, reader.assembly.raw_finish_reason) == ("stop", "stop")
    assert reader.assembly.complete


def test_without_done_a_stream_is_not_complete_even_after_a_finish_reason() -> None:
    reader = decoder()
    run(reader, chunk({"content": "Hi"}), chunk({}, "stop"))
    assert not reader.assembly.complete


def test_vendors_without_done_are_complete_at_the_end_of_the_bytes_after_a_finish_reason() -> None:
    reader = decoder(terminal="finish_reason")
    for frame in (chunk({"content": "Hi"}), chunk({}, "stop")):
        reader.frame(frame)
    assert not reader.assembly.complete
    reader.end()
    assert reader.assembly.complete


def test_vendors_without_done_are_truncated_without_a_finish_reason() -> None:
    reader = decoder(terminal="finish_reason")
    run(reader, chunk({"content": "Hi"}))
    assert not reader.assembly.complete


def test_done_is_accepted_from_vendors_that_rarely_send_it() -> None:
    reader = decoder(terminal="finish_reason")
    run(reader, chunk({"content": "Hi"}, "stop"), DONE)
    assert reader.assembly.complete


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("insufficient_system_resource", "other"),
    ],
)
def test_finish_reasons_are_normalised_and_the_raw_word_kept(raw: str, normal: str) -> None:
    reader = decoder()
    run(reader, chunk({"content": "x"}, raw), DONE)
    assert (reader.assembly.finish_reason, reader.assembly.raw_finish_reason) == (normal, raw)


def test_an_empty_finish_reason_is_none() -> None:
    reader = decoder()
    run(reader, chunk({"content": "x"}, ""), DONE)
    assert reader.assembly.raw_finish_reason is None


def test_stop_of_a_turn_with_tool_calls_is_tool_calls() -> None:
    reader = decoder()
    run(reader, chunk({"tool_calls": [call_delta(0, "f", "{}", "c1")]}, "stop"), DONE)
    assert (reader.assembly.finish_reason, reader.assembly.raw_finish_reason) == ("tool_calls", "stop")


def test_azures_first_chunk_has_no_choices_and_an_empty_id() -> None:
    reader = decoder()
    first = Frame(
        b'{"choices":[],"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}'
    )
    assert reader.frame(first) == []
    reader.frame(chunk({"content": "x"}))
    assert (reader.assembly.response_id, reader.assembly.model) == ("chatcmpl-1", "m-1")


def test_the_delta_wins_where_a_chunk_repeats_the_message_so_far() -> None:
    body = {
        "choices": [
            {"index": 0, "delta": {"content": "b"}, "message": {"role": "assistant", "content": "ab"}}
        ]
    }
    assert decoder().frame(Frame(json.dumps(body).encode())) == [TextDelta("b")]


def test_other_choices_than_the_first_are_left_out() -> None:
    body = {"choices": [{"index": 1, "delta": {"content": "other"}}]}
    assert decoder().frame(Frame(json.dumps(body).encode())) == []


def test_padding_and_unknown_fields_are_ignored() -> None:
    frame = chunk({"content": "x", "channel": "final", "token_id": 7}, obfuscation="aaaa", p="bbb")
    assert decoder().frame(frame) == [TextDelta("x")]


def test_think_tags_in_the_text_stay_there() -> None:
    reader = decoder()
    run(reader, chunk({"content": "hm</think>yes"}), DONE)
    assert reader.assembly.message().text == "hm</think>yes"


# ------------------------------------------------------------------ refusals, citations, media


def test_a_refusal_is_kept_apart_from_the_text() -> None:
    reader = decoder()
    run(reader, chunk({"refusal": "I'm "}), chunk({"refusal": "sorry"}, "stop"), DONE)
    assert reader.assembly.message().content == (Refusal("I'm sorry"),)


def test_annotations_become_citations() -> None:
    reader = decoder()
    note = {
        "type": "url_citation",
        "url_citation": {"url": "https://a.example", "title": "A", "content": "q"},
    }
    run(reader, chunk({"content": "x", "annotations": [note]}), DONE)
    (text,) = reader.assembly.message().content
    assert isinstance(text, Text)
    (citation,) = text.citations
    assert (citation.title, citation.url, citation.quote, citation.raw) == (
        "A",
        "https://a.example",
        "q",
        note,
    )


def test_sources_sent_whole_with_every_chunk_are_cited_once() -> None:
    reader = decoder()
    found = [{"title": "A", "url": "https://a.example", "snippet": "s"}]
    frames = [chunk({"content": c}, search_results=found, citations=["https://a.example"]) for c in "ab"]
    run(reader, *frames, DONE)
    (text,) = reader.assembly.message().content
    assert isinstance(text, Text)
    assert [(c.title, c.url, c.quote) for c in text.citations] == [("A", "https://a.example", "s")]


def test_bare_urls_are_citations_too() -> None:
    reader = decoder()
    run(reader, chunk({"content": "a"}, citations=["https://a.example"]), DONE)
    (text,) = reader.assembly.message().content
    assert isinstance(text, Text)
    assert [c.url for c in text.citations] == ["https://a.example"]


def test_drawn_images_are_parts() -> None:
    reader = decoder()
    images = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
    ]
    run(reader, chunk({"content": "", "images": images}), DONE)
    assert reader.assembly.message().content == (
        Image(Base64Source("AAAA"), "image/png"),
        Image(UrlSource("https://a.example/x.png")),
    )


# ------------------------------------------------------------------ errors and the rest


def test_an_error_chunk_reports_its_usage_and_then_raises() -> None:
    reader = decoder()
    reader.frame(chunk({"content": "Hal"}))
    broken = chunk(
        {"content": ""},
        "error",
        error={"code": 502, "message": "Upstream failed"},
        usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    )
    with pytest.raises(ServerError, match="Upstream failed") as caught:
        reader.frame(broken)
    assert caught.value.status == 502
    assert (reader.assembly.usage.input_tokens, reader.assembly.usage.output_tokens) == (7, 3)
    assert not reader.assembly.complete
    assert reader.assembly.message(interrupted=True).text == "Hal"


def test_an_error_event_raises_by_what_it_says() -> None:
    data = {"error": {"message": "no tool", "type": "invalid_request_error", "code": "tool_use_failed"}}
    with pytest.raises(BadRequest, match="no tool") as caught:
        decoder().frame(Frame(json.dumps(data).encode(), "error"))
    assert caught.value.code == "tool_use_failed"


def test_an_error_event_that_is_not_json_is_an_error_all_the_same() -> None:
    with pytest.raises(ServerError, match="boom"):
        decoder().frame(Frame(b"boom", "error"))


def test_an_error_without_choices_raises() -> None:
    with pytest.raises(RateLimited):
        decoder().frame(Frame(b'{"error":{"message":"slow down","type":"rate_limit_exceeded"}}'))
    with pytest.raises(ServerError, match="just words"):
        decoder().frame(Frame(b'{"error":"just words"}'))
    with pytest.raises(RateLimited):
        decoder().frame(Frame(b'{"code":429,"message":"slow down"}'))


def test_an_error_on_a_choice_raises() -> None:
    body = {"choices": [{"index": 0, "delta": {}, "error": {"code": 503, "message": "gone"}}]}
    with pytest.raises(ServerError, match="gone"):
        decoder().frame(Frame(json.dumps(body).encode()))


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_an_empty_error_is_none(nothing: Any) -> None:
    assert decoder().frame(chunk({"content": "x"}, error=nothing)) == [TextDelta("x")]


@pytest.mark.parametrize("data", [b'{"choices": [', b"<html>", b'{"choices":[{"delta":{"content":"\xff"}}]}'])
def test_a_corrupt_frame_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        decoder().frame(Frame(data))


def test_a_chunk_of_the_wrong_shape_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match=r"wrong shape.*choices"):
        decoder().frame(Frame(b'{"choices": 7}'))


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "x", "text", "thinking", "reasoning.text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "thinking", "index", "id", "function", "name", "url", "url_citation"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "content",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "tool_calls",
        "function_call",
        "refusal",
        "annotations",
        "images",
    ]
)
TOP = st.sampled_from(
    ["id", "model", "usage", "error", "x_groq", "cost", "citations", "search_results", "choices"]
)


@given(
    st.lists(
        st.tuples(st.dictionaries(FIELDS, ODD, max_size=3), st.dictionaries(TOP, ODD, max_size=2)), max_size=4
    )
)
def test_whatever_json_a_vendor_sends_only_model_errors_are_raised(frames: list[tuple[Any, Any]]) -> None:
    reader = decoder()
    with contextlib.suppress(ModelError):
        run(reader, *(chunk(delta, **top) for delta, top in frames), DONE)
    message = reader.assembly.message(interrupted=not reader.assembly.complete)
    assert messages_from_json(messages_to_json([message])) == [message]


def test_a_frame_of_unknown_shape_is_passed_through() -> None:
    assert decoder().frame(Frame(b'{"object":"ping","n":1}')) == [
        UnknownEvent("ping", {"object": "ping", "n": 1})
    ]
    assert decoder().frame(Frame(b'{"n":1}', "notice")) == [UnknownEvent("notice", {"n": 1})]
    assert decoder().frame(Frame(b'"ping"')) == [UnknownEvent("str", "ping")]


# ------------------------------------------------------------------ unary


def test_a_unary_body_gives_the_same_message_as_its_stream() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    tool = call_delta(0, "f", '{"a":1}', "c1")
    parts = {"reasoning_content": "Hm", "content": "Hi", "tool_calls": [tool]}
    streamed, whole = decoder(), decoder()
    events = run(
        streamed,
        chunk({"reasoning_content": "Hm"}),
        chunk({"content": "Hi"}),
        chunk({"tool_calls": [tool]}),
        chunk({}, "tool_calls"),
        Frame(json.dumps({"id": "chatcmpl-1", "choices": [], "usage": usage}).encode()),
        DONE,
    )
    choice = {"index": 0, "message": {"role": "assistant", **parts}, "finish_reason": "tool_calls"}
    body = {"id": "chatcmpl-1", "model": "m-1", "choices": [choice], "usage": usage}
    unary = whole.body(json.dumps(body).encode()) + whole.assembly.close()
    assert unary == events
    assert whole.assembly.message() == streamed.assembly.message()
    assert whole.assembly.usage == streamed.assembly.usage
    assert whole.assembly.complete
    assert streamed.assembly.complete


def test_a_unary_body_without_choices_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="no choices"):
        decoder().body(b'{"id":"x","choices":[]}')
    with pytest.raises(ProtocolError, match="not a chat completion"):
        decoder().body(b"<html>")


def test_an_error_in_a_unary_body_of_status_200_raises() -> None:
    with pytest.raises(ServerError, match="upstream"):
        decoder().body(b'{"error":{"message":"upstream","code":500}}')


def test_blank_lines_before_a_unary_body_do_no_harm() -> None:
    reader = decoder()
    reader.body(b'\n   \n{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}')
    assert reader.assembly.message().text == "x"
