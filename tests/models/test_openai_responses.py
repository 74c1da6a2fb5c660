from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ContextTooLong,
    InvalidHistory,
    ModelError,
    NotFound,
    RateLimited,
    ServerError,
    UnsupportedCapability,
)
from agentlab.http import Frame
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
    ReasoningEncrypted,
    ReasoningOptions,
    ReasoningSummary,
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
from agentlab.models.openai_responses import OpenAIResponses
from agentlab.models.wire import Vendor, Wire

VENDOR = Vendor(name="openai", wire="openai-responses", base_url="https://api.example/v1")
ADD = ToolDefinition(
    "add", "Add.", {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "integer"}}}
)
HELLO = UserMessage.of("Hello")
NAME = "openai-responses"


def encode(request: Request, vendor: Vendor = VENDOR, wire: OpenAIResponses | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((wire or OpenAIResponses()).encode(request, vendor).body)
    return body


def items_of(*messages: Any, dialect: dict[str, Any] | None = None, **fields: Any) -> list[dict[str, Any]]:
    vendor = structs.replace(VENDOR, dialect=dialect or {})
    found: list[dict[str, Any]] = encode(Request(model="m", messages=messages, **fields), vendor)["input"]
    return found


def own(*parts: Any, **fields: Any) -> AssistantMessage:
    return AssistantMessage(parts, wire=NAME, **fields)


def thought(sealed: str = "sealed", item_id: str = "rs_1") -> Reasoning:
    return Reasoning((ReasoningSummary("why"), ReasoningEncrypted(sealed)), id=item_id)


def call(name: str = "add", **fields: Any) -> ToolCall:
    return ToolCall("call_1", name, '{"a":1}', provider_id="call_1", item_id="fc_1", **fields)


def result(*content: Any) -> UserMessage:
    return UserMessage((ToolResult("call_1", "add", content or (Text("2"),), provider_id="call_1"),))


# ------------------------------------------------------------------------------------------------- the body


def test_it_is_a_wire() -> None:
    wire: Wire = OpenAIResponses()
    assert (wire.name, wire.framing, wire.dispatch_tail) == (NAME, "sse", False)


def test_the_body_is_stateless_and_in_the_order_of_the_prompt() -> None:
    request = Request(model="m", tools=(ADD,), preamble="Be terse.", messages=(HELLO,))
    encoded = OpenAIResponses().encode(request, VENDOR)
    assert encoded.path == "/responses"
    body = json.loads(encoded.body)
    assert list(body) == ["model", "tools", "instructions", "input", "store", "include", "stream"]
    assert (body["store"], body["stream"], body["include"]) == (False, True, ["reasoning.encrypted_content"])
    assert body["instructions"] == "Be terse."
    assert body["input"] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    ]


def test_every_setting_stands_where_the_api_has_it() -> None:
    body = encode(
        Request(
            model="m",
            messages=(HELLO,),
            tool_choice="required",
            parallel_tool_calls=False,
            temperature=0.5,
            max_tokens=100,
            reasoning=ReasoningOptions(effort="xhigh", summary="detailed"),
            output_schema=OutputSchema({"type": "object"}, name="answer", description="An answer."),
            cache=CacheOptions(key="k", mode="explicit", ttl="30m", retention="24h"),
            stream=False,
        )
    )
    assert {name: body[name] for name in body if name not in {"model", "input", "store", "include"}} == {
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "max_output_tokens": 100,
        "reasoning": {"effort": "xhigh", "summary": "detailed"},
        "text": {
            "format": {
                "type": "json_schema",
                "name": "answer",
                "description": "An answer.",
                "schema": {"type": "object"},
                "strict": True,
            }
        },
        "prompt_cache_key": "k",
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
        "prompt_cache_retention": "24h",
        "stream": False,
    }


def test_a_summary_of_none_asks_for_no_summary() -> None:
    assert "reasoning" not in encode(
        Request(model="m", messages=(HELLO,), reasoning=ReasoningOptions(summary="none"))
    )


