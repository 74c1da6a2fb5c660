"""What each mode promises of a run, over every wire: which call wins, what is kept, when the schema is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from agentlab.agent import Agent, Hook, HookContext, Run, UseModel
from agentlab.agent.typed.typed_output import TypedOutput
from agentlab.errors import MaxTurnsReached, NoData, OutputInvalid
from agentlab.messages import AssistantMessage, Request, SystemMessage, Text, UserMessage
from agentlab.models import WireModel
from agentlab.simulator import SimRequest, call, reply
from tests.agent.bench import Bench, add, assert_sendable

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    name: str
    age: int


class Other(BaseModel):
    town: str


ADA = '{"name":"Ada","age":36}'
BAD = '{"name":"Ada"}'


def answer(arguments: str = ADA) -> Any:
    """A call of the output tool."""
    return call("final_result").__class__("", "final_result", arguments)


def asking(agent: Agent, mode: Any = "auto", **options: Any) -> tuple[TypedOutput, Agent]:
    typed = TypedOutput(Person, mode, agent.model, agent.settings, **options)
    return typed, agent.with_settings(typed.settings)


async def test_of_several_answers_the_first_wins_and_calls_beside_it_are_not_run(
    bench: Bench, vendor: str
) -> None:
    calls = [call("add", a=1, b=2), answer(), answer('{"name":"Bob","age":1}')]
    typed, agent = asking(bench.agent(vendor, [reply("Here:", calls=calls)], tools=[add]), "tool")
    run = (await agent.prompt("Who?")).run
    assert typed.value_of(run) == Person(name="Ada", age=36)
    assert len(bench.requests) == 1
    assert [message.tool_calls for message in run.messages if isinstance(message, AssistantMessage)] == [()]


async def test_the_answer_is_kept_as_text_and_the_conversation_goes_on(bench: Bench, vendor: str) -> None:
    plain = bench.agent(vendor, [reply(calls=[answer()]), "Fine."], tools=[add])
    _, agent = asking(plain, "tool")
    history = list((await agent.prompt("Who?")).messages)
    assert isinstance(history[-1], AssistantMessage)
    (kept,) = [part.text for part in history[-1].content if isinstance(part, Text)]
    assert json.loads(kept) == json.loads(ADA)
    assert_sendable(history)
    assert (await plain.prompt("Thanks.", history=history)).text == "Fine."
    assert "final_result" not in bench.requests[-1].body.decode()
    assert bench.refused == []


async def test_a_text_that_fits_is_an_answer_too(bench: Bench, vendor: str) -> None:
    agent = bench.agent(vendor, [f"```json\n{ADA}\n```"], tools=[add])
    assert await agent.prompt_typed("Who?", Person, mode="tool") == Person(name="Ada", age=36)
    assert len(bench.requests) == 1


async def test_work_of_a_real_tool_gives_the_retries_back(bench: Bench, vendor: str) -> None:
    turns = [reply(calls=[answer(BAD)]), call("add", a=1, b=2), reply(calls=[answer(BAD)]), answer()]
    agent = bench.agent(vendor, turns, tools=[add])
    assert (await agent.prompt_typed("Who?", Person, mode="tool", retries=1)).age == 36
    assert bench.refused == []


async def test_a_call_of_a_tool_that_is_not_there_gives_none_back(bench: Bench) -> None:
    turns = [reply(calls=[answer(BAD)]), call("mystery"), reply(calls=[answer(BAD)]), answer()]
    agent = bench.agent("openai-chat", turns, tools=[add])
    with pytest.raises(OutputInvalid, match="age: Field required"):
        await agent.prompt_typed("Who?", Person, mode="tool", retries=1)
    assert len(bench.requests) == 3


async def test_the_mode_stays_where_another_model_answers(bench: Bench) -> None:
    other = bench.model("openai-chat")

    class Switch(Hook):
        def on_model_select(self, context: HookContext, request: Request, model: Any) -> UseModel | None:
            return UseModel(other) if context.turn > 1 else None

    turns = [call("add", a=1, b=2), answer()]
    agent = bench.agent("ollama", turns, tools=[add], hooks=[Switch()])
    typed, asked = asking(agent)
    run = Run.from_json(asked.start("Who?").to_json())
    async for _ in asked.resume(run):
        pass
    assert typed.mode == "tool"
    assert typed.value_of(run).age == 36
    bodies = [request.json for request in bench.requests]
    assert [[tool["function"]["name"] for tool in body["tools"]] for body in bodies if body] == 2 * [
        ["add", "final_result"]
    ]
    assert not any("response_format" in (body or {}) for body in bodies)


# --------------------------------------------------------------- a schema that is withheld


def has_schema(request: SimRequest) -> bool:
    return request.output_schema is not None


def without_composing(model: WireModel) -> WireModel:
    """A model whose vendor calls no tools under a schema."""
    fields = {name: getattr(model.vendor, name) for name in model.vendor.__struct_fields__}
    lacks = (*model.vendor.lacks, "structured_output_with_tools")
    model.vendor = type(model.vendor)(**{**fields, "lacks": lacks})
    return model


async def test_the_schema_is_withheld_until_the_model_is_done_with_its_tools(
    bench: Bench, vendor: str
) -> None:
    seen: list[tuple[bool, bool]] = []
    turns = [call("add", a=1, b=2), call("add", a=3, b=4), "Ada is 36.", ADA]

    def says(request: SimRequest) -> Any:
        seen.append((has_schema(request), bool(request.tools)))
        return turns.pop(0)

    agent = bench.agent(vendor, says, tools=[add])
    without_composing(agent.model)  # type: ignore[arg-type]
    assert await agent.prompt_typed("Who?", Person, mode="native", retries=0) == Person(name="Ada", age=36)
    assert seen == [(False, True), (False, True), (False, True), (True, False)]
    assert bench.refused == []


async def test_an_answer_that_fits_without_the_schema_needs_no_further_call(bench: Bench) -> None:
    agent = bench.agent("ollama", [call("add", a=1, b=2), ADA], tools=[add])
    assert (await agent.prompt_typed("Who?", Person, mode="native")).age == 36
    assert len(bench.requests) == 2


async def test_a_misfit_under_the_withheld_schema_is_mended_under_it(bench: Bench) -> None:
    seen: list[bool] = []
    turns = ["Ada.", BAD, ADA]

    def says(request: SimRequest) -> Any:
        seen.append(has_schema(request))
        return turns.pop(0)

    agent = bench.agent("ollama", says, tools=[add])
    assert (await agent.prompt_typed("Who?", Person, mode="native")).age == 36
    assert seen == [False, True, True]


async def test_gemini_before_3_answers_through_a_tool_where_it_has_others(bench: Bench) -> None:
    typed, _ = asking(bench.agent("gemini", [], tools=[add]))
    assert (typed.mode, typed.reason) == (
        "tool",
        "gemini:gemini-2.5-flash calls no tools while it is held to a schema",
    )


# ------------------------------------------------------------------------------- errors


async def test_no_answer_at_all_is_no_data_with_what_it_cost(bench: Bench, vendor: str) -> None:
    agent = bench.agent(vendor, lambda _: reply("I cannot say."))
    with pytest.raises(NoData, match="it is no JSON: 'I cannot say") as caught:
        await agent.prompt_typed("Who?", Person, retries=1)
    assert caught.value.usage is not None
    assert caught.value.usage.input_tokens
    assert len(bench.requests) == 2
    assert_sendable(caught.value.history)


async def test_an_empty_answer_is_asked_for_again(bench: Bench, vendor: str) -> None:
    agent = bench.agent(vendor, [reply(""), ADA])
    assert (await agent.prompt_typed("Who?", Person)).age == 36
    assert "it is empty" in bench.requests[-1].body.decode()
    assert bench.refused == []


async def test_the_last_model_call_of_a_run_is_not_followed_by_a_retry(bench: Bench) -> None:
    agent = bench.agent("openai-chat", [BAD, ADA], max_turns=1)
    with pytest.raises(OutputInvalid, match="age: Field required") as caught:
        await agent.prompt_typed("Who?", Person, retries=5)
    assert not isinstance(caught.value, NoData)
    assert len(bench.requests) == 1


async def test_every_error_that_ends_a_run_says_what_it_cost(bench: Bench) -> None:
    agent = bench.agent("openai-chat", lambda _: call("add", a=1, b=2), tools=[add], max_turns=2)
    with pytest.raises(MaxTurnsReached) as caught:
        await agent.prompt("Add for ever.")
    assert caught.value.usage is not None
    assert caught.value.cost_usd is not None
    assert caught.value.cost_usd > 0


async def test_a_check_is_a_misfit_too(bench: Bench) -> None:
    def adult(person: Person) -> str | None:
        return None if person.age >= 18 else f"`age` must be 18 or more, not {person.age}"

    agent = bench.agent("openai-chat", ['{"name":"Ada","age":3}', ADA])
    typed, asked = asking(agent, retries=1, check=adult)
    assert typed.value_of((await asked.prompt("Who?")).run).age == 36
    assert "`age` must be 18 or more, not 3" in bench.requests[-1].body.decode()


async def test_a_schema_is_sent_under_the_types_own_title(bench: Bench) -> None:
    class Titled(BaseModel):
        model_config = {"title": "A Person"}
        name: str

    assert (await bench.agent("openai-chat", ['{"name":"Ada"}']).prompt_typed("Who?", Titled)).name == "Ada"
    (body,) = [request.json for request in bench.requests]
    assert body is not None
    assert body["response_format"]["json_schema"]["name"] == "A_Person"


async def test_the_agents_own_shape_gives_way_to_the_one_that_is_asked_for(bench: Bench) -> None:
    agent = bench.agent("openai-chat", [reply(calls=[answer()])], output_schema=Other)
    assert await agent.prompt_typed("Who?", Person, mode="tool") == Person(name="Ada", age=36)
    (body,) = [request.json for request in bench.requests]
    assert body is not None
    assert "response_format" not in body


async def test_one_trace_holds_every_attempt(bench: Bench) -> None:
    agent = bench.agent("anthropic", [BAD, ADA])
    _, asked = asking(agent, retries=1)
    result = await asked.prompt("Who?")
    assert len(result.trace.requests) == 2
    assert list(result.turns.index) == [1, 2]
    assert [type(message) for message in result.messages if not isinstance(message, SystemMessage)] == [
        UserMessage,
        AssistantMessage,
        UserMessage,
        AssistantMessage,
    ]
