"""Answers of the Chat Completions wire, one hand-written stream for each oddity of a vendor."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import BadRequest, ProtocolError, RateLimited, ServerError
from agentlab.http import Frame
from agentlab.messages import (
    Base64Source,
    Image,
    ModelEvent,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningEncrypted,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UnknownEvent,
    UrlSource,
)
from agentlab.models.openai_chat_decoder import ChatDecoder
from agentlab.models.openai_chat_dialect import ChatDialect

DONE = Frame(b"[DONE]")


def decoder(**flags: Any) -> ChatDecoder:
    counter = itertools.count()
    return ChatDecoder(ChatDialect(**flags), lambda: f"minted-{next(counter)}")


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **top: Any) -> Frame:
    choice = {"index": 0, "delta": delta if delta is not None else {}, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m-1", "choices": [choice], **top}
    return Frame(json.dumps(body).encode())


def run(reader: ChatDecoder, *frames: Frame) -> list[ModelEvent]:
    """What a driver does with a whole stream."""
    events = [event for frame in frames for event in reader.frame(frame)] + reader.end()
    if reader.assembly.complete:
        events += reader.assembly.close()
    return events


def calls(events: list[ModelEvent]) -> list[tuple[str, str, str]]:
    return [(e.name, e.arguments_json, e.id) for e in events if isinstance(e, ToolCall)]


def call_delta(index: int | None, name: str | None = None, args: Any = None, id: str | None = None) -> dict:  # noqa: A002
    delta: dict[str, Any] = {"id": id, "type": "function", "function": {"name": name, "arguments": args}}
    return delta if index is None else {"index": index, **delta}


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


# ------------------------------------------------------------------- reasoning


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_comes_under_either_name(field: str) -> None:
    reader = decoder()
    events = run(
        reader,
        chunk({"content": "", field: "Let "}),
        chunk({"content": None, field: "me"}),
        chunk({"content": "Hi"}, "stop"),
        DONE,
    )
    assert events[:3] == [ReasoningDelta("Let "), ReasoningDelta("me"), TextDelta("Hi", 1)]
    assert reader.assembly.message().content == (Reasoning((ReasoningText("Let me"),)), Text("Hi"))


def test_reasoning_given_under_three_names_at_once_is_taken_once() -> None:
    reader = decoder()
    details = [{"type": "reasoning.text", "text": "A", "index": 0, "format": "unknown"}]
    run(reader, chunk({"reasoning_content": "A", "reasoning": "A", "reasoning_details": details}), DONE)
    assert reader.assembly.message().reasoning == "A"


def test_openrouters_details_are_joined_and_kept_for_replay() -> None:
    reader = decoder()
    text = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    events = run(
        reader,
        chunk({"content": "", "reasoning": "Let ", "reasoning_details": [{**text, "text": "Let "}]}),
        chunk({"content": "", "reasoning": "me", "reasoning_details": [{**text, "text": "me"}]}),
        chunk({"content": "", "reasoning_details": [{**text, "signature": "sig"}]}),
        chunk({"content": "Hi"}, "stop"),
        DONE,
    )
    block = Reasoning(
        (ReasoningText("Let me", "sig"),),
        extra={"reasoning_details": [{**text, "text": "Let me", "signature": "sig"}]},
    )
    assert ReasoningBlock(block, 0) in events
    assert reader.assembly.message().content == (block, Text("Hi"))


def test_encrypted_and_summarised_details_become_their_pieces() -> None:
    reader = decoder()
    summary = {"type": "reasoning.summary", "index": 0, "format": "openai-responses-v1", "summary": "S"}
    secret = {"type": "reasoning.encrypted", "index": 1, "id": "rs_1", "data": "zzz"}
    run(
        reader,
        chunk({"reasoning": "S", "reasoning_details": [summary]}),
        chunk({"reasoning": None, "reasoning_details": [secret]}),
        DONE,
    )
    (block,) = reader.assembly.message().content
    assert block == Reasoning(
        (ReasoningSummary("S"), ReasoningEncrypted("zzz")), extra={"reasoning_details": [summary, secret]}
    )


def test_a_signature_without_text_is_kept() -> None:
    reader = decoder()
    detail = {"type": "reasoning.text", "index": 0, "signature": "sig", "format": "google-gemini-v1"}
    run(reader, chunk({"content": "x", "reasoning_details": [detail]}), DONE)
    assert reader.assembly.message().content[0] == Reasoning(
        (ReasoningText("", "sig"),), extra={"reasoning_details": [detail]}
    )


def test_details_alone_are_spoken_too() -> None:
    detail = {"type": "reasoning.text", "index": 0, "text": "15 * 27"}
    assert decoder().frame(chunk({"content": "", "reasoning_details": [detail]})) == [
        ReasoningDelta("15 * 27")
    ]


def test_mistrals_list_content_mixes_thoughts_and_text() -> None:
    reader = decoder()
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "closed": True}
    events = run(
        reader,
        chunk({"content": [thinking]}),
        chunk({"content": [{"type": "text", "text": "A"}]}),
        chunk({"content": "B"}, "stop"),
        DONE,
    )
    assert events[:3] == [ReasoningDelta("Hm"), TextDelta("A", 1), TextDelta("B", 1)]


def test_an_unknown_part_of_list_content_is_passed_through() -> None:
    part = {"type": "reference", "reference_ids": [1]}
    assert decoder().frame(chunk({"content": [part]})) == [UnknownEvent("reference", part)]


def test_json_a_vendor_parsed_is_text_again() -> None:
    reader = decoder()
    body = {
        "choices": [{"index": 0, "message": {"content": {"title": "T", "n": 1}}, "finish_reason": "stop"}]
    }
    reader.body(json.dumps(body).encode())
    assert reader.assembly.message().text == '{"title":"T","n":1}'


# ------------------------------------------------------------------ tool calls


def test_a_call_written_in_pieces_is_joined() -> None:
    reader = decoder()
    events = run(
        reader,
        chunk({"content": None, "tool_calls": [call_delta(0, "add", "", "call_1")]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}),
        chunk({}, "tool_calls"),
        DONE,
    )
    assert events[:3] == [
        ToolCallDelta("call_1", "add", "", 0),
        ToolCallDelta("call_1", "add", '{"a"', 0),
        ToolCallDelta("call_1", "add", ":1}", 0),
    ]
    assert calls(events) == [("add", '{"a":1}', "call_1")]


def test_parallel_calls_may_interleave() -> None:
    events = run(
        decoder(),
        chunk({"tool_calls": [call_delta(0, "f", "", "c0"), call_delta(1, "g", "", "c1")]}),
        chunk({"tool_calls": [{"index": 1, "function": {"arguments": "[2]"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "[1]"}}]}, "tool_calls"),
        DONE,
    )
    assert calls(events) == [("f", "[1]", "c0"), ("g", "[2]", "c1")]


def test_ids_and_names_repeated_on_every_delta_are_taken_once() -> None:
    pieces = ['{"v":', '"x"', "}"]
    frames = [chunk({"tool_calls": [call_delta(0, "llm_version", piece, "c1")]}) for piece in pieces]
    assert calls(run(decoder(), *frames, DONE)) == [("llm_version", '{"v":"x"}', "c1")]


def test_empty_names_and_ids_of_later_deltas_change_nothing() -> None:
    events = run(
        decoder(),
        chunk({"tool_calls": [call_delta(0, "f", "{", "c1")]}),
        chunk({"tool_calls": [call_delta(0, "", "}", "")]}),
        DONE,
    )
    assert calls(events) == [("f", "{}", "c1")]


def test_whole_calls_in_one_delta_need_no_index() -> None:
    delta = {"tool_calls": [call_delta(None, "f", '{"a":1}', "id1"), call_delta(None, "g", "{}", "id2")]}
    assert calls(run(decoder(), chunk(delta, "tool_calls"), DONE)) == [
        ("f", '{"a":1}', "id1"),
        ("g", "{}", "id2"),
    ]


def test_whole_calls_without_index_in_successive_deltas_are_two_calls() -> None:
    frames = [chunk({"tool_calls": [call_delta(None, name, "{}", name)]}) for name in ("f", "g")]
    assert [name for name, _, _ in calls(run(decoder(), *frames, DONE))] == ["f", "g"]


def test_a_new_id_at_the_same_index_is_a_new_call() -> None:
    frames = [chunk({"tool_calls": [call_delta(0, name, "{}", name)]}) for name in ("f", "g")]
    assert [name for name, _, _ in calls(run(decoder(), *frames, DONE))] == ["f", "g"]


def test_a_call_without_id_gets_a_minted_one() -> None:
    reader = decoder()
    assert calls(run(reader, chunk({"tool_calls": [call_delta(0, "f", "{}")]}), DONE)) == [
        ("f", "{}", "minted-0")
    ]
    assert reader.assembly.message().tool_calls[0].provider_id is None


def test_null_arguments_are_followed_by_their_text() -> None:
    events = run(
        decoder(),
        chunk({"tool_calls": [call_delta(0, "f", None, "c1")]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"a":null}'}}]}),
        DONE,
    )
    assert calls(events) == [("f", '{"a":null}', "c1")]


def test_arguments_that_are_the_word_null_are_empty() -> None:
    reader = decoder()
    run(reader, chunk({"tool_calls": [call_delta(0, "f", "null", "c1")]}), DONE)
    assert reader.assembly.message().tool_calls[0].arguments == {}


def test_the_word_null_amid_arguments_stays() -> None:
    frames = [chunk({"tool_calls": [call_delta(0, "f", piece, "c1")]}) for piece in ('{"a":', "null", "}")]
    assert calls(run(decoder(), *frames, DONE)) == [("f", '{"a":null}', "c1")]


def test_arguments_given_as_an_object_become_text() -> None:
    events = run(decoder(), chunk({"tool_calls": [call_delta(0, "f", {"a": 1}, "c1")]}), DONE)
    assert calls(events) == [("f", '{"a":1}', "c1")]


def test_the_legacy_function_call_is_a_tool_call() -> None:
    reader = decoder()
    events = run(
        reader,
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}, "function_call"),
        DONE,
    )
    assert calls(events) == [("f", "{}", "minted-0")]
    assert reader.assembly.finish_reason == "tool_calls"


def test_an_empty_function_call_is_none_at_all() -> None:
    assert calls(run(decoder(), chunk({"function_call": {"name": "", "arguments": ""}}), DONE)) == []


def test_signatures_that_ride_on_a_call_are_kept() -> None:
    reader = decoder()
    signed = {**call_delta(0, "f", "{}", "c1"), "extra_content": {"google": {"thought_signature": "s"}}}
    run(reader, chunk({"tool_calls": [signed]}), DONE)
    assert reader.assembly.message().tool_calls[0].extra == {
        "extra_content": {"google": {"thought_signature": "s"}}
    }


@given(st.lists(st.integers(min_value=1, max_value=12), max_size=6))
def test_however_arguments_are_cut_they_are_joined(cuts: list[int]) -> None:
    text = '{"path": "/tmp/ü", "n": null}'
    pieces, rest = [], text
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    frames = [
        chunk({"tool_calls": [call_delta(0, "f" if i == 0 else None, piece, "c1" if i == 0 else None)]})
        for i, piece in enumerate([*pieces, rest])
    ]
    assert calls(run(decoder(), *frames, DONE)) == [("f", text, "c1")]


# ---------------------------------------------------- refusals, citations, media


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


# ------------------------------------------------------------ errors and the rest


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


def test_a_frame_of_unknown_shape_is_passed_through() -> None:
    assert decoder().frame(Frame(b'{"object":"ping","n":1}')) == [
        UnknownEvent("ping", {"object": "ping", "n": 1})
    ]
    assert decoder().frame(Frame(b'{"n":1}', "notice")) == [UnknownEvent("notice", {"n": 1})]
    assert decoder().frame(Frame(b'"ping"')) == [UnknownEvent("str", "ping")]


# ----------------------------------------------------------------------- unary


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