def test_tools_keep_the_order_of_their_schema_and_say_strict_only_where_asked() -> None:
    strict = structs.replace(ADD, name="add_strictly", description="", strict=True)
    body = encode(Request(model="m", tools=(ADD, strict), messages=(HELLO,)))
    assert list(body["tools"][0]) == ["type", "name", "description", "parameters"]
    assert list(body["tools"][0]["parameters"]["properties"]) == ["b", "a"]
    assert body["tools"][1] == {
        "type": "function",
        "name": "add_strictly",
        "parameters": ADD.parameters,
        "strict": True,
    }


@pytest.mark.parametrize(
    ("choice", "encoded"),
    [
        ("auto", "auto"),
        ("none", "none"),
        (SpecificTools(("add",)), {"type": "function", "name": "add"}),
        (SpecificTools(("sql",)), {"type": "custom", "name": "sql"}),
        (
            SpecificTools(("add", "sql")),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "add"}, {"type": "custom", "name": "sql"}],
            },
        ),
    ],
)
def test_tool_choice_has_a_form_for_one_and_for_several_tools(choice: Any, encoded: Any) -> None:
    added = {"tools": [{"type": "custom", "name": "sql"}, {"type": "web_search"}]}
    request = Request(model="m", tools=(ADD,), messages=(HELLO,), tool_choice=choice, additional_params=added)
    body = encode(request)
    assert body["tool_choice"] == encoded
    assert [tool["type"] for tool in body["tools"]] == ["function", "custom", "web_search"]


def test_additional_params_are_merged_last() -> None:
    params = {
        "store": True,
        "reasoning": {"context": "all_turns"},
        "include": ["message.output_text.logprobs"],
    }
    body = encode(
        Request(
            model="m",
            messages=(HELLO,),
            reasoning=ReasoningOptions(effort="low"),
            additional_params={**params, "truncation": "auto"},
        )
    )
    assert body["store"] is True
    assert body["reasoning"] == {"effort": "low", "context": "all_turns"}
    assert body["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]
    assert body["truncation"] == "auto"


@pytest.mark.parametrize(
    "fields",
    [
        {"stop_sequences": ("END",)},
        {"reasoning": ReasoningOptions(budget_tokens=1000)},
        {"messages": (UserMessage((Audio(Base64Source("AA=="), "audio/wav"),)),)},
        {"messages": (UserMessage((Video(UrlSource("https://v.example")),)),)},
    ],
)
def test_what_the_wire_cannot_say_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedCapability):
        encode(Request(**({"model": "m", "messages": (HELLO,)} | fields)))


def test_a_dialect_leaves_out_what_the_vendor_does_not_know() -> None:
    vendor = structs.replace(VENDOR, dialect={"store": False, "encrypted_reasoning": False})
    assert set(encode(Request(model="m", messages=(HELLO,)), vendor)) == {"model", "input", "stream"}


def test_a_dialect_refuses_what_the_vendor_does_not_take() -> None:
    vendor = structs.replace(VENDOR, title="Acme", dialect={"refuses": ["max_output_tokens"]})
    encode(Request(model="m", messages=(HELLO,)), vendor)
    with pytest.raises(UnsupportedCapability, match="Acme does not take `max_output_tokens`"):
        encode(Request(model="m", messages=(HELLO,), max_tokens=5), vendor)


def test_encrypted_reasoning_is_not_asked_of_models_that_do_not_reason() -> None:
    vendor = structs.replace(VENDOR, lacks_by_model={"gpt-4": ("reasoning",)})
    assert "include" not in encode(Request(model="gpt-4o", messages=(HELLO,)), vendor)
    assert "include" in encode(Request(model="gpt-5.6", messages=(HELLO,)), vendor)


# ------------------------------------------------------------------------------------- users and tool results


def test_a_system_message_takes_the_role_of_the_dialect_and_an_empty_one_is_left_out() -> None:
    messages = (SystemMessage("Now French."), SystemMessage(""), HELLO)
    assert [item["role"] for item in items_of(*messages)] == ["system", "user"]
    assert items_of(*messages, dialect={"system_role": "developer"})[0] == {
        "type": "message",
        "role": "developer",
        "content": [{"type": "input_text", "text": "Now French."}],
    }


