"""Messages as items of the Chat Completions wire."""

from __future__ import annotations

import pytest

from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Json,
    ProviderPart,
    Reasoning,
    ReasoningText,
    Refusal,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    Video,
)
from tests.models.openai_chat.requests import PNG, body, items, parts, request


def test_instructions_have_the_vendors_role() -> None:
    full = request(SystemMessage("amid"), UserMessage.of("x"), preamble="first")
    assert [(i["role"], i["content"]) for i in body(full, system_role="developer")["messages"]] == [
        ("developer", "first"),
        ("developer", "amid"),
        ("user", "x"),
    ]


def test_one_text_is_a_string_and_several_parts_a_list() -> None:
    assert items(UserMessage.of("a"))[0]["content"] == "a"
    assert items(UserMessage.of("a", "b"))[0]["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]


def test_images_are_urls_or_data_uris() -> None:
    assert parts(PNG) == {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    detailed = Image(UrlSource("https://a.example/x"), detail="low")
    assert parts(detailed)["image_url"] == {"url": "https://a.example/x", "detail": "low"}
    with pytest.raises(UnsupportedCapability, match=r"image.*file"):
        parts(Image(FileSource("file-1")))


@pytest.mark.parametrize(
    ("media_type", "name"), [("audio/wav", "wav"), ("audio/mpeg", "mp3"), ("audio/mp3", "mp3"), (None, "wav")]
)
def test_sound_is_an_object_with_its_format(media_type: str | None, name: str) -> None:
    assert parts(Audio(Base64Source("UklG"), media_type)) == {
        "type": "input_audio",
        "input_audio": {"data": "UklG", "format": name},
    }


def test_sound_is_a_string_with_mistral_and_refused_where_there_is_no_place() -> None:
    sound = Audio(Base64Source("UklG"), "audio/wav")
    assert parts(sound, audio="string") == {"type": "input_audio", "input_audio": "UklG"}
    link = Audio(UrlSource("https://a.example/x.wav"))
    assert parts(link, audio="string")["input_audio"] == "https://a.example/x.wav"
    with pytest.raises(UnsupportedCapability, match="url"):
        parts(link)
    with pytest.raises(UnsupportedCapability, match="sound"):
        parts(sound, audio="none")


def test_films_only_where_the_vendor_takes_them() -> None:
    film = Video(UrlSource("https://a.example/x.mp4"))
    assert parts(film, video=True) == {"type": "video_url", "video_url": {"url": "https://a.example/x.mp4"}}
    with pytest.raises(UnsupportedCapability, match="video"):
        parts(film)


PDF = Document(Base64Source("JVBE"), title="a.pdf", media_type="application/pdf")
PDF_URL = Document(UrlSource("https://a.example/a.pdf"), media_type="application/pdf")


@pytest.mark.parametrize("flag", ["none", "file", "file_url", "document_url"])
def test_text_documents_are_rendered_everywhere(flag: str) -> None:
    encoded = Base64Source.from_bytes(b"plain")
    assert parts(Document.from_text("T", "d"), documents=flag)["text"] == "<file id: d>\nT\n</file>\n"
    assert "plain" in parts(Document(encoded, media_type="text/csv"), documents=flag)["text"]


def test_files_go_into_the_part_the_vendor_has() -> None:
    data = "data:application/pdf;base64,JVBE"
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}
    assert parts(PDF, documents="file") == parts(PDF, documents="file_url") == file
    assert parts(PDF, documents="document_url") == {
        "type": "document_url",
        "document_url": data,
        "document_name": "a.pdf",
    }
    assert parts(Document(FileSource("file-1")), documents="file")["file"] == {"file_id": "file-1"}
    assert parts(PDF_URL, documents="file_url")["file"]["file_data"] == "https://a.example/a.pdf"
    assert parts(PDF_URL, documents="document_url") == {
        "type": "document_url",
        "document_url": "https://a.example/a.pdf",
    }


@pytest.mark.parametrize(
    ("document", "flag"),
    [(PDF, "none"), (PDF_URL, "file"), (PDF_URL, "none"), (Document(FileSource("f")), "document_url")],
)
def test_files_without_a_place_are_refused(document: Document, flag: str) -> None:
    with pytest.raises(UnsupportedCapability, match="document"):
        parts(document, documents=flag)


# ------------------------------------------------------------------ assistants, calls, results


def test_a_turn_with_calls_and_its_results() -> None:
    found = items(
        AssistantMessage.of("Let me", ToolCall("c1", "add", '{"a": 1}'), ToolCall("c2", "now", "")),
        UserMessage(
            (
                Text("and?"),
                ToolResult("c1", "add", (Text("3"), Json({"b": 1, "a": 2}))),
                ToolResult("c2", "now", (Text("failed"),), status="failed"),
            )
        ),
    )
    assert found == [
        {
            "role": "assistant",
            "content": "Let me",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}},
                {"id": "c2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": '3\n{"a":2,"b":1}'},
        {"role": "tool", "tool_call_id": "c2", "content": "failed"},
        {"role": "user", "content": "and?"},
    ]


