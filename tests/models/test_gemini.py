"""The Gemini wire: what is sent, and what answers become."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ContextTooLong,
    InvalidHistory,
    ModelError,
    NotFound,
    ProtocolError,
    RateLimited,
    ServerError,
    UnsupportedCapability,
)
from agentlab.http import Frame, JSONArrayFramer, SSEFramer
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    CacheOptions,
    Citation,
    Document,
    FileSource,
    Image,
    Json,
    OutputSchema,
    ProviderPart,
    Reasoning,
    ReasoningBlock,
    ReasoningDelta,
    ReasoningOptions,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    TextDelta,
    TextSource,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
    ToolResult,
    UnknownEvent,
    UserMessage,
    Video,
)
from agentlab.models.gemini import GeminiGenerate
from agentlab.models.gemini_decoder import GeminiDecoder
from agentlab.models.wire import Vendor

VENDOR = Vendor(name="gemini", wire="gemini", base_url="https://gemini.example/v1beta")
PROMPT = (UserMessage.of("What is 2 + 2?"),)
ADD = ToolDefinition(
    "add",
    "Add two integers.",
    {
        "type": "object",
        "properties": {"b": {"type": "integer"}, "a": {"type": "integer"}},
        "required": ["b", "a"],
    },
)


def encoded(request: Request, vendor: Vendor = VENDOR) -> dict[str, Any]:
    return json.loads(GeminiGenerate().encode(request, vendor).body)


def contents(*messages: Any, vendor: Vendor = VENDOR, model: str = "gemini-3-pro") -> list[dict[str, Any]]:
    return encoded(Request(model=model, messages=messages), vendor)["contents"]


def new_decoder() -> GeminiDecoder:
    counter = itertools.count(1)
    return GeminiGenerate().decoder(VENDOR, mint=lambda: f"minted-{next(counter)}")


def chunk(
    *parts: dict[str, Any], finish: str | int | None = None, usage: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    if finish is not None:
        candidate["finishReason"] = finish
    whole: dict[str, Any] = {
        "candidates": [candidate],
        "modelVersion": "gemini-3-pro-001",
        "responseId": "r-1",
    }
    return whole if usage is None else {**whole, "usageMetadata": usage}


def decode(*chunks: dict[str, Any]) -> tuple[GeminiDecoder, list[Any]]:
    decoder = new_decoder()
    events: list[Any] = []
    for each in chunks:
        events += decoder.frame(Frame(json.dumps(each).encode()))
    return decoder, events + decoder.end()


def message_of(*chunks: dict[str, Any]) -> AssistantMessage:
    decoder, _ = decode(*chunks)
    assert decoder.assembly.complete
    return decoder.assembly.message()


def text(said: str, signature: str | None = None, **more: Any) -> dict[str, Any]:
    part = {"text": said, **more}
    return part if signature is None else {**part, "thoughtSignature": signature}


def thought(said: str, signature: str | None = None) -> dict[str, Any]:
    return text(said, signature, thought=True)


def call(
    name: str, args: dict[str, Any], *, id: str | None = None, signature: str | None = None
) -> dict[str, Any]:
    function = {"name": name, "args": args} if id is None else {"id": id, "name": name, "args": args}
    return (
        {"functionCall": function}
        if signature is None
        else {"functionCall": function, "thoughtSignature": signature}
    )


class TestBody:
    def test_keys_stand_in_the_order_of_the_cached_prefix(self):
        request = Request(
            model="gemini-3-pro",
            tools=(ADD,),
            preamble="Be terse.",
            messages=PROMPT,
            tool_choice="auto",
            temperature=0.5,
        )
        assert list(encoded(request)) == [
            "tools",
            "systemInstruction",
            "contents",
            "toolConfig",
            "generationConfig",
        ]

    def test_path_asks_for_a_stream_as_sse_or_for_a_whole_answer(self):
        wire = GeminiGenerate()
        request = Request(model="gemini-3-pro", messages=PROMPT)
        assert wire.encode(request, VENDOR).path == "/models/gemini-3-pro:streamGenerateContent?alt=sse"
        assert (
            wire.encode(structs.replace(request, stream=False), VENDOR).path
            == "/models/gemini-3-pro:generateContent"
        )

    def test_a_model_named_with_its_collection_keeps_it(self):
        request = Request(model="tunedModels/mine", messages=PROMPT, stream=False)
        assert GeminiGenerate().encode(request, VENDOR).path == "/tunedModels/mine:generateContent"

    def test_tools_carry_json_schema_whole_and_in_the_order_given(self):
        bare = ToolDefinition("ping", parameters={"$ref": "#/$defs/X", "$defs": {"X": {"type": "object"}}})
        assert encoded(Request(model="m", tools=(ADD, bare), messages=PROMPT))["tools"] == [
            {
                "functionDeclarations": [
                    {
                        "name": "add",
                        "description": "Add two integers.",
                        "parametersJsonSchema": ADD.parameters,
                    },
                    {"name": "ping", "parametersJsonSchema": bare.parameters},
                ]
            }
        ]
        body = GeminiGenerate().encode(Request(model="m", tools=(ADD,), messages=PROMPT), VENDOR).body
        assert body.index(b'"b":') < body.index(b'"a":')

    @pytest.mark.parametrize(
        ("choice", "config"),
        [
            ("auto", {"mode": "AUTO"}),
            ("none", {"mode": "NONE"}),
            ("required", {"mode": "ANY"}),
            (SpecificTools(("add",)), {"mode": "ANY", "allowedFunctionNames": ["add"]}),
        ],
    )
    def test_tool_choice_becomes_a_mode(self, choice, config):
        request = Request(model="m", tools=(ADD,), messages=PROMPT, tool_choice=choice)
        assert encoded(request)["toolConfig"] == {"functionCallingConfig": config}

    def test_no_mode_is_sent_where_there_is_nothing_to_choose(self):
        assert "toolConfig" not in encoded(Request(model="m", messages=PROMPT, tool_choice="none"))
        assert "toolConfig" not in encoded(Request(model="m", tools=(ADD,), messages=PROMPT))

    def test_tools_that_are_all_strict_are_held_to_their_schemas(self):
        strict = structs.replace(ADD, strict=True)
        request = Request(model="m", tools=(strict,), messages=PROMPT)
        assert encoded(request)["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}
        assert "toolConfig" not in encoded(structs.replace(request, tools=(strict, ADD)))

    def test_generation_settings_have_their_places(self):
        request = Request(
            model="m",
            messages=PROMPT,
            temperature=0.0,
            max_tokens=50,
            stop_sequences=("END",),
            reasoning=ReasoningOptions(budget_tokens=128, summary="auto"),
            output_schema=OutputSchema({"type": "object", "properties": {"n": {"type": "integer"}}}),
        )
        assert encoded(request)["generationConfig"] == {
            "temperature": 0.0,
            "maxOutputTokens": 50,
            "stopSequences": ["END"],
            "thinkingConfig": {"thinkingBudget": 128, "includeThoughts": True},
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
        }

    @pytest.mark.parametrize(
        ("options", "thinking"),
        [
            (ReasoningOptions(effort="low"), {"thinkingLevel": "low"}),
            (ReasoningOptions(effort="none"), {"thinkingBudget": 0}),
            (
                ReasoningOptions(effort="high", summary="none"),
                {"thinkingLevel": "high", "includeThoughts": False},
            ),
        ],
    )
    def test_effort_becomes_a_level(self, options, thinking):
        body = encoded(Request(model="gemini-3-pro", messages=PROMPT, reasoning=options))
        assert body["generationConfig"]["thinkingConfig"] == thinking

    def test_effort_becomes_a_budget_for_models_that_know_only_budgets(self):
        budgets = {"effort_budgets": {"gemini-2": {"low": 1}, "gemini-2.5": {"low": 1024, "high": 24576}}}
        vendor = structs.replace(VENDOR, dialect=budgets)
        request = Request(
            model="models/gemini-2.5-flash", messages=PROMPT, reasoning=ReasoningOptions(effort="low")
        )
        assert encoded(request, vendor)["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 1024}
        with pytest.raises(UnsupportedCapability, match="knows no effort 'xhigh', only high, low, none"):
            encoded(structs.replace(request, reasoning=ReasoningOptions(effort="xhigh")), vendor)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"parallel_tool_calls": False}, "several tool calls"),
            ({"reasoning": ReasoningOptions(effort="max")}, "no effort 'max'"),
            ({"reasoning": ReasoningOptions(effort="low", budget_tokens=5)}, "not both"),
        ],
    )
    def test_what_cannot_be_said_is_refused(self, change, reason):
        with pytest.raises(UnsupportedCapability, match=reason):
            encoded(structs.replace(Request(model="m", messages=PROMPT), **change))

    def test_cached_content_is_named_after_the_prompt(self):
        request = Request(model="m", messages=PROMPT, cache=CacheOptions(cached_content="cachedContents/abc"))
        assert encoded(request) == {
            "contents": [{"role": "user", "parts": [{"text": "What is 2 + 2?"}]}],
            "cachedContent": "cachedContents/abc",
        }

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"preamble": "Be terse."}, "a system prompt"),
            ({"messages": (SystemMessage("Be terse."), *PROMPT)}, "a system prompt"),
            ({"tools": (ADD,)}, "tools"),
            ({"tool_choice": "none"}, "`tool_choice`"),
        ],
    )
    def test_cached_content_beside_what_it_holds_itself_is_refused(self, change, named):
        request = Request(model="m", messages=PROMPT, cache=CacheOptions(cached_content="cachedContents/abc"))
        with pytest.raises(UnsupportedCapability, match=f"{named} may not be sent beside it"):
            encoded(structs.replace(request, **change))

    def test_additional_params_are_merged_last(self):
        request = Request(
            model="m",
            tools=(ADD,),
            messages=PROMPT,
            temperature=0.5,
            additional_params={
                "generationConfig": {"topK": 3, "temperature": 1},
                "tools": [{"googleSearch": {}}],
                "labels": {"a": "b"},
            },
        )
        body = encoded(request)
        assert body["generationConfig"] == {"temperature": 1, "topK": 3}
        assert [list(tool) for tool in body["tools"]] == [["functionDeclarations"], ["googleSearch"]]
        assert body["labels"] == {"a": "b"}


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

    def test_foreign_calls_are_signed_for_models_that_refuse_unsigned_ones(self):
        vendor = structs.replace(VENDOR, dialect={"foreign_call_signature": {"gemini-3": "skip"}})
        foreign = AssistantMessage(
            (ToolCall("a", "add", "{}"), ToolCall("b", "add", "{}")), wire="openai-chat"
        )
        ours = AssistantMessage((ToolCall("a", "add", "{}"),), wire="gemini")
        signatures = [part.get("thoughtSignature") for part in contents(foreign, vendor=vendor)[0]["parts"]]
        assert signatures == ["skip", None]
        assert "thoughtSignature" not in contents(ours, vendor=vendor)[0]["parts"][0]
        older = contents(foreign, vendor=vendor, model="gemini-2.5-pro")[0]["parts"][0]
        assert "thoughtSignature" not in older


class TestBytes:
    @staticmethod
    def history(turns: int) -> Request:
        messages: list[Any] = [UserMessage.of("Add up.")]
        for turn in range(turns):
            messages += [
                AssistantMessage(
                    (ToolCall(f"m{turn}", "add", '{"a": 1, "b": 2}', signature=f"s{turn}"),), wire="gemini"
                ),
                UserMessage.of(ToolResult(f"m{turn}", "add", (Json({"sum": turn, "also": [1]}),))),
            ]
        return Request(
            model="gemini-3-pro",
            tools=(ADD, structs.replace(ADD, name="sub"), structs.replace(ADD, name="mul")),
            preamble="Be terse.",
            context=(Document.from_text("text", id="d", z="1", a="2", m="3", b="4"),),
            messages=tuple(messages),
            additional_params={key: {"k": key} for key in "zyxwv"},
        )

    def test_equal_requests_give_equal_bytes(self):
        bodies = {GeminiGenerate().encode(self.history(2), VENDOR).body for _ in range(8)}
        assert len(bodies) == 1

    def test_a_wire_that_remembers_messages_sends_the_same_bytes_again(self):
        wire, request = GeminiGenerate(), self.history(2)
        assert wire.encode(request, VENDOR).body == wire.encode(request, VENDOR).body
        assert wire.encode(request, VENDOR).body == GeminiGenerate().encode(request, VENDOR).body

    def test_each_turn_of_a_tool_loop_extends_the_prefix(self):
        wire = GeminiGenerate()
        bodies = [wire.encode(self.history(turns), VENDOR).body for turns in range(4)]
        for earlier, later in itertools.pairwise(bodies):
            head = earlier[: earlier.index(b'],"z":')]
            assert later.startswith(head)
            assert len(later) > len(earlier)


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
        (found,) = message_of(chunk(call("add", {}, id="g-1"), finish="STOP")).tool_calls
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

    def test_grounding_becomes_citations_of_the_text(self):
        grounding = {
            "groundingChunks": [
                {"web": {"uri": "https://a.example", "title": "A"}},
                {"retrievedContext": {"uri": "doc-1", "title": "Doc", "text": "..."}},
            ],
            "groundingSupports": [
                {"segment": {"endIndex": 5, "text": "It is"}, "groundingChunkIndices": [0, 7]}
            ],
        }
        again = chunk(text("so."), finish="STOP", groundingMetadata=grounding)
        message = message_of(chunk(text("It is "), groundingMetadata=grounding), again)
        (part,) = message.content
        assert isinstance(part, Text)
        assert [(c.title, c.url, c.quote) for c in part.citations] == [
            ("A", "https://a.example", "It is"),
            ("Doc", "doc-1", None),
        ]

    @pytest.mark.parametrize("field", ["citationSources", "citations"])
    def test_recited_sources_become_citations(self, field):
        source = {"startIndex": 0, "endIndex": 4, "uri": "https://b.example"}
        message = message_of(chunk(text("Text"), finish="STOP", citationMetadata={field: [source]}))
        assert message.content == (Text("Text", (Citation(url="https://b.example", raw=source),)),)


class TestReplay:
    def test_what_the_model_said_goes_back_part_by_part(self):
        parts = [
            thought("Let me see.", "sig-1"),
            {"executableCode": {"code": "1"}, "thoughtSignature": "sig-2"},
            text("Here:"),
            {"inlineData": {"mimeType": "image/png", "data": "aW1n"}, "thoughtSignature": "sig-3"},
            call("add", {"a": 1}, signature="sig-4"),
            call("add", {"a": 2}, id="g-2"),
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


def error_body(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


class TestErrors:
    @pytest.mark.parametrize(
        ("code", "status", "message", "kind"),
        [
            (400, "INVALID_ARGUMENT", "Please use a valid role.", BadRequest),
            (
                400,
                "INVALID_ARGUMENT",
                "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
                ContextTooLong,
            ),
            (403, "PERMISSION_DENIED", "Denied.", AuthenticationFailed),
            (404, "NOT_FOUND", "models/x is not found.", NotFound),
            (429, "RESOURCE_EXHAUSTED", "Quota exceeded.", RateLimited),
            (503, "UNAVAILABLE", "Overloaded.", ServerError),
        ],
    )
    def test_error_bodies_by_status(self, code, status, message, kind):
        payload = error_body(code, status, message)
        for body in (payload, [payload]):
            error = GeminiGenerate().error(code, json.dumps(body).encode())
            assert type(error) is kind
            assert (error.status, error.code) == (code, status)
            assert message in str(error)

    def test_a_refused_key_is_an_authentication_error_although_its_status_is_400(self):
        body = error_body(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"})
        error = GeminiGenerate().error(400, json.dumps(body).encode())
        assert type(error) is AuthenticationFailed
        assert (error.status, error.code) == (400, "API_KEY_INVALID")

    def test_the_time_to_wait_is_read(self):
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
        error = GeminiGenerate().error(
            429, json.dumps(error_body(429, "RESOURCE_EXHAUSTED", "Quota.", retry)).encode()
        )
        assert error.retry_after == 34.07

    def test_a_body_that_is_no_json_is_quoted(self):
        error = GeminiGenerate().error(502, b"<html>Bad gateway</html>")
        assert type(error) is ServerError
        assert "Bad gateway" in str(error)

    @pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b'{"error": "down"}', b'{"error": null}'])
    def test_an_error_body_of_any_shape_becomes_an_error(self, body):
        assert type(GeminiGenerate().error(500, body)) is ServerError

    def test_an_error_in_the_stream_has_the_class_of_its_own_status(self):
        decoder = new_decoder()
        decoder.frame(Frame(json.dumps(chunk(text("Hel"))).encode()))
        with pytest.raises(RateLimited) as caught:
            decoder.frame(Frame(json.dumps(error_body(429, "RESOURCE_EXHAUSTED", "Quota.")).encode()))
        assert caught.value.status == 429
        assert not decoder.assembly.complete

    def test_an_error_in_the_stream_without_a_status_is_the_servers(self):
        with pytest.raises(ModelError) as caught:
            decode({"error": {"message": "internal"}})
        assert type(caught.value) is ServerError
