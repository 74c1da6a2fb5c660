"""The Gemini wire: the body of a request."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from msgspec import structs

from agentlab.errors import (
    UnsupportedCapability,
)
from agentlab.messages import (
    AssistantMessage,
    Base64Source,
    CacheOptions,
    Document,
    Image,
    Json,
    OutputSchema,
    Reasoning,
    ReasoningOptions,
    ReasoningText,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.models.gemini.wire import GeminiGenerate
from tests.models.gemini.frames import (
    ADD,
    PROMPT,
    VENDOR,
    encoded,
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


class TestOfficialTypes:
    def test_a_body_with_everything_fits_the_sdks_own_types(self):
        types = pytest.importorskip("google.genai.types", reason="the google-genai SDK is not installed")
        signature = "c2lnbmF0dXJl"
        request = Request(
            model="gemini-3-pro",
            tools=(ADD,),
            preamble="Be terse.",
            messages=(
                UserMessage.of(
                    "Draw.", Image(Base64Source("aW1n"), "image/png"), Image.from_url("https://a.example")
                ),
                AssistantMessage(
                    (
                        Reasoning((ReasoningText("hm", signature),)),
                        Text("Here.", signature=signature),
                        ToolCall("g-1", "add", '{"a": 1}', provider_id="g-1", signature=signature),
                    ),
                    wire="gemini",
                ),
                UserMessage.of(
                    ToolResult(
                        "g-1",
                        "add",
                        (Json({"n": 1}), Image(Base64Source("aW1n"), "image/png")),
                        provider_id="g-1",
                    )
                ),
            ),
            tool_choice=SpecificTools(("add",)),
            temperature=0.5,
            max_tokens=9,
            stop_sequences=("END",),
            reasoning=ReasoningOptions(effort="low", summary="auto"),
            output_schema=OutputSchema({"type": "object"}),
        )
        body = encoded(request)
        # The SDK's models forbid fields they do not know.
        for content in (body["systemInstruction"], *body["contents"]):
            types.Content.model_validate(content)
        for tool in body["tools"]:
            types.Tool.model_validate(tool)
        types.ToolConfig.model_validate(body["toolConfig"])
        types.GenerationConfig.model_validate(body["generationConfig"])
        with pytest.raises(ValueError, match="Extra inputs"):
            types.Content.model_validate({"role": "user", "parts": [{"txt": "a field that is none"}]})
