"""The rules that stand in for a model."""

from __future__ import annotations

from typing import Any

import pytest

from agentlab.messages import (
    AssistantMessage,
    Json,
    Message,
    Reasoning,
    SpecificTools,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.simulator import Reply, RuleBased, SimRequest


def tool(name: str, description: str, *, required: tuple[str, ...] = (), **properties: Any) -> ToolDefinition:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return ToolDefinition(name, description, schema)


INTEGER, NUMBER, STRING = {"type": "integer"}, {"type": "number"}, {"type": "string"}
ADD = tool("add", "Add two integers.", a=INTEGER, b=INTEGER, required=("a", "b"))
MULTIPLY = tool("multiply", "Multiply two numbers.", x=NUMBER, y=NUMBER, required=("x", "y"))
UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"]}
WEATHER = tool("get_weather", "Current weather of a city.", city=STRING, unit=UNIT, required=("city",))
SEARCH = tool("search_docs", "Search the documents.", query=STRING, required=("query",))
CALCULATOR = tool("calculator", "Evaluate arithmetic.", expression=STRING, required=("expression",))
NOW = tool("current_time", "The time of day.")
TOOLS = (ADD, MULTIPLY, WEATHER, SEARCH, CALCULATOR, NOW)


def answer(*messages: Message | str, **fields: Any) -> Reply:
    history = tuple(UserMessage.of(message) if isinstance(message, str) else message for message in messages)
    fields = {"tools": TOOLS, **fields}
    return RuleBased()(SimRequest(vendor="v", wire="w", model="m", messages=history, **fields))


def called(reply: Reply) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name, call.arguments) for call in reply.calls]


def said(reply: Reply) -> str:
    return AssistantMessage(reply.content).text


@pytest.mark.parametrize(
    ("prompt", "calls"),
    [
        ("What is 1234 + 5678?", [("add", {"a": 1234, "b": 5678})]),
        ("add 2 and 3", [("add", {"a": 2, "b": 3})]),
        ("3 * 4", [("multiply", {"x": 3, "y": 4})]),
        ("What is 1,234.5 times -2?", [("multiply", {"x": 1234.5, "y": -2})]),
        ("Is it raining in São Paulo?", [("get_weather", {"city": "São Paulo"})]),
        ("Weather in Berlin, unit: fahrenheit", [("get_weather", {"city": "Berlin", "unit": "fahrenheit"})]),
        ("Search the docs for 'prompt caching'", [("search_docs", {"query": "prompt caching"})]),
        ("Calculate (3+4)*5", [("calculator", {"expression": "(3+4)*5"})]),
        ("What time is it?", [("current_time", {})]),
        (
            "What's the weather in Paris and London?",
            [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "London"})],
        ),
        (
            "What is 17 + 25 and then what is the weather in Rome?",
            [("add", {"a": 17, "b": 25}), ("get_weather", {"city": "Rome"})],
        ),
    ],
)
def test_the_tools_that_fit_are_called_with_what_the_text_holds(prompt: str, calls: list[Any]) -> None:
    assert called(answer(prompt)) == calls


@pytest.mark.parametrize(
    "prompt", ["Hello, who are you?", "Tell me about cities.", "Add some salt.", "", "   "]
)
def test_where_no_tool_fits_the_answer_is_an_echo_that_says_it_is_simulated(prompt: str) -> None:
    reply = answer(prompt)
    assert reply.calls == ()
    assert said(reply).startswith("[simulated] ")
    assert prompt.strip() in said(reply)


def test_a_long_prompt_is_echoed_in_part() -> None:
    assert len(said(answer("word " * 1000)).split()) < 80


ASKED = AssistantMessage((ToolCall("c1", "add", '{"a":1234,"b":5678}'),))


def test_results_are_put_into_a_sentence() -> None:
    results = UserMessage((ToolResult("c1", "add", (Text("6912"),)),))
    reply = answer("What is 1234 + 5678?", ASKED, results)
    assert said(reply) == "[simulated] add(a=1234, b=5678) returned 6912."
    assert reply.calls == ()


def test_a_value_wrapped_in_an_object_is_unwrapped() -> None:
    results = UserMessage((ToolResult("c1", "add", (Json({"result": 6912}),)),))
    assert said(answer("What is 1234 + 5678?", ASKED, results)).endswith("returned 6912.")


