"""Requests of the Chat Completions wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    CacheOptions,
    Document,
    FileSource,
    Image,
    Json,
    Message,
    OutputSchema,
    ProviderPart,
    Reasoning,
    ReasoningOptions,
    ReasoningText,
    Refusal,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UrlSource,
    UserMessage,
    Video,
)
from agentlab.models.openai_chat import OpenAIChat
from agentlab.models.wire import EncodedRequest, Vendor

PNG = Image(Base64Source("AAAA"), "image/png")
ADD = ToolDefinition("add", "Adds.", {"type": "object", "properties": {"b": {}, "a": {}}}, strict=True)


def vendor(**flags: Any) -> Vendor:
    return Vendor(name="test", wire="openai-chat", base_url="http://localhost", dialect=flags)


def sent(request: Request, **flags: Any) -> EncodedRequest:
    return OpenAIChat().encode(request, vendor(**flags))


def body(request: Request, **flags: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(sent(request, **flags).body)
    return parsed


def request(*messages: Message, **fields: Any) -> Request:
    return Request(model="m", messages=messages or (UserMessage.of("Hi"),), **fields)


def items(*messages: Message, **flags: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(request(*messages), **flags)["messages"]
    return found


def parts(part: Any, **flags: Any) -> Any:
    """The content of a user message of a text and this part; its second part."""
    return items(UserMessage.of("see", part), **flags)[0]["content"][1]


# ------------------------------------------------------------------ the whole body


def test_the_smallest_request() -> None:
    encoded = sent(request(stream=False))
    assert encoded.path == "/chat/completions"
    assert encoded.headers == {}
    assert encoded.body == b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}'


def test_a_stream_asks_for_its_usage_where_the_vendor_wants_to_be_asked() -> None:
    assert body(request())["stream"] is True
    assert body(request())["stream_options"] == {"include_usage": True}
    assert "stream_options" not in body(request(), stream_options=False)
    assert "stream" not in body(request(stream=False))


def test_the_order_of_the_body_is_fixed_and_the_messages_come_last() -> None:
    full = request(
        preamble="P",
        context=(Document.from_text("doc", "d1"),),
        tools=(ADD,),
        tool_choice="auto",
        temperature=0.5,
        max_tokens=9,
        stop_sequences=("END",),
        parallel_tool_calls=False,
        reasoning=ReasoningOptions(effort="low"),
        output_schema=OutputSchema({"type": "object"}),
        cache=CacheOptions(key="k"),
        additional_params={"seed": 7},
    )
    flags = {"cache_fields": ["prompt_cache_key"], "body": {"extra": 1}}
    assert list(body(full, **flags)) == [
        "model",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "temperature",
        "max_tokens",
        "stop",
        "reasoning_effort",
        "response_format",
        "prompt_cache_key",
        "stream",
        "stream_options",
        "extra",
        "seed",
        "messages",
    ]
    assert [item["role"] for item in body(full)["messages"]] == ["system", "user", "user"]
    assert body(full)["messages"][1]["content"] == "<file id: d1>\ndoc\n</file>\n"


def test_equal_requests_give_equal_bytes_whoever_encodes_them() -> None:
    def fresh() -> Request:
        return request(
            UserMessage.of("Hi", PNG),
            AssistantMessage.of("Yes", ToolCall("c1", "add", '{"b":1,"a":2}')),
            UserMessage((ToolResult("c1", "add", (Json({"z": 1, "a": 2}),)),)),
            preamble="P",
            tools=(ADD,),
            context=(Document.from_text("d", "1", zeta="1", alpha="2"),),
        )

    same = OpenAIChat()
    row = vendor()
    bodies = {same.encode(fresh(), row).body for _ in range(4)} | {sent(fresh()).body for _ in range(4)}
    assert len(bodies) == 1


def test_a_longer_history_keeps_the_bytes_of_the_shorter_one() -> None:
    wire, row = OpenAIChat(), vendor()
    history: list[Message] = [UserMessage.of("Add 1 and 2", PNG)]
    bodies = []
    for turn in range(4):
        bodies.append(wire.encode(request(*history, preamble="P", tools=(ADD,)), row).body)
        history += [
            AssistantMessage.of("ok", ToolCall(f"c{turn}", "add", "{}")),
            UserMessage((ToolResult(f"c{turn}", "add", (Text("3"),)),)),
        ]
    for earlier, later in zip(bodies, bodies[1:], strict=False):
        assert earlier.endswith(b"]}")
        assert later.startswith(earlier[:-2] + b",")


def test_an_instance_used_for_another_vendor_does_not_reuse_bytes() -> None:
    wire, message = OpenAIChat(), SystemMessage("S")
    one, other = vendor(), vendor(system_role="developer")
    roles = [
        json.loads(wire.encode(request(message, UserMessage.of("x")), row).body)["messages"][0]["role"]
        for row in (one, other, one)
    ]
    assert roles == ["system", "developer", "system"]


texts = st.text(max_size=20)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_any_history_of_texts_is_sent_as_it_is(turns: list[tuple[str, str]]) -> None:
    history: list[Message] = []
    expected = []
    for asked, answered in turns:
        history += [UserMessage.of(asked), AssistantMessage.of(answered)]
        expected.append({"role": "user", "content": asked})
        if answered:
            expected.append({"role": "assistant", "content": answered})
    assert items(*history) == expected


def test_additional_params_are_merged_last() -> None:
    merged = body(
        request(
            tools=(ADD,),
            additional_params={
                "tools": [{"type": "web_search"}],
                "temperature": 1,
                "stream_options": {"include_obfuscation": False},
            },
            temperature=0.2,
        )
    )
    assert [tool["type"] for tool in merged["tools"]] == ["function", "web_search"]
    assert merged["temperature"] == 1
    assert merged["stream_options"] == {"include_usage": True, "include_obfuscation": False}


def test_the_path_and_constant_fields_are_the_vendors() -> None:
    assert sent(request(), path="/chat").path == "/chat"
    assert body(request(), body={"reasoning_split": True})["reasoning_split"] is True


# ---------------------------------------------------------------- system and users


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
    with pytest.raises(UnsupportedCapability, match="image.*file"):
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


# -------------------------------------------------------- assistants, calls, results


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


# -------------------------------------------------------------- reasoning, sent back

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


# ----------------------------------------------------------------------- options


def test_tools_carry_strict_only_where_it_is_understood() -> None:
    bare = ToolDefinition("now", "")
    plain = {"name": "add", "description": "Adds.", "parameters": ADD.parameters}
    assert body(request(tools=(ADD, bare)))["tools"] == [
        {"type": "function", "function": plain},
        {"type": "function", "function": {"name": "now", "parameters": bare.parameters}},
    ]
    strict = body(request(tools=(ADD, bare)), strict_tools=True)["tools"]
    assert strict[0]["function"]["strict"] is True
    assert "strict" not in strict[1]["function"]
    assert list(strict[0]["function"]["parameters"]["properties"]) == ["b", "a"]


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_choices_by_word(choice: Any) -> None:
    assert body(request(tools=(ADD,), tool_choice=choice))["tool_choice"] == choice


def test_a_choice_among_no_tools_is_not_sent() -> None:
    quiet = body(request(tool_choice="auto", parallel_tool_calls=False))
    assert "tool_choice" not in quiet
    assert "parallel_tool_calls" not in quiet
    hosted = request(tool_choice="required", additional_params={"tools": [{"type": "web_search"}]})
    assert body(hosted)["tool_choice"] == "required"


def test_a_choice_of_one_tool_names_it() -> None:
    chosen = request(tools=(ADD,), tool_choice=SpecificTools(("add",)))
    assert body(chosen)["tool_choice"] == {"type": "function", "function": {"name": "add"}}


def test_a_choice_of_several_tools_needs_a_vendor_that_knows_it() -> None:
    chosen = request(tools=(ADD,), tool_choice=SpecificTools(("add", "now")))
    assert body(chosen, allowed_tools=True)["tool_choice"] == {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [
                {"type": "function", "function": {"name": "add"}},
                {"type": "function", "function": {"name": "now"}},
            ],
        },
    }
    with pytest.raises(UnsupportedCapability, match="exactly one tool, not 2"):
        body(chosen)


def test_parallel_calls_are_told_only_where_understood() -> None:
    asked = request(tools=(ADD,), parallel_tool_calls=False)
    assert body(asked)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in body(asked, parallel_tool_calls=False)


def test_the_output_limit_has_the_vendors_name() -> None:
    asked = request(max_tokens=5)
    assert body(asked)["max_tokens"] == 5
    modern = body(asked, max_tokens="max_completion_tokens")
    assert modern["max_completion_tokens"] == 5
    assert "max_tokens" not in modern


@pytest.mark.parametrize(
    ("form", "options", "fields"),
    [
        ("effort", {"effort": "high"}, {"reasoning_effort": "high"}),
        ("effort", {"effort": "none"}, {"reasoning_effort": "none"}),
        ("effort", {"summary": "auto"}, {}),
        ("openrouter", {"effort": "high"}, {"reasoning": {"effort": "high"}}),
        ("openrouter", {"budget_tokens": 2000}, {"reasoning": {"max_tokens": 2000}}),
        ("thinking", {"effort": "high"}, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("thinking", {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("thinking_off", {"effort": "high"}, {"reasoning_effort": "high"}),
        ("thinking_off", {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("thinking_adaptive", {"effort": "high"}, {"thinking": {"type": "adaptive"}}),
        ("thinking_adaptive", {"effort": "none"}, {"thinking": {"type": "disabled"}}),
        ("enable_thinking", {"effort": "high"}, {"enable_thinking": True}),
        ("enable_thinking", {"effort": "none"}, {"enable_thinking": False}),
        ("enable_thinking", {"budget_tokens": 9}, {"enable_thinking": True, "thinking_budget": 9}),
        ("template", {"effort": "none"}, {"chat_template_kwargs": {"enable_thinking": False}}),
        (
            "template",
            {"effort": "low"},
            {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "low"}},
        ),
    ],
)
def test_thinking_is_asked_for_in_the_vendors_form(
    form: str, options: dict[str, Any], fields: dict[str, Any]
) -> None:
    plain = body(request())
    asked = body(request(reasoning=ReasoningOptions(**options)), reasoning=form)
    assert {name: value for name, value in asked.items() if name not in plain} == fields


def test_efforts_have_the_vendors_names() -> None:
    asked = request(reasoning=ReasoningOptions(effort="max"))
    assert body(asked, efforts={"max": "xhigh"})["reasoning_effort"] == "xhigh"


@pytest.mark.parametrize("form", ["effort", "thinking", "thinking_off", "thinking_adaptive", "template"])
def test_a_budget_is_refused_where_there_is_no_place_for_it(form: str) -> None:
    with pytest.raises(UnsupportedCapability, match="budget"):
        body(request(reasoning=ReasoningOptions(budget_tokens=100)), reasoning=form)


SCHEMA = OutputSchema({"type": "object", "properties": {"a": {}}}, name="answer", description="D")


def test_a_schema_is_enforced_where_the_vendor_can() -> None:
    assert body(request(output_schema=SCHEMA))["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "description": "D", "strict": True, "schema": SCHEMA.schema},
    }


def test_elsewhere_json_is_asked_for_and_the_schema_told_in_the_preamble() -> None:
    asked = body(request(output_schema=SCHEMA, preamble="P"), response_format="json_object")
    assert asked["response_format"] == {"type": "json_object"}
    told = asked["messages"][0]["content"]
    assert told.startswith("P\n\nAnswer with one JSON object")
    assert told.endswith('{"type":"object","properties":{"a":{}}}')
    alone = body(request(output_schema=SCHEMA), response_format="json_object")["messages"]
    assert alone[0]["role"] == "system"
    assert "JSON Schema" in alone[0]["content"]
