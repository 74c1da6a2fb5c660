"""Requests of the Chat Completions wire: the whole body and its options."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Document,
    Json,
    Message,
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
from agentlab.models.openai_chat.wire import OpenAIChat
from tests.models.openai_chat.requests import ADD, PNG, body, items, request, sent, vendor


def test_the_smallest_request() -> None:
    encoded = sent(request(stream=False))
    assert encoded.path == "/chat/completions"
    assert encoded.headers == {}
    assert encoded.body == b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'


def test_a_stream_asks_for_its_usage_where_the_vendor_wants_to_be_asked() -> None:
    assert body(request())["stream"] is True
    assert body(request())["stream_options"] == {"include_usage": True}
    assert "stream_options" not in body(request(), stream_options=False)
    assert "stream" not in body(request(stream=False))


def test_the_order_of_the_body_is_fixed_and_the_messages_come_last() -> None:
    full = request(
        preamble="P",
        context=(Document.from_text("doc", "d1"),),
        tools=(ADD,),
        tool_choice="auto",
        temperature=0.5,
        max_tokens=9,
        stop_sequences=("END",),
        parallel_tool_calls=False,
        reasoning=ReasoningOptions(effort="low"),
        output_schema=OutputSchema({"type": "object"}),
        cache=CacheOptions(key="k"),
        additional_params={"seed": 7},
    )
    flags = {"cache_fields": ["prompt_cache_key"], "body": {"extra": 1}}
    assert list(body(full, **flags)) == [
        "model",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "temperature",
        "max_tokens",
        "stop",
        "reasoning_effort",
        "response_format",
        "prompt_cache_key",
        "stream",
        "stream_options",
        "extra",
        "seed",
        "messages",
    ]
    assert [item["role"] for item in body(full)["messages"]] == ["system", "user", "user"]
    assert body(full)["messages"][1]["content"] == "<file id: d1>\ndoc\n</file>\n"


def test_equal_requests_give_equal_bytes_whoever_encodes_them() -> None:
    def fresh() -> Request:
        return request(
            UserMessage.of("Hi", PNG),
            AssistantMessage.of("Yes", ToolCall("c1", "add", '{"b":1,"a":2}')),
            UserMessage((ToolResult("c1", "add", (Json({"z": 1, "a": 2}),)),)),
            preamble="P",
            tools=(ADD,),
            context=(Document.from_text("d", "1", zeta="1", alpha="2"),),
        )

    same = OpenAIChat()
    row = vendor()
    bodies = {same.encode(fresh(), row).body for _ in range(4)} | {sent(fresh()).body for _ in range(4)}
    assert len(bodies) == 1


def test_a_longer_history_keeps_the_bytes_of_the_shorter_one() -> None:
    wire, row = OpenAIChat(), vendor()
    history: list[Message] = [UserMessage.of("Add 1 and 2", PNG)]
    bodies = []
    for turn in range(4):
        bodies.append(wire.encode(request(*history, preamble="P", tools=(ADD,)), row).body)
        history += [
            AssistantMessage.of("ok", ToolCall(f"c{turn}", "add", "{}")),
            UserMessage((ToolResult(f"c{turn}", "add", (Text("3"),)),)),
        ]
    for earlier, later in pairwise(bodies):
        assert earlier.endswith(b"]}")
        assert later.startswith(earlier[:-2] + b",")


def test_an_instance_used_for_another_vendor_does_not_reuse_bytes() -> None:
    wire, message = OpenAIChat(), SystemMessage("S")
    one, other = vendor(), vendor(system_role="developer")
    roles = [
        json.loads(wire.encode(request(message, UserMessage.of("x")), row).body)["messages"][0]["role"]
        for row in (one, other, one)
    ]
    assert roles == ["system", "developer", "system"]


texts = st.text(max_size=20)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_any_history_of_texts_is_sent_as_it_is(turns: list[tuple[str, str]]) -> None:
    history: list[Message] = []
    expected = []
    for asked, answered in turns:
        history += [UserMessage.of(asked), AssistantMessage.of(answered)]
        expected.append({"role": "user", "content": asked})
        if answered:
            expected.append({"role": "assistant", "content": answered})
    assert items(*history) == expected


def test_additional_params_are_merged_last() -> None:
    merged = body(
        request(
            tools=(ADD,),
            additional_params={
                "tools": [{"type": "web_search"}],
                "temperature": 1,
                "stream_options": {"include_obfuscation": False},
            },
            temperature=0.2,
        )
    )
    assert [tool["type"] for tool in merged["tools"]] == ["function", "web_search"]
    assert merged["temperature"] == 1
    assert merged["stream_options"] == {"include_usage": True, "include_obfuscation": False}


def test_the_path_and_constant_fields_are_the_vendors() -> None:
    assert sent(request(), path="/chat").path == "/chat"
    assert body(request(), body={"reasoning_split": True})["reasoning_split"] is True


# ------------------------------------------------------------------ options


def test_tools_carry_strict_only_where_it_is_understood() -> None:
    bare = ToolDefinition("now", "")
    plain = {"name": "add", "description": "Adds.", "parameters": ADD.parameters}
    assert body(request(tools=(ADD, bare)))["tools"] == [
        {"type": "function", "function": plain},
        {"type": "function", "function": {"name": "now", "parameters": bare.parameters}},
    ]
    strict = body(request(tools=(ADD, bare)), strict_tools=True)["tools"]
    assert strict[0]["function"]["strict"] is True
    assert "strict" not in strict[1]["function"]
    assert list(strict[0]["function"]["parameters"]["properties"]) == ["b", "a"]


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_choices_by_word(choice: Any) -> None:
    assert body(request(tools=(ADD,), tool_choice=choice))["tool_choice"] == choice


def test_a_choice_among_no_tools_is_not_sent() -> None:
    quiet = body(request(tool_choice="auto", parallel_tool_calls=False))
    assert "tool_choice" not in quiet
    assert "parallel_tool_calls" not in quiet
    hosted = request(tool_choice="required", additional_params={"tools": [{"type": "web_search"}]})
    assert body(hosted)["tool_choice"] == "required"


def test_a_choice_of_one_tool_names_it() -> None:
    chosen = request(tools=(ADD,), tool_choice=SpecificTools(("add",)))
    assert body(chosen)["tool_choice"] == {"type": "function", "function": {"name": "add"}}


def test_a_choice_of_several_tools_needs_a_vendor_that_knows_it() -> None:
    chosen = request(tools=(ADD,), tool_choice=SpecificTools(("add", "now")))
    assert body(chosen, allowed_tools=True)["tool_choice"] == {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [
                {"type": "function", "function": {"name": "add"}},
                {"type": "function", "function": {"name": "now"}},
            ],
        },
    }
    with pytest.raises(UnsupportedCapability, match="exactly one tool, not 2"):
        body(chosen)


def test_parallel_calls_are_told_only_where_understood() -> None:
    asked = request(tools=(ADD,), parallel_tool_calls=False)
    assert body(asked)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in body(asked, parallel_tool_calls=False)


def test_the_output_limit_has_the_vendors_name() -> None:
    asked = request(max_tokens=5)
    assert body(asked)["max_tokens"] == 5
    modern = body(asked, max_tokens="max_completion_tokens")
    assert modern["max_completion_tokens"] == 5
    assert "max_tokens" not in modern


@pytest.mark.parametrize(
    ("form", "options", "fields"),
    [
        ("effort", {"effort": "high"}, {"reasoning_effort": "high"}),
        ("effort", {"effort": "none"}, {"reasoning_effort": "none"}),
        ("effort", {"summary": "auto"}, {}),
        ("openrouter", {"effort": "high"}, {"reasoning": {"effort": "high"}}),
        ("openrouter", {"budget_tokens": 2000}, {"reasoning": {"max_tokens": 2000}}),
        ("thinking", {"effort": "high"}, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("thinking", {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("thinking_off", {"effort": "high"}, {"reasoning_effort": "high"}),
        ("thinking_off", {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("thinking_adaptive", {"effort": "high"}, {"thinking": {"type": "adaptive"}}),
        ("thinking_adaptive", {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("enable_thinking", {"effort": "high"}, {"enable_thinking": True}),
        ("enable_thinking", {"effort": "none"}, {"enable_thinking": False}),
        ("enable_thinking", {"budget_tokens": 9}, {"enable_thinking": True, "thinking_budget": 9}),
        ("template", {"effort": "none"}, {"chat_template_kwargs": {"enable_thinking": False}}),
        (
            "template",
            {"effort": "low"},
            {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "low"}},
        ),
    ],
)
def test_thinking_is_asked_for_in_the_vendors_form(
    form: str, options: dict[str, Any], fields: dict[str, Any]
) -> None:
    plain = body(request())
    asked = body(request(reasoning=ReasoningOptions(**options)), reasoning=form)
    assert {name: value for name, value in asked.items() if name not in plain} == fields


def test_efforts_have_the_vendors_names() -> None:
    asked = request(reasoning=ReasoningOptions(effort="max"))
    assert body(asked, efforts={"max": "xhigh"})["reasoning_effort"] == "xhigh"


@pytest.mark.parametrize("form", ["effort", "thinking", "thinking_off", "thinking_adaptive", "template"])
def test_a_budget_is_refused_where_there_is_no_place_for_it(form: str) -> None:
    with pytest.raises(UnsupportedCapability, match="budget"):
        body(request(reasoning=ReasoningOptions(budget_tokens=100)), reasoning=form)


SCHEMA = OutputSchema({"type": "object", "properties": {"a": {}}}, name="answer", description="D")


def test_a_schema_is_enforced_where_the_vendor_can() -> None:
    assert body(request(output_schema=SCHEMA))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "description": "D", "strict": True, "schema": SCHEMA.schema},
    }


def test_elsewhere_json_is_asked_for_and_the_schema_told_in_the_preamble() -> None:
    asked = body(request(output_schema=SCHEMA, preamble="P"), response_format="json_object")
    assert asked["response_format"] == {"type": "json_object"}
    told = asked["messages"][0]["content"]
    assert told.startswith("P\n\nAnswer with one JSON object")
    assert told.endswith('{"type":"object","properties":{"a":{}}}')
    alone = body(request(output_schema=SCHEMA), response_format="json_object")["messages"]
    assert alone[0]["role"] == "system"
    assert "JSON Schema" in alone[0]["content"]
