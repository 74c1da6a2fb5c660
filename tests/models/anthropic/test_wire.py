from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Document,
    Message,
    OutputSchema,
    Reasoning,
    ReasoningOptions,
    ReasoningText,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.models.anthropic.wire import AnthropicMessages
from agentlab.models.registry import wire_for
from agentlab.models.wire import Vendor

VENDOR = Vendor(name="anthropic", wire="anthropic-messages", base_url="https://api.anthropic.com")
ADD = ToolDefinition("add", "Add two integers.", {"type": "object", "properties": {"a": {"type": "integer"}}})
HI = (UserMessage.of("Hi."),)
EPHEMERAL = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def body_of(request: Request, vendor: Vendor = VENDOR) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(AnthropicMessages().encode(request, vendor).body)
    return body


def asked(**fields: Any) -> dict[str, Any]:
    return body_of(Request(**{"model": "claude-sonnet-5", "messages": HI, **fields}))


def without_markers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_markers(inner) for key, inner in value.items() if key != "cache_control"}
    return [without_markers(inner) for inner in value] if isinstance(value, list) else value


def markers(value: Any) -> list[Any]:
    if isinstance(value, dict):
        inner = [each for key, part in value.items() if key != "cache_control" for each in markers(part)]
        return inner + ([value["cache_control"]] if "cache_control" in value else [])
    return [each for part in value for each in markers(part)] if isinstance(value, list) else []


def test_the_registry_finds_the_wire() -> None:
    wire = wire_for("anthropic-messages")
    assert isinstance(wire, AnthropicMessages)
    assert (wire.name, wire.framing, wire.dispatch_tail) == ("anthropic-messages", "sse", True)


def test_the_body_is_written_in_the_order_of_the_cache() -> None:
    body = asked(
        tools=(ADD,),
        preamble="Be terse.",
        tool_choice="auto",
        temperature=0.5,
        stop_sequences=("END",),
        output_schema=OutputSchema({"type": "object", "properties": {}}),
        reasoning=ReasoningOptions(effort="high"),
        cache=CacheOptions(automatic=True),
        additional_params={"metadata": {"user_id": "u"}},
    )
    assert list(body) == [
        "model",
        "tools",
        "system",
        "messages",
        "tool_choice",
        "max_tokens",
        "thinking",
        "output_config",
        "temperature",
        "stop_sequences",
        "stream",
        "cache_control",
        "metadata",
    ]
    assert body["stop_sequences"] == ["END"]
    assert body["temperature"] == 0.5
    assert body["metadata"] == {"user_id": "u"}


def test_a_small_request_has_exactly_these_bytes() -> None:
    request = Request(model="claude-sonnet-5", preamble="Be terse.", messages=HI, max_tokens=9, stream=False)
    sent = AnthropicMessages().encode(request, VENDOR)
    assert sent.body == (
        b'{"model":"claude-sonnet-5","system":"Be terse.",'
        b'"messages":[{"role":"user","content":[{"type":"text","text":"Hi."}]}],"max_tokens":9}'
    )
    assert sent.path == "/v1/messages"
    assert sent.headers == {"anthropic-version": "2023-06-01"}


def test_the_dialect_moves_the_path_and_the_vendor_keeps_its_own_version() -> None:
    vendor = Vendor(
        name="x",
        wire="anthropic-messages",
        base_url="https://e.org",
        headers={"anthropic-version": "2024-01-01", "anthropic-beta": "a,b"},
        dialect={"path": "/messages"},
    )
    request = Request(model="m", messages=HI, additional_params={"betas": ["b", "c"]})
    sent = AnthropicMessages().encode(request, vendor)
    assert sent.path == "/messages"
    assert sent.headers == {"anthropic-beta": "a,b,c"}
    assert b"betas" not in sent.body


def test_tools_carry_their_schema_and_strictness() -> None:
    strict = ToolDefinition(
        "strict", "", {"properties": {"a": {"type": "integer", "minimum": 1}}}, strict=True
    )
    assert asked(tools=(ADD, strict))["tools"] == [
        {
            "name": "add",
            "description": "Add two integers.",
            "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
        },
        {
            "name": "strict",
            "input_schema": {
                "type": "object",
                "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}},
                "additionalProperties": False,
            },
            "strict": True,
        },
    ]


