"""The Ollama wire, from the server's side: its lines, its counts and what it refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Reasoning,
    ReasoningText,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
)
from agentlab.simulator import ErrorReply, Reply, call, reply
from agentlab.simulator.dialects import Ids, Ollama
from tests.simulator.wire import USAGE, parse, refusal, whole

WIRE = Ollama()
BODY = {"model": "qwen3:4b", "messages": [{"role": "user", "content": "Hi"}]}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def lines(answer):
    frames = list(WIRE.stream(parse(WIRE, BODY), answer, USAGE, Ids(0, 0, 1_767_225_600.0)))
    assert all(frame.endswith(b"}\n") and frame.count(b"\n") == 1 for frame in frames)
    return [json.loads(frame) for frame in frames]


def test_each_piece_is_a_line_and_the_last_has_the_counts():
    *pieces, last = lines(reply("One two", reasoning="Hm"))
    assert [one["message"] for one in pieces] == [
        {"role": "assistant", "content": "", "thinking": "Hm"},
        {"role": "assistant", "content": "One"},
        {"role": "assistant", "content": " two"},
    ]
    assert not any(one["done"] for one in pieces)
    assert list(last) == [
        "model",
        "created_at",
        "message",
        "done",
        "done_reason",
        "total_duration",
        "load_duration",
        "prompt_eval_count",
        "prompt_eval_duration",
        "eval_count",
        "eval_duration",
    ]
    assert (last["done"], last["done_reason"]) == (True, "stop")
    assert (last["prompt_eval_count"], last["eval_count"]) == (100, 20)
    assert (
        last["total_duration"] == last["load_duration"] + last["prompt_eval_duration"] + last["eval_duration"]
    )
    stamps = [one["created_at"] for one in (*pieces, last)]
    assert stamps == sorted(set(stamps))


def test_a_call_is_whole_with_its_arguments_as_an_object_and_the_reason_stays_stop():
    first, second, last = lines(reply(calls=[call("add", a=1), call("add", a=2)]))
    (one,), (two,) = first["message"]["tool_calls"], second["message"]["tool_calls"]
    assert one["function"] == {"index": 0, "name": "add", "arguments": {"a": 1}}
    assert two["function"] == {"index": 1, "name": "add", "arguments": {"a": 2}}
    assert one["id"].startswith("call_")
    assert one["id"] != two["id"]
    assert last["done_reason"] == "stop"


def test_a_cut_answer_says_length():
    assert lines(reply("Once", finish_reason="length"))[-1]["done_reason"] == "length"


def test_a_call_that_is_no_json_stays_text():
    answer = Reply(content=(ToolCall("", "add", '{"a":'),))
    assert whole(WIRE, parse(WIRE, BODY), answer)["message"] == {"role": "assistant", "content": '{"a":'}


@given(st.text(max_size=60), st.text(max_size=60), st.integers(1, 5))
def test_the_lines_add_up_to_the_whole_answer(thinking, text, chunk_tokens):
    answer = reply(text, reasoning=thinking, chunk_tokens=chunk_tokens)
    told = [one["message"] for one in lines(answer)]
    message = whole(WIRE, parse(WIRE, BODY), answer)["message"]
    assert "".join(one["content"] for one in told) == message["content"] == text
    assert "".join(one.get("thinking", "") for one in told) == message.get("thinking", "") == thinking


def test_a_conversation_is_understood_and_fields_it_does_not_know_are_not_minded():
    called = {"function": {"name": "add", "arguments": {"a": 1}}}
    request = parse(
        WIRE,
        {
            "model": "qwen3:4b",
            "messages": [
                {"role": "system", "content": "Be terse."},
                {"role": "user", "content": "2?", "foo": 1},
                {
                    "role": "assistant",
                    "content": "So:",
                    "thinking": "Hm",
                    "tool_calls": [called, {**called, "id": "c2"}],
                },
                {"role": "tool", "content": "second", "tool_call_id": "c2"},
                {"role": "tool", "content": "first", "tool_name": "add"},
            ],
            "tools": [TOOL],
            "think": True,
            "format": {"type": "object"},
            "options": {"num_predict": 7, "temperature": 0.5},
            "stream": False,
            "foo": 1,
        },
    )
    assert (request.preamble, request.max_tokens, request.reasoning) == ("Be terse.", 7, True)
    assert (request.stream, request.output_schema) == (False, {"type": "object"})
    calls = (ToolCall("call-1-0", "add", '{"a":1}'), ToolCall("c2", "add", '{"a":1}', "c2"))
    thought = Reasoning((ReasoningText("Hm"),))
    user, turn, results = request.messages
    assert user == UserMessage.of("2?")
    assert isinstance(turn, AssistantMessage)
    assert turn.content[:2] == (thought, Text("So:"))
    assert [(one.name, one.arguments, one.provider_id) for one in turn.tool_calls] == [
        (one.name, one.arguments, one.provider_id) for one in calls
    ]
    assert results == UserMessage(
        (
            ToolResult("c2", "add", (Text("second"),), provider_id="c2"),
            ToolResult(turn.tool_calls[0].id, "add", (Text("first"),)),
        )
    )


def test_it_streams_unless_told_not_to():
    assert parse(WIRE, BODY).stream
    assert not parse(WIRE, {**BODY, "stream": False}).stream


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": ""}, "model is required"),
        (
            {"messages": "Hi"},
            "json: cannot unmarshal string into Go struct field ChatRequest.messages of type []interface {}",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]},
            "json: cannot unmarshal array into Go struct field ChatRequest.messages.content of type string",
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]}
                ]
            },
            (
                "json: cannot unmarshal string into Go struct field ChatRequest.messages.tool_calls.function.arguments of "
                "type map[string]interface {}"
            ),
        ),
        (
            {"messages": [{"role": "user", "images": ["data:image/png;base64,AA"]}]},
            "illegal base64 data at input byte 0",
        ),
        ({"options": {"temperature": "hot"}}, 'option "temperature" must be of type float32'),
        ({"options": {"num_predict": 1.5}}, 'option "num_predict" must be of type integer'),
        (
            {"think": "a lot"},
            'invalid think value: "a lot" (must be "high", "medium", "low", true, or false)',
        ),
        ({"format": "xml"}, 'invalid format: "xml"; expected "json" or a valid JSON Schema object'),
        (
            {"model": "no-tools", "tools": [TOOL]},
            "registry.ollama.ai/library/no-tools:latest does not support tools",
        ),
        ({"model": "no-thinking:7b", "think": True}, '"no-thinking:7b" does not support thinking'),
    ],
)
def test_what_ollama_refuses_is_refused_in_its_words(change, sentence):
    refused = refusal(WIRE, {**BODY, **change})
    assert (refused.status, refused.message) == (400, sentence)
    assert json.loads(WIRE.error(refused)) == {"error": sentence}


def test_a_model_without_tools_still_chats():
    assert parse(WIRE, {**BODY, "model": "no-tools"}).tools == ()
    assert parse(WIRE, {**BODY, "model": "no-tools", "tools": []}).tools == ()


def test_an_error_in_a_stream_is_a_line():
    assert WIRE.error_event(ErrorReply(500, "Broken.")) == b'{"error":"Broken."}\n'
