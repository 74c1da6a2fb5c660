"""Reasoning and tool calls in streams of the Chat Completions wire, one test for each oddity of a vendor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import (
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningEncrypted,
    ReasoningSummary,
    ReasoningText,
    Text,
    TextDelta,
    ToolCallDelta,
    UnknownEvent,
)
from tests.models.openai_chat.frames import DONE, call_delta, calls, chunk, decoder, run


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


def test_details_of_one_list_stay_apart_and_a_signed_one_is_whole() -> None:
    first = {"type": "reasoning.text", "index": 0, "text": "A", "signature": "s1"}
    second = {"type": "reasoning.text", "index": 0, "text": "B"}
    whole = decoder()
    whole.body(
        json.dumps(
            {
                "choices": [
                    {"message": {"content": "x", "reasoning": "AB", "reasoning_details": [first, second]}}
                ]
            }
        ).encode()
    )
    pieces = decoder()
    run(
        pieces,
        chunk({"reasoning": "A", "reasoning_details": [first]}),
        chunk({"reasoning": "B", "reasoning_details": [second]}),
        chunk({"content": "x"}),
        DONE,
    )
    for reader in (whole, pieces):
        block = reader.assembly.message().content[0]
        assert isinstance(block, Reasoning)
        assert block.extra == {"reasoning_details": [first, second]}
        assert block.text == "AB"


def test_details_that_grow_side_by_side_are_joined_each_by_itself() -> None:
    def both(one: str, two: str) -> dict[str, Any]:
        details = [
            {"type": "reasoning.summary", "index": 0, "summary": one},
            {"type": "reasoning.summary", "index": 1, "summary": two},
        ]
        return {"reasoning": one + two, "reasoning_details": details}

    reader = decoder()
    run(reader, chunk(both("a", "x")), chunk(both("b", "y")), DONE)
    (block,) = reader.assembly.message().content
    assert isinstance(block, Reasoning)
    assert [d["summary"] for d in (block.extra or {})["reasoning_details"]] == ["ab", "xy"]


def test_a_signature_without_text_is_kept() -> None:
    reader = decoder()
    detail = {"type": "reasoning.text", "index": 0, "signature": "sig", "format": "google-gemini-v1"}
    run(reader, chunk({"content": "x", "reasoning_details": [detail]}), DONE)
    assert reader.assembly.message().content[0] == Reasoning(
        (ReasoningText("", "sig"),), extra={"reasoning_details": [detail]}
    )


@pytest.mark.parametrize("beside", [{}, {"reasoning": None}, {"reasoning": ""}])
def test_details_alone_are_spoken_too(beside: dict[str, Any]) -> None:
    detail = {"type": "reasoning.text", "index": 0, "text": "15 * 27"}
    assert decoder().frame(chunk({"content": "", "reasoning_details": [detail], **beside})) == [
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
