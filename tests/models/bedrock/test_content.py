"""Parts as Converse's content blocks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Citation,
    Document,
    FileSource,
    Image,
    Json,
    ProviderPart,
    Reasoning,
    ReasoningRedacted,
    ReasoningText,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    Video,
)
from agentlab.models.bedrock.content import Form, message_items
from agentlab.models.bedrock.media import media_block
from agentlab.models.encoding import encode_json
from agentlab.models.tool_history import safe_id

PDF = Base64Source.from_bytes(b"%PDF")


def blocks(message: Any) -> list[dict[str, Any]]:
    return [block for item in message_items(message, Form()) for block in item["content"]]


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image.from_bytes(b"x"), {"image": {"format": "png", "source": {"bytes": "eA=="}}}),
        (
            Image.from_url("s3://b/k.jpg"),
            {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://b/k.jpg"}}}},
        ),
        (
            Video(UrlSource("s3://b/k.mp4")),
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/k.mp4"}}}},
        ),
        (Audio(PDF, "audio/wav"), {"audio": {"format": "wav", "source": {"bytes": PDF.data}}}),
        (
            Document(PDF, title="My_file: v2.pdf", media_type="application/pdf", metadata={"year": "1993"}),
            {
                "document": {
                    "format": "pdf",
                    "name": "My-file- v2-pdf",
                    "source": {"bytes": PDF.data},
                    "context": "year: 1993",
                }
            },
        ),
        (
            Document.from_text("Ruby.", "facts", citations="true"),
            {
                "document": {
                    "format": "txt",
                    "name": "facts",
                    "source": {"text": "Ruby."},
                    "citations": {"enabled": True},
                }
            },
        ),
        (Document.from_text("Ruby.", "facts"), {"text": "<file id: facts>\nRuby.\n</file>\n"}),
    ],
)
def test_files_have_a_format_and_a_source(part: Any, block: dict[str, Any]) -> None:
    assert media_block(part) == block


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Image.from_url("https://x.example/a.png"), "inline or from S3"),
        (Image(FileSource("f"), "image/png"), "inline or from S3"),
        (Image.from_bytes(b"x", "image/svg+xml"), "takes no image of type image/svg"),
        (Image.from_url("s3://b/k"), "type unknown"),
        (Document(PDF, media_type="application/rtf"), "takes no document"),
    ],
)
def test_files_that_cannot_be_reached_or_read_are_refused(part: Any, words: str) -> None:
    with pytest.raises(UnsupportedCapability, match=words):
        media_block(part)


@given(st.text(max_size=300))
def test_any_title_becomes_a_name_the_wire_takes(title: str) -> None:
    name = media_block(Document(PDF, title=title, media_type="application/pdf"))["document"]["name"]
    assert 1 <= len(name) <= 200
    assert "  " not in name
    assert all(letter.isascii() and (letter.isalnum() or letter in " -()[]") for letter in name)


def test_results_stand_first_and_only_failures_tell_a_status() -> None:
    said = blocks(
        UserMessage(
            (
                Text("And?"),
                Text(""),
                ToolResult("c1", "add", (Json({"z": 1}), Json([1]), Image.from_bytes(b"x"), Text(""))),
                ToolResult("c2", "add", (Text("no"),), "failed"),
            )
        )
    )
    first, second, text = (block for block in said)
    assert [next(iter(piece)) for piece in first["toolResult"]["content"]] == ["json", "text", "image"]
    assert first["toolResult"]["content"][1] == {"text": "[1]"}
    assert "status" not in first["toolResult"]
    assert second["toolResult"]["status"] == "error"
    assert text == {"text": "And?"}


def test_an_empty_prompt_is_still_a_prompt() -> None:
    assert blocks(UserMessage((Text(""),))) == [{"text": ""}]
    assert list(message_items(AssistantMessage((Text(""),)), Form())) == []


def test_a_turn_of_its_own_goes_back_signed_and_cited() -> None:
    raw = {"title": "facts", "location": {}}
    use = {"toolUse": {"toolUseId": "s", "name": "n", "type": "server_tool_use", "input": {}}}
    turn = (
        Reasoning((ReasoningText("Hm.", "sig"), ReasoningRedacted("QUJD"))),
        Reasoning((ReasoningText("unsigned"),)),
        Text("1993", (Citation(raw=raw),)),
        Refusal("No."),
        ProviderPart("bedrock-converse", "toolUse", use),
        ToolCall("call:1", "add", '{"a": 1}'),
    )
    own = blocks(AssistantMessage(turn, wire="bedrock-converse"))
    assert own[:5] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "QUJD"}},
        {"citationsContent": {"content": [{"text": "1993"}], "citations": [raw]}},
        {"text": "No."},
        use,
    ]
    assert encode_json(own[5]["toolUse"]["input"]) == b'{"a": 1}'
    foreign = blocks(AssistantMessage(turn, wire="anthropic-messages"))
    assert [next(iter(block)) for block in foreign] == ["text", "text", "toolUse", "toolUse"]
    cut = blocks(AssistantMessage(turn, wire="bedrock-converse", interrupted=True))
    assert use not in cut


def test_an_image_of_the_model_has_no_place_in_its_turn() -> None:
    with pytest.raises(UnsupportedCapability, match="image in an answer"):
        blocks(AssistantMessage((Image.from_bytes(b"x"),)))


@given(st.text(min_size=1, max_size=100))
def test_call_ids_fit_the_wire_and_stay_apart(call_id: str) -> None:
    (call,) = blocks(AssistantMessage((ToolCall(call_id, "f"),)))
    (result,) = blocks(UserMessage((ToolResult(call_id, "f"),)))
    found = call["toolUse"]["toolUseId"]
    assert found == result["toolResult"]["toolUseId"]
    assert 1 <= len(found) <= 64
    assert found.isascii()
    assert found != safe_id(call_id + "x", longest=64)
