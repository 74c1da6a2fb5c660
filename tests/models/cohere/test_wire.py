"""Requests as Cohere's v2 chat takes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cohere.v2.client import V2Client
from msgspec import structs

from agentlab.errors import InvalidHistory, UnsupportedCapability, UsageError
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Citation,
    Document,
    FileSource,
    Image,
    OutputSchema,
    ProviderPart,
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
from agentlab.models import model
from agentlab.models.cohere.messages import TOOL_PLAN
from agentlab.models.cohere.wire import CohereChat
from agentlab.models.vendors import vendor

ROW = vendor("cohere")
BASE = Request(model="command-a-03-2025", messages=(UserMessage.of("Hi"),), stream=False)
ADD = ToolDefinition("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})


def sent(**changes: Any) -> dict[str, Any]:
    encoded = CohereChat().encode(structs.replace(BASE, **changes), ROW)
    assert encoded.path == "/v2/chat"
    return json.loads(encoded.body)


def messages(*given: Any) -> list[dict[str, Any]]:
    return sent(messages=given)["messages"]


def test_the_smallest_request() -> None:
    assert sent() == {
        "model": "command-a-03-2025",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
    }


def test_the_body_is_written_in_the_order_of_the_prompt() -> None:
    body = sent(
        preamble="Be terse.",
        tools=(ADD,),
        context=(Document.from_text("A fact.", "fact", zone="b"),),
        temperature=0.2,
        max_tokens=9,
        stop_sequences=("END",),
        tool_choice="required",
    )
    assert list(body) == [
        "model",
        "tools",
        "documents",
        "messages",
        "tool_choice",
        "temperature",
        "max_tokens",
        "stop_sequences",
        "stream",
    ]
    assert body["documents"] == [{"id": "fact", "data": {"text": "A fact.", "zone": "b"}}]
    assert body["messages"][0] == {"role": "system", "content": "Be terse."}
    assert body["tool_choice"] == "REQUIRED"


def test_every_field_is_one_of_the_sdks() -> None:
    body = sent(
        tools=(structs.replace(ADD, strict=True),),
        context=(Document.from_text("A fact."),),
        temperature=0.2,
        max_tokens=9,
        stop_sequences=("END",),
        tool_choice="none",
        reasoning=ReasoningOptions(budget_tokens=7),
    )
    known = set(V2Client.chat.__annotations__)
    assert set(body) - {"stream"} <= known
    assert body["strict_tools"] is True
    assert body["thinking"] == {"type": "enabled", "token_budget": 7}


@pytest.mark.parametrize(
    ("options", "thinking"),
    [
        (ReasoningOptions(effort="none"), {"type": "disabled"}),
        (ReasoningOptions(effort="low"), {"type": "enabled", "token_budget": 2048}),
        (ReasoningOptions(effort="high"), {"type": "enabled"}),
        (ReasoningOptions(effort="low", budget_tokens=5), {"type": "enabled", "token_budget": 5}),
        (ReasoningOptions(summary="auto"), None),
        (None, None),
    ],
)
def test_an_effort_is_a_budget_of_thought(options: ReasoningOptions | None, thinking: Any) -> None:
    assert sent(reasoning=options).get("thinking") == thinking


def test_a_schema_is_sent_without_tools_and_documents() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    body = sent(output_schema=OutputSchema(schema), context=(Document.from_text("A fact.", "fact"),))
    assert body["response_format"] == {"type": "json_object", "json_schema": schema}
    assert "documents" not in body
    assert "A fact." in body["messages"][0]["content"]
    with pytest.raises(UnsupportedCapability, match="ask for the schema without tools"):
        sent(output_schema=OutputSchema(schema), tools=(ADD,))


def test_one_switch_holds_all_tools_to_their_schemas() -> None:
    strict, loose = structs.replace(ADD, strict=True), ToolDefinition("ask", strict=False)
    assert sent(tools=(strict, ToolDefinition("ask")))["strict_tools"] is True
    assert "strict_tools" not in sent(tools=(strict, loose))


def test_what_cannot_be_said_is_refused() -> None:
    with pytest.raises(UnsupportedCapability, match="offer only that tool"):
        sent(tools=(ADD,), tool_choice=SpecificTools(("add",)))
    with pytest.raises(UnsupportedCapability, match="several tool calls"):
        sent(tools=(ADD,), parallel_tool_calls=False)
    for part in (Audio(Base64Source("AA=="), "audio/wav"), Image(FileSource("f"))):
        with pytest.raises(UnsupportedCapability):
            messages(UserMessage((part,)))
    with pytest.raises(UsageError, match="media_type"):
        messages(UserMessage((Image(Base64Source("AA==")),)))
    pdf = Document(Base64Source("AA=="), title="f.pdf", media_type="application/pdf")
    with pytest.raises(UnsupportedCapability, match="load the file first"):
        sent(context=(pdf,))
    with pytest.raises(InvalidHistory, match="no text form"):
        messages(UserMessage((pdf,)))
    picture = ToolResult("c", "look", (Image.from_bytes(b"x"),))
    with pytest.raises(UnsupportedCapability, match="images in a tool's result"):
        messages(UserMessage((picture,)))


def test_what_the_row_lacks_is_refused_before_any_io() -> None:
    spoken = model("cohere:command-a-03-2025", api_key="k")
    assert not spoken.supports("tool_choice_specific")
    assert not spoken.supports("reasoning")
    assert model("cohere:command-a-reasoning-08-2025", api_key="k").supports("reasoning")


def test_images_go_by_address_or_inline() -> None:
    (item,) = messages(
        UserMessage((Text("See"), Image.from_url("https://x.example/a.png"), Image.from_bytes(b"x")))
    )
    assert item["content"][1] == {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    assert item["content"][2]["image_url"]["url"] == "data:image/png;base64,eA=="


def test_a_turn_of_its_own_goes_back_with_plan_thoughts_and_citations() -> None:
    raw = {"start": 0, "end": 2, "text": "So", "content_index": 1}
    turn = AssistantMessage(
        (
            Reasoning((ReasoningText("Hm."),)),
            Text("So:", (Citation(raw=raw),)),
            Reasoning((ReasoningText("I will add."),), extra=TOOL_PLAN),
            ToolCall("add_1", "add", '{"a": 1}', "add_1"),
        ),
        wire="cohere-chat",
    )
    call = {"id": "add_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    assert messages(turn) == [
        {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "So:"}],
            "tool_plan": "I will add.",
            "tool_calls": [call],
            "citations": [raw],
        }
    ]
    (foreign,) = messages(structs.replace(turn, wire="anthropic-messages"))
    assert foreign == {"role": "assistant", "content": "So:", "tool_calls": [call]}


def test_results_are_messages_of_their_own_ahead_of_what_the_user_says() -> None:
    items = messages(
        UserMessage(
            (Text("And?"), ToolResult("c1", "add", (Text("3"),)), ToolResult("c2", "add", (Text("4"),)))
        )
    )
    assert [(one["role"], one.get("tool_call_id"), one["content"]) for one in items] == [
        ("tool", "c1", "3"),
        ("tool", "c2", "4"),
        ("user", None, "And?"),
    ]


def test_system_messages_keep_their_place_and_empty_turns_are_left_out() -> None:
    items = messages(
        UserMessage.of("a"),
        AssistantMessage((Text(""), ProviderPart("gemini", "x", {}))),
        SystemMessage("Be brief."),
        UserMessage.of("b"),
    )
    assert [one["role"] for one in items] == ["user", "system", "user"]


def test_settings_of_the_caller_are_merged_in_last() -> None:
    body = sent(
        additional_params={
            "seed": 7,
            "documents": [{"data": {"text": "x"}}],
            "citation_options": {"mode": "FAST"},
        }
    )
    assert (body["seed"], body["citation_options"], len(body["documents"])) == (7, {"mode": "FAST"}, 1)
