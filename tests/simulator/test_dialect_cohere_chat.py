"""Cohere's wire, from the server's side: its events, its counts and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import Citation, Reasoning, ReasoningText, Text, ToolResult, UserMessage
from agentlab.simulator import ErrorReply, Reply, call, reply
from agentlab.simulator.dialects import CohereChat
from agentlab.simulator.dialects.cohere_chat_request import TOOL_PLAN
from tests.simulator.wire import parse, refusal, streamed, whole

WIRE = CohereChat()
BODY: dict[str, Any] = {
    "model": "command-a-03-2025",
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": True,
}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "add_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}


def events(answer):
    return streamed(WIRE, parse(WIRE, BODY), answer)


def test_the_events_come_in_coheres_order_and_the_counts_last():
    told = events(reply("One two", reasoning="Hm", calls=[call("add", a=1)]))
    assert [name for name, _ in told] == [
        "message-start",
        "content-start",
        "content-delta",
        "content-end",
        "content-start",
        "content-delta",
        "content-delta",
        "content-end",
        "tool-call-start",
        *["tool-call-delta"] * (len(told) - 11),
        "tool-call-end",
        "message-end",
    ]
    assert all(data["type"] == name for name, data in told)
    last = told[-1][1]["delta"]
    assert last["finish_reason"] == "TOOL_CALL"
    assert last["usage"]["tokens"] == {"input_tokens": 100, "output_tokens": 20, "reasoning_tokens": 5}
    assert last["usage"]["cached_tokens"] == 60


def test_a_plan_is_a_field_of_its_own():
    said = Reply(content=(Reasoning((ReasoningText("I will add."),), extra=TOOL_PLAN), call("add", a=1)))
    plan = [data["delta"]["message"]["tool_plan"] for name, data in events(said) if name == "tool-plan-delta"]
    assert "".join(plan) == "I will add."
    message = whole(WIRE, parse(WIRE, {**BODY, "stream": False}), said)["message"]
    assert message["tool_plan"] == "I will add."
    assert "content" not in message
    assert message["tool_calls"][0]["id"].startswith("add_sim")


def test_citations_name_the_piece_they_are_about():
    said = Reply(content=(Reasoning((ReasoningText("Hm"),)), Text("x", (Citation(raw={"text": "x"}),))))
    message = whole(WIRE, parse(WIRE, BODY), said)["message"]
    assert message["citations"] == [{"text": "x", "content_index": 1}]
    told = dict(events(said))
    assert told["citation-start"]["delta"]["message"]["citations"] == {"text": "x", "content_index": 1}


@given(st.text(max_size=40), st.text(max_size=40), st.integers(1, 5))
def test_the_events_add_up_to_the_whole_answer(thinking, text, chunk_tokens):
    answer = reply(text, reasoning=thinking, chunk_tokens=chunk_tokens)
    pieces = [data["delta"]["message"]["content"] for name, data in events(answer) if name == "content-delta"]
    content = whole(WIRE, parse(WIRE, BODY), answer)["message"]["content"]
    assert "".join(one.get("thinking", "") for one in pieces) == content[0]["thinking"] == thinking
    assert "".join(one.get("text", "") for one in pieces) == content[1]["text"] == text


def test_a_conversation_is_understood():
    request = parse(
        WIRE,
        {
            **BODY,
            "messages": [
                {"role": "system", "content": "Be terse."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "2?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": [{"type": "thinking", "thinking": "Hm"}],
                    "tool_plan": "I add.",
                    "tool_calls": [CALL],
                },
                {
                    "role": "tool",
                    "tool_call_id": "add_1",
                    "content": [{"type": "document", "document": {"data": {"sum": 3}}}],
                },
            ],
            "documents": ["A fact.", {"id": "d", "data": {"text": "Another.", "year": 1993}}],
            "tools": [TOOL],
            "tool_choice": "NONE",
            "thinking": {"type": "enabled", "token_budget": 9},
            "max_tokens": 7,
            "p": 0.5,
        },
    )
    assert (request.preamble, request.max_tokens, request.reasoning, request.tool_choice) == (
        "Be terse.",
        7,
        True,
        "none",
    )
    documents, user, turn, results = request.messages
    assert (
        documents.text
        == '<file id: doc:0>\nA fact.\n</file>\n<file id: d>\n<metadata year: "1993" />\nAnother.\n</file>\n'
    )
    assert user.text == "2?"
    assert [part.text for part in turn.content[:2]] == ["Hm", "I add."]
    assert turn.content[1].extra == TOOL_PLAN
    assert results == UserMessage((ToolResult("add_1", "add", (Text('{"sum":3}'),), provider_id="add_1"),))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model": ""}, "model is required"),
        ({"messages": []}, "at least one message"),
        ({"messages": "Hi"}, "parameter messages is of type str but should be of type array"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "assistant"}]}, "must have content or tool_calls"),
        ({"messages": [{"role": "user"}]}, "content is required"),
        ({"messages": [{"role": "user", "content": [{"type": "audio"}]}]}, "type 'audio'"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "tool_call_id is required"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]}, "answers no tool call"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [CALL]}, {"role": "user", "content": "x"}]},
            "has no tool message",
        ),
        ({"tool_choice": "add", "tools": [TOOL]}, "tool_choice"),
        ({"tool_choice": "REQUIRED"}, "only allowed when tools are given"),
        (
            {"response_format": {"type": "json_object"}, "tools": [TOOL]},
            "not supported with tools or documents",
        ),
        (
            {"response_format": {"type": "json_object"}, "documents": ["x"]},
            "not supported with tools or documents",
        ),
        ({"max_tokens": 0}, "max_tokens must be at least 1"),
        ({"stop_sequences": list("abcdef")}, "at most 5"),
        ({"thinking": {"type": "enabled", "token_budget": 0}}, "positive integer"),
    ],
)
def test_what_cohere_refuses_is_refused(change, sentence):
    refused = refusal(WIRE, {**BODY, **change})
    assert refused.status == 400
    assert sentence in refused.message
    assert json.loads(WIRE.error(refused)) == {"message": refused.message}


def test_a_schema_is_read():
    asked = {"response_format": {"type": "json_object", "json_schema": {"type": "object"}}}
    assert parse(WIRE, {**BODY, **asked}).output_schema == {"type": "object"}
    assert parse(WIRE, {**BODY, "response_format": {"type": "json_object"}}).output_schema == {}
    assert parse(WIRE, {**BODY, "response_format": {"type": "text"}}).output_schema is None


def test_a_failed_generation_ends_the_stream_with_its_reason():
    data = json.loads(WIRE.error_event(ErrorReply(500, "Broken.")).split(b"data: ")[1])
    assert data["delta"] == {"error": "Broken.", "finish_reason": "ERROR"}


def test_the_model_list_names_what_it_was_given():
    assert [row["name"] for row in json.loads(WIRE.models(["a", "b"]))["models"]] == ["a", "b"]
