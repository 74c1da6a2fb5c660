"""The Responses wire, from the server's side: its events, its items and what it refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Json,
    Reasoning,
    Refusal,
    SpecificTools,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
)
from agentlab.simulator import ErrorReply, Reply, call, reply
from agentlab.simulator.dialects import OpenAIResponses
from tests.simulator.wire import parse, refusal, streamed, whole

WIRE = OpenAIResponses()
USER = {"role": "user", "content": "Hi"}
BODY = {"model": "gpt-5.6", "input": [USER]}
KEPT = {**BODY, "include": ["reasoning.encrypted_content"]}
TOOL = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}
CALL = {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a": 1}'}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "2"}


def test_a_stream_has_the_events_of_the_real_api_in_order_and_numbered():
    request = parse(WIRE, {**BODY, "reasoning": {"summary": "auto"}})
    answer = reply("One two", reasoning="Hm", calls=[call("add", a=1)], chunk_tokens=50)
    events = streamed(WIRE, request, answer)
    assert all(name == data["type"] for name, data in events)
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert [name.removeprefix("response.") for name, _ in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert [data["output_index"] for name, data in events if name.endswith("item.added")] == [0, 1, 2]


def test_the_keys_of_the_events_are_those_of_recorded_traffic():
    events = streamed(WIRE, parse(WIRE, BODY), reply("Hello", calls=[call("add")]))
    keys = {name.removeprefix("response."): set(data) - {"type", "sequence_number"} for name, data in events}
    at = {"item_id", "output_index"}
    assert keys["output_text.delta"] == {*at, "content_index", "delta", "logprobs", "obfuscation"}
    assert keys["output_text.done"] == {*at, "content_index", "logprobs", "text"}
    assert keys["content_part.done"] == {*at, "content_index", "part"}
    assert keys["function_call_arguments.delta"] == {*at, "delta", "obfuscation"}
    assert keys["function_call_arguments.done"] == {*at, "arguments"}
    assert keys["output_item.done"] == {"item", "output_index"}


def test_padding_makes_deltas_equally_long_unless_it_is_turned_off():
    answer = reply("Some words of different lengths!")
    for options, padded in (({}, True), ({"stream_options": {"include_obfuscation": False}}, False)):
        request = parse(WIRE, {**BODY, "stream": True, **options})
        deltas = [data for name, data in streamed(WIRE, request, answer) if name.endswith(".delta")]
        assert deltas
        for data in deltas:
            assert ("obfuscation" in data) is padded
            if padded:
                assert len(data["delta"] + data["obfuscation"]) % 16 == 0


def test_usage_has_the_fields_of_the_wire_and_ids_their_prefixes():
    response = whole(WIRE, parse(WIRE, BODY), reply("Hi", reasoning="Hm", calls=[call("add")]))
    assert response["usage"] == {
        "input_tokens": 100,
        "input_tokens_details": {"cache_write_tokens": 30, "cached_tokens": 60},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 120,
    }
    assert response["id"].startswith("resp_")
    assert [item["id"].partition("_")[0] for item in response["output"]] == ["rs", "msg", "fc"]
    assert response["output"][2]["call_id"].startswith("call_")
    assert response["status"] == "completed"


@pytest.mark.parametrize(
    ("reason", "told"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_a_cut_answer_is_incomplete(reason, told):
    answer = reply("Once upon", finish_reason=reason)
    name, last = streamed(WIRE, parse(WIRE, BODY), answer)[-1]
    assert name == "response.incomplete"
    for response in (last["response"], whole(WIRE, parse(WIRE, BODY), answer)):
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": told}
        assert response["output"][-1]["status"] == "incomplete"


def test_a_refusal_has_a_channel_of_its_own():
    events = streamed(WIRE, parse(WIRE, BODY), Reply(content=(Refusal("I cannot."),)))
    pieces = [data["delta"] for name, data in events if name == "response.refusal.delta"]
    assert "".join(pieces) == "I cannot."
    content = events[-1][1]["response"]["output"][0]["content"]
    assert content == [{"type": "refusal", "refusal": "I cannot."}]


def test_the_last_event_repeats_the_items_that_were_streamed():
    request = parse(WIRE, BODY)
    answer = reply("One", reasoning="Hm", calls=[call("add", a=1), call("add", a=2)])
    events = streamed(WIRE, request, answer)
    done = [data["item"] for name, data in events if name == "response.output_item.done"]
    assert events[-1][1]["response"]["output"] == done
    unary = whole(WIRE, request, answer)
    assert unary["output"] == done
    assert events[-1][1]["response"].items() <= unary.items()


@given(st.text(max_size=60), st.integers(1, 5))
def test_the_deltas_of_a_stream_add_up_to_the_whole_text(text, chunk_tokens):
    events = streamed(WIRE, parse(WIRE, BODY), reply(text, chunk_tokens=chunk_tokens))
    assert "".join(data["delta"] for name, data in events if name == "response.output_text.delta") == text
    assert [data["text"] for name, data in events if name == "response.output_text.done"] == [text]


def test_reasoning_is_summed_up_only_where_asked():
    answer = reply("42", reasoning="Six times seven.")
    assert whole(WIRE, parse(WIRE, BODY), answer)["output"][0]["summary"] == []
    asked = parse(WIRE, {**BODY, "reasoning": {"effort": "low", "summary": "detailed"}})
    summary = whole(WIRE, asked, answer)["output"][0]["summary"]
    assert summary == [{"type": "summary_text", "text": "Six times seven."}]
    assert asked.reasoning
    assert not parse(WIRE, {**BODY, "reasoning": {"effort": "none"}}).reasoning


def test_encrypted_reasoning_differs_between_events_and_comes_back_only_unchanged():
    events = streamed(WIRE, parse(WIRE, KEPT), reply("42", reasoning="Secret."))
    added = next(data["item"] for name, data in events if name == "response.output_item.added")
    done = next(data["item"] for name, data in events if name == "response.output_item.done")
    last = events[-1][1]["response"]["output"]
    blobs = {item["encrypted_content"] for item in (added, done, last[0])}
    assert len(blobs) == 3
    assert all(blob.startswith("gAAAA") for blob in blobs)
    for item in (done, last[0]):
        kept = parse(WIRE, {**BODY, "input": [USER, item, last[1], USER]}).messages[1]
        assert isinstance(kept.content[0], Reasoning)
    broken = done["encrypted_content"][:-6] + "AAAAA="
    for blob in (added["encrypted_content"], broken, "gAAAA"):
        refused = refusal(WIRE, {**BODY, "input": [USER, {**done, "encrypted_content": blob}, last[1], USER]})
        assert refused.code == "invalid_encrypted_content"
        assert refused.message.startswith(
            f"The encrypted content {blob[:4]}...{blob[-4:]} could not be verified."
        )


def test_reasoning_and_what_it_led_to_stay_together():
    thought, used = whole(WIRE, parse(WIRE, KEPT), reply(reasoning="Add.", calls=[call("add")]))["output"]
    output = {**OUTPUT, "call_id": used["call_id"]}
    parse(WIRE, {**BODY, "input": [USER, thought, used, output]})
    alone = f"Item '{thought['id']}' of type 'reasoning' was provided without its required following item."
    said = {"role": "assistant", "content": "42"}
    for after in ([], [USER], [said, USER]):
        refused = refusal(WIRE, {**BODY, "input": [USER, thought, *after]})
        assert (refused.message, refused.param) == (alone, "input")
    refused = refusal(WIRE, {**BODY, "input": [USER, used, output]})
    assert refused.message == (
        f"Item '{used['id']}' of type 'function_call' was provided without its required 'reasoning' item: "
        f"'{thought['id']}'."
    )
    nameless = {name: value for name, value in used.items() if name != "id"}
    parse(WIRE, {**BODY, "input": [USER, nameless, output]})


def test_without_storage_reasoning_must_be_sent_in_full():
    thought, said = whole(WIRE, parse(WIRE, BODY), reply("42", reasoning="Hm."))["output"]
    parse(WIRE, {**BODY, "input": [USER, thought, said, USER]})
    refused = refusal(WIRE, {**BODY, "store": False, "input": [USER, thought, said, USER]})
    assert refused.status == 404
    assert refused.message.startswith(f"Item with id '{thought['id']}' not found. Items are not persisted")


def test_a_conversation_is_understood():
    request = parse(
        WIRE,
        {
            **BODY,
            "instructions": "Be terse.",
            "input": [
                {"role": "developer", "content": "Be kind."},
                {"role": "user", "content": [{"type": "input_text", "text": "1+1?"}]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "So:"}]},
                CALL,
                {**CALL, "call_id": "call_2"},
                OUTPUT,
                {**OUTPUT, "call_id": "call_2"},
            ],
            "tools": [TOOL],
            "tool_choice": {"type": "function", "name": "add"},
            "max_output_tokens": 64,
        },
    )
    assert request.preamble == "Be terse.\nBe kind."
    assert request.tool_choice == SpecificTools(("add",))
    assert request.max_tokens == 64
    calls = [ToolCall(one, "add", '{"a": 1}', one) for one in ("call_1", "call_2")]
    results = [ToolResult(one, "add", (Text("2"),), provider_id=one) for one in ("call_1", "call_2")]
    assert request.messages == (
        UserMessage.of("1+1?"),
        AssistantMessage((Text("So:"), *calls), wire="openai_responses"),
        UserMessage(tuple(results)),
    )
    assert Json not in map(type, request.messages[2].content)


@pytest.mark.parametrize(
    ("change", "sentence", "code", "param"),
    [
        ({"foo": 1}, "Unknown parameter: 'foo'.", "unknown_parameter", "foo"),
        (
            {"model": 5},
            "Invalid type for 'model': expected a string, but got an integer instead.",
            "invalid_type",
            "model",
        ),
        (
            {"max_output_tokens": 5},
            "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got 5 instead.",
            "integer_below_min_value",
            "max_output_tokens",
        ),
        (
            {"temperature": -1},
            "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
            "decimal_below_min_value",
            "temperature",
        ),
        (
            {"input": [USER, OUTPUT]},
            "No tool call found for function call output with call_id call_1.",
            None,
            "input",
        ),
        ({"input": [USER, CALL]}, "No tool output found for function call call_1.", None, "input"),
        ({"input": [USER, CALL, USER]}, "No tool output found for function call call_1.", None, "input"),
        (
            {"input": [USER, {**CALL, "id": "call_1"}, OUTPUT]},
            "Invalid 'input[1].id': 'call_1'. Expected an ID that begins with 'fc'.",
            "invalid_value",
            "input[1].id",
        ),
        (
            {"input": [USER, {**CALL, "arguments": {}}, OUTPUT]},
            "Invalid type for 'input[1].arguments': expected a string, but got an object instead.",
            "invalid_type",
            "input[1].arguments",
        ),
        (
            {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
            "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.",
            "invalid_value",
            "input[0].content[0]",
        ),
        (
            {"tools": [{"type": "function", "function": {"name": "add"}}]},
            "Missing required parameter: 'tools[0].name'.",
            "missing_required_parameter",
            "tools[0].name",
        ),
        (
            {"tools": [{**TOOL, "strict": True}]},
            (
                "Invalid schema for function 'add': In context=(), 'additionalProperties' is required to be supplied and to "
                "be false."
            ),
            "invalid_function_parameters",
            "tools[0].parameters",
        ),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "name": "sub"}},
            "Tool choice 'function' not found in 'tools' parameter.",
            None,
            "tool_choice",
        ),
        (
            {"text": {"format": {"type": "json_object"}}},
            (
                "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
                "'json_object'."
            ),
            None,
            "input",
        ),
        (
            {"previous_response_id": "resp_1"},
            "Previous response with id 'resp_1' not found.",
            "previous_response_not_found",
            "previous_response_id",
        ),
    ],
)
def test_what_openai_refuses_is_refused_in_its_words(change, sentence, code, param):
    refused = refusal(WIRE, {**BODY, **change})
    assert (refused.status, refused.message, refused.code, refused.param) == (400, sentence, code, param)


def test_an_item_may_be_sent_only_once():
    item = {**CALL, "id": "fc_1"}
    refused = refusal(WIRE, {**BODY, "input": [USER, item, item, OUTPUT]})
    assert refused.message.startswith("Duplicate item found with id fc_1.")


def test_other_vendors_of_the_wire_may_be_sent_other_fields():
    body = json.dumps({**BODY, "search_parameters": {"mode": "auto"}}).encode()
    assert WIRE.parse("xai", "/v1/responses", {}, {}, body).vendor == "xai"


def test_an_error_has_openais_body():
    assert json.loads(WIRE.error(ErrorReply(429, "Slow down."))) == {
        "error": {"message": "Slow down.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    }
    event = WIRE.error_event(ErrorReply(500, "Broken."))
    assert event.startswith(b'event: error\ndata: {"type":"error","error":{"type":"server_error"')
