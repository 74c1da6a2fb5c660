"""Tool calls of Gemini, whole and value by value."""

from __future__ import annotations

import pytest

from agentlab.errors import (
    ProtocolError,
)
from agentlab.http import Frame
from agentlab.messages import (
    ToolCall,
    ToolCallDelta,
)
from tests.models.gemini.frames import (
    call,
    chunk,
    decode,
    message_of,
    new_decoder,
)


class TestToolCalls:
    def test_a_call_without_an_id_gets_a_minted_one_that_is_not_the_providers(self):
        decoder, events = decode(chunk(call("add", {"a": 1}), finish="STOP"))
        expected = ToolCall("minted-1", "add", '{"a": 1}')
        assert events == [ToolCallDelta("minted-1", "add", '{"a": 1}'), expected]
        assert decoder.assembly.message().content == (expected,)
        assert decoder.assembly.finish_reason == "tool_calls"
        assert decoder.assembly.raw_finish_reason == "STOP"

    def test_parallel_calls_keep_order_and_only_the_first_is_signed(self):
        message = message_of(
            chunk(call("add", {"a": 1}, signature="sig"), call("add", {"a": 2}), finish="STOP")
        )
        assert [(c.id, c.arguments, c.signature) for c in message.tool_calls] == [
            ("minted-1", {"a": 1}, "sig"),
            ("minted-2", {"a": 2}, None),
        ]

    def test_the_providers_id_is_kept(self):
        (found,) = message_of(chunk(call("add", {}, provider_id="g-1"), finish="STOP")).tool_calls
        assert (found.id, found.provider_id) == ("g-1", "g-1")

    def test_arguments_keep_the_text_the_model_wrote(self):
        raw = b'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"x":  1.0,"y":"\\u00e9"}}}]},"finishReason":"STOP"}]}'
        decoder = new_decoder()
        decoder.frame(Frame(raw))
        decoder.end()
        (found,) = decoder.assembly.message().tool_calls
        assert found.arguments_json == '{"x":  1.0,"y":"\\u00e9"}'

    @pytest.mark.parametrize(
        "function", [{"name": "f"}, {"name": "f", "args": None}, {"name": "f", "args": {}}]
    )
    def test_a_call_without_arguments_has_an_empty_object(self, function):
        (found,) = message_of(chunk({"functionCall": function}, finish="STOP")).tool_calls
        assert found.arguments_json == "{}"

    def test_arguments_may_come_value_by_value(self):
        decoder, events = decode(
            chunk({"functionCall": {"name": "light", "willContinue": True}, "thoughtSignature": "sig"}),
            chunk(
                {
                    "functionCall": {
                        "partialArgs": [{"jsonPath": "$.room", "stringValue": "kit", "willContinue": True}],
                        "willContinue": True,
                    }
                }
            ),
            chunk(
                {
                    "functionCall": {
                        "partialArgs": [
                            {"jsonPath": "$.room", "stringValue": "chen"},
                            {"jsonPath": "$.lamps[0].level", "numberValue": 50},
                            {"jsonPath": "$.lamps[1]['is on']", "boolValue": True},
                            {"jsonPath": "$.until", "nullValue": "NULL_VALUE"},
                        ],
                        "willContinue": True,
                    }
                }
            ),
            chunk({"functionCall": {}}),
            chunk(call("light", {"room": "hall"}), finish="STOP"),
        )
        first, second = decoder.assembly.message().tool_calls
        assert first.arguments == {
            "room": "kitchen",
            "lamps": [{"level": 50}, {"is on": True}],
            "until": None,
        }
        assert (first.signature, second.arguments) == ("sig", {"room": "hall"})
        assert [event for event in events if isinstance(event, ToolCall)] == [first, second]

    def test_a_streamed_call_ends_with_the_next_call_or_the_turn(self):
        piece = {"partialArgs": [{"jsonPath": "$.n", "numberValue": 1}], "willContinue": True}
        message = message_of(
            chunk({"functionCall": {"name": "f", **piece}}),
            chunk({"functionCall": {"name": "g", **piece}}, finish="STOP"),
        )
        assert [(c.name, c.arguments) for c in message.tool_calls] == [("f", {"n": 1}), ("g", {"n": 1})]

    @pytest.mark.parametrize("path", ["room", "$", "$.a[*]", "$..a", "$.a[5]", "$.text.deeper", "$[0]"])
    def test_a_path_that_is_no_place_is_an_error(self, path):
        parts = [{"jsonPath": "$.text", "stringValue": "x"}, {"jsonPath": path, "numberValue": 1}]
        with pytest.raises(ProtocolError, match="streamed argument"):
            decode(chunk({"functionCall": {"name": "f", "partialArgs": parts}}))

    def test_arguments_without_a_call_are_an_error(self):
        with pytest.raises(ProtocolError, match="no name"):
            decode(chunk({"functionCall": {"args": {"a": 1}}}))