@pytest.mark.parametrize(
    ("part", "encoded"),
    [
        (
            Image(Base64Source("AA=="), "image/png", "high"),
            {"type": "input_image", "detail": "high", "image_url": "data:image/png;base64,AA=="},
        ),
        (
            Image(UrlSource("https://i.example")),
            {"type": "input_image", "detail": "auto", "image_url": "https://i.example"},
        ),
        (Image(FileSource("file_1")), {"type": "input_image", "detail": "auto", "file_id": "file_1"}),
        (
            Document(Base64Source("AA=="), title="a.pdf", media_type="application/pdf"),
            {
                "type": "input_file",
                "filename": "a.pdf",
                "file_data": "data:application/pdf;base64,AA==",
            },
        ),
        (
            Document(UrlSource("https://d.example")),
            {"type": "input_file", "file_url": "https://d.example"},
        ),
        (Document(FileSource("file_2")), {"type": "input_file", "file_id": "file_2"}),
        (
            Document.from_text("body", id="d1", lang="en"),
            {
                "type": "input_text",
                "text": '<file id: d1>\n<metadata lang: "en" />\nbody\n</file>\n',
            },
        ),
        (
            Document(Base64Source("aGk="), id="d2", media_type="text/plain"),
            {"type": "input_text", "text": "<file id: d2>\nhi\n</file>\n"},
        ),
    ],
)
def test_each_kind_of_user_part_has_its_content_part(part: Any, encoded: dict[str, Any]) -> None:
    assert items_of(UserMessage((part,)))[0]["content"] == [encoded]


def test_inline_media_without_a_type_is_refused() -> None:
    with pytest.raises(InvalidHistory, match="media_type"):
        items_of(UserMessage((Image(Base64Source("AA==")),)))


def test_the_static_context_is_one_user_message_before_the_history() -> None:
    items = items_of(HELLO, context=(Document.from_text("x", id="a"), Document.from_text("y", id="b")))
    assert items[0]["content"] == [
        {"type": "input_text", "text": "<file id: a>\nx\n</file>\n<file id: b>\ny\n</file>\n"}
    ]
    assert len(items) == 2


def test_a_tool_result_is_text_and_its_json_is_compact_and_sorted() -> None:
    items = items_of(own(call()), result(Text("seen:"), Json({"b": [1, 2], "a": "é"})))
    assert items[1] == {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": 'seen:\n{"a":"é","b":[1,2]}',
    }


def test_a_tool_result_with_an_image_is_a_list_of_content() -> None:
    image = Image(Base64Source("AA=="), "image/png")
    items = items_of(own(call()), result(Json({"a": 1}), image))
    assert items[1]["output"] == [
        {"type": "input_text", "text": '{"a":1}'},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,AA=="},
    ]


def test_a_prompt_beside_tool_results_follows_them_as_its_own_item() -> None:
    both = UserMessage((*result().content, Text("and now?")))
    assert [item["type"] for item in items_of(own(call()), both)] == [
        "function_call",
        "function_call_output",
        "message",
    ]


# -------------------------------------------------------------------------------------------------- replay


def test_a_turn_of_this_wire_goes_back_item_by_item_under_its_ids() -> None:
    raw = {"type": "url_citation", "url": "https://a.example"}
    text = Text("Let me add.", (Citation(raw=raw),), extra={"id": "msg_1", "phase": "commentary"})
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    turn = own(thought(), ProviderPart(NAME, "web_search_call", search), text, call(), id="msg_1")
    assert items_of(HELLO, turn, result())[1:] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "why"}],
            "encrypted_content": "sealed",
        },
        search,
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Let me add.", "annotations": [raw]}],
            "phase": "commentary",
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "2"},
    ]


def test_parts_of_one_message_item_are_joined_and_other_items_are_not() -> None:
    first, second = {"id": "msg_1"}, {"id": "msg_2"}
    turn = own(Text("a", extra=first), Text("b", extra=first), Refusal("no"), Text("c", extra=second))
    items = items_of(turn, HELLO)
    assert [(item["id"], len(item["content"])) for item in items[:2]] == [("msg_1", 3), ("msg_2", 1)]
    assert items[0]["content"][2] == {"type": "refusal", "refusal": "no"}


def test_a_refusal_alone_goes_back_under_the_id_of_its_message() -> None:
    assert items_of(own(Refusal("no"), id="msg_1"), HELLO)[0] == {
        "type": "message",
        "role": "assistant",
        "id": "msg_1",
        "status": "completed",
        "content": [{"type": "refusal", "refusal": "no"}],
    }


