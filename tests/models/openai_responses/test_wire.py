from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from msgspec import structs

from agentlab.errors import (
    AuthenticationFailed,
    BadRequest,
    ContextTooLong,
    ModelError,
    NotFound,
    RateLimited,
    ServerError,
    UnsupportedCapability,
)
from agentlab.messages import (
    Audio,
    Base64Source,
    CacheOptions,
    Document,
    Json,
    OutputSchema,
    ReasoningOptions,
    Request,
    SpecificTools,
    Text,
    ToolCall,
    ToolResult,
    UrlSource,
    UserMessage,
    Video,
)
from agentlab.models.openai_responses.wire import OpenAIResponses
from agentlab.models.wire import Wire
from tests.models.openai_responses.requests import (
    ADD,
    HELLO,
    NAME,
    VENDOR,
    call,
    encode,
    items_of,
    own,
    result,
    thought,
)


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
