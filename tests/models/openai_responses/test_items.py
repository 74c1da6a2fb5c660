from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import (
    InvalidHistory,
)
from agentlab.http import Frame
from agentlab.messages import (
    AssistantMessage,
    Base64Source,
    Citation,
    Document,
    FileSource,
    Image,
    Json,
    ProviderPart,
    Reasoning,
    ReasoningEncrypted,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    Request,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
)
from agentlab.models.openai_responses.wire import OpenAIResponses
from tests.models.openai_responses.requests import (
    HELLO,
    NAME,
    VENDOR,
    call,
    encode,
    items_of,
    own,
    result,
    thought,
)


def test_a_system_message_takes_the_role_of_the_dialect_and_an_empty_one_is_left_out() -> None:
    messages = (SystemMessage("Now French."), SystemMessage(""), HELLO)
    assert [item["role"] for item in items_of(*messages)] == ["system", "user"]
    assert items_of(*messages, dialect={"system_role": "developer"})[0] == {
        "type": "message",
        "role": "developer",
        "content": [{"type": "input_text", "text": "Now French."}],
    }


@pytest.mark.parametrize(
    ("part", "encoded"),
    [
        (
            Image(Base64Source("AA=="), "image/png", "high"),
            {"type": "input_image", "detail": "high", "image_url": "data:image/png;base64,AA=="},
        ),
        (
            Image(UrlSource("https://i.example")),
            {"type": "input_image", "detail": "auto", "image_url": "https://i.example"},
        ),
        (Image(FileSource("file_1")), {"type": "input_image", "detail": "auto", "file_id": "file_1"}),
        (
            Document(Base64Source("AA=="), title="a.pdf", media_type="application/pdf"),
            {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,AA==",
            },
        ),
        (
            Document(UrlSource("https://d.example")),
            {"type": "input_file", "file_url": "https://d.example"},
        ),
        (Document(FileSource("file_2")), {"type": "input_file", "file_id": "file_2"}),
        (
            Document.from_text("body", id="d1", lang="en"),
            {
                "type": "input_text",
                "text": '<file id: d1>\n<metadata lang: "en" />\nbody\n</file>\n',
            },
        ),
        (
            Document(Base64Source("aGk="), id="d2", media_type="text/plain"),
            {"type": "input_text", "text": "<file id: d2>\nhi\n</file>\n"},
        ),
    ],
)
def test_each_kind_of_user_part_has_its_content_part(part: Any, encoded: dict[str, Any]) -> None:
    assert items_of(UserMessage((part,)))[0]["content"] == [encoded]


def test_inline_media_without_a_type_is_refused() -> None:
    with pytest.raises(InvalidHistory, match="media_type"):
        items_of(UserMessage((Image(Base64Source("AA==")),)))


def test_the_static_context_is_one_user_message_before_the_history() -> None:
    items = items_of(HELLO, context=(Document.from_text("x", id="a"), Document.from_text("y", id="b")))
    assert items[0]["content"] == [
        {"type": "input_text", "text": "<file id: a>\nx\n</file>\n<file id: b>\ny\n</file>\n"}
    ]
    assert len(items) == 2


def test_a_tool_result_is_text_and_its_json_is_compact_and_sorted() -> None:
    items = items_of(own(call()), result(Text("seen:"), Json({"b": [1, 2], "a": "é"})))
    assert items[1] == {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": 'seen:\n{"a":"é","b":[1,2]}',
    }


def test_a_tool_result_with_an_image_is_a_list_of_content() -> None:
    image = Image(Base64Source("AA=="), "image/png")
    items = items_of(own(call()), result(Json({"a": 1}), image))
    assert items[1]["output"] == [
        {"type": "input_text", "text": '{"a":1}'},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,AA=="},
    ]


def test_a_prompt_beside_tool_results_follows_them_as_its_own_item() -> None:
    both = UserMessage((*result().content, Text("and now?")))
    assert [item["type"] for item in items_of(own(call()), both)] == [
        "function_call",
        "function_call_output",
        "message",
    ]