def test_reasoning_in_clear_goes_back_as_content() -> None:
    turn = own(Reasoning((ReasoningText("hmm"),), id="rs_1"), call())
    assert items_of(turn, result())[0] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": "hmm"}],
    }


def test_fields_a_gateway_adds_to_reasoning_go_back_with_it() -> None:
    block = Reasoning((ReasoningEncrypted("sealed"),), id="rs_1", extra={"format": "google-gemini-v1"})
    assert items_of(own(block, call()), result())[0] == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "sealed",
        "format": "google-gemini-v1",
    }


def test_reasoning_that_led_to_nothing_is_not_sent() -> None:
    assert items_of(own(Text("a", extra={"id": "msg_1"}), thought()), HELLO)[1]["role"] == "user"


@pytest.mark.parametrize(
    "turn",
    [
        AssistantMessage((thought(), Text("a", extra={"id": "msg_1"}), call()), wire="anthropic-messages"),
        AssistantMessage((thought(), Text("a", extra={"id": "msg_1"}), call())),
        own(thought(), Text("a", extra={"id": "msg_1"}), call(), interrupted=True),
        own(Reasoning((ReasoningSummary("why"),), id="rs_1"), Text("a", extra={"id": "msg_1"}), call()),
    ],
    ids=["other wire", "by hand", "interrupted", "reasoning without seal"],
)
def test_a_turn_that_cannot_be_paired_goes_without_ids_and_reasoning(turn: AssistantMessage) -> None:
    assert items_of(turn, result())[:2] == [
        {"type": "message", "role": "assistant", "content": "a"},
        {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
    ]


@pytest.mark.parametrize(("interrupted", "sent"), [(False, True), (True, False)])
def test_a_server_tool_goes_back_unless_its_turn_was_cut_off(interrupted: bool, sent: bool) -> None:
    approval = {"type": "mcp_approval_request", "id": "mcpr_1"}
    unsealed = Reasoning((ReasoningSummary("why"),), id="rs_1")
    turn = own(unsealed, ProviderPart(NAME, "mcp_approval_request", approval), interrupted=interrupted)
    assert (approval in items_of(turn, HELLO)) is sent


def test_a_vendor_that_takes_no_ids_gets_the_sealed_reasoning_without_them() -> None:
    turn = own(thought(), Text("a", extra={"id": "msg_1", "phase": "commentary"}), call())
    items = items_of(turn, result(), dialect={"item_ids": False})
    assert [item.get("id") for item in items] == [None] * 4
    assert items[0]["encrypted_content"] == "sealed"
    assert items[1] == {"type": "message", "role": "assistant", "content": "a", "phase": "commentary"}


def test_foreign_parts_are_told_or_left_out_but_never_invented() -> None:
    foreign = AssistantMessage(
        (
            Text("", signature="sig"),
            ProviderPart("gemini", "executableCode", {"x": 1}),
            Image(Base64Source("AA=="), "image/png"),
            ToolCall("minted", "add", ""),
        ),
        wire="gemini",
    )
    assert items_of(foreign, UserMessage((ToolResult("minted", "add", (Text("2"),)),)))[:2] == [
        {"type": "message", "role": "assistant", "content": "[image image/png]"},
        {"type": "function_call", "call_id": "minted", "name": "add", "arguments": "{}"},
    ]


def test_an_id_too_long_for_this_wire_is_shortened_alike_in_call_and_result() -> None:
    long = "x" * 65
    items = items_of(
        AssistantMessage((ToolCall(long, "add"),), wire="gemini"),
        UserMessage((ToolResult(long, "add", (Text("2"),)),)),
    )
    assert items[0]["call_id"] == items[1]["call_id"]
    assert len(items[0]["call_id"]) <= 64


def test_a_free_text_call_and_its_result_have_their_own_item_types() -> None:
    custom = ToolCall(
        "call_1", "sql", "SELECT 1", "call_1", "ctc_1", extra={"custom": True, "namespace": "db"}
    )
    assert items_of(own(custom), result()) == [
        {
            "type": "custom_tool_call",
            "id": "ctc_1",
            "call_id": "call_1",
            "name": "sql",
            "input": "SELECT 1",
            "namespace": "db",
        },
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "2"},
    ]


