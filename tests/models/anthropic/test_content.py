from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Citation,
    Document,
    FileSource,
    Image,
    Json,
    Message,
    ProviderPart,
    Reasoning,
    ReasoningEncrypted,
    ReasoningRedacted,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    SystemMessage,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    Video,
)
from agentlab.models.anthropic.content import (
    WIRE,
    Form,
    cache_control,
    message_items,
    placed,
)
from agentlab.models.anthropic.decoder import AnthropicDecoder
from agentlab.models.tool_history import object_input, safe_id
from tests.models.anthropic.frames import MESSAGE, decode, streamed


def item(message: Message, **form: Any) -> dict[str, Any] | None:
    items = [json.loads(msgspec.json.encode(each)) for each in message_items(message, Form(**form))]
    return items[0] if items else None


def blocks(message: Message, **form: Any) -> list[dict[str, Any]]:
    written = item(message, **form)
    return [] if written is None else written["content"]


def test_images_go_by_bytes_by_url_and_by_file() -> None:
    message = UserMessage(
        (
            Image(Base64Source("AAAA"), "image/png"),
            Image(UrlSource("https://e.org/a.png")),
            Image(FileSource("file_1")),
        )
    )
    assert [block["source"] for block in blocks(message)] == [
        {"type": "base64", "media_type": "image/png", "data": "AAAA"},
        {"type": "url", "url": "https://e.org/a.png"},
        {"type": "file", "file_id": "file_1"},
    ]
    with pytest.raises(UsageError):
        blocks(UserMessage((Image(Base64Source("AAAA")),)))
    with pytest.raises(UnsupportedCapability):
        blocks(UserMessage((Image(TextSource("x")),)))


def test_documents_are_pdf_or_text_with_title_context_and_citations() -> None:
    assert blocks(
        UserMessage(
            (
                Document(Base64Source("JVBE"), title="Paper", media_type="application/pdf"),
                Document(UrlSource("https://e.org/a.pdf")),
                Document(FileSource("file_1"), id="d1"),
                Document.from_text("Facts.", id="d2", year="2026", citations="true", context="A list."),
                Document(Base64Source("YSxi"), media_type="text/csv"),
            )
        )
    ) == [
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            "title": "Paper",
        },
        {"type": "document", "source": {"type": "url", "url": "https://e.org/a.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}, "title": "d1"},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Facts."},
            "title": "d2",
            "context": "A list.\nyear: 2026",
            "citations": {"enabled": True},
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}},
    ]
    with pytest.raises(UnsupportedCapability):
        blocks(UserMessage((Document(Base64Source("UEsD"), media_type="application/msword"),)))


@pytest.mark.parametrize("part", [Audio(UrlSource("u")), Video(UrlSource("u"))])
def test_sound_and_film_are_refused(part: Audio | Video) -> None:
    with pytest.raises(UnsupportedCapability):
        blocks(UserMessage((part,)))


def test_tool_results_come_first_and_carry_text_json_and_images() -> None:
    message = UserMessage(
        (
            Text("And now?"),
            ToolResult("toolu_1", "look", (Text("ok"), Json({"b": 1, "a": [2]}), Image(UrlSource("u")))),
            ToolResult("toolu_2", "fail", (Text("no such file"),), status="failed"),
            ToolResult("toolu_3", "quiet", (Text(""),)),
        )
    )
    assert blocks(message) == [
        {
            "type": "tool_result",
            "tool_use_id": "toolu_1",
            "content": [
                {"type": "text", "text": "ok"},
                {"type": "text", "text": '{"a":[2],"b":1}'},
                {"type": "image", "source": {"type": "url", "url": "u"}},
            ],
        },
        {
            "type": "tool_result",
            "tool_use_id": "toolu_2",
            "content": [{"type": "text", "text": "no such file"}],
            "is_error": True,
        },
        {"type": "tool_result", "tool_use_id": "toolu_3"},
        {"type": "text", "text": "And now?"},
    ]


