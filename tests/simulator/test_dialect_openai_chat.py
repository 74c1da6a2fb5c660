"""The chat wire as the official SDK sees it, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import (
    APIError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
    RateLimitError,
)
from openai.types.chat import ChatCompletionChunk

from agentlab.caching.profiles.registry import profile_for
from agentlab.messages import (
    AssistantMessage,
    Reasoning,
    ReasoningText,
    Refusal,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
)
from agentlab.simulator import ErrorReply, Fault, Reply, SimRequest, Simulator, call, reply

ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two integers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(sim: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=sim.base_url("openai"), api_key=sim.token, max_retries=0) as client:
        yield client


@pytest.fixture
def deepseek(sim: Simulator) -> Iterator[OpenAI]:
    with OpenAI(base_url=sim.base_url("deepseek"), api_key=sim.token, max_retries=0) as client:
        yield client


def streamed(client: OpenAI, **options: Any) -> list[ChatCompletionChunk]:
    options = {"model": "gpt-5.6", "messages": HELLO, **options}
    return list(client.chat.completions.create(**options, stream=True))


def seen_by_behaviour(sim: Simulator, client: OpenAI, **options: Any) -> SimRequest:
    requests: list[SimRequest] = []

    def behaviour(request: SimRequest) -> Reply:
        requests.append(request)
        return reply("ok")

    sim.behaviour = behaviour
    client.chat.completions.create(**{"model": "gpt-5.6", "messages": HELLO, **options})
    return requests[0]


def refusal(client: OpenAI, **options: Any) -> dict[str, Any]:
    """The error body of a request OpenAI would refuse."""
    with pytest.raises(BadRequestError) as caught:
        client.post(
            "/chat/completions", body={"model": "gpt-5.6", "messages": HELLO, **options}, cast_to=object
        )
    assert isinstance(caught.value.body, dict)
    return caught.value.body


# ------------------------------------------------------------------ answers


def test_a_unary_answer_is_what_was_said(sim: Simulator, client: OpenAI) -> None:
    sim.script(["Hi there."])
    answer = client.chat.completions.create(model="gpt-5.6", messages=HELLO)
    assert answer.choices[0].message.content == "Hi there."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-5.6"
    assert answer.id.startswith("chatcmpl-")


def test_a_stream_says_the_same_a_token_at_a_time(sim: Simulator, client: OpenAI) -> None:
    sim.script(["Hi there, friend."])
    chunks = streamed(client)
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert texts == ["Hi", " there", ",", " friend", "."]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


def test_more_tokens_can_go_into_a_chunk(sim: Simulator, client: OpenAI) -> None:
    sim.script([reply("one two three four", chunk_tokens=2)])
    texts = [chunk.choices[0].delta.content for chunk in streamed(client)]
    assert [text for text in texts if text] == ["one two", " three four"]


def test_usage_comes_in_a_last_chunk_without_choices_when_asked_for(sim: Simulator, client: OpenAI) -> None:
    sim.script([reply("ok", usage=Usage(input_tokens=10, cache_read_tokens=4))])
    chunks = streamed(client, stream_options={"include_usage": True})
    assert all(chunk.usage is None and "usage" in chunk.model_fields_set for chunk in chunks[:-1])
    assert chunks[-1].choices == []
    usage = chunks[-1].usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 1, 11)
    assert usage.prompt_tokens_details.cached_tokens == 4


@pytest.mark.parametrize(("vendor", "asked"), [("mistral", False), ("deepseek", True), ("cloudflare", True)])
def test_some_vendors_put_usage_beside_the_finish_reason(sim: Simulator, vendor: str, asked: bool) -> None:
    options = {"stream_options": {"include_usage": True}} if asked else {}
    with OpenAI(base_url=sim.base_url(vendor), api_key=sim.token, max_retries=0) as client:
        last = streamed(client, **options)[-1]
    assert last.choices[0].finish_reason == "stop"
    assert last.usage is not None
    assert last.usage.prompt_tokens > 0


def test_parallel_calls_come_with_their_own_index_and_id(sim: Simulator, client: OpenAI) -> None:
    sim.script([reply(calls=[call("add", a=1, b=2), call("add", a=3, b=4)])])
    arguments: dict[int, str] = {}
    ids: dict[int, str] = {}
    chunks = streamed(client, tools=[ADD])
    for chunk in chunks:
        for delta in chunk.choices[0].delta.tool_calls or ():
            assert delta.function is not None
            arguments[delta.index] = arguments.get(delta.index, "") + (delta.function.arguments or "")
            if delta.id:
                ids[delta.index] = delta.id
    assert [json.loads(text) for text in arguments.values()] == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert len(set(ids.values())) == 2
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_a_single_call_opens_the_stream_together_with_the_role(sim: Simulator, client: OpenAI) -> None:
    sim.script([call("add", a=1, b=2)])
    first = streamed(client, tools=[ADD])[0].choices[0].delta
    assert first.role == "assistant"
    assert first.content is None
    assert first.tool_calls is not None
    assert first.tool_calls[0].function is not None
    assert first.tool_calls[0].function.name == "add"


def test_a_unary_call_has_no_text(sim: Simulator, client: OpenAI) -> None:
    sim.script([ToolCall("call_mine", "add", '{"a":1}')])
    message = client.chat.completions.create(model="gpt-5.6", messages=HELLO, tools=[ADD]).choices[0].message
    assert message.content is None
    assert message.tool_calls is not None
    assert message.tool_calls[0].id == "call_mine"


def test_openai_counts_reasoning_but_keeps_it_to_itself(sim: Simulator, client: OpenAI) -> None:
    sim.script([reply("4", reasoning="two and two")])
    answer = client.chat.completions.create(model="gpt-5.6", messages=HELLO)
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3
    assert "two and two" not in answer.model_dump_json()


def test_other_vendors_send_reasoning_content_before_the_text(sim: Simulator, deepseek: OpenAI) -> None:
    sim.script([reply("4", reasoning="two and two")] * 2)
    deltas = [chunk.choices[0].delta.to_dict() for chunk in streamed(deepseek)]
    assert "".join(str(delta.get("reasoning_content", "")) for delta in deltas) == "two and two"
    fields = [name for delta in deltas for name in ("reasoning_content", "content") if delta.get(name)]
    assert fields == ["reasoning_content"] * 3 + ["content"]
    message = deepseek.chat.completions.create(model="m", messages=HELLO).choices[0].message
    assert message.to_dict()["reasoning_content"] == "two and two"


def test_a_refusal_has_its_own_field(sim: Simulator, client: OpenAI) -> None:
    sim.script([Reply(content=(Refusal("I will not."),))] * 2)
    message = client.chat.completions.create(model="gpt-5.6", messages=HELLO).choices[0].message
    assert (message.content, message.refusal) == (None, "I will not.")
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in streamed(client)) == "I will not."


def test_a_limit_of_tokens_cuts_the_answer(sim: Simulator, client: OpenAI) -> None:
    sim.script([reply("one two three four", chunk_tokens=1)])
    choice = client.chat.completions.create(model="m", messages=HELLO, max_completion_tokens=2).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("one two", "length")


# ---------------------------------------------------------------- the cache


LONG: list[Any] = [{"role": "user", "content": "hello " * 2_000}]


def test_an_identical_prompt_is_read_from_the_cache_up_to_where_the_answer_begins(client: OpenAI) -> None:
    def cached() -> tuple[int | None, int]:
        usage = client.chat.completions.create(model="gpt-5.6", messages=LONG).usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        return usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens

    first, again = cached(), cached()
    assert first[0] == 0
    assert again == (first[1] - profile_for("openai", "gpt-5.6").tail_tokens, first[1])


def test_models_and_cache_keys_do_not_share_a_cache(client: OpenAI) -> None:
    def cached(**options: Any) -> int | None:
        usage = client.chat.completions.create(messages=LONG, **options).usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        return usage.prompt_tokens_details.cached_tokens

    cached(model="a", prompt_cache_key="k")
    assert cached(model="b", prompt_cache_key="k") == 0
    assert cached(model="a", prompt_cache_key="other") == 0
    assert cached(model="a", prompt_cache_key="k") != 0


def test_deepseek_reports_hits_and_misses_by_its_own_names(deepseek: OpenAI) -> None:
    usage = deepseek.chat.completions.create(model="m", messages=HELLO).usage
    assert usage is not None
    reported = usage.to_dict()
    assert (reported["prompt_cache_hit_tokens"], reported["prompt_cache_miss_tokens"]) == (
        0,
        usage.prompt_tokens,
    )


# ------------------------------------------------------- what a behaviour sees


def test_the_conversation_arrives_in_neutral_form(sim: Simulator, client: OpenAI) -> None:
    messages = [
        {"role": "system", "content": "Be terse."},
        {"role": "user", "content": [{"type": "text", "text": "1+2, 3+4?"}]},
        {
            "role": "assistant",
            "content": "Adding.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a":1,"b":2}'}},
                {"id": "c2", "type": "function", "function": {"name": "add", "arguments": '{"a":3,"b":4}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "3"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "7"}]},
        {"role": "system", "content": "Mid-way."},
        {"role": "user", "content": "Thanks"},
    ]
    request = seen_by_behaviour(sim, client, messages=messages, tools=[ADD], max_completion_tokens=50)
    assert request.preamble == "Be terse."
    first, second = ToolCall("c1", "add", '{"a":1,"b":2}', "c1"), ToolCall("c2", "add", '{"a":3,"b":4}', "c2")
    assert request.messages == (
        UserMessage.of("1+2, 3+4?"),
        AssistantMessage((Text("Adding."), first, second), wire="openai_chat"),
        UserMessage(
            (
                ToolResult("c1", "add", (Text("3"),), provider_id="c1"),
                ToolResult("c2", "add", (Text("7"),), provider_id="c2"),
            )
        ),
        SystemMessage("Mid-way."),
        UserMessage.of("Thanks"),
    )
    assert [tool.name for tool in request.tools] == ["add"]
    assert (request.max_tokens, request.stream, request.vendor) == (50, False, "openai")


def test_replayed_reasoning_is_read_back(sim: Simulator, deepseek: OpenAI) -> None:
    messages = [*HELLO, {"role": "assistant", "content": "Hi", "reasoning_content": "greet"}, *HELLO]
    turn = seen_by_behaviour(sim, deepseek, messages=messages).messages[1]
    assert turn == AssistantMessage((Reasoning((ReasoningText("greet"),)), Text("Hi")), wire="openai_chat")


def test_tool_choice_in_all_its_forms(sim: Simulator, client: OpenAI) -> None:
    def choice(value: Any) -> Any:
        return seen_by_behaviour(sim, client, tools=[ADD], tool_choice=value).tool_choice

    assert [choice(word) for word in ("auto", "none", "required")] == ["auto", "none", "required"]
    assert choice({"type": "function", "function": {"name": "add"}}) == SpecificTools(("add",))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, False),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning_effort": "low"}, True),
        ({"extra_body": {"thinking": {"type": "enabled"}}}, True),
        ({"extra_body": {"enable_thinking": True}}, True),
        ({"extra_body": {"reasoning": {"effort": "low"}}}, True),
    ],
)
def test_each_vendors_reasoning_switch_is_understood(
    sim: Simulator, deepseek: OpenAI, options: dict[str, Any], expected: bool
) -> None:
    assert seen_by_behaviour(sim, deepseek, **options).reasoning is expected


def test_an_output_schema_is_taken_out(sim: Simulator, client: OpenAI) -> None:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    assert seen_by_behaviour(sim, client, response_format=shape).output_schema == schema


def test_the_key_is_not_in_what_a_behaviour_or_the_log_sees(sim: Simulator, client: OpenAI) -> None:
    request = seen_by_behaviour(sim, client)
    assert sim.token not in repr(request)
    assert sim.token not in repr(sim.requests[0])


# ------------------------------------------------------------------- errors


def test_a_wrong_key_is_a_401_in_openais_shape(sim: Simulator) -> None:
    url = sim.base_url("openai")
    with (
        OpenAI(base_url=url, api_key="wrong", max_retries=0) as client,
        pytest.raises(AuthenticationError) as caught,
    ):
        client.chat.completions.create(model="m", messages=HELLO)
    assert caught.value.code == "invalid_api_key"


def test_a_rate_limit_says_how_long_to_wait(sim: Simulator, client: OpenAI) -> None:
    sim.script([ErrorReply(429, "Rate limit reached.", retry_after=1.5)])
    with pytest.raises(RateLimitError, match="Rate limit reached") as caught:
        streamed(client)
    assert caught.value.response.headers["retry-after"] == "1.5"
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "requests")


def test_a_server_error_and_an_unknown_model_keep_their_types(sim: Simulator, client: OpenAI) -> None:
    sim.script([ErrorReply(503, "Overloaded."), ErrorReply(404, "The model `m` does not exist.")])
    with pytest.raises(InternalServerError) as failed:
        streamed(client)
    assert failed.value.type == "server_error"
    with pytest.raises(NotFoundError) as unknown:
        streamed(client)
    assert unknown.value.code == "model_not_found"


def test_an_error_in_mid_stream_is_an_event(sim: Simulator, client: OpenAI) -> None:
    sim.script(["one two three"])
    sim.faults.add(Fault("error_event", at_event=2, message="The server had an error."))
    with pytest.raises(APIError, match="The server had an error"):
        streamed(client)


TWO_CALLS: dict[str, Any] = {
    "role": "assistant",
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
}


@pytest.mark.parametrize(
    ("options", "code", "param", "message"),
    [
        ({"model": ""}, None, None, "you must provide a model parameter"),
        ({"messages": None}, "missing_required_parameter", "messages", "Missing required parameter"),
        ({"messages": []}, "empty_array", "messages", "empty array"),
        ({"messages": "hi"}, "invalid_type", "messages", "expected an array of objects, but got a string"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "invalid_value", "messages[0].role", "'robot'"),
        ({"messages": [{"content": "x"}]}, "missing_required_parameter", "messages[0].role", "role"),
        ({"messages": [{"role": "user"}]}, None, "messages.[0].content", "got null"),
        (
            {"messages": [{"role": "user", "content": [{"type": "smell"}]}]},
            "invalid_value",
            "messages[0].content[0].type",
            "'smell'",
        ),
        ({"messages": [TWO_CALLS]}, None, "messages", "did not have response messages: c1"),
        ({"messages": [TWO_CALLS, *HELLO]}, None, "messages", "did not have response messages: c1"),
        (
            {"messages": [{"role": "tool", "tool_call_id": "c1", "content": "x"}]},
            None,
            "messages.[0].role",
            "must be a response to a preceeding message",
        ),
        ({"tools": []}, "empty_array", "tools", "empty array"),
        ({"tool_choice": "auto"}, None, "tool_choice", "only allowed when 'tools' are specified"),
        ({"tools": [ADD], "tool_choice": "perhaps"}, "invalid_value", "tool_choice", "'perhaps'"),
        ({"stream_options": {"include_usage": True}}, None, "stream_options", "only allowed when 'stream'"),
        ({"max_tokens": 0}, "integer_below_min_value", "max_tokens", ">= 1"),
        ({"max_tokens": "9"}, "invalid_type", "max_tokens", "a string"),
        ({"max_tokns": 9}, "unknown_parameter", "max_tokns", "Unknown parameter"),
        ({"response_format": {"type": "json_object"}}, None, "messages", "must contain the word 'json'"),
    ],
)
def test_openai_refuses_what_it_would_refuse(
    client: OpenAI, options: dict[str, Any], code: str | None, param: str | None, message: str
) -> None:
    body = refusal(client, **options)
    assert (body["code"], body["param"], body["type"]) == (code, param, "invalid_request_error")
    assert message in body["message"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ({"name": "with space"}, "string does not match pattern"),
        ({"name": "f", "parameters": {"type": "string"}}, "must be a JSON Schema of 'type: \"object\"'"),
        (
            {"name": "f", "strict": True, "parameters": {"type": "object"}},
            "'additionalProperties' is required",
        ),
    ],
)
def test_a_tool_openai_would_refuse_is_refused(
    client: OpenAI, function: dict[str, Any], message: str
) -> None:
    assert message in refusal(client, tools=[{"type": "function", "function": function}])["message"]


def test_a_strict_schema_must_require_every_key_at_every_depth(client: OpenAI) -> None:
    inner = {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}
    schema = {"type": "object", "properties": {"a": inner}, "required": ["a"], "additionalProperties": False}
    shape = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": True}}
    body = refusal(client, response_format=shape)
    assert "context=('properties', 'a')" in body["message"]
    assert "Missing 'x'" in body["message"]


def test_other_vendors_accept_fields_openai_does_not_know(deepseek: OpenAI) -> None:
    answer = deepseek.chat.completions.create(model="m", messages=HELLO, extra_body={"top_k": 3})
    assert answer.choices[0].message.content


def test_the_model_list_has_openais_shape(client: OpenAI) -> None:
    assert [model.object for model in client.models.list()] == ["model", "model"]
