"""What messages become in `contents`, and that signatures return to where they came from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from agentlab.errors import (
    InvalidHistory,
    UnsupportedCapability,
)
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
    ReasoningSummary,
    ReasoningText,
    Refusal,
    Request,
    SystemMessage,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    UserMessage,
    Video,
)
from agentlab.models.gemini.wire import GeminiGenerate
from tests.models.gemini.frames import (
    PROMPT,
    VENDOR,
    call,
    chunk,
    contents,
    decode,
    encoded,
    message_of,
    text,
    thought,
)


class TestContents:
    def test_preamble_and_leading_system_messages_are_the_system_instruction(self):
        request = Request(
            model="m", preamble="One.", messages=(SystemMessage("Two."), SystemMessage(""), *PROMPT)
        )
        body = encoded(request)
        assert body["systemInstruction"] == {"parts": [{"text": "One."}, {"text": "Two."}]}
        assert [content["role"] for content in body["contents"]] == ["user"]

    def test_a_later_system_message_keeps_its_place_as_a_user_turn(self):
        found = contents(
            *PROMPT, AssistantMessage.of("4"), SystemMessage("Speak French."), UserMessage.of("And 3 + 3?")
        )
        assert [content["role"] for content in found] == ["user", "model", "user", "user"]
        assert found[2]["parts"] == [{"text": "Speak French."}]

    def test_static_context_stands_before_the_history_and_after_system_messages(self):
        request = Request(
            model="m",
            context=(Document.from_text("Rust is a language.", id="rust"),),
            messages=(SystemMessage("Be terse."), *PROMPT),
        )
        body = encoded(request)
        assert body["systemInstruction"]["parts"] == [{"text": "Be terse."}]
        assert "<file id: rust>" in body["contents"][0]["parts"][0]["text"]
        assert body["contents"][1]["parts"] == [{"text": "What is 2 + 2?"}]

    def test_media_travel_inline_or_by_name(self):
        found = contents(
            UserMessage.of(
                Image(Base64Source("aW1n"), "image/png"),
                Image.from_url("https://example.com/a.png"),
                Audio(Base64Source("c25k"), "audio/wav"),
                Video(FileSource("https://gemini.example/v1beta/files/v1"), "video/mp4"),
                Document(Base64Source("cGRm"), media_type="application/pdf"),
                Document.from_text("plain", id="d"),
            )
        )
        assert found[0]["parts"] == [
            {"inlineData": {"mimeType": "image/png", "data": "aW1n"}},
            {"fileData": {"fileUri": "https://example.com/a.png"}},
            {"inlineData": {"mimeType": "audio/wav", "data": "c25k"}},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "https://gemini.example/v1beta/files/v1"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "cGRm"}},
            {"text": "<file id: d>\nplain\n</file>\n"},
        ]

    def test_media_that_cannot_travel_are_refused(self):
        with pytest.raises(InvalidHistory, match="needs a media type"):
            contents(UserMessage.of(Image(Base64Source("aW1n"))))
        with pytest.raises(UnsupportedCapability, match="no image from a text source"):
            contents(UserMessage.of(Image(TextSource("<svg/>"), "image/svg+xml")))

    def test_ids_travel_only_where_the_provider_gave_them(self):
        found = contents(
            *PROMPT,
            AssistantMessage.of(
                ToolCall("minted", "add", '{"a": 1}'), ToolCall("g-2", "add", '{"a": 2}', provider_id="g-2")
            ),
            UserMessage.of(
                ToolResult("minted", "add", (Text("1"),)),
                ToolResult("g-2", "add", (Text("2"),), provider_id="g-2"),
            ),
        )
        assert found[1]["parts"] == [
            {"functionCall": {"name": "add", "args": {"a": 1}}},
            {"functionCall": {"id": "g-2", "name": "add", "args": {"a": 2}}},
        ]
        assert found[2] == {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "add", "response": {"result": "1"}}},
                {"functionResponse": {"id": "g-2", "name": "add", "response": {"result": "2"}}},
            ],
        }

    @pytest.mark.parametrize(
        ("content", "status", "response"),
        [
            ((Text("a"), Text("b")), "success", {"result": "a\nb"}),
            ((Json({"n": 4}),), "success", {"n": 4}),
            ((Json([1, 2]),), "success", {"result": [1, 2]}),
            ((Text("seen"), Json({"n": 4})), "success", {"result": ["seen", {"n": 4}]}),
            ((Text("no such file"),), "failed", {"error": "no such file"}),
            ((Text("stopped"),), "interrupted", {"error": "stopped"}),
            ((Text("not allowed"),), "skipped", {"result": "not allowed"}),
        ],
    )
    def test_results_are_structured_objects(self, content, status, response):
        found = contents(UserMessage.of(ToolResult("c", "add", content, status)))
        assert found[0]["parts"][0]["functionResponse"]["response"] == response

    def test_images_of_a_result_are_parts_of_the_response(self):
        result = ToolResult("c", "shot", (Text("done"), Image(Base64Source("aW1n"), "image/png")))
        assert contents(UserMessage.of(result))[0]["parts"][0]["functionResponse"] == {
            "name": "shot",
            "response": {"result": "done"},
            "parts": [{"inlineData": {"mimeType": "image/png", "data": "aW1n"}}],
        }
        only_image = ToolResult("c", "shot", (Image(Base64Source("aW1n"), "image/png"),))
        assert contents(UserMessage.of(only_image))[0]["parts"][0]["functionResponse"]["response"] == {}

    def test_arguments_go_back_exactly_as_the_model_wrote_them(self):
        written = '{"b":  1.50, "a": 2}'
        request = Request(model="m", messages=(AssistantMessage.of(ToolCall("c", "add", written)),))
        assert b'"args":{"b":  1.50, "a": 2}' in GeminiGenerate().encode(request, VENDOR).body

    @pytest.mark.parametrize("written", ["", "  ", '{"a": ', "[1]"])
    def test_arguments_that_are_no_object_are_sent_as_an_empty_one(self, written):
        found = contents(AssistantMessage.of(ToolCall("c", "add", written)))
        assert found[0]["parts"][0]["functionCall"]["args"] == {}

    def test_signatures_and_thoughts_of_another_wire_stay_behind(self):
        foreign = AssistantMessage(
            (
                Reasoning((ReasoningText("hm", "sig-r"),)),
                Text("4", signature="sig-t"),
                ToolCall("c", "add", "{}", signature="sig-c"),
                ProviderPart("anthropic-messages", "server_tool_use", {"x": 1}),
                Refusal("no"),
            ),
            wire="anthropic-messages",
        )
        assert contents(foreign)[0]["parts"] == [
            {"text": "4"},
            {"functionCall": {"name": "add", "args": {}}},
            {"text": "no"},
        ]

    def test_a_turn_with_nothing_to_say_here_is_left_out(self):
        foreign = AssistantMessage((Reasoning((ReasoningText("hm"),)),), wire="anthropic-messages")
        assert len(contents(*PROMPT, foreign)) == 1

    def test_unsigned_calls_are_signed_for_models_that_refuse_them(self):
        vendor = structs.replace(VENDOR, dialect={"foreign_call_signature": {"gemini-3": "skip"}})
        calls = (ToolCall("a", "add", "{}"), ToolCall("b", "add", "{}"))
        foreign = AssistantMessage(calls, wire="openai-chat")
        unsigned = AssistantMessage(calls, wire="gemini", model="gemini-2.5-pro")
        signed = AssistantMessage((calls[0], structs.replace(calls[1], signature="sig")), wire="gemini")

        def signatures(message: AssistantMessage, model: str) -> list[str | None]:
            parts = contents(message, vendor=vendor, model=model)[0]["parts"]
            return [part.get("thoughtSignature") for part in parts]

        assert signatures(foreign, "gemini-3-pro") == ["skip", None]
        assert signatures(unsigned, "gemini-3-pro") == ["skip", None]
        assert signatures(signed, "gemini-3-pro") == [None, "sig"]
        assert signatures(foreign, "gemini-2.5-pro") == [None, None]


class TestReplay:
    def test_what_the_model_said_goes_back_part_by_part(self):
        parts = [
            thought("Let me see.", "sig-1"),
            {"executableCode": {"code": "1"}, "thoughtSignature": "sig-2"},
            text("Here:"),
            {"inlineData": {"mimeType": "image/png", "data": "aW1n"}, "thoughtSignature": "sig-3"},
            call("add", {"a": 1}, signature="sig-4"),
            call("add", {"a": 2}, provider_id="g-2"),
            text("", "sig-5"),
        ]
        message = message_of(chunk(*parts, finish="STOP"))
        assert contents(message) == [{"role": "model", "parts": parts}]

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["text", "thought", "call"]),
                st.text(max_size=5),
                st.none() | st.text("abc/+=", min_size=1, max_size=8),
            ),
            min_size=1,
            max_size=8,
        ),
        st.data(),
    )
    def test_signatures_return_to_where_they_came_from_however_the_stream_is_cut(self, said, data):
        parts = []
        for kind, words, signature in said:
            if kind == "call":
                parts.append(call("f", {"w": words}, signature=signature))
            elif words or signature:
                parts.append(thought(words, signature) if kind == "thought" else text(words, signature))
        cut = data.draw(st.integers(0, len(parts)))
        decoder, _ = decode(chunk(*parts[:cut]), chunk(*parts[cut:], finish="STOP"))
        replayed = encoded(Request(model="m", messages=(decoder.assembly.message(),)))["contents"]
        returned = replayed[0]["parts"] if replayed else []
        assert [p for p in returned if "thoughtSignature" in p] == [
            p for p in parts if "thoughtSignature" in p
        ]
        assert _unsigned_runs(returned) == _unsigned_runs(parts)

    def test_a_summary_goes_back_as_a_thought(self):
        message = AssistantMessage((Reasoning((ReasoningSummary("s"),)), Text("4")), wire="gemini")
        assert contents(message)[0]["parts"] == [thought("s"), {"text": "4"}]


def _unsigned_runs(parts: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The parts with neighbours of one kind joined, as a stream's deltas are."""
    runs: list[tuple[str, str]] = []
    for part in parts:
        kind = "thought" if part.get("thought") else "text" if "text" in part else "call"
        said = part["text"] if "text" in part else json.dumps(part)
        joins = kind != "call" and "thoughtSignature" not in part
        if runs and joins and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + said)
        else:
            runs.append((kind if joins else f"{kind}!", said))
    return runs