def test_empty_text_which_the_wire_refuses_is_left_out_beside_other_content() -> None:
    assert blocks(UserMessage.of("", "Hi.", "")) == [{"type": "text", "text": "Hi."}]
    assert blocks(UserMessage.of("")) == [{"type": "text", "text": ""}]
    assert item(AssistantMessage.of("")) is None
    assert item(SystemMessage("")) is None


@pytest.mark.parametrize(
    ("arguments", "given_input"),
    [
        ("", {}),
        ("  ", {}),
        ("{}", {}),
        ('{"a": 1}', {"a": 1}),
        ('{"path": "/tm', {"invalid_json": '{"path": "/tm'}),
        ("[1]", {"invalid_json": "[1]"}),
        ("null", {"invalid_json": "null"}),
    ],
)
def test_the_input_of_a_call_is_always_an_object(arguments: str, given_input: Any) -> None:
    (block,) = blocks(AssistantMessage((ToolCall("toolu_1", "add", arguments),)))
    assert block == {"type": "tool_use", "id": "toolu_1", "name": "add", "input": given_input}


@given(st.text())
def test_any_arguments_become_an_object(arguments: str) -> None:
    assert isinstance(json.loads(msgspec.json.encode(object_input(arguments))), dict)


@given(st.text(min_size=1), st.text(min_size=1))
def test_ids_are_mapped_to_allowed_ones_and_stay_apart(one: str, other: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert set(safe_id(one)) <= allowed
    assert safe_id(one) == safe_id(one)
    assert (safe_id(one) == safe_id(other)) == (one == other)


def test_a_call_from_another_wire_and_its_result_keep_one_id() -> None:
    (call,) = blocks(AssistantMessage((ToolCall("call:1", "add", "{}"),), wire="gemini"))
    (result,) = blocks(UserMessage((ToolResult("call:1", "add", (Text("3"),)),)))
    assert call["id"] == result["tool_use_id"] == safe_id("call:1")
    assert safe_id("toolu_01-A") == "toolu_01-A"


def test_the_content_of_an_answer_is_replayed_as_it_came() -> None:
    whole = AnthropicDecoder()
    whole.body(json.dumps(MESSAGE).encode())
    for message in (whole.assembly.message(), decode(*streamed(MESSAGE))[0].assembly.message()):
        assert item(message) == {"role": "assistant", "content": MESSAGE["content"]}


def test_interleaved_thinking_stays_in_its_place() -> None:
    first, second = (Reasoning((ReasoningText(text, "c2ln"),)) for text in ("one", "two"))
    search = ProviderPart(WIRE, "server_tool_use", {"type": "server_tool_use", "id": "s"})
    said = AssistantMessage((first, search, second, Text("So.")), wire=WIRE)
    assert [block["type"] for block in blocks(said)] == ["thinking", "server_tool_use", "thinking", "text"]


def test_what_another_wire_signed_or_cited_stays_there() -> None:
    parts = (
        Reasoning((ReasoningText("t", "c2ln"), ReasoningRedacted("x"))),
        Text("So.", citations=(Citation(raw={"type": "char_location"}),)),
        ToolCall("call_1", "add", "{}", extra={"caller": {"type": "x"}}),
        ProviderPart("openai-responses", "web_search_call", {"type": "web_search_call"}),
        Refusal("I cannot."),
    )
    for wire in ("openai-responses", None):
        assert blocks(AssistantMessage(parts, wire=wire)) == [
            {"type": "text", "text": "So."},
            {"type": "tool_use", "id": "call_1", "name": "add", "input": {}},
            {"type": "text", "text": "I cannot."},
        ]
    own = blocks(AssistantMessage(parts[:3], wire=WIRE))
    assert [block["type"] for block in own] == ["thinking", "redacted_thinking", "text", "tool_use"]
    assert own[2]["citations"] == [{"type": "char_location"}]
    assert own[3]["caller"] == {"type": "x"}


def test_a_turn_of_foreign_reasoning_alone_is_left_out() -> None:
    thought = Reasoning((ReasoningSummary("s"), ReasoningEncrypted("e")), id="rs_1")
    assert item(AssistantMessage((thought,), wire="openai-responses")) is None


def test_unsigned_thinking_goes_back_only_where_the_vendor_wants_it() -> None:
    said = AssistantMessage((Reasoning((ReasoningText("t"),)), Text("So.")), wire=WIRE)
    assert [block["type"] for block in blocks(said)] == ["text"]
    assert blocks(said, unsigned_thinking=True)[0] == {"type": "thinking", "thinking": "t"}


def test_omitted_thinking_goes_back_with_its_signature() -> None:
    said = AssistantMessage((Reasoning((ReasoningText("", "c2ln"),)),), wire=WIRE)
    assert blocks(said) == [{"type": "thinking", "thinking": "", "signature": "c2ln"}]


def test_a_server_tool_cut_off_before_its_result_is_left_out() -> None:
    use = ProviderPart(WIRE, "server_tool_use", {"type": "server_tool_use", "id": "s1"})
    result = ProviderPart(
        WIRE, "web_search_tool_result", {"type": "web_search_tool_result", "tool_use_id": "s1"}
    )
    cut = AssistantMessage((Text("Hm."), use), wire=WIRE, interrupted=True)
    assert [block["type"] for block in blocks(cut)] == ["text"]
    answered = AssistantMessage((use, result), wire=WIRE, interrupted=True)
    assert len(blocks(answered)) == 2
    paused = AssistantMessage((use,), wire=WIRE)
    assert len(blocks(paused)) == 1


def test_an_image_the_model_made_is_refused() -> None:
    with pytest.raises(UnsupportedCapability):
        blocks(AssistantMessage((Image(Base64Source("AAAA"), "image/png"),)))


def test_a_marker_changes_nothing_but_itself() -> None:
    message = UserMessage.of("One.", "Two.")
    marked = blocks(message, marker="1h")
    assert marked[1].pop("cache_control") == {"type": "ephemeral", "ttl": "1h"}
    assert marked == blocks(message)
    assert cache_control("5m") == {"type": "ephemeral"}


HI, YES, NOTE = UserMessage.of("Hi."), AssistantMessage.of("Yes."), SystemMessage("Be brief.")
CALL = AssistantMessage((ToolCall("toolu_1", "add", "{}"),))
RESULT = UserMessage((ToolResult("toolu_1", "add", (Text("3"),)),))


def roles(messages: Sequence[Message], *, system_role: bool) -> list[str]:
    rows = placed(messages, Form(system_role=system_role))
    return [each["role"] for message, form in rows for each in message_items(message, form)]


def test_a_system_message_in_the_midst_is_tagged_user_text_where_the_model_has_no_role_for_it() -> None:
    assert roles((HI, YES, HI, NOTE), system_role=False) == ["user", "assistant", "user", "user"]
    assert blocks(NOTE) == [{"type": "text", "text": "<system>\nBe brief.\n</system>"}]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ((HI, NOTE), ["user", "system"]),
        ((HI, NOTE, NOTE), ["user", "system", "system"]),
        ((HI, NOTE, YES, HI), ["user", "system", "assistant", "user"]),
        ((HI, YES, NOTE, HI), ["user", "assistant", "user", "user"]),
        ((HI, NOTE, HI), ["user", "user", "user"]),
    ],
)
def test_a_system_message_keeps_its_role_only_where_the_api_allows_it(
    messages: Sequence[Message], expected: list[str]
) -> None:
    assert roles(messages, system_role=True) == expected


@pytest.mark.parametrize("system_role", [True, False])
def test_nothing_comes_between_a_call_and_its_result(*, system_role: bool) -> None:
    rows = placed((HI, CALL, NOTE, RESULT), Form(system_role=system_role))
    assert [message for message, _ in rows] == [HI, CALL, RESULT, NOTE]
