"""The Messages wire, from the server's side: its events, its counts and what it refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Reasoning,
    ReasoningRedacted,
    ReasoningText,
    SpecificTools,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
)
from agentlab.simulator import ErrorReply, Reply, call, reply
from agentlab.simulator.dialects import Anthropic, Rejected
from tests.simulator.wire import parse, refusal, streamed, whole

WIRE = Anthropic()
BODY = {"model": "claude-sonnet-5", "max_tokens": 4096, "messages": [{"role": "user", "content": "Hi"}]}
TOOL = {"name": "add", "description": "Adds.", "input_schema": {"type": "object", "properties": {}}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "2"}
MARK = {"type": "ephemeral"}


def talk(*contents):
    """A body whose messages alternate, the user first."""
    roles = ["user", "assistant"] * len(contents)
    return {
        **BODY,
        "messages": [
            {"role": role, "content": content} for role, content in zip(roles, contents, strict=False)
        ],
    }


def text(words="Hi", **more):
    return {"type": "text", "text": words, **more}


def test_a_stream_has_the_events_of_the_real_api_in_order():
    answer = reply("One two", reasoning="Hm", calls=[call("add", a=1)], chunk_tokens=50)
    events = streamed(WIRE, parse(WIRE, BODY), answer)
    assert all(name == data["type"] for name, data in events)
    assert [
        (data["type"], (data.get("delta") or data.get("content_block") or {}).get("type"))
        for _, data in events
    ] == [
        ("message_start", None),
        ("content_block_start", "thinking"),
        ("ping", None),
        ("content_block_delta", "thinking_delta"),
        ("content_block_delta", "signature_delta"),
        ("content_block_stop", None),
        ("content_block_start", "text"),
        ("content_block_delta", "text_delta"),
        ("content_block_stop", None),
        ("content_block_start", "tool_use"),
        ("content_block_delta", "input_json_delta"),
        ("content_block_delta", "input_json_delta"),
        ("content_block_stop", None),
        ("message_delta", None),
        ("message_stop", None),
    ]
    assert [data["index"] for _, data in events if data["type"] == "content_block_start"] == [0, 1, 2]


def test_the_arguments_of_a_call_begin_with_an_empty_piece():
    events = streamed(WIRE, parse(WIRE, BODY), reply(calls=[call("add", a=1)]))
    pieces = [data["delta"]["partial_json"] for _, data in events if data["type"] == "content_block_delta"]
    assert pieces[0] == ""
    assert len(pieces) > 2
    assert json.loads("".join(pieces)) == {"a": 1}


def test_a_call_without_arguments_has_only_the_empty_piece():
    events = streamed(WIRE, parse(WIRE, BODY), reply(calls=[call("add")]))
    deltas = [data["delta"] for _, data in events if data["type"] == "content_block_delta"]
    assert deltas == [{"type": "input_json_delta", "partial_json": ""}]


def test_cached_tokens_stand_beside_the_input_tokens():
    start, *_, delta, _ = streamed(WIRE, parse(WIRE, BODY), reply("Hi"))
    assert start[1]["message"]["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 1,
        "output_tokens_details": {"thinking_tokens": 5},
        "service_tier": "standard",
        "inference_geo": "global",
    }
    assert delta[1]["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 5},
    }


@pytest.mark.parametrize(
    ("reason", "told"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("content_filter", "refusal"), ("other", "pause_turn")],
)
def test_the_stop_reason_is_the_apis_word(reason, told):
    answer = reply("Hi", finish_reason=reason)
    assert whole(WIRE, parse(WIRE, BODY), answer)["stop_reason"] == told
    assert streamed(WIRE, parse(WIRE, BODY), answer)[-2][1]["delta"]["stop_reason"] == told


@given(st.lists(st.text(max_size=30), max_size=3), st.integers(1, 5))
def test_the_deltas_of_a_stream_add_up_to_the_whole_answer(texts, chunk_tokens):
    answer = Reply(content=tuple(map(Text, texts)), chunk_tokens=chunk_tokens)
    request = parse(WIRE, BODY)
    blocks: dict[int, str] = {}
    for _, data in streamed(WIRE, request, answer):
        if data["type"] == "content_block_start":
            blocks[data["index"]] = ""
        elif data["type"] == "content_block_delta":
            blocks[data["index"]] += data["delta"]["text"]
    assert list(blocks.values()) == texts
    assert [block["text"] for block in whole(WIRE, request, answer)["content"]] == texts


def test_thinking_comes_back_only_unchanged():
    answer = reply("42", reasoning="Six times seven.")
    thinking, said = whole(WIRE, parse(WIRE, BODY), answer)["content"]
    kept = parse(WIRE, talk("6x7?", [thinking, said], "And 8?")).messages[1]
    assert kept.content[0] == Reasoning((ReasoningText("Six times seven.", thinking["signature"]),))
    for changed in (
        {**thinking, "thinking": "Six times seven!"},
        {**thinking, "signature": thinking["signature"][:-4] + "AAAA"},
        {**thinking, "signature": "c2lnbmVk"},
        {**thinking, "signature": ""},
    ):
        refused = refusal(WIRE, talk("6x7?", [changed, said], "And 8?"))
        assert refused.message == "messages.1.content.0: Invalid `signature` in `thinking` block"


def test_thinking_that_is_not_shown_is_still_signed_and_comes_back():
    request = parse(WIRE, {**BODY, "thinking": {"type": "adaptive", "display": "omitted"}})
    thinking, said = whole(WIRE, request, reply("42", reasoning="Secret."))["content"]
    assert thinking["thinking"] == ""
    assert parse(WIRE, talk("6x7?", [thinking, said], "And?")).messages[1].content[0].text == ""


def test_redacted_thinking_hides_its_text_and_comes_back():
    answer = Reply(content=(Reasoning((ReasoningRedacted("hidden"),)), Text("42")))
    redacted, said = whole(WIRE, parse(WIRE, BODY), answer)["content"]
    assert redacted["type"] == "redacted_thinking"
    assert "hidden" not in redacted["data"]
    kept = parse(WIRE, talk("6x7?", [redacted, said], "And?")).messages[1]
    assert kept.content[0] == Reasoning((ReasoningRedacted("hidden"),))
    broken = {**redacted, "data": redacted["data"][:-4] + "AAAA"}
    refused = refusal(WIRE, talk("6x7?", [broken, said], "And?"))
    assert refused.message == "messages.1.content.0: Invalid `data` in `redacted_thinking` block"


def test_a_conversation_is_understood():
    request = parse(
        WIRE,
        {
            **talk("2?", [text("So:"), USE], [{**RESULT, "is_error": True}, text("Go on")]),
            "system": [text("Be terse."), text("Be kind.", cache_control=MARK)],
            "tools": [TOOL],
            "tool_choice": {"type": "tool", "name": "add"},
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        },
    )
    assert request.preamble == "Be terse.\nBe kind."
    assert request.max_tokens == 4096
    assert request.tool_choice == SpecificTools(("add",))
    assert request.output_schema == {"type": "object"}
    assert [tool.name for tool in request.tools] == ["add"]
    used = ToolCall("toolu_1", "add", '{"a":1}', "toolu_1")
    failed = ToolResult("toolu_1", "add", (Text("2"),), "failed", "toolu_1")
    assert request.messages == (
        UserMessage.of("2?"),
        AssistantMessage((Text("So:"), used), wire="anthropic"),
        UserMessage((failed, Text("Go on"))),
    )


SILENT = [{"role": "user", "content": "2?"}, {"role": "assistant", "content": [USE]}]
UNANSWERED = (
    "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: toolu_1. Each `tool_use` "
    "block must have a corresponding `tool_result` block in the next message."
)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
        ({"temperature": 1.5}, "temperature: range: 0..1"),
        ({"prompt_cache_key": "x"}, "prompt_cache_key: Extra inputs are not permitted"),
        ({"messages": []}, "messages: at least one message is required"),
        (
            {"messages": [{"role": "tool", "content": "x"}]},
            "messages.0.role: Input should be 'user', 'assistant' or 'system'",
        ),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            talk(""),
            "messages.0: all messages must have non-empty content except for the optional final assistant message",
        ),
        (
            talk([text(cache_control={"type": "ephemeral", "ttl": "2h"})]),
            "messages.0.content.0.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
        ),
        (talk([text("")]), "messages: text content blocks must be non-empty"),
        (talk([text(" \n")]), "messages: text content blocks must contain non-whitespace text"),
        (talk("Hi", "Well "), "messages: final assistant content cannot end with trailing whitespace"),
        ({"messages": SILENT}, UNANSWERED),
        (talk("2?", [USE], "Never mind"), UNANSWERED),
        (talk("2?", [USE], [text("First"), RESULT]), UNANSWERED),
        (
            talk("2?", "No.", [RESULT]),
            (
                "messages.2.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message."
            ),
        ),
        (
            talk([RESULT]),
            (
                "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message."
            ),
        ),
        (
            talk("2?", [USE], [RESULT, RESULT]),
            (
                "messages.2.content.1: each tool_use must have a single result. Found multiple `tool_result` blocks with "
                "id: toolu_1"
            ),
        ),
        (talk("2?", [USE, USE], [RESULT]), "messages.1.content.1: `tool_use` ids must be unique"),
        (
            talk("2?", [{**USE, "id": "a.b"}], [RESULT]),
            "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        ),
        (
            talk("2?", [{**USE, "input": "{}"}], [RESULT]),
            "messages.1.content.0.tool_use.input: Input should be an object",
        ),
        (talk([USE]), "messages.0: `tool_use` blocks can only be in `assistant` messages"),
        ({"tools": [{"name": "add"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [{**TOOL, "input_schema": {}}]}, "tools.0.custom.input_schema.type: Field required"),
        (
            {"tools": [{**TOOL, "name": "a b"}]},
            "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        ),
        ({"tools": [TOOL, TOOL]}, "tools: Tool names must be unique."),
        ({"tool_choice": {"type": "any"}}, "tool_choice may only be specified while providing tools."),
        (
            {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "sub"}},
            "Tool 'sub' not found in provided tools",
        ),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 100}},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
    ],
)
def test_what_the_api_refuses_is_refused_in_its_words(change, sentence):
    refused = refusal(WIRE, {**BODY, **change})
    assert (refused.status, refused.message) == (400, sentence)


def test_a_field_that_is_not_there_is_asked_for():
    for name in ("model", "messages", "max_tokens"):
        without = {key: value for key, value in BODY.items() if key != name}
        assert refusal(WIRE, without).message == f"{name}: Field required"


def test_a_request_without_a_version_header_is_refused():
    with pytest.raises(Rejected, match="anthropic-version: header is required"):
        WIRE.parse("anthropic", "/v1/messages", {}, {}, json.dumps(BODY).encode())


def test_the_turn_that_called_a_tool_must_keep_its_thinking():
    body = {**talk("2?", [USE], [RESULT]), "thinking": {"type": "enabled", "budget_tokens": 1024}}
    refused = refusal(WIRE, body)
    assert refused.message.startswith(
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`."
    )
    thinking = whole(WIRE, parse(WIRE, BODY), reply(reasoning="Add."))["content"][0]
    parse(WIRE, {**body, **talk("2?", [thinking, USE], [RESULT])} | {"thinking": body["thinking"]})


def test_four_cache_markers_are_the_most():
    four = talk([text(cache_control=MARK), text(cache_control=MARK)])
    four |= {"system": [text(cache_control=MARK)], "tools": [{**TOOL, "cache_control": MARK}]}
    parse(WIRE, four)
    five = talk([text(cache_control=MARK), text(cache_control=MARK), text(cache_control=MARK)])
    refused = refusal(WIRE, {**four, "messages": five["messages"]})
    assert refused.message == "A maximum of 4 blocks with cache_control may be provided. Found 5."


def test_automatic_caching_takes_one_of_the_four_places_unless_its_place_is_marked():
    three = talk([text(cache_control=MARK), text()])
    three |= {"system": [text(cache_control=MARK)], "tools": [{**TOOL, "cache_control": MARK}]}
    parse(WIRE, {**three, "cache_control": MARK})
    four = {**three, "messages": talk([text(cache_control=MARK)] * 2 + [text()])["messages"]}
    assert "Found 5." in refusal(WIRE, {**four, "cache_control": MARK}).message
    on_last = {**three, "messages": talk([text(cache_control=MARK)] * 2)["messages"]}
    parse(WIRE, {**on_last, "cache_control": MARK})


def test_a_longer_lived_marker_may_not_follow_a_shorter_lived_one():
    hour = {"type": "ephemeral", "ttl": "1h"}
    parse(WIRE, talk([text(cache_control=hour), text(cache_control=MARK)]))
    refused = refusal(
        WIRE, {**talk([text(), text(cache_control=hour)]), "system": [text(cache_control=MARK)]}
    )
    assert refused.message == (
        "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
        "cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
def test_an_error_has_the_apis_body(status, kind):
    body = json.loads(WIRE.error(ErrorReply(status, "No.")))
    assert body == {
        "type": "error",
        "error": {"type": kind, "message": "No."},
        "request_id": body["request_id"],
    }
    assert body["request_id"].startswith("req_011C")
    assert WIRE.error_event(ErrorReply(status, "No.")).startswith(
        b'event: error\ndata: {"type":"error","error":{'
    )


def test_a_usage_that_reports_nothing_counts_as_nothing():
    counts = whole(WIRE, parse(WIRE, BODY), reply("Hi"), Usage())["usage"]
    assert counts["input_tokens"] == counts["output_tokens"] == counts["cache_read_input_tokens"] == 0
    assert "output_tokens_details" not in counts
