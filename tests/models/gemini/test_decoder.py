"""Gemini's chunks and bodies, and what they become."""

from __future__ import annotations

import json

import pytest

from agentlab.errors import (
    ProtocolError,
)
from agentlab.http import Frame, JSONArrayFramer, SSEFramer
from agentlab.messages import (
    AssistantMessage,
    Base64Source,
    Image,
    ProviderPart,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningText,
    Text,
    TextDelta,
    UnknownEvent,
)
from tests.models.gemini.frames import (
    call,
    chunk,
    decode,
    message_of,
    new_decoder,
    text,
    thought,
)


class TestText:
    def test_deltas_join_into_one_part(self):
        decoder, events = decode(chunk(text("Hel")), chunk(text("lo")), chunk(finish="STOP"))
        assert events == [TextDelta("Hel"), TextDelta("lo")]
        assert decoder.assembly.message() == AssistantMessage(
            (Text("Hello"),), wire="gemini", model="gemini-3-pro-001"
        )
        assert decoder.assembly.response_id == "r-1"

    def test_thoughts_become_reasoning_that_ends_where_the_answer_begins(self):
        decoder, events = decode(
            chunk(thought("Let me ")), chunk(thought("see.")), chunk(text("4"), finish="STOP")
        )
        block = Reasoning((ReasoningText("Let me see."),))
        assert events == [
            ReasoningDelta("Let me "),
            ReasoningDelta("see."),
            ReasoningBlock(block),
            TextDelta("4", 1),
        ]
        assert decoder.assembly.message().content == (block, Text("4"))

    def test_thoughts_after_text_are_a_block_of_their_own(self):
        message = message_of(
            chunk(thought("a")), chunk(text("b")), chunk(thought("c")), chunk(text("d"), finish="STOP")
        )
        assert message.content == (
            Reasoning((ReasoningText("a"),)),
            Text("b"),
            Reasoning((ReasoningText("c"),)),
            Text("d"),
        )

    def test_a_signature_on_an_empty_last_part_is_kept_as_a_part(self):
        message = message_of(chunk(text("4")), chunk(text("", "sig"), finish="STOP"))
        assert message.content == (Text("4"), Text("", signature="sig"))

    def test_a_signed_text_does_not_run_together_with_unsigned_text(self):
        message = message_of(
            chunk(text("a")), chunk(text("b", "sig")), chunk(text("c")), chunk(text("d"), finish="STOP")
        )
        assert message.content == (Text("a"), Text("b", signature="sig"), Text("cd"))

    def test_a_part_that_is_only_a_signature_is_kept(self):
        message = message_of(chunk(text("4")), chunk({"thoughtSignature": "sig"}, finish="STOP"))
        assert message.content == (Text("4"), Text("", signature="sig"))

    def test_a_signed_thought_keeps_its_signature(self):
        message = message_of(chunk(thought("a"), thought("b", "sig"), text("4")), chunk(finish="STOP"))
        assert message.content == (
            Reasoning((ReasoningText("a"),)),
            Reasoning((ReasoningText("b", "sig"),)),
            Text("4"),
        )

    def test_only_the_first_candidate_is_the_answer(self):
        second = {"content": {"parts": [text("other")]}, "index": 1, "finishReason": "STOP"}
        both = chunk(text("mine"), finish="STOP")
        both["candidates"].insert(0, second)
        assert message_of(both).text == "mine"
        unnumbered = {
            "candidates": [
                {"content": {"parts": [text("mine")]}, "finishReason": "STOP"},
                {"content": {"parts": [text("other")]}},
            ]
        }
        assert message_of(unnumbered).text == "mine"

    def test_content_without_parts_says_nothing(self):
        decoder, events = decode(
            {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]}
        )
        assert events == []
        assert decoder.assembly.complete
        assert decoder.assembly.message().is_empty
        assert decoder.assembly.finish_reason == "length"


