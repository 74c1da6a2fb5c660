"""Cohere's answers, streamed and whole."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import BadRequest, NotFound, ProtocolError, RateLimited, ServerError
from agentlab.http import Frame
from agentlab.messages import (
    Citation,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningText,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UnknownEvent,
)
from agentlab.models.cohere.decoder import CohereDecoder, error_from
from agentlab.models.cohere.messages import TOOL_PLAN, is_tool_plan
from tests.models.cohere.frames import (
    START,
    USAGE,
    call_more,
    call_start,
    decode,
    end,
    event,
    plan,
    text,
    thought,
)

CITATION = {
    "start": 0,
    "end": 4,
    "text": "Dock",
    "type": "TEXT_CONTENT",
    "sources": [
        {"type": "document", "id": "d1", "document": {"id": "d1", "title": "Harbour", "text": "Dock 7."}}
    ],
}


def whole(**message: Any) -> CohereDecoder:
    decoder = CohereDecoder(mint=lambda: "minted")
    body = {
        "id": "r-1",
        "finish_reason": "COMPLETE",
        "usage": USAGE,
        "message": {"role": "assistant", **message},
    }
    decoder.body(json.dumps(body).encode())
    return decoder


def test_text_comes_as_deltas_and_ends_with_the_counts() -> None:
    decoder, events = decode([START, text("One"), text(" two"), event("content-end", index=0), end()])
    assert events == [TextDelta("One", 0), TextDelta(" two", 0)]
    assembly = decoder.assembly
    assert (assembly.message().text, assembly.response_id, assembly.complete) == ("One two", "r-1", True)
    assert (assembly.finish_reason, assembly.raw_finish_reason) == ("stop", "COMPLETE")
    usage = assembly.usage
    assert (usage.input_tokens, usage.output_tokens) == (132, 11)
    assert (usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (112, None, 4)
    assert usage.raw == USAGE


def test_a_plan_is_reasoning_of_its_own_that_closes_before_the_calls() -> None:
    frames = [
        START,
        plan("I will"),
        plan(" add."),
        call_start(0, "add_1", "add"),
        call_more(0, '{"a":'),
        call_more(0, "1}"),
    ]
    decoder, events = decode([*frames, event("tool-call-end", index=0), end("TOOL_CALL")])
    thinks = Reasoning((ReasoningText("I will add."),), extra=TOOL_PLAN)
    made = ToolCall("add_1", "add", '{"a":1}', "add_1")
    assert decoder.assembly.message().content == (thinks, made)
    assert events == [
        ReasoningDelta("I will", 0),
        ReasoningDelta(" add.", 0),
        ReasoningBlock(thinks, 0),
        ToolCallDelta("add_1", "add", "", 1),
        ToolCallDelta("add_1", "add", '{"a":', 1),
        ToolCallDelta("add_1", "add", "1}", 1),
        made,
    ]
    assert decoder.assembly.finish_reason == "tool_calls"


def test_thinking_is_reasoning_that_is_no_plan() -> None:
    decoder, _ = decode([START, thought("Hm.", 0), text("42", 1), end()])
    reasoning, said = decoder.assembly.message().content
    assert reasoning == Reasoning((ReasoningText("Hm."),))
    assert not is_tool_plan(reasoning)
    assert said == Text("42")


@pytest.mark.parametrize("written", ["null", "", " null "])
def test_a_call_without_arguments_is_an_empty_object(written: str) -> None:
    pieces = [call_more(0, letter) for letter in written]
    decoder, _ = decode(
        [START, call_start(0, "now_1", "now"), *pieces, event("tool-call-end", index=0), end("TOOL_CALL")]
    )
    (made,) = decoder.assembly.message().tool_calls
    assert made.arguments == {}
    call = {"id": "now_1", "type": "function", "function": {"name": "now", "arguments": written}}
    assert whole(tool_calls=[call]).assembly.message().tool_calls == (made,)


def test_citations_stay_as_cohere_told_them() -> None:
    frames = [START, thought("Hm.", 0), text("Dock Seven", 1)]
    cited = {**CITATION, "content_index": 1}
    decoder, _ = decode([*frames, event("citation-start", {"message": {"citations": cited}}, index=0), end()])
    said = decoder.assembly.message().content[1]
    assert said == Text("Dock Seven", (Citation("Harbour", None, "Dock", cited),))
    answer = whole(
        content=[{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Dock Seven"}],
        citations=[cited],
    )
    assert answer.assembly.message().content == decoder.assembly.message().content


def test_a_citation_without_a_place_is_of_the_last_text() -> None:
    said = whole(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], citations=[CITATION])
    assert [len(part.citations) for part in said.assembly.message().content] == [0, 1]


def test_a_whole_answer_says_what_its_stream_says() -> None:
    call = {"id": "add_1", "type": "function", "function": {"name": "add", "arguments": '{"a":1}'}}
    answer = whole(tool_plan="I will add.", tool_calls=[call], content=[{"type": "text", "text": "So:"}])
    frames = [START, plan("I will add."), text("So:"), call_start(0, "add_1", "add"), call_more(0, '{"a":1}')]
    decoder, _ = decode([*frames, event("tool-call-end", index=0), end()])
    assert answer.assembly.message() == decoder.assembly.message()
    assert answer.assembly.usage == decoder.assembly.usage


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("NEW", "other"),
    ],
)
def test_finish_reasons(word: str, reason: str) -> None:
    decoder, _ = decode([START, text("x"), end(word)])
    assert (decoder.assembly.finish_reason, decoder.assembly.raw_finish_reason) == (reason, word)


@pytest.mark.parametrize(("word", "status"), [("ERROR", 500), ("TIMEOUT", 504)])
def test_a_generation_that_failed_is_an_error_and_never_complete(word: str, status: int) -> None:
    decoder = CohereDecoder(mint=lambda: "m")
    decoder.frame(text("half"))
    with pytest.raises(ServerError, match="out of memory") as caught:
        decoder.frame(end(word, error="out of memory"))
    assert (caught.value.status, caught.value.code) == (status, word)
    assert not decoder.assembly.complete
    assert decoder.assembly.message().text == "half"


def test_the_done_marker_and_events_that_say_nothing_are_passed_over() -> None:
    decoder, events = decode(
        [
            START,
            text("x"),
            event("citation-end", index=0),
            event("debug", prompt="p"),
            end(),
            Frame(b"[DONE]"),
        ]
    )
    assert [type(one) for one in events] == [TextDelta]
    assert decoder.assembly.complete


def test_an_unknown_event_is_passed_through() -> None:
    _, events = decode([START, event("search-start", {"x": 1}), Frame(b'{"type":"novel","index":"seven"}')])
    assert events == [
        UnknownEvent("search-start", {"type": "search-start", "delta": {"x": 1}}),
        UnknownEvent("novel", {"type": "novel", "index": "seven"}),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b'"x"',
        b'{"type":"content-delta","index":0}',
        b'{"type":"tool-call-start","delta":{"message":7}}',
    ],
)
def test_a_corrupt_event_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode([START, Frame(data)])


def test_an_error_body_in_the_stream_is_an_error() -> None:
    with pytest.raises(ServerError, match="overloaded"):
        decode([START, Frame(b'{"message":"overloaded"}')])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"id":"x"}', b'{"message":{"content":"x"}}'])
def test_a_body_that_is_no_answer_is_a_protocol_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        CohereDecoder(mint=lambda: "m").body(body)


def test_counts_of_a_wrong_type_are_a_protocol_error() -> None:
    with pytest.raises(ProtocolError):
        decode(
            [
                START,
                event(
                    "message-end",
                    {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": "many"}}},
                ),
            ]
        )


def test_billed_units_stand_in_where_no_tokens_are_told() -> None:
    decoder, _ = decode(
        [
            START,
            event(
                "message-end", {"finish_reason": "COMPLETE", "usage": {"billed_units": {"input_tokens": 3.0}}}
            ),
        ]
    )
    assert (decoder.assembly.usage.input_tokens, decoder.assembly.usage.output_tokens) == (3, None)


def test_errors_are_told_in_coheres_words() -> None:
    error = error_from(404, b'{"id":"x","message":"model \'m\' not found"}')
    assert isinstance(error, NotFound)
    assert "model 'm' not found" in str(error)
    assert isinstance(error_from(429, b'{"message":"slow down"}'), RateLimited)
    assert isinstance(error_from(422, b"<html>"), BadRequest)


@given(st.binary(max_size=80))
def test_no_frame_raises_anything_but_a_model_error(data: bytes) -> None:
    decoder = CohereDecoder(mint=lambda: "m")
    for frame in (Frame(data), Frame(data, "content-delta")):
        try:
            decoder.frame(frame)
        except (ProtocolError, ServerError):
            continue


@given(st.lists(st.text(max_size=6), max_size=8), st.lists(st.text(max_size=6), max_size=8))
def test_the_pieces_add_up(thoughts: list[str], words: list[str]) -> None:
    frames = [START, *(thought(one, 0) for one in thoughts), *(text(one, 1) for one in words), end()]
    decoder, events = decode(frames)
    assert decoder.assembly.message().text == "".join(words)
    assert "".join(one.text for one in events if isinstance(one, TextDelta)) == "".join(words)
    assert decoder.assembly.message().reasoning == "".join(thoughts)
    assert msgspec.json.encode(decoder.assembly.message())
