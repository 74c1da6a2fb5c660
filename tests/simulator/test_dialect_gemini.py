"""The Gemini wire, from the server's side: its framing, its counts, its signatures and what it refuses."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import (
    AssistantMessage,
    Json,
    Reasoning,
    ReasoningText,
    SpecificTools,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
)
from agentlab.simulator import ErrorReply, Reply, call, reply
from agentlab.simulator.dialects import Gemini, Ids
from tests.simulator.wire import USAGE, parse, refusal, streamed, whole

WIRE = Gemini()
SSE = {"alt": "sse"}
BODY = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
THOUGHTS = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
OLD = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
ADD = {"name": "add", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}}
USER = {"role": "user", "parts": [{"text": "2?"}]}
CALLS = {"role": "model", "parts": [{"functionCall": {"name": "add", "args": {"a": 1}}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "add", "response": {"result": 2}}}]}
COUNT = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn."
)


def parts_of(events):
    return [part for _, data in events for part in data["candidates"][0]["content"]["parts"]]


def test_a_stream_is_server_sent_events_with_crlf_and_googles_spacing():
    request = parse(WIRE, BODY, query=SSE)
    frames = list(WIRE.stream(request, reply("One two"), USAGE, Ids(0, 0, 0.0)))
    assert frames[0].startswith(
        b'data: {"candidates": [{"content": {"parts": [{"text": "One"}],"role": "model"},"index": 0}]'
    )
    assert all(frame.endswith(b"}\r\n\r\n") and frame.count(b"\n") == 2 for frame in frames)


def test_without_alt_sse_the_stream_is_one_json_array():
    request = parse(WIRE, BODY)
    body = b"".join(WIRE.stream(request, reply("One two"), USAGE, Ids(0, 0, 0.0)))
    assert body.startswith(b'[{\n  "candidates": [')
    assert b"}\n,\r\n{" in body
    assert body.endswith(b"}\n]")
    texts = [one["candidates"][0]["content"]["parts"][0]["text"] for one in json.loads(body)]
    assert "".join(texts) == "One two"
    assert WIRE.content_type(request) == "application/json; charset=UTF-8"
    assert WIRE.content_type(parse(WIRE, BODY, query=SSE)) == "text/event-stream"


def test_only_the_last_event_tells_why_it_ended_and_all_count_up():
    request = parse(WIRE, {**BODY, **THOUGHTS}, query=SSE)
    events = [data for _, data in streamed(WIRE, request, reply("One two three", reasoning="Hm hm"))]
    assert ["finishReason" in data["candidates"][0] for data in events] == [False] * (len(events) - 1) + [
        True
    ]
    counts = [data["usageMetadata"] for data in events]
    for name in ("candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"):
        values = [count.get(name, 0) for count in counts]
        assert values == sorted(values)
    assert "candidatesTokenCount" not in counts[0]
    assert counts[-1] == {
        "promptTokenCount": 100,
        "candidatesTokenCount": 15,
        "totalTokenCount": 120,
        "cachedContentTokenCount": 60,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 60}],
        "thoughtsTokenCount": 5,
        "serviceTier": "standard",
    }
    assert len({data["responseId"] for data in events}) == 1
    assert {data["modelVersion"] for data in events} == {"gemini-3.5-flash"}


def test_the_first_call_carries_the_signature_and_no_other_part():
    request = parse(WIRE, BODY, query=SSE)
    parts = parts_of(streamed(WIRE, request, reply(calls=[call("add", a=1), call("add", a=2)])))
    assert ["thoughtSignature" in part for part in parts] == [True, False, False]
    assert parts[-1] == {"text": ""}
    assert len({part["functionCall"]["id"] for part in parts[:2]}) == 2


def test_without_a_call_the_last_empty_text_carries_the_signature():
    parts = parts_of(streamed(WIRE, parse(WIRE, BODY, query=SSE), reply("Hello")))
    assert parts[0] == {"text": "Hello"}
    assert parts[-1]["text"] == ""
    assert parts[-1]["thoughtSignature"]
    signed = whole(WIRE, parse(WIRE, BODY), reply("Hello"))["candidates"][0]["content"]["parts"]
    assert signed == [{"text": "Hello", "thoughtSignature": parts[-1]["thoughtSignature"]}]


def test_calls_have_ids_by_generation_or_as_told():
    answer = reply(calls=[call("add")])
    for dialect, path, has_id in (
        (WIRE, None, True),
        (WIRE, OLD, False),
        (Gemini(call_ids=True), OLD, True),
        (Gemini(call_ids=False), None, False),
    ):
        request = parse(dialect, BODY, path=path)
        part = whole(dialect, request, answer)["candidates"][0]["content"]["parts"][0]
        assert ("id" in part["functionCall"]) is has_id


def test_thoughts_are_counted_always_and_shown_only_where_asked():
    answer = reply("42", reasoning="Six times seven.")
    shown = whole(WIRE, parse(WIRE, {**BODY, **THOUGHTS}), answer)["candidates"][0]["content"]["parts"]
    assert shown[0] == {"text": "Six times seven.", "thought": True}
    hidden = whole(WIRE, parse(WIRE, BODY), answer)
    assert [part["text"] for part in hidden["candidates"][0]["content"]["parts"]] == ["42"]
    assert hidden["usageMetadata"]["thoughtsTokenCount"] == 5


@pytest.mark.parametrize(
    ("reason", "told"),
    [("stop", "STOP"), ("length", "MAX_TOKENS"), ("content_filter", "SAFETY"), ("other", "OTHER")],
)
def test_the_finish_reason_is_the_apis_word(reason, told):
    answer = reply("Hi", finish_reason=reason)
    assert whole(WIRE, parse(WIRE, BODY), answer)["candidates"][0]["finishReason"] == told
    last = streamed(WIRE, parse(WIRE, BODY, query=SSE), answer)[-1][1]
    assert last["candidates"][0]["finishReason"] == told


def test_a_call_that_is_no_json_is_a_finish_reason():
    answer = Reply(content=(ToolCall("", "add", '{"a":'),))
    candidate = whole(WIRE, parse(WIRE, BODY), answer)["candidates"][0]
    assert candidate["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert "functionCall" not in json.dumps(candidate["content"])


@given(st.text(max_size=60), st.integers(1, 5))
def test_the_pieces_of_a_stream_add_up_to_the_whole_text(text, chunk_tokens):
    events = streamed(WIRE, parse(WIRE, BODY, query=SSE), reply(text, chunk_tokens=chunk_tokens))
    assert "".join(part["text"] for part in parts_of(events)) == text


def test_a_conversation_is_understood_in_either_spelling():
    snake = {
        "system_instruction": {"parts": {"text": "Be terse."}},
        "contents": [
            {"parts": {"text": "1+1?"}},
            {"role": "model", "parts": [{"function_call": {"name": "add", "args": {"a": 1}}}]},
            {"role": "user", "parts": [{"function_response": {"name": "add", "response": {"sum": 2}}}]},
        ],
        "tools": {"function_declarations": [ADD]},
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["add"]}},
        "generation_config": {"max_output_tokens": 9, "response_mime_type": "application/json"},
    }
    request = parse(WIRE, snake, path=OLD)
    assert (request.model, request.stream, request.max_tokens) == ("gemini-2.5-flash", True, 9)
    assert (request.preamble, request.output_schema) == ("Be terse.", {})
    assert request.tool_choice == SpecificTools(("add",))
    user, turn, results = request.messages
    assert user == UserMessage.of("1+1?")
    assert turn == AssistantMessage((ToolCall("call-1-0", "add", '{"a":1}'),), wire="gemini")
    assert results == UserMessage((ToolResult("call-1-0", "add", (Json({"sum": 2}),)),))


def test_thoughts_and_signatures_come_back():
    request = parse(WIRE, {**BODY, **THOUGHTS})
    content = whole(WIRE, request, reply("Hi", reasoning="Hm"))["candidates"][0]["content"]
    kept = parse(WIRE, {"contents": [USER, content, USER]}).messages[1]
    assert kept.content[0] == Reasoning((ReasoningText("Hm"),))
    assert kept.content[1] == Text("Hi", signature=content["parts"][1]["thoughtSignature"])


def test_results_find_their_calls_by_id_then_name_then_place():
    def signed(name, given):
        content = whole(WIRE, parse(WIRE, BODY), reply(calls=[call(name)]))["candidates"][0]["content"]
        return {**content["parts"][0], "functionCall": {"name": name, "id": given}}

    def answers(name, given=None):
        response = {"name": name, "response": {}, **({"id": given} if given else {})}
        return {"functionResponse": response}

    calls = {"role": "model", "parts": [signed("a", "1"), signed("b", "2"), signed("a", "3")]}
    results = {"role": "user", "parts": [answers("a", "3"), answers("b"), answers("a")]}
    turn = parse(WIRE, {"contents": [USER, calls, results]}).messages[2]
    assert [one.call_id for one in turn.tool_results] == ["3", "2", "1"]


def test_gemini_3_wants_the_signature_of_the_first_call_since_the_user_spoke():
    contents = [USER, CALLS, RESULT]
    refused = refusal(WIRE, {"contents": contents})
    assert refused.message.startswith("Function call is missing a thought_signature in functionCall parts.")
    assert "function call `default_api:add` , position 2." in refused.message
    parse(WIRE, {"contents": contents}, path=OLD)
    parse(WIRE, {"contents": [*contents, USER]})
    content = whole(WIRE, parse(WIRE, BODY), reply(calls=[call("add"), call("add")]))["candidates"][0][
        "content"
    ]
    both = {"role": "user", "parts": RESULT["parts"] * 2}
    parse(WIRE, {"contents": [USER, content, both]})
    skip = base64.b64encode(b"skip_thought_signature_validator").decode()
    for dummy in (skip, "skip_thought_signature_validator"):
        parts = [{**CALLS["parts"][0], "thoughtSignature": dummy}]
        parse(WIRE, {"contents": [USER, {"role": "model", "parts": parts}, RESULT]})


def test_a_signature_belongs_to_its_call():
    content = whole(WIRE, parse(WIRE, BODY), reply(calls=[call("add")]))["candidates"][0]["content"]
    signature = content["parts"][0]["thoughtSignature"]
    urlsafe = signature.replace("+", "-").replace("/", "_")
    call_of = {"role": "model", "parts": [{**content["parts"][0], "thoughtSignature": urlsafe}]}
    parse(WIRE, {"contents": [USER, call_of, RESULT]})
    for part in (
        {"functionCall": {"name": "sub"}, "thoughtSignature": signature},
        {"functionCall": {"name": "add"}, "thoughtSignature": signature[:-4] + "AAAA"},
    ):
        refused = refusal(WIRE, {"contents": [USER, {"role": "model", "parts": [part]}, RESULT]})
        assert refused.message == "Corrupted thought signature."


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "* GenerateContentRequest.contents: contents is not specified\n"),
        (
            {"contents": [{"role": "system", "parts": [{"text": "x"}]}]},
            "Please use a valid role: user, model.",
        ),
        ({**BODY, "foo": 1}, 'Invalid JSON payload received. Unknown name "foo": Cannot find field.'),
        (
            {"contents": [{"role": "user", "parts": [{"text": "x", "foo": 1}]}]},
            "Invalid JSON payload received. Unknown name \"foo\" at 'contents[0].parts[0]': Cannot find field.",
        ),
        (
            {"contents": [{"role": "user", "parts": []}]},
            "* GenerateContentRequest.contents[0].parts: contents.parts must not be empty.\n",
        ),
        (
            {"contents": [{"role": "user", "parts": [{"thought": True}]}]},
            (
                "* GenerateContentRequest.contents[0].parts[0].data: required oneof field 'data' must have one initialized "
                "field\n"
            ),
        ),
        (
            {**BODY, "generationConfig": {"maxOutputTokens": "x"}},
            "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32)",
        ),
        (
            {
                **BODY,
                "tools": [{"functionDeclarations": [{**ADD, "parameters": {"type": "OBJECT", "$ref": "#"}}]}],
            },
            (
                "Invalid JSON payload received. Unknown name \"$ref\" at 'tools[0].function_declarations[0].parameters': "
                "Cannot find field."
            ),
        ),
        ({"contents": [USER, CALLS]}, COUNT),
        ({"contents": [USER, CALLS, USER]}, COUNT),
        ({"contents": [USER, CALLS, {"role": "user", "parts": RESULT["parts"] * 2}]}, COUNT),
        (
            {"contents": [USER, RESULT]},
            "Please ensure that function response turn comes immediately after a function call turn.",
        ),
        (
            {"contents": [CALLS, RESULT]},
            (
                "Please ensure that function call turn comes immediately after a user turn or after a function response "
                "turn."
            ),
        ),
        (
            {**BODY, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
            "Function calling config is set without function_declarations.",
        ),
    ],
)
def test_what_the_api_refuses_is_refused_in_its_words(body, sentence):
    refused = refusal(WIRE, body, path=OLD)
    assert (refused.status, refused.message) == (400, sentence)


def test_an_error_has_googles_body():
    assert json.loads(WIRE.error(ErrorReply(429, "Slow down.", retry_after=2.5))) == {
        "error": {
            "code": 429,
            "message": "Slow down.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}],
        }
    }
    key = json.loads(WIRE.error(WIRE.wrong_key))["error"]
    assert (key["code"], key["status"], key["details"][0]["reason"]) == (
        400,
        "INVALID_ARGUMENT",
        "API_KEY_INVALID",
    )


def test_a_usage_that_reports_nothing_counts_as_nothing():
    counts = whole(WIRE, parse(WIRE, BODY), reply("Hi"), Usage())["usageMetadata"]
    assert counts["promptTokenCount"] == counts["totalTokenCount"] == 0
    assert "cachedContentTokenCount" not in counts