class TestOtherParts:
    def test_parts_of_server_tools_are_kept_whole_with_their_signature(self):
        code = {"executableCode": {"language": "PYTHON", "code": "print(4)"}, "thoughtSignature": "sig"}
        result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4\n"}}
        message = message_of(chunk(code, result, text("4"), finish="STOP"))
        assert message.content == (
            ProviderPart("gemini", "executableCode", code),
            ProviderPart("gemini", "codeExecutionResult", result),
            Text("4"),
        )

    def test_a_signed_part_of_an_unknown_kind_is_named_by_its_kind(self):
        part = {"thoughtSignature": "sig", "toolCall": {"id": "x"}}
        assert message_of(chunk(part, finish="STOP")).content == (ProviderPart("gemini", "toolCall", part),)

    def test_an_image_of_the_model_is_an_image_and_a_thought_image_is_not(self):
        drawn = {"inlineData": {"mimeType": "image/png", "data": "aW1n"}, "thoughtSignature": "sig"}
        draft = {"inlineData": {"mimeType": "image/png", "data": "aW1n"}, "thought": True}
        sound = {"inlineData": {"mimeType": "audio/wav", "data": "c25k"}}
        assert message_of(chunk(draft, drawn, sound, finish="STOP")).content == (
            ProviderPart("gemini", "inlineData", draft),
            Image(Base64Source("aW1n"), "image/png", signature="sig"),
            ProviderPart("gemini", "inlineData", sound),
        )


class TestEnd:
    def test_a_finish_reason_in_mid_turn_does_not_end_it(self):
        code = {"executableCode": {"code": "1"}}
        decoder = new_decoder()
        for each in (
            chunk(code, finish="STOP"),
            chunk(text("The answer ")),
            chunk(text("is 4."), finish="MAX_TOKENS"),
        ):
            decoder.frame(Frame(json.dumps(each).encode()))
            assert not decoder.assembly.complete
        decoder.end()
        assert decoder.assembly.complete
        assert decoder.assembly.raw_finish_reason == "MAX_TOKENS"
        assert decoder.assembly.message().text == "The answer is 4."

    def test_a_turn_cut_after_such_a_reason_is_not_complete(self):
        decoder, _ = decode(chunk({"executableCode": {"code": "1"}}, finish="STOP"), chunk(text("The ans")))
        assert not decoder.assembly.complete

    def test_an_empty_signed_part_after_the_reason_leaves_the_turn_complete(self):
        assert message_of(chunk(text("4"), finish="STOP"), chunk(text("", "sig"))).text == "4"

    def test_a_stream_without_a_finish_reason_is_not_complete(self):
        decoder, events = decode(chunk(text("Hel")), chunk(text("lo"), finish="FINISH_REASON_UNSPECIFIED"))
        assert not decoder.assembly.complete
        assert events == [TextDelta("Hel"), TextDelta("lo")]

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            ("STOP", "stop"),
            ("MAX_TOKENS", "length"),
            ("SAFETY", "content_filter"),
            ("RECITATION", "content_filter"),
            ("IMAGE_SAFETY", "content_filter"),
            ("MALFORMED_FUNCTION_CALL", "other"),
            ("UNEXPECTED_TOOL_CALL", "other"),
            ("SOMETHING_NEW", "other"),
            (1, "stop"),
            (2, "length"),
            (3, "content_filter"),
            (9, "other"),
            (99, "other"),
        ],
    )
    def test_finish_reasons_by_name_and_by_number(self, raw, reason):
        decoder, _ = decode(chunk(text("4"), finish=raw))
        assert decoder.assembly.finish_reason == reason
        assert decoder.assembly.raw_finish_reason == str(raw)

    def test_a_blocked_prompt_is_a_complete_filtered_turn(self):
        decoder, events = decode(
            {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 7}}
        )
        assert events == []
        assert decoder.assembly.complete
        assert decoder.assembly.finish_reason == "content_filter"
        assert decoder.assembly.raw_finish_reason == "blocked:SAFETY"
        assert decoder.assembly.usage.input_tokens == 7

    def test_safety_ratings_alone_do_not_block(self):
        decoder, _ = decode({"promptFeedback": {"safetyRatings": []}}, chunk(text("4"), finish="STOP"))
        assert decoder.assembly.finish_reason == "stop"