def test_a_turn_of_this_wire_goes_back_item_by_item_under_its_ids() -> None:
    raw = {"type": "url_citation", "url": "https://a.example"}
    text = Text("Let me add.", (Citation(raw=raw),), extra={"id": "msg_1", "phase": "commentary"})
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    turn = own(thought(), ProviderPart(NAME, "web_search_call", search), text, call(), id="msg_1")
    assert items_of(HELLO, turn, result())[1:] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "why"}],
            "encrypted_content": "sealed",
        },
        search,
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Let me add.", "annotations": [raw]}],
            "phase": "commentary",
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "2"},
    ]


def test_parts_of_one_message_item_are_joined_and_other_items_are_not() -> None:
    first, second = {"id": "msg_1"}, {"id": "msg_2"}
    turn = own(Text("a", extra=first), Text("b", extra=first), Refusal("no"), Text("c", extra=second))
    items = items_of(turn, HELLO)
    assert [(item["id"], len(item["content"])) for item in items[:2]] == [("msg_1", 3), ("msg_2", 1)]
    assert items[0]["content"][2] == {"type": "refusal", "refusal": "no"}


def test_a_refusal_alone_goes_back_under_the_id_of_its_message() -> None:
    assert items_of(own(Refusal("no"), id="msg_1"), HELLO)[0] == {
        "type": "message",
        "role": "assistant",
        "id": "msg_1",
        "status": "completed",
        "content": [{"type": "refusal", "refusal": "no"}],
    }


def test_reasoning_in_clear_goes_back_as_content() -> None:
    turn = own(Reasoning((ReasoningText("hmm"),), id="rs_1"), call())
    assert items_of(turn, result())[0] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hmm"}],
    }


def test_fields_a_gateway_adds_to_reasoning_go_back_with_it() -> None:
    block = Reasoning((ReasoningEncrypted("sealed"),), id="rs_1", extra={"format": "google-gemini-v1"})
    assert items_of(own(block, call()), result())[0] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "sealed",
        "format": "google-gemini-v1",
    }


def test_reasoning_that_led_to_nothing_is_not_sent() -> None:
    assert items_of(own(Text("a", extra={"id": "msg_1"}), thought()), HELLO)[1]["role"] == "user"


@pytest.mark.parametrize(
    "turn",
    [
        AssistantMessage((thought(), Text("a", extra={"id": "msg_1"}), call()), wire="anthropic-messages"),
        AssistantMessage((thought(), Text("a", extra={"id": "msg_1"}), call())),
        own(thought(), Text("a", extra={"id": "msg_1"}), call(), interrupted=True),
        own(Reasoning((ReasoningSummary("why"),), id="rs_1"), Text("a", extra={"id": "msg_1"}), call()),
    ],
    ids=["other wire", "by hand", "interrupted", "reasoning without seal"],
)
def test_a_turn_that_cannot_be_paired_goes_without_ids_and_reasoning(turn: AssistantMessage) -> None:
    assert items_of(turn, result())[:2] == [
        {"type": "message", "role": "assistant", "content": "a"},
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
    ]


@pytest.mark.parametrize(("interrupted", "sent"), [(False, True), (True, False)])
def test_a_server_tool_goes_back_unless_its_turn_was_cut_off(interrupted: bool, sent: bool) -> None:
    approval = {"type": "mcp_approval_request", "id": "mcpr_1"}
    unsealed = Reasoning((ReasoningSummary("why"),), id="rs_1")
    turn = own(unsealed, ProviderPart(NAME, "mcp_approval_request", approval), interrupted=interrupted)
    assert (approval in items_of(turn, HELLO)) is sent


def test_a_vendor_that_takes_no_ids_gets_the_sealed_reasoning_without_them() -> None:
    turn = own(thought(), Text("a", extra={"id": "msg_1", "phase": "commentary"}), call())
    items = items_of(turn, result(), dialect={"item_ids": False})
    assert [item.get("id") for item in items] == [None] * 4
    assert items[0]["encrypted_content"] == "sealed"
    assert items[1] == {"type": "message", "role": "assistant", "content": "a", "phase": "commentary"}