def test_calls_without_text_have_no_content() -> None:
    (item,) = items(AssistantMessage.of(ToolCall("c1", "add")))
    assert item["content"] is None


def test_images_in_results_only_where_the_vendor_takes_them() -> None:
    message = UserMessage((ToolResult("c1", "draw", (Text("done"), Json([1]), PNG)),))
    (item,) = items(message, image_tool_results=True)
    assert item["content"] == [
        {"type": "text", "text": "done"},
        {"type": "text", "text": "[1]"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    with pytest.raises(UnsupportedCapability, match="`draw` holds an image"):
        items(message)


def test_foreign_ids_are_mapped_alike_in_call_and_result_where_nine_letters_are_wanted() -> None:
    history = (
        AssistantMessage.of(ToolCall("call_abcdefghijk", "f"), ToolCall("EscTeQY62", "g")),
        UserMessage(
            (ToolResult("call_abcdefghijk", "f", (Text("1"),)), ToolResult("EscTeQY62", "g", (Text("2"),)))
        ),
    )
    turn, first, second = items(*history, tool_call_ids="nine")
    ids = [call["id"] for call in turn["tool_calls"]]
    assert ids == [first["tool_call_id"], second["tool_call_id"]]
    assert ids[1] == "EscTeQY62"
    assert ids[0].isalnum()
    assert len(ids[0]) == 9
    assert items(*history)[0]["tool_calls"][0]["id"] == "call_abcdefghijk"


def test_refusals_go_back_as_refusals() -> None:
    (item,) = items(AssistantMessage.of(Refusal("No.")))
    assert item == {"role": "assistant", "content": None, "refusal": "No."}


def test_a_turn_of_nothing_but_thoughts_is_left_out() -> None:
    thoughts = AssistantMessage.of(Reasoning((ReasoningText("hm"),)))
    found = items(UserMessage.of("a"), thoughts, UserMessage.of("b"), reasoning_replay="reasoning_content")
    assert [item["role"] for item in found] == ["user", "user"]


def test_blocks_of_other_wires_are_left_out_and_own_ones_sent_back() -> None:
    foreign = ProviderPart("anthropic-messages", "x", {"type": "x"})
    own = ProviderPart("openai-chat", "y", {"type": "y"})
    message = AssistantMessage((Text("a"), foreign, own), wire="openai-chat")
    assert items(message)[0]["content"] == [{"type": "text", "text": "a"}, {"type": "y"}]
    assert items(AssistantMessage((Text("a"), foreign)))[0]["content"] == "a"


def test_images_a_model_drew_cannot_be_said_again() -> None:
    with pytest.raises(UnsupportedCapability, match="own messages"):
        items(AssistantMessage.of(PNG))


# ------------------------------------------------------------------ reasoning, sent back

DETAILS = [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}]
THOUGHT = Reasoning((ReasoningText("hm", "s"),), extra={"reasoning_details": DETAILS})


def turn(wire: str | None) -> AssistantMessage:
    return AssistantMessage((THOUGHT, Text("Hi")), wire=wire)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_readable_reasoning_goes_back_in_the_vendors_field(field: str) -> None:
    for wire in ("openai-chat", "anthropic-messages", None):
        assert items(turn(wire), reasoning_replay=field) == [
            {"role": "assistant", "content": "Hi", field: "hm"}
        ]


def test_no_field_is_sent_where_there_was_no_reasoning() -> None:
    message = AssistantMessage.of("Hi")
    for replay in ("reasoning", "reasoning_content", "reasoning_details", "thinking_parts"):
        assert items(message, reasoning_replay=replay) == [{"role": "assistant", "content": "Hi"}]


def test_details_go_back_verbatim_and_only_to_the_wire_that_signed_them() -> None:
    assert items(turn("openai-chat"), reasoning_replay="reasoning_details") == [
        {"role": "assistant", "content": "Hi", "reasoning_details": DETAILS}
    ]
    for wire in ("anthropic-messages", None):
        assert items(turn(wire), reasoning_replay="reasoning_details") == [
            {"role": "assistant", "content": "Hi"}
        ]


def test_mistrals_thoughts_are_parts_before_the_text() -> None:
    (item,) = items(turn("openai-chat"), reasoning_replay="thinking_parts")
    assert item["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Hi"},
    ]


def test_reasoning_is_not_sent_where_the_vendor_takes_none() -> None:
    assert items(turn("openai-chat")) == [{"role": "assistant", "content": "Hi"}]


def test_signatures_on_calls_go_back_only_to_the_wire_they_came_from() -> None:
    call = ToolCall("c1", "f", extra={"extra_content": {"google": {"thought_signature": "s"}}})
    mine = items(AssistantMessage((call,), wire="openai-chat"))[0]["tool_calls"][0]
    assert mine["extra_content"] == {"google": {"thought_signature": "s"}}
    assert "extra_content" not in items(AssistantMessage((call,), wire="gemini"))[0]["tool_calls"][0]