@pytest.mark.parametrize(
    ("choice", "parallel", "written"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("auto", None, {"type": "auto"}),
        ("required", None, {"type": "any"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        ("none", False, {"type": "none"}),
        (SpecificTools(("add",)), None, {"type": "tool", "name": "add"}),
        (
            SpecificTools(("add",)),
            False,
            {"type": "tool", "name": "add", "disable_parallel_tool_use": True},
        ),
    ],
)
def test_tool_choice(choice: Any, parallel: bool | None, written: Any) -> None:
    body = asked(tools=(ADD,), tool_choice=choice, parallel_tool_calls=parallel)
    assert body.get("tool_choice") == written


def test_a_choice_among_no_tools_is_left_out_and_one_of_several_by_name_is_refused() -> None:
    assert "tool_choice" not in asked(tool_choice="auto")
    with pytest.raises(UnsupportedCapability):
        asked(tools=(ADD,), tool_choice=SpecificTools(("add", "sub")))


def test_the_answers_shape_goes_into_output_config_beside_the_effort() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}
    body = asked(output_schema=OutputSchema(schema), reasoning=ReasoningOptions(effort="low"))
    assert body["output_config"] == {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {"n": {"type": "integer", "description": "{maximum: 9}"}},
                "additionalProperties": False,
            },
        },
    }
    loose = asked(output_schema=OutputSchema(schema, strict=False))
    assert loose["output_config"]["format"]["schema"] == schema


def test_the_system_prompt_is_a_string_until_it_has_parts_or_a_marker() -> None:
    assert "system" not in asked()
    assert asked(preamble="A")["system"] == "A"
    assert asked(messages=(SystemMessage("A"), *HI))["system"] == "A"
    two = asked(preamble="A", messages=(SystemMessage("B"), *HI))
    assert two["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert len(two["messages"]) == 1
    marked = asked(preamble="A", cache=CacheOptions(breakpoints=("preamble",)))
    assert marked["system"] == [{"type": "text", "text": "A", "cache_control": EPHEMERAL}]


def test_static_context_is_the_first_message_and_leading_system_messages_stay_before_it() -> None:
    body = asked(messages=(SystemMessage("A"), *HI), context=(Document.from_text("Facts.", id="d"),))
    assert body["system"] == "A"
    assert body["messages"][0]["content"][0]["text"] == "<file id: d>\nFacts.\n</file>\n"
    assert body["messages"][1]["content"] == [{"type": "text", "text": "Hi."}]


def test_additional_params_add_tools_and_system_blocks_before_the_markers() -> None:
    search = {"type": "web_search_20260318", "name": "web_search"}
    body = asked(
        tools=(ADD,),
        preamble="A",
        cache=CacheOptions(breakpoints=("tools", "preamble")),
        additional_params={"tools": [search], "system": [{"type": "text", "text": "B"}], "max_tokens": 7},
    )
    assert body["tools"][1] == {**search, "cache_control": EPHEMERAL}
    assert body["system"][1] == {"type": "text", "text": "B", "cache_control": EPHEMERAL}
    assert body["max_tokens"] == 7
    assert len(markers(body)) == 2


def test_markers_stand_where_they_are_asked_for() -> None:
    body = asked(
        tools=(ADD, structs.replace(ADD, name="sub")),
        preamble="A",
        context=(Document.from_text("Facts."),),
        messages=(*HI, AssistantMessage.of("Yes?"), UserMessage.of("One.", "Two.")),
        cache=CacheOptions(breakpoints=("tools", "preamble", "context", "last"), ttl="1h", last_ttl="5m"),
    )
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, HOUR]
    assert body["system"][-1]["cache_control"] == HOUR
    assert body["messages"][0]["content"][-1]["cache_control"] == HOUR
    assert body["messages"][-1]["content"] == [
        {"type": "text", "text": "One."},
        {"type": "text", "text": "Two.", "cache_control": EPHEMERAL},
    ]
    assert len(markers(body)) == 4


def test_places_that_are_not_there_get_no_marker() -> None:
    body = asked(cache=CacheOptions(breakpoints=("tools", "preamble", "context")))
    assert markers(body) == []


def test_thinking_is_passed_over_for_the_last_marker() -> None:
    said = AssistantMessage(
        (Text("Hm."), Reasoning((ReasoningText("t", "c2ln"),))), wire="anthropic-messages"
    )
    body = asked(messages=(*HI, said), cache=CacheOptions(breakpoints=("last",)))
    assert [block.get("cache_control") for block in body["messages"][1]["content"]] == [EPHEMERAL, None]
    only = AssistantMessage((Reasoning((ReasoningText("t", "c2ln"),)),), wire="anthropic-messages")
    body = asked(messages=(*HI, only), cache=CacheOptions(breakpoints=("last",)))
    assert body["messages"][0]["content"][0]["cache_control"] == EPHEMERAL
    assert len(markers(body)) == 1


def test_the_automatic_marker_is_at_the_top() -> None:
    assert asked(cache=CacheOptions(automatic=True))["cache_control"] == EPHEMERAL
    assert asked(cache=CacheOptions(automatic=True, ttl="1h"))["cache_control"] == HOUR


def test_the_default_lifetime_is_never_written() -> None:
    spoken = Request(
        model="m", preamble="A", messages=HI, cache=CacheOptions(breakpoints=("preamble",), ttl="5m")
    )
    silent = structs.replace(spoken, cache=CacheOptions(breakpoints=("preamble",)))
    wire = AnthropicMessages()
    assert wire.encode(spoken, VENDOR).body == wire.encode(silent, VENDOR).body


