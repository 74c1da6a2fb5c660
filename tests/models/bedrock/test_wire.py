"""Requests as Bedrock's Converse takes them; AWS's own service model is the judge of their shape."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from msgspec import structs

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Document,
    OutputSchema,
    ReasoningOptions,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.models.bedrock.wire import BedrockConverse
from agentlab.models.vendors import vendor
from tests.models.whole_request import request_for

ROW = vendor("bedrock")
BASE = Request(model="anthropic.claude-sonnet-4-6", messages=(UserMessage.of("Hi"),))
ADD = ToolDefinition("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})
POINT = {"cachePoint": {"type": "default"}}
HOUR = {"cachePoint": {"type": "default", "ttl": "1h"}}
CALLED = AssistantMessage((ToolCall("call_1", "add", '{"a": 1}'),))
ANSWERED = UserMessage((ToolResult("call_1", "add", (Text("1"),)),))


@pytest.fixture(scope="module")
def shape():
    """What AWS's own SDK says a request is."""
    return Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape


def sent(**changes: Any) -> dict[str, Any]:
    return json.loads(BedrockConverse().encode(structs.replace(BASE, **changes), ROW).body)


def wrong(body: dict[str, Any], shape: Any) -> str:
    """What AWS's SDK finds wrong with a body."""
    return ParamValidator().validate({**body, "modelId": "m"}, shape).generate_report()


def test_the_smallest_request_and_where_it_goes() -> None:
    encoded = BedrockConverse().encode(BASE, ROW)
    assert json.loads(encoded.body) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    assert encoded.path == "/model/anthropic.claude-sonnet-4-6/converse-stream"
    unary = BedrockConverse().encode(structs.replace(BASE, stream=False), ROW)
    assert unary.path.endswith("/converse")
    assert unary.body == encoded.body


@pytest.mark.parametrize(
    "name",
    [
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6",
        "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/mine?x=1#y",
    ],
)
def test_model_ids_and_arns_stand_encoded_in_the_path(name: str) -> None:
    path = BedrockConverse().encode(structs.replace(BASE, model=name), ROW).path
    encoded = path.removeprefix("/model/").removesuffix("/converse-stream")
    assert unquote(encoded) == name
    assert not set(encoded) & set(":/?#")


def test_a_request_that_says_everything_fits_awss_service_model(shape: Any) -> None:
    body = json.loads(BedrockConverse().encode(request_for("bedrock-converse"), ROW).body)
    known = set(shape.members)
    assert wrong({key: value for key, value in body.items() if key in known}, shape) == ""
    assert list(body)[:6] == [
        "toolConfig",
        "system",
        "messages",
        "inferenceConfig",
        "outputConfig",
        "additionalModelRequestFields",
    ]


def test_the_service_model_finds_a_wrong_request_wrong(shape: Any) -> None:
    assert "toolSpecs" in wrong({"messages": [], "toolConfig": {"tools": [{"toolSpecs": {}}]}}, shape)


def test_neighbours_of_one_role_become_one_message() -> None:
    messages = sent(
        context=(Document.from_text("A fact.", "fact"),),
        messages=(
            UserMessage.of("a"),
            AssistantMessage.of("b"),
            AssistantMessage.of("c"),
            SystemMessage("s"),
            UserMessage.of("d"),
        ),
    )["messages"]
    assert [(one["role"], len(one["content"])) for one in messages] == [
        ("user", 2),
        ("assistant", 2),
        ("user", 2),
    ]
    assert messages[2]["content"][0] == {"text": "<system>\ns\n</system>"}
    assert "A fact." in messages[0]["content"][0]["text"]


def test_leading_system_messages_belong_to_the_system_prompt() -> None:
    body = sent(preamble="P", messages=(SystemMessage("S"), UserMessage.of("a")))
    assert body["system"] == [{"text": "P"}, {"text": "S"}]
    assert len(body["messages"]) == 1


def test_a_system_message_between_a_call_and_its_result_waits() -> None:
    messages = sent(tools=(ADD,), messages=(UserMessage.of("a"), CALLED, SystemMessage("s"), ANSWERED))[
        "messages"
    ]
    assert [next(iter(block)) for block in messages[2]["content"]] == ["toolResult", "text"]


def test_the_markers_stand_behind_what_they_cache() -> None:
    everything = CacheOptions(("tools", "preamble", "context", "last"))
    asked = {
        "tools": (ADD,),
        "preamble": "P",
        "context": (Document.from_text("D", "d"),),
        "cache": everything,
    }
    body = sent(**asked)
    assert body["toolConfig"]["tools"][-1] == body["system"][-1] == POINT
    content = body["messages"][0]["content"]
    assert [block == POINT for block in content] == [False, True, False, True]
    long = sent(**{**asked, "cache": structs.replace(everything, ttl="1h", last_ttl="5m")})
    assert long["system"][-1] == HOUR
    assert long["messages"][0]["content"][-1] == POINT


