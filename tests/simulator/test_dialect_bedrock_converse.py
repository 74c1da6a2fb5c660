"""Bedrock's Converse, from the server's side: botocore reads its messages; what it refuses, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages import (
    Audio,
    Base64Source,
    Citation,
    Document,
    Image,
    Json,
    ProviderPart,
    Reasoning,
    ReasoningRedacted,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    Video,
)
from agentlab.simulator import ErrorReply, Reply, call, reply
from agentlab.simulator.dialects import BedrockConverse, Ids
from agentlab.simulator.dialects.bedrock_converse_contents import hidden, signature
from tests.simulator.wire import USAGE, parse, refusal, whole

WIRE = BedrockConverse()
BODY: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
TOOLS = {"tools": [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object"}}}}]}
USE = {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"a": 1}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "1"}]}}
POINT = {"cachePoint": {"type": "default"}}


def told(frames: Any) -> list[tuple[str, Any]]:
    """Each message's type and data, as AWS's own reader has them."""
    found = []
    for frame in frames:
        buffer = EventStreamBuffer()
        buffer.add_data(frame)
        (message,) = list(buffer)
        kind = message.headers.get(":event-type") or message.headers[":exception-type"]
        assert message.headers[":content-type"] == "application/json"
        found.append((kind, json.loads(message.payload)))
    return found


def events(answer: Reply) -> list[tuple[str, Any]]:
    return told(WIRE.stream(parse(WIRE, BODY), answer, USAGE, Ids(0, 0, 1_767_225_600.0)))


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def model(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def test_only_calls_have_a_start_and_the_counts_come_last():
    said = events(reply("One two", reasoning="Hm", calls=[call("add", a=1)], chunk_tokens=99))
    assert [kind for kind, _ in said] == [
        "messageStart",
        "contentBlockDelta",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    assert said[2][1]["delta"]["reasoningContent"] == {"signature": signature("Hm")}
    assert said[9][1] == {"stopReason": "tool_use"}
    usage = said[10][1]["usage"]
    assert (usage["inputTokens"], usage["outputTokens"], usage["totalTokens"]) == (10, 20, 120)
    assert usage["cacheReadInputTokens"] == usage["cacheReadInputTokenCount"] == 60
    assert usage["cacheDetails"] == [{"inputTokens": 20, "ttl": "1h"}, {"inputTokens": 10, "ttl": "5m"}]


def test_a_whole_answer_holds_what_its_stream_says():
    parts = (
        Reasoning((ReasoningRedacted("x"),)),
        ProviderPart(
            "bedrock-converse",
            "toolUse",
            {"toolUse": {"toolUseId": "s", "name": "n", "type": "server_tool_use", "input": {"q": 1}}},
        ),
        ProviderPart(
            "bedrock-converse", "toolResult", {"toolResult": {"toolUseId": "s", "content": [{"text": "r"}]}}
        ),
        Text("1993", (Citation(raw={"title": "facts"}),)),
        ToolCall("", "add", '{"a":'),
    )
    content = whole(WIRE, parse(WIRE, BODY), Reply(content=parts))["output"]["message"]["content"]
    assert content[0] == {"reasoningContent": {"redactedContent": hidden("x")}}
    assert content[1]["toolUse"]["input"] == {"q": 1}
    assert content[2]["toolResult"]["content"] == [{"text": "r"}]
    assert content[3] == {
        "citationsContent": {"citations": [{"title": "facts"}], "content": [{"text": "1993"}]}
    }
    assert content[4]["toolUse"]["input"] == {"INVALID_JSON": '{"a":'}


@given(st.text(max_size=40), st.text(max_size=40), st.integers(1, 5))
def test_the_events_add_up(thinking, text, chunk_tokens):
    answer = reply(text, reasoning=thinking, chunk_tokens=chunk_tokens)
    deltas = [data["delta"] for kind, data in events(answer) if kind == "contentBlockDelta"]
    assert "".join(one.get("reasoningContent", {}).get("text", "") for one in deltas) == thinking
    assert "".join(one.get("text", "") for one in deltas) == text
    content = whole(WIRE, parse(WIRE, BODY), answer)["output"]["message"]["content"]
    assert content[0]["reasoningContent"]["reasoningText"] == {
        "signature": signature(thinking),
        "text": thinking,
    }
    assert content[1] == {"text": text}


def test_a_conversation_is_understood():
    signed = {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": signature("Hm")}}}
    media = {"format": "png", "source": {"bytes": "eA=="}}
    film = {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/k"}}}
    paper = {"format": "txt", "name": "facts", "source": {"text": "Ruby."}}
    request = parse(
        WIRE,
        {
            "system": [{"text": "Be"}, {"text": "terse."}, POINT],
            "messages": [
                user(
                    {"text": "2?"},
                    {"image": media},
                    {"video": film},
                    {"document": paper},
                    {"audio": {**film, "format": "wav"}},
                ),
                model(signed, {"reasoningContent": {"redactedContent": hidden("x")}}, {"text": "So:"}, USE),
                user(
                    {
                        "toolResult": {
                            "toolUseId": "t1",
                            "status": "error",
                            "content": [{"json": {"a": 1}}, {"image": media}],
                        }
                    },
                    POINT,
                ),
            ],
            "toolConfig": {**TOOLS, "toolChoice": {"any": {}}},
            "inferenceConfig": {"maxTokens": 7},
            "additionalModelRequestFields": {"thinking": {"type": "adaptive"}},
            "outputConfig": {
                "textFormat": {
                    "type": "json_schema",
                    "structure": {"jsonSchema": {"schema": '{"type":"object"}'}},
                }
            },
        },
        path="/model/us.anthropic.claude-haiku-4-5-20251001-v1:0/converse",
    )
    assert (request.model, request.stream) == ("us.anthropic.claude-haiku-4-5-20251001-v1:0", False)
    assert (request.preamble, request.max_tokens, request.reasoning) == ("Be\nterse.", 7, True)
    assert (request.tool_choice, request.output_schema) == ("required", {"type": "object"})
    question, turn, results = request.messages
    picture = Image(Base64Source("eA=="), "image/png")
    assert question.content == (
        Text("2?"),
        picture,
        Video(UrlSource("s3://b/k"), "video/mp4"),
        Document(TextSource("Ruby."), title="facts", media_type="text/plain"),
        Audio(UrlSource("s3://b/k"), "audio/wav"),
    )
    assert turn.tool_calls == (ToolCall("t1", "add", '{"a":1}', "t1"),)
    assert turn.reasoning == "Hm"
    assert results == UserMessage((ToolResult("t1", "add", (Json({"a": 1}), picture), "failed", "t1"),))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "Could not parse request body into json"),
        ({}, "Value null at 'messages' failed to satisfy constraint"),
        ({"messages": []}, "at least one message"),
        ({"messages": [model({"text": "x"})]}, "must start with a user message"),
        ({"messages": [user({"text": "a"}), user({"text": "b"})]}, "must alternate between user and assistant roles"),
        ({"messages": [user({"text": ""})]}, "messages.0.content.0 is blank"),
        ({"messages": [user({"text": 7})]}, "must be a string"),
        ({"messages": [user({"novel": {}})]}, "Unknown union discriminator"),
        ({"messages": [user({"image": "x"})]}, "must be an object"),
        ({"messages": [user({"text": "a"}), model(USE)]}, "toolConfig field must be defined"),
        ({"messages": [user({"text": "a"}), model(USE)], "toolConfig": TOOLS}, "Expected toolResult blocks at messages.2.content"),
        ({"messages": [user({"text": "a"}), model(USE), user({"text": "b"})], "toolConfig": TOOLS}, "for the following Ids: t1"),
        ({"messages": [user(RESULT)], "toolConfig": TOOLS}, "exceeds the number of toolUse blocks"),
        ({"messages": [user(USE)], "toolConfig": TOOLS}, "cannot be in a message of role user"),
        ({"messages": [user({"document": {"name": "a_b.pdf", "format": "pdf"}})]}, "document file name"),
        ({"messages": [user({"text": "a"}), model({"reasoningContent": {"reasoningText": {"text": "x", "signature": signature("y")}}})]}, "Invalid `signature`"),
        ({"messages": [user({"text": "a"}), model({"reasoningContent": {"redactedContent": "QUJD"}})]}, "Invalid `data`"),
        ({**BODY, "toolConfig": {"tools": []}}, "length greater than or equal to 1"),
        ({**BODY, "toolConfig": {"tools": [{"toolSpec": {"name": "a b", "inputSchema": {"json": {"type": "object"}}}}]}}, "regular expression pattern"),
        ({**BODY, "toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": {}}}}]}}, "must be one of the following: object"),
        ({**BODY, "toolConfig": {**TOOLS, "toolChoice": {"tool": {"name": "b"}}}}, "not among the tools"),
        ({**BODY, "toolConfig": {**TOOLS, "novel": 1}}, "not a member"),
        ({**BODY, "inferenceConfig": {"maxTokens": 0}}, "greater than or equal to 1"),
        ({**BODY, "inferenceConfig": {"temperature": 1.5}}, "less than or equal to 1"),
        ({**BODY, "inferenceConfig": {"maxTokens": "x"}}, "inferenceConfig.maxTokens"),
        ({**BODY, "system": [POINT] * 5}, "A maximum of 4 blocks"),
        ({**BODY, "system": [POINT, {"cachePoint": {"type": "default", "ttl": "1h"}}]}, "must not come after"),
        ({**BODY, "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}}}, "not a valid JSON schema"),
    ],
)  # fmt: skip
def test_what_bedrock_refuses_is_refused(body, words):
    refused = refusal(WIRE, body)
    assert refused.status == 400
    assert words in refused.message
    assert json.loads(WIRE.error(refused)) == {"message": refused.message}
    assert WIRE.error_headers(refused) == (("x-amzn-errortype", "ValidationException"),)


@pytest.mark.parametrize("block", [USE, RESULT])
@pytest.mark.parametrize(("field", "value"), [("toolUseId", "a b"), ("toolUseId", "x" * 65)])
def test_ids_and_inputs_of_calls_are_checked(block, field, value):
    (kind,) = block
    spoiled = {kind: {**block[kind], field: value}}
    messages = [
        user({"text": "a"}),
        model(spoiled if kind == "toolUse" else USE),
        user(RESULT if kind == "toolUse" else spoiled),
    ]
    assert "toolUseId" in refusal(WIRE, {"messages": messages, "toolConfig": TOOLS}).message


def test_neighbours_of_one_role_are_taken_by_titan_as_recorded():
    body = {"messages": [user({"text": "a"}), user({"text": "b"})]}
    assert len(parse(WIRE, body, path="/model/amazon.titan-text-express-v1/converse").messages) == 2


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "validationException"),
        (429, "throttlingException"),
        (500, "internalServerException"),
        (503, "serviceUnavailableException"),
        (529, "modelStreamErrorException"),
    ],
)
def test_an_error_in_a_stream_is_an_exception_of_it(status, name):
    assert told([WIRE.error_event(ErrorReply(status, "Broken."))]) == [(name, {"message": "Broken."})]


def test_only_paths_of_converse_are_taken():
    assert WIRE.matches("POST", "/model/arn:aws:bedrock:::x/y/converse")
    assert not WIRE.matches("GET", "/model/a/converse")
    assert not WIRE.matches("POST", "/model/a/invoke")
    assert not WIRE.matches("POST", "/model//converse")


def test_the_model_list_names_what_it_was_given():
    assert [row["modelId"] for row in json.loads(WIRE.models(["a"]))["modelSummaries"]] == ["a"]