def test_a_failed_tool_is_said_to_have_failed() -> None:
    results = UserMessage((ToolResult("c1", "add", (Text("overflow"),), status="failed"),))
    assert said(answer("What is 1234 + 5678?", ASKED, results)).endswith("failed: overflow.")


def test_a_step_that_needs_an_earlier_result_waits_for_it() -> None:
    prompt = "Add 1 and 2, then multiply the result by 4, then add 5 to it"
    history: list[Message | str] = [prompt]
    seen = []
    for result in ("3", "12", "17"):
        reply = answer(*history)
        seen += called(reply)
        call = ToolCall("c", reply.calls[0].name, reply.calls[0].arguments_json)
        history += [AssistantMessage((call,)), UserMessage((ToolResult("c", call.name, (Text(result),)),))]
    assert seen == [("add", {"a": 1, "b": 2}), ("multiply", {"x": 3, "y": 4}), ("add", {"a": 5, "b": 12})]
    assert said(answer(*history)).endswith("returned 17.")


def test_a_new_prompt_after_results_is_a_new_question() -> None:
    results = UserMessage((ToolResult("c1", "add", (Text("6912"),)),))
    reply = answer("What is 1234 + 5678?", ASKED, results, AssistantMessage.of("6912."), "What is 2 * 3?")
    assert called(reply) == [("multiply", {"x": 2, "y": 3})]


@pytest.mark.parametrize("prompt_first", [True, False])
def test_facts_and_documents_beside_the_prompt_do_not_hide_it(prompt_first: bool) -> None:
    beside = (Text("<file id: rain>\nGet the weather in Oslo.\n</file>\n"), Text("The year is 2026."))
    prompt = Text("What is the weather in Paris?")
    said = answer(UserMessage((prompt, *beside) if prompt_first else (*beside, prompt)))
    assert [(made.name, made.arguments["city"]) for made in said.content if isinstance(made, ToolCall)] == [
        ("get_weather", "Paris")
    ]


def test_tool_choice_none_calls_nothing() -> None:
    assert answer("What is 1 + 2?", tool_choice="none").calls == ()


def test_a_required_call_is_made_even_where_nothing_fits() -> None:
    assert len(answer("Hello", tool_choice="required").calls) == 1
    assert called(answer("Hello", tool_choice=SpecificTools(("search_docs",)))) == [
        ("search_docs", {"query": "Hello"})
    ]


def test_only_one_call_where_parallel_calls_are_off() -> None:
    prompt = "What is 1 + 2? What is 3 + 4?"
    assert len(answer(prompt).calls) == 2
    assert len(answer(prompt, json={"parallel_tool_calls": False}).calls) == 1


def test_the_same_call_is_not_made_twice() -> None:
    assert len(answer("What is 1 + 2? What is 1 + 2?").calls) == 1


def test_reasoning_comes_only_where_the_request_asks_for_it() -> None:
    assert not any(isinstance(part, Reasoning) for part in answer("What is 1 + 2?").content)
    first = answer("What is 1 + 2?", reasoning=True).content[0]
    assert isinstance(first, Reasoning)
    assert "add" in first.text


def test_equal_requests_get_equal_replies() -> None:
    assert answer("Weather in Rome?", reasoning=True) == answer("Weather in Rome?", reasoning=True)


def test_an_output_schema_is_answered_with_an_instance_of_it() -> None:
    schema = {
        "type": "object",
        "properties": {"city": STRING, "degrees": INTEGER},
        "required": ["city", "degrees"],
    }
    assert (
        said(answer("It is 21 degrees in Oslo.", tools=(), output_schema=schema))
        == '{"city":"Oslo","degrees":21}'
    )


def test_an_output_schema_waits_for_the_tools() -> None:
    schema = {"type": "object", "properties": {"total": INTEGER}, "required": ["total"]}
    assert called(answer("What is 1234 + 5678?", output_schema=schema)) == [("add", {"a": 1234, "b": 5678})]
    results = UserMessage((ToolResult("c1", "add", (Text("6912"),)),))
    assert said(answer("What is 1234 + 5678?", ASKED, results, output_schema=schema)) == '{"total":6912}'