def test_a_decoded_turn_appended_to_the_history_is_sent_back_in_place() -> None:
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "Adding.", "annotations": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add", "arguments": '{"a":1}'},
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "sql", "input": "SELECT 1"},
        {"type": "mcp_call", "id": "mcp_1", "name": "x", "arguments": "{}", "server_label": "s"},
    ]
    wire = OpenAIResponses()
    decoder = wire.decoder(VENDOR)
    response = {"status": "completed", "output": output, "usage": None}
    decoder.frame(Frame(json.dumps({"type": "response.completed", "response": response}).encode()))
    decoder.assembly.close()
    answers = UserMessage(
        (
            ToolResult("call_1", "add", (Text("2"),), provider_id="call_1"),
            ToolResult("call_2", "sql", (Text("1"),), provider_id="call_2"),
        )
    )
    request = Request(model="m", messages=(HELLO, decoder.assembly.message(), answers))
    sent = encode(request, wire=wire)["input"]
    assert sent[1:6] == output
    assert [item["type"] for item in sent[6:]] == ["function_call_output", "custom_tool_call_output"]


# ------------------------------------------------------------------------------------------------ the cache


def test_a_breakpoint_at_the_preamble_moves_it_to_a_marked_first_item() -> None:
    body = encode(
        Request(
            model="m",
            preamble="Be terse.",
            messages=(HELLO,),
            cache=CacheOptions(breakpoints=("preamble",)),
        )
    )
    assert "instructions" not in body
    assert body["input"][0] == {
        "type": "message",
        "role": "system",
        "content": [
            {
                "type": "input_text",
                "text": "Be terse.",
                "prompt_cache_breakpoint": {"mode": "explicit"},
            }
        ],
    }


def test_breakpoints_at_context_and_last_stand_on_the_last_content_part() -> None:
    items = items_of(
        UserMessage.of("one", "two"),
        own(call()),
        result(),
        context=(Document.from_text("x", id="a"),),
        cache=CacheOptions(breakpoints=("context", "last"), last_ttl="12h"),
    )
    context, prompt, _, output = items
    assert context["content"][0]["prompt_cache_breakpoint"] == {"mode": "explicit"}
    assert "prompt_cache_breakpoint" not in prompt["content"][0]
    assert prompt["content"][1]["prompt_cache_breakpoint"] == {"mode": "explicit", "ttl": "12h"}
    assert output["output"] == [
        {
            "type": "input_text",
            "text": "2",
            "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"},
        }
    ]


def test_a_breakpoint_at_last_alone_leaves_the_context_unmarked() -> None:
    context, prompt = items_of(
        HELLO,
        context=(Document.from_text("x", id="a"),),
        cache=CacheOptions(breakpoints=("last",)),
    )
    assert "prompt_cache_breakpoint" not in context["content"][0]
    assert prompt["content"][0]["prompt_cache_breakpoint"] == {"mode": "explicit"}


def test_equal_requests_give_equal_bytes() -> None:
    def build() -> Request:
        return Request(
            model="m",
            tools=(ADD,),
            preamble="p",
            context=(Document.from_text("x", id="a", k="v", b="w"),),
            messages=(HELLO, own(thought(), call()), result(Json({"z": 1, "a": {"c": 1, "b": 2}}))),
            cache=CacheOptions(breakpoints=("context", "last"), key="k"),
            additional_params={"metadata": {"b": "1", "a": "2"}},
        )

    wire = OpenAIResponses()
    same = build()
    bodies = {wire.encode(same, VENDOR).body for _ in range(4)}
    bodies |= {OpenAIResponses().encode(build(), VENDOR).body for _ in range(4)}
    assert len(bodies) == 1


@pytest.mark.parametrize("breakpoints", [(), ("last",), ("preamble", "context", "last")])
def test_each_request_of_a_tool_loop_begins_with_the_bytes_of_the_one_before(breakpoints: Any) -> None:
    wire = OpenAIResponses()
    history: list[Any] = [UserMessage.of("Add.")]
    bodies = []
    for turn in range(4):
        request = Request(
            model="m",
            tools=(ADD,),
            preamble="p",
            context=(Document.from_text("x", id="a"),),
            messages=tuple(history),
            cache=CacheOptions(breakpoints=breakpoints),
        )
        bodies.append(wire.encode(request, VENDOR).body)
        ids = f"call_{turn}"
        history += [
            own(thought(item_id=f"rs_{turn}"), ToolCall(ids, "add", "{}", ids, f"fc_{turn}")),
            UserMessage((ToolResult(ids, "add", (Text("2"),), provider_id=ids),)),
        ]
    for before, after in itertools.pairwise(bodies):
        shared = before[: before.index(b'],"store"')]
        assert after.startswith(shared + b",{")


