"""Ollama's lines and bodies, and what they become."""

from __future__ import annotations

import json

import pytest

from agentlab.errors import (
    ProtocolError,
    ServerError,
)
from agentlab.http import Frame, NDJSONFramer
from agentlab.messages import (
    AssistantMessage,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningText,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UnknownEvent,
    Usage,
)
from tests.models.ollama.lines import (
    DONE,
    call,
    decode,
    line,
    new_decoder,
)


class TestStream:
    def test_thinking_then_text_then_the_end(self):
        decoder, events = decode(
            line(content="", thinking="Let me "),
            line(content="", thinking="see."),
            line(content="4"),
            line(content="!"),
            DONE,
        )
        block = Reasoning((ReasoningText("Let me see."),))
        assert events == [
            ReasoningDelta("Let me "),
            ReasoningDelta("see."),
            ReasoningBlock(block),
            TextDelta("4", 1),
            TextDelta("!", 1),
        ]
        assert decoder.assembly.complete
        assert decoder.assembly.finish_reason == decoder.assembly.raw_finish_reason == "stop"
        assert decoder.assembly.message() == AssistantMessage(
            (block, Text("4!")), wire="ollama", model="qwen3:4b"
        )

    def test_tool_calls_come_whole_before_the_last_line(self):
        decoder, events = decode(
            line(content="", thinking="hm"),
            line(content="", tool_calls=[call("add", {"a": 1}, id="call_1")]),
            line(content="", tool_calls=[call("add", {"a": 2})]),
            DONE,
        )
        first = ToolCall("call_1", "add", '{"a": 1}', provider_id="call_1")
        second = ToolCall("minted-1", "add", '{"a": 2}')
        assert events[1:] == [
            ReasoningBlock(Reasoning((ReasoningText("hm"),))),
            ToolCallDelta("call_1", "add", '{"a": 1}', 1),
            first,
            ToolCallDelta("minted-1", "add", '{"a": 2}', 2),
            second,
        ]
        assert decoder.assembly.message().tool_calls == (first, second)
        assert (decoder.assembly.finish_reason, decoder.assembly.raw_finish_reason) == ("tool_calls", "stop")

    @pytest.mark.parametrize(
        ("function", "written"),
        [
            ({"name": "f"}, "{}"),
            ({"name": "f", "arguments": None}, "{}"),
            ({"name": "f", "arguments": '{"a": 1}'}, '{"a": 1}'),
        ],
    )
    def test_arguments_may_be_missing_or_a_string(self, function, written):
        decoder, _ = decode(line(tool_calls=[{"function": function}]), DONE)
        assert decoder.assembly.message().tool_calls[0].arguments_json == written

    def test_usage_has_no_cache_fields_and_keeps_the_timings(self):
        decoder, _ = decode(DONE)
        assert decoder.assembly.usage == Usage(
            input_tokens=18,
            output_tokens=64,
            raw={
                "prompt_eval_count": 18,
                "eval_count": 64,
                "total_duration": 900,
                "load_duration": 100,
                "prompt_eval_duration": 300,
                "eval_duration": 500,
            },
        )

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [("length", "length"), ("load", "other"), ("unload", "other"), (None, None), ("", None)],
    )
    def test_done_reasons(self, raw, reason):
        decoder, _ = decode({"model": "m", "done": True, "done_reason": raw})
        assert decoder.assembly.complete
        assert decoder.assembly.finish_reason == reason
        assert decoder.assembly.raw_finish_reason == (raw or None)

    def test_a_stream_without_its_last_line_is_not_complete(self):
        decoder, events = decode(line(content="4"))
        assert events == [TextDelta("4")]
        assert not decoder.assembly.complete
        assert decoder.assembly.message(interrupted=True).text == "4"

    def test_a_whole_body_is_one_line_of_the_same_shape(self):
        decoder = new_decoder()
        events = decoder.body(json.dumps({**DONE, "message": {"role": "assistant", "content": "4"}}).encode())
        assert events == [TextDelta("4")]
        assert decoder.assembly.complete
        assert decoder.assembly.usage.output_tokens == 64

    def test_lines_may_be_cut_at_any_byte(self):
        body = b"".join(
            json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in (line(content="Grüße 🌍"), DONE)
        )
        framer, decoder = NDJSONFramer(), new_decoder()
        for position in range(len(body)):
            for frame in framer.feed(body[position : position + 1]):
                decoder.frame(frame)
        assert decoder.assembly.complete
        assert decoder.assembly.message().text == "Grüße 🌍"

    def test_a_line_of_unknown_form_is_passed_through(self):
        _, events = decode({"status": "loading"})
        assert events == [UnknownEvent("line", {"status": "loading"})]

    @pytest.mark.parametrize(
        "data", [b'{"message": {', b"[]", b'{"message": 3}', b'{"message": {"content": "\xff"}}', b"<html>"]
    )
    def test_a_corrupt_line_is_a_protocol_error(self, data):
        with pytest.raises(ProtocolError, match="cannot be read"):
            new_decoder().frame(Frame(data))

    @pytest.mark.parametrize("said", ["runner stopped", {"message": "runner stopped"}])
    def test_an_error_in_the_stream_is_raised(self, said):
        decoder = new_decoder()
        decoder.frame(Frame(json.dumps(line(content="4")).encode()))
        with pytest.raises(ServerError, match="runner stopped"):
            decoder.frame(Frame(json.dumps({"error": said}).encode()))
        assert not decoder.assembly.complete