ALL_FOUR = CacheOptions(breakpoints=("tools", "preamble", "context", "last"))
FULL: dict[str, Any] = {"tools": (ADD,), "preamble": "A", "context": (Document.from_text("F"),)}


@pytest.mark.parametrize(
    ("cache", "params"),
    [
        (structs.replace(ALL_FOUR, automatic=True), {}),
        (ALL_FOUR, {"cache_control": EPHEMERAL}),
        (ALL_FOUR, {"tools": [{"name": "x", "cache_control": EPHEMERAL}, {"name": "y"}]}),
        (
            ALL_FOUR,
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "x", "cache_control": EPHEMERAL}],
                    }
                ]
            },
        ),
    ],
)
def test_a_fifth_marker_is_refused(cache: CacheOptions, params: dict[str, Any]) -> None:
    assert len(markers(asked(**FULL, cache=ALL_FOUR))) == 4
    with pytest.raises(UsageError, match="5 cache markers"):
        asked(**FULL, cache=cache, additional_params=params)


@pytest.mark.parametrize(
    ("cache", "params"),
    [
        (CacheOptions(breakpoints=("preamble", "last"), ttl="5m", last_ttl="1h"), {}),
        (CacheOptions(breakpoints=("preamble",), last_ttl="1h", automatic=True), {}),
        (CacheOptions(breakpoints=("preamble",)), {"cache_control": HOUR}),
        (
            CacheOptions(breakpoints=("preamble",), ttl="1h"),
            {"tools": [{"name": "x", "cache_control": EPHEMERAL}]},
        ),
    ],
)
def test_a_long_marker_after_a_short_one_is_refused(cache: CacheOptions, params: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="1h stands after"):
        asked(preamble="A", cache=cache, additional_params=params)


def test_a_lifetime_the_provider_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="30m"):
        asked(preamble="A", cache=CacheOptions(breakpoints=("preamble",), ttl="30m"))


def test_a_parameter_called_cache_control_is_no_marker() -> None:
    schema = {"type": "object", "properties": {"cache_control": {"type": "object"}}}
    tools = tuple(ToolDefinition(f"t{n}", "", schema) for n in range(5))
    assert len(asked(tools=tools)["tools"]) == 5


def a_tool_loop(turns: int) -> list[tuple[Message, ...]]:
    """The messages of each request of a loop that calls one tool a turn."""
    history: list[Message] = [UserMessage.of("Add many.")]
    requests = [tuple(history)]
    for turn in range(turns):
        call = ToolCall(f"toolu_{turn}", "add", f'{{"a": {turn}}}', provider_id=f"toolu_{turn}")
        history.append(AssistantMessage((Text(f"Step {turn}."), call), wire="anthropic-messages"))
        history.append(UserMessage((ToolResult(call.id, "add", (Text(str(turn)),)),)))
        requests.append(tuple(history))
    return requests


@pytest.mark.parametrize("breakpoints", [(), ("last",), ("tools", "preamble", "last")])
def test_every_request_of_a_tool_loop_is_a_prefix_of_the_next(breakpoints: Any) -> None:
    wire = AnthropicMessages()
    bodies = []
    for messages in a_tool_loop(3):
        request = Request(
            model="claude-sonnet-5",
            tools=(ADD,),
            preamble="A",
            messages=messages,
            cache=CacheOptions(breakpoints=breakpoints),
        )
        bodies.append(json.loads(wire.encode(request, VENDOR).body))
    for earlier, later in pairwise(bodies):
        before, after = without_markers(earlier), without_markers(later)
        assert {**after, "messages": None} == {**before, "messages": None}
        assert after["messages"][: len(before["messages"])] == before["messages"]
        if "last" in breakpoints:
            assert "cache_control" in later["messages"][-1]["content"][-1]
            assert markers(later["messages"][:-1]) == []


def test_without_a_moving_marker_the_bytes_themselves_are_a_prefix() -> None:
    wire = AnthropicMessages()
    requests = [Request(model="m", preamble="A", messages=messages) for messages in a_tool_loop(3)]
    bodies = [wire.encode(request, VENDOR).body for request in requests]
    for earlier, later in pairwise(bodies):
        end = earlier.index(b'],"max_tokens"')
        assert later.startswith(earlier[:end])


def test_equal_requests_give_equal_bytes_eight_times_and_from_fresh_wires() -> None:
    def request() -> Request:
        return Request(
            model="claude-sonnet-5",
            tools=(ADD,),
            preamble="A",
            context=(Document.from_text("F", b="2", a="1"),),
            messages=a_tool_loop(2)[-1],
            cache=ALL_FOUR,
            reasoning=ReasoningOptions(effort="high"),
        )

    wire, kept = AnthropicMessages(), request()
    bodies = {wire.encode(kept, VENDOR).body for _ in range(8)}
    bodies |= {AnthropicMessages().encode(request(), VENDOR).body for _ in range(8)}
    assert len(bodies) == 1