def test_markers_the_provider_would_refuse_are_refused_here() -> None:
    with pytest.raises(UsageError, match="5m or 1h"):
        sent(cache=CacheOptions(("last",), ttl="2h"))
    with pytest.raises(UsageError, match="longer ones must come first"):
        sent(preamble="P", cache=CacheOptions(("preamble", "last"), last_ttl="1h"))
    more = {"system": [{"text": "x"}, POINT], "messages": [{"role": "user", "content": [POINT]}]}
    with pytest.raises(UsageError, match=r"5 cache markers.*allows 4"):
        sent(
            tools=(ADD,),
            preamble="P",
            cache=CacheOptions(("tools", "preamble", "last")),
            additional_params=more,
        )


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (None, None),
        ("auto", {"auto": {}}),
        ("required", {"any": {}}),
        (SpecificTools(("add",)), {"tool": {"name": "add"}}),
    ],
)
def test_tool_choices(choice: Any, told: Any) -> None:
    assert sent(tools=(ADD,), tool_choice=choice)["toolConfig"].get("toolChoice") == told


def test_no_call_allowed_leaves_the_tools_out_and_tells_earlier_calls_as_text() -> None:
    history = (UserMessage.of("1?"), CALLED, ANSWERED, UserMessage.of("And now?"))
    for body in (sent(tools=(ADD,), tool_choice="none", messages=history), sent(messages=history)):
        assert "toolConfig" not in body
        told = json.dumps(body["messages"])
        assert "toolUse" not in told
        assert '<tool_call name=\\"add\\">' in told
        assert '<tool_result name=\\"add\\">' in told
    added = sent(
        messages=history, additional_params={"toolConfig": {"tools": [{"systemTool": {"name": "x"}}]}}
    )
    assert "toolUse" in json.dumps(added["messages"])


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(UnsupportedCapability, match="not 2 by name"):
        sent(tools=(ADD,), tool_choice=SpecificTools(("add", "b")))
    with pytest.raises(UnsupportedCapability, match="several tool calls"):
        sent(parallel_tool_calls=False)


def test_limits_and_schema_have_their_places(shape: Any) -> None:
    body = sent(
        temperature=0.5,
        max_tokens=9,
        stop_sequences=("END",),
        output_schema=OutputSchema({"type": "object"}, "city", "A city."),
    )
    assert body["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.5, "stopSequences": ["END"]}
    named = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert named == {"schema": '{"type":"object"}', "name": "city", "description": "A city."}
    assert wrong(body, shape) == ""


def test_settings_of_the_caller_are_merged_in_last(shape: Any) -> None:
    params = {
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
        "performanceConfig": {"latency": "optimized"},
        "additionalModelRequestFields": {"top_k": 5},
        "inferenceConfig": {"topP": 0.5},
    }
    body = sent(max_tokens=9, reasoning=ReasoningOptions(effort="low"), additional_params=params)
    assert body["inferenceConfig"] == {"maxTokens": 9, "topP": 0.5}
    assert set(body["additionalModelRequestFields"]) == {"thinking", "output_config", "top_k"}
    assert wrong(body, shape) == ""


@pytest.mark.parametrize(
    ("name", "options", "fields"),
    [
        (
            "us.anthropic.claude-sonnet-4-6",
            ReasoningOptions(effort="high"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        (
            "us.anthropic.claude-sonnet-4-6",
            ReasoningOptions(budget_tokens=2000),
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        ),
        (
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            ReasoningOptions(effort="low"),
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        ),
        (
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
            ReasoningOptions(effort="low"),
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        ),
        (
            "global.anthropic.claude-opus-5-5",
            ReasoningOptions(effort="minimal"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        (
            "global.anthropic.claude-opus-5-5",
            ReasoningOptions(effort="none"),
            {"thinking": {"type": "disabled"}},
        ),
        (
            "us.amazon.nova-2-lite-v1:0",
            ReasoningOptions(effort="max"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
        ),
        ("openai.gpt-oss-120b-1:0", ReasoningOptions(effort="medium"), {"reasoning_effort": "medium"}),
        ("qwen.qwen3-32b-v1:0", ReasoningOptions(effort="high"), {"reasoning_config": "high"}),
        ("deepseek.r1-v1:0", ReasoningOptions(effort="none"), None),
        ("anthropic.claude-sonnet-4-6", ReasoningOptions(summary="auto"), None),
    ],
)
def test_reasoning_is_told_each_maker_in_its_words(name: str, options: ReasoningOptions, fields: Any) -> None:
    assert sent(model=name, reasoning=options).get("additionalModelRequestFields") == fields


def test_a_budget_leaves_room_for_the_answer() -> None:
    fields = sent(
        model="us.anthropic.claude-haiku-4-5", max_tokens=4096, reasoning=ReasoningOptions(effort="max")
    )
    assert fields["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 2048


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("deepseek.r1-v1:0", ReasoningOptions(effort="low"), "no way is known"),
        ("anthropic.claude-3-haiku-20240307-v1:0", ReasoningOptions(effort="low"), "no way is known"),
        (
            "global.anthropic.claude-opus-5-5",
            ReasoningOptions(budget_tokens=2000),
            "takes no thinking budget",
        ),
        ("qwen.qwen3-32b-v1:0", ReasoningOptions(budget_tokens=2000), "takes no budget"),
    ],
)
def test_reasoning_a_model_cannot_be_told_is_refused(
    name: str, options: ReasoningOptions, words: str
) -> None:
    with pytest.raises(UnsupportedCapability, match=words):
        sent(model=name, reasoning=options)