def test_one_wire_tells_marked_and_unmarked_forms_of_a_message_apart() -> None:
    wire = OpenAIResponses()
    plain = Request(model="m", messages=(HELLO,))
    marked = structs.replace(plain, cache=CacheOptions(breakpoints=("last",)))
    first = wire.encode(plain, VENDOR).body
    assert b"prompt_cache_breakpoint" in wire.encode(marked, VENDOR).body
    assert wire.encode(plain, VENDOR).body == first


# --------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "body", "kind", "message", "code"),
    [
        (
            401,
            {"error": {"message": "bad key", "code": "invalid_api_key"}},
            AuthenticationFailed,
            "bad key",
            "invalid_api_key",
        ),
        (
            400,
            {"error": {"message": "no such model", "code": "model_not_found"}},
            NotFound,
            "no such model",
            "model_not_found",
        ),
        (
            400,
            {"error": {"message": "too big", "code": "context_length_exceeded"}},
            ContextTooLong,
            "too big",
            "context_length_exceeded",
        ),
        (
            400,
            {"error": {"message": "odd", "type": "invalid_request_error", "code": None}},
            BadRequest,
            "odd",
            "invalid_request_error",
        ),
        (
            400,
            {"code": "invalid-argument", "error": "plain words"},
            BadRequest,
            "plain words",
            "invalid-argument",
        ),
        (401, {"detail": "sign in again"}, AuthenticationFailed, "sign in again", None),
        (429, {"error": {"message": "slow"}}, RateLimited, "slow", None),
        (500, [1], ServerError, "HTTP 500", None),
        (529, {}, ServerError, "HTTP 529", None),
    ],
)
def test_an_http_error_keeps_message_code_and_body(
    status: int, body: Any, kind: type[ModelError], message: str, code: str | None
) -> None:
    text = json.dumps(body)
    error = OpenAIResponses().error(status, text.encode())
    assert isinstance(error, kind)
    assert message in str(error)
    assert (error.status, error.code, error.body) == (status, code, text)


def test_an_error_page_is_shown_in_short_and_kept_whole() -> None:
    page = b"<html>Bad gateway \xff" + b" " * 5000 + b"</html>"
    error = OpenAIResponses().error(502, page)
    assert isinstance(error, ServerError)
    assert "Bad gateway" in str(error)
    assert len(str(error)) < 1100
    assert error.body == page.decode("utf-8", "replace")


# ----------------------------------------------------------------------------------------------- properties

TEXTS = st.builds(Text, st.text(max_size=5), extra=st.none() | st.just({"id": "msg_1"}))
PARTS = st.one_of(
    TEXTS,
    st.just(thought()),
    st.just(Reasoning((ReasoningSummary("s"),), id="rs_2")),
    st.builds(Refusal, st.text(max_size=3)),
    st.just(ProviderPart(NAME, "web_search_call", {"type": "web_search_call", "id": "ws_1"})),
)


@settings(deadline=None)
@given(
    st.lists(PARTS, max_size=5),
    st.sampled_from([NAME, "anthropic-messages", None]),
    st.booleans(),
    st.booleans(),
)
def test_whatever_the_turn_reasoning_never_stands_last_and_ids_are_never_invented(
    parts: list[Any], wire: str | None, interrupted: bool, item_ids: bool
) -> None:
    turn = AssistantMessage(tuple(parts), wire=wire, interrupted=interrupted)
    items = items_of(turn, dialect={"item_ids": item_ids})
    assert not items or items[-1]["type"] != "reasoning"
    known = {"msg_1", "rs_1", "ws_1"}
    assert {item["id"] for item in items if "id" in item} <= known
    if interrupted or wire != NAME:
        assert not any("id" in item for item in items if item["type"] != "web_search_call")