def test_foreign_parts_are_told_or_left_out_but_never_invented() -> None:
    foreign = AssistantMessage(
        (
            Text("", signature="sig"),
            ProviderPart("gemini", "executableCode", {"x": 1}),
            Image(Base64Source("AA=="), "image/png"),
            ToolCall("minted", "add", ""),
        ),
        wire="gemini",
    )
    assert items_of(foreign, UserMessage((ToolResult("minted", "add", (Text("2"),)),)))[:2] == [
        {"type": "message", "role": "assistant", "content": "[image image/png]"},
        {"type": "function_call", "call_id": "minted", "name": "add", "arguments": "{}"},
    ]


def test_an_id_too_long_for_this_wire_is_shortened_alike_in_call_and_result() -> None:
    long = "x" * 65
    items = items_of(
        AssistantMessage((ToolCall(long, "add"),), wire="gemini"),
        UserMessage((ToolResult(long, "add", (Text("2"),)),)),
    )
    assert items[0]["call_id"] == items[1]["call_id"]
    assert len(items[0]["call_id"]) <= 64


def test_a_free_text_call_and_its_result_have_their_own_item_types() -> None:
    custom = ToolCall(
        "call_1", "sql", "SELECT 1", "call_1", "ctc_1", extra={"custom": True, "namespace": "db"}
    )
    assert items_of(own(custom), result()) == [
        {
            "type": "custom_tool_call",
            "id": "ctc_1",
            "call_id": "call_1",
            "name": "sql",
            "input": "SELECT 1",
            "namespace": "db",
        },
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "2"},
    ]


def test_a_decoded_turn_appended_to_the_history_is_sent_back_in_place() -> None:
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "Adding.", "annotations": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "sql", "input": "SELECT 1"},
        {"type": "mcp_call", "id": "mcp_1", "name": "x", "arguments": "{}", "server_label": "s"},
    ]
    wire = OpenAIResponses()
    decoder = wire.decoder(VENDOR)
    response = {"status": "completed", "output": output, "usage": None}
    decoder.frame(Frame(json.dumps({"type": "response.completed", "response": response}).encode()))
    decoder.assembly.close()
    answers = UserMessage(
        (
            ToolResult("call_1", "add", (Text("2"),), provider_id="call_1"),
            ToolResult("call_2", "sql", (Text("1"),), provider_id="call_2"),
        )
    )
    request = Request(model="m", messages=(HELLO, decoder.assembly.message(), answers))
    sent = encode(request, wire=wire)["input"]
    assert sent[1:6] == output
    assert [item["type"] for item in sent[6:]] == ["function_call_output", "custom_tool_call_output"]


TEXTS = st.builds(Text, st.text(max_size=5), extra=st.none() | st.just({"id": "msg_1"}))
PARTS = st.one_of(
    TEXTS,
    st.just(thought()),
    st.just(Reasoning((ReasoningSummary("s"),), id="rs_2")),
    st.builds(Refusal, st.text(max_size=3)),
    st.just(ProviderPart(NAME, "web_search_call", {"type": "web_search_call", "id": "ws_1"})),
)


@settings(deadline=None)
@given(
    st.lists(PARTS, max_size=5),
    st.sampled_from([NAME, "anthropic-messages", None]),
    st.booleans(),
    st.booleans(),
)
def test_whatever_the_turn_reasoning_never_stands_last_and_ids_are_never_invented(
    parts: list[Any], wire: str | None, interrupted: bool, item_ids: bool
) -> None:
    turn = AssistantMessage(tuple(parts), wire=wire, interrupted=interrupted)
    items = items_of(turn, dialect={"item_ids": item_ids})
    assert not items or items[-1]["type"] != "reasoning"
    known = {"msg_1", "rs_1", "ws_1"}
    assert {item["id"] for item in items if "id" in item} <= known
    if interrupted or wire != NAME:
        assert not any("id" in item for item in items if item["type"] != "web_search_call")