class TestUsage:
    def test_counts_are_cumulative_and_thoughts_are_output(self):
        decoder, _ = decode(
            chunk(
                thought("hm"), usage={"promptTokenCount": 10, "thoughtsTokenCount": 5, "totalTokenCount": 15}
            ),
            chunk(
                text("4"), usage={"promptTokenCount": 10, "candidatesTokenCount": 1, "totalTokenCount": 16}
            ),
            chunk(
                finish="STOP",
                usage={
                    "promptTokenCount": 10,
                    "cachedContentTokenCount": 4,
                    "candidatesTokenCount": 2,
                    "thoughtsTokenCount": 6,
                    "toolUsePromptTokenCount": 3,
                    "totalTokenCount": 21,
                },
            ),
        )
        usage = decoder.assembly.usage
        assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (10, 8, 6)
        assert (usage.cache_read_tokens, usage.cache_write_tokens) == (4, None)
        assert usage.tool_use_prompt_tokens == 3
        assert usage.total_tokens == usage.reported_total_tokens == 21
        assert usage.raw is not None
        assert usage.raw["candidatesTokenCount"] == 2

    def test_what_is_not_reported_is_not_zero(self):
        decoder, _ = decode(chunk(text("4"), finish="STOP", usage={"trafficType": "ON_DEMAND"}))
        usage = decoder.assembly.usage
        assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.reasoning_tokens) == (
            None,
            None,
            None,
            None,
        )


class TestBodies:
    def test_a_whole_body_gives_the_events_of_its_stream(self):
        whole = chunk(thought("hm"), text("4", "sig"), call("add", {"a": 1}), finish="STOP")
        decoder = new_decoder()
        events = decoder.body(json.dumps(whole, indent=2).encode())
        streamed, stream_events = decode(whole)
        assert decoder.assembly.complete
        assert [type(event) for event in events] == [type(event) for event in stream_events]
        assert decoder.assembly.message().text == streamed.assembly.message().text

    def test_a_stream_without_sse_is_one_array(self):
        body = json.dumps([chunk(text("Hel")), chunk(text("lo"), finish="STOP")]).encode()
        whole = new_decoder()
        whole.body(body)
        framed, framer = new_decoder(), JSONArrayFramer()
        for position in range(len(body)):
            for frame in framer.feed(body[position : position + 1]):
                framed.frame(frame)
        framed.end()
        assert whole.assembly.message() == framed.assembly.message()
        assert whole.assembly.message().text == "Hello"
        assert whole.assembly.complete

    def test_sse_with_crlf_may_be_cut_at_any_byte(self):
        body = b"".join(
            b"data: " + json.dumps(each, ensure_ascii=False).encode() + b"\r\n\r\n"
            for each in (chunk(text("Grüße ")), chunk(text("🌍", "sig"), finish="STOP"))
        )
        framer, decoder = SSEFramer(), new_decoder()
        for position in range(len(body)):
            for frame in framer.feed(body[position : position + 1]):
                decoder.frame(frame)
        decoder.end()
        assert decoder.assembly.message().content == (Text("Grüße "), Text("🌍", signature="sig"))

    def test_a_chunk_of_unknown_form_is_passed_through(self):
        _, events = decode({"somethingNew": {"a": 1}})
        assert events == [UnknownEvent("chunk", {"somethingNew": {"a": 1}})]

    @pytest.mark.parametrize(
        "data",
        [
            b'{"candidates": [',
            b"[]",
            b'"text"',
            b'{"candidates": 3}',
            b'{"candidates": [{"content": {"parts": [{"text": 3}]}}]}',
            b'{"modelVersion": "\xff"}',
        ],
    )
    def test_a_corrupt_chunk_is_a_protocol_error(self, data):
        with pytest.raises(ProtocolError, match="cannot be read"):
            new_decoder().frame(Frame(data))

    def test_a_corrupt_body_is_a_protocol_error(self):
        with pytest.raises(ProtocolError, match="cannot be read"):
            new_decoder().body(b"<html>")

    def test_an_empty_array_is_not_complete(self):
        decoder = new_decoder()
        assert decoder.body(b"[]") == []
        assert not decoder.assembly.complete
