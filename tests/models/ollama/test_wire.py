"""Ollama's chat wire: what is sent, and what its errors say."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from msgspec import structs

from agentlab.errors import (
    BadRequest,
    ContextTooLong,
    InvalidHistory,
    NotFound,
    ServerError,
    UnsupportedCapability,
)
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Document,
    Image,
    Json,
    OutputSchema,
    Reasoning,
    ReasoningOptions,
    ReasoningText,
    Refusal,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    UserMessage,
)
from agentlab.models.ollama.wire import OllamaChat
from tests.models.ollama.lines import (
    ADD,
    DONE,
    PROMPT,
    VENDOR,
    call,
    decode,
    encoded,
    line,
    sent,
)


class TestBody:
    def test_a_request_with_everything(self):
        request = Request(
            model="qwen3:4b",
            tools=(ADD,),
            preamble="Be terse.",
            messages=PROMPT,
            tool_choice="auto",
            temperature=0.0,
            max_tokens=50,
            stop_sequences=("END",),
            reasoning=ReasoningOptions(effort="high"),
            additional_params={"keep_alive": "10m", "options": {"num_ctx": 8192, "temperature": 1}},
        )
        body = encoded(request)
        assert body == {
            "model": "qwen3:4b",
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "add",
                        "description": "Add two integers.",
                        "parameters": ADD.parameters,
                    },
                }
            ],
            "messages": [
                {"role": "system", "content": "Be terse."},
                {"role": "user", "content": "What is 2 + 2?"},
            ],
            "think": "high",
            "options": {"temperature": 1, "num_predict": 50, "stop": ["END"], "num_ctx": 8192},
            "stream": True,
            "keep_alive": "10m",
        }
        assert list(body) == ["model", "tools", "messages", "think", "options", "stream", "keep_alive"]
        assert OllamaChat().encode(request, VENDOR).path == "/api/chat"

    def test_a_bare_request_says_no_more_than_it_must(self):
        assert encoded(Request(model="qwen3:4b", messages=PROMPT, stream=False)) == {
            "model": "qwen3:4b",
            "messages": [{"role": "user", "content": "What is 2 + 2?"}],
            "stream": False,
        }

    def test_an_output_schema_is_the_format(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        assert (
            encoded(Request(model="m", messages=PROMPT, output_schema=OutputSchema(schema)))["format"]
            == schema
        )

    def test_the_choice_of_no_tool_leaves_the_tools_out(self):
        assert "tools" not in encoded(Request(model="m", tools=(ADD,), messages=PROMPT, tool_choice="none"))

    @pytest.mark.parametrize(
        ("options", "think"),
        [
            (ReasoningOptions(effort="none"), False),
            (ReasoningOptions(effort="low"), "low"),
            (ReasoningOptions(effort="max"), "max"),
            (ReasoningOptions(summary="auto"), True),
            (ReasoningOptions(summary="none"), False),
        ],
    )
    def test_effort_becomes_think(self, options, think):
        assert encoded(Request(model="m", messages=PROMPT, reasoning=options))["think"] == think

    def test_reasoning_options_that_ask_for_nothing_send_nothing(self):
        assert "think" not in encoded(Request(model="m", messages=PROMPT, reasoning=ReasoningOptions()))

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"tool_choice": "required"}, "no way to require"),
            ({"tool_choice": SpecificTools(("add",))}, "no way to require"),
            ({"parallel_tool_calls": False}, "several tool calls"),
            ({"reasoning": ReasoningOptions(budget_tokens=100)}, "no budget"),
            ({"reasoning": ReasoningOptions(effort="minimal")}, "no effort 'minimal'"),
            ({"output_schema": OutputSchema({"type": "object"})}, "no tool would be called"),
        ],
    )
    def test_what_cannot_be_said_is_refused(self, change, reason):
        with pytest.raises(UnsupportedCapability, match=reason):
            encoded(structs.replace(Request(model="m", tools=(ADD,), messages=PROMPT), **change))


class TestMessages:
    def test_system_messages_keep_their_places(self):
        found = sent(
            *PROMPT, AssistantMessage.of("4"), SystemMessage("Speak French."), UserMessage.of("And 3 + 3?")
        )
        assert [message["role"] for message in found] == ["user", "assistant", "system", "user"]

    def test_static_context_is_the_first_user_message(self):
        request = Request(
            model="m", preamble="P", context=(Document.from_text("x", id="d"),), messages=PROMPT
        )
        found = encoded(request)["messages"]
        assert [message["role"] for message in found] == ["system", "user", "user"]
        assert found[1]["content"] == "<file id: d>\nx\n</file>\n"

    def test_images_travel_as_a_list_beside_the_text(self):
        message = UserMessage.of(
            "Look:", Image(Base64Source("aW1n"), "image/png"), Document.from_text("doc", id="d")
        )
        assert sent(message) == [
            {"role": "user", "content": "Look:\n<file id: d>\ndoc\n</file>\n", "images": ["aW1n"]}
        ]

    def test_media_that_cannot_travel_are_refused(self):
        with pytest.raises(UnsupportedCapability, match="inline only"):
            sent(UserMessage.of(Image.from_url("https://example.com/a.png")))
        with pytest.raises(UnsupportedCapability, match="no audio"):
            sent(UserMessage.of(Audio(Base64Source("c25k"), "audio/wav")))
        with pytest.raises(InvalidHistory, match="no text form"):
            sent(UserMessage.of(Document(Base64Source("cGRm"), media_type="application/pdf")))
        with pytest.raises(UnsupportedCapability, match="tool's result"):
            sent(UserMessage.of(ToolResult("c", "shot", (Image(Base64Source("aW1n"), "image/png"),))))

    def test_calls_and_results_carry_names_and_only_the_providers_ids(self):
        found = sent(
            *PROMPT,
            AssistantMessage.of(
                ToolCall("minted", "add", '{"a":  1}'), ToolCall("call_2", "add", "{}", provider_id="call_2")
            ),
            UserMessage.of(
                ToolResult("minted", "add", (Text("1"),)),
                ToolResult("call_2", "add", (Json({"n": 2}),), provider_id="call_2"),
                Text("Go on."),
            ),
        )
        assert found[1:] == [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"function": {"name": "add", "arguments": {"a": 1}}},
                    {"id": "call_2", "function": {"name": "add", "arguments": {}}},
                ],
            },
            {"role": "tool", "content": "1", "tool_name": "add"},
            {"role": "tool", "content": '{"n":2}', "tool_name": "add", "tool_call_id": "call_2"},
            {"role": "user", "content": "Go on."},
        ]

    def test_arguments_go_back_exactly_as_the_model_wrote_them(self):
        request = Request(model="m", messages=(AssistantMessage.of(ToolCall("c", "f", '{"b":  1.50}')),))
        assert b'"arguments":{"b":  1.50}' in OllamaChat().encode(request, VENDOR).body

    @pytest.mark.parametrize("written", ["", '{"a": ', "[1]"])
    def test_arguments_that_are_no_object_are_sent_as_an_empty_one(self, written):
        (message,) = sent(AssistantMessage.of(ToolCall("c", "f", written)))
        assert message["tool_calls"] == [{"function": {"name": "f", "arguments": {}}}]

    def test_thoughts_go_back_only_where_they_came_from(self):
        content = (Reasoning((ReasoningText("hm", "sig"),)), Text("4"), Refusal("!"))
        ours = AssistantMessage(content, wire="ollama")
        assert sent(ours) == [{"role": "assistant", "content": "4!", "thinking": "hm"}]
        assert sent(structs.replace(ours, wire="openai-chat")) == [{"role": "assistant", "content": "4!"}]

    def test_a_turn_with_nothing_to_say_here_is_left_out(self):
        foreign = AssistantMessage((Reasoning((ReasoningText("hm"),)),), wire="anthropic-messages")
        assert len(sent(*PROMPT, foreign)) == 1

    def test_what_was_decoded_goes_back_as_it_came(self):
        decoder, _ = decode(
            line(content="", thinking="Let me see."),
            line(content="I add."),
            line(content="", tool_calls=[call("add", {"a": 1}, id="call_1")]),
            DONE,
        )
        assert sent(decoder.assembly.message()) == [
            {
                "role": "assistant",
                "content": "I add.",
                "thinking": "Let me see.",
                "tool_calls": [{"id": "call_1", "function": {"name": "add", "arguments": {"a": 1}}}],
            }
        ]


class TestBytes:
    @staticmethod
    def history(turns: int) -> Request:
        messages: list[Any] = [UserMessage.of("Add up.")]
        for turn in range(turns):
            messages += [
                AssistantMessage((ToolCall(f"m{turn}", "add", '{"a": 1, "b": 2}'),), wire="ollama"),
                UserMessage.of(ToolResult(f"m{turn}", "add", (Json({"sum": turn, "also": [1]}),))),
            ]
        return Request(
            model="qwen3:4b",
            tools=(ADD, structs.replace(ADD, name="sub"), structs.replace(ADD, name="mul")),
            preamble="Be terse.",
            context=(Document.from_text("text", id="d", z="1", a="2", m="3", b="4"),),
            messages=tuple(messages),
            additional_params={key: {"k": key} for key in "zyxwv"},
        )

    def test_equal_requests_give_equal_bytes(self):
        assert len({OllamaChat().encode(self.history(2), VENDOR).body for _ in range(8)}) == 1

    def test_each_turn_of_a_tool_loop_extends_the_prefix(self):
        wire = OllamaChat()
        bodies = [wire.encode(self.history(turns), VENDOR).body for turns in range(4)]
        assert wire.encode(self.history(3), VENDOR).body == bodies[3]
        for earlier, later in itertools.pairwise(bodies):
            assert later.startswith(earlier[: earlier.index(b'],"stream":')])
            assert len(later) > len(earlier)


class TestOfficialTypes:
    def test_what_the_sdk_reads_of_a_body_is_what_was_meant(self):
        sdk = pytest.importorskip("ollama._types", reason="the ollama SDK is not installed")
        request = Request(
            model="qwen3:4b",
            tools=(ADD,),
            messages=(
                UserMessage.of("Add."),
                AssistantMessage(
                    (Reasoning((ReasoningText("hm"),)), ToolCall("m", "add", '{"a": 1}')), wire="ollama"
                ),
                UserMessage.of(ToolResult("m", "add", (Text("1"),))),
            ),
            reasoning=ReasoningOptions(effort="low"),
            max_tokens=9,
        )
        body = encoded(request)
        read = sdk.ChatRequest.model_validate(body)
        asked, said, answered = map(sdk.Message.model_validate, body["messages"])
        assert (asked.role, asked.content) == ("user", "Add.")
        assert said.thinking == "hm"
        assert said.tool_calls[0].function.arguments == {"a": 1}
        assert (answered.role, answered.tool_name, answered.content) == ("tool", "add", "1")
        assert read.tools[0].function.parameters.properties["a"].type == "integer"
        assert (read.think, read.options["num_predict"], read.stream) == ("low", 9, True)


class TestErrors:
    @pytest.mark.parametrize(
        ("status", "said", "kind"),
        [
            (400, "invalid options", BadRequest),
            (400, "the input length exceeds the context length", ContextTooLong),
            (404, "model 'x' not found", NotFound),
            (500, "llama runner process has terminated", ServerError),
        ],
    )
    def test_error_bodies_by_status(self, status, said, kind):
        error = OllamaChat().error(status, json.dumps({"error": said}).encode())
        assert type(error) is kind
        assert error.status == status
        assert said in str(error)

    def test_a_body_that_is_no_json_is_quoted(self):
        assert "Bad gateway" in str(OllamaChat().error(502, b"Bad gateway"))

    @pytest.mark.parametrize(
        ("status", "body", "rejects"),
        [
            (400, b'{"error":"registry.example/library/gemma:2b does not support tools"}', True),
            (400, b'{"error":{"message":"gemma:2b does not support tools"}}', True),
            (400, b'{"error":"invalid options"}', False),
            (400, b"gemma does not support tools", False),
            (400, b'["does not support tools"]', False),
            (500, b'{"error":"gemma:2b does not support tools"}', False),
        ],
    )
    def test_the_rejection_of_tools_is_told_from_other_errors(self, status, body, rejects):
        assert OllamaChat().rejects_tools(status, body) is rejects
