"""Values out of texts, and what the extraction tells of itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from agentlab.agent import Agent
from agentlab.agent.extraction.extractor import Extractor
from agentlab.agent.retrieving.entries import DynamicTools
from agentlab.agent.settings import DEFAULT_MAX_TURNS
from agentlab.errors import AuthenticationFailed, MaxTurnsReached, NoData, OutputInvalid, UsageError
from agentlab.messages import Document, Message, UserMessage
from agentlab.simulator import ErrorReply, SimRequest, Turn, call, reply
from agentlab.tools import Toolset
from tests.agent.bench import Bench, add, assert_sendable
from tests.agent.shelf import Shelf, hits_of

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    name: str
    age: int | None = None


@dataclass
class Town:
    name: str


ADA = '{"name":"Ada","age":36}'
BAD = '{"age":36}'


def extractor(
    bench: Bench, says: Any, vendor: str = "openai-chat", output: Any = Person, **options: Any
) -> Extractor[Any]:
    agent = bench.agent(vendor, says)
    return Extractor(agent.model, output, **options)


def submit(*arguments: str) -> Turn:
    """Calls of the output tool."""
    return reply(calls=[call("x").__class__("", "final_result", each) for each in arguments])


async def test_a_value_comes_out_of_a_text_over_every_wire(bench: Bench, vendor: str, stream: bool) -> None:
    people = extractor(bench, [ADA], vendor, stream=stream)
    assert await people.extract("Ada is 36.") == Person(name="Ada", age=36)
    (request,) = bench.requests
    assert "never make it up" in request.body.decode()
    assert bench.refused == []


async def test_it_says_its_mode_and_why(bench: Bench) -> None:
    people = extractor(bench, [])
    assert (people.mode, people.reason) == ("native", "openai-chat:gpt-5.6 holds its answer to a schema")
    assert repr(people) == "Extractor('openai-chat:gpt-5.6', Person, mode='native')"
    with_tool = people.with_(mode="tool")
    assert (with_tool.mode, with_tool.reason) == ("tool", "it was asked for")
    assert people.mode == "native"


async def test_a_misfit_is_told_and_all_attempts_are_counted(bench: Bench, vendor: str) -> None:
    people = extractor(bench, [BAD, BAD, ADA], vendor, retries=2)
    done = await people.extract_run("Ada is 36.")
    assert (done.value, done.attempts) == (Person(name="Ada", age=36), 3)
    assert "name: Field required" in bench.requests[-1].body.decode()
    turns = done.turns
    assert len(turns) == len(done.trace.requests) == 3
    assert done.usage.input_tokens == turns["input_tokens"].sum()
    assert turns["input_tokens"].iloc[-1] > turns["input_tokens"].iloc[0]
    assert bench.refused == []


async def test_where_all_attempts_fail_the_error_has_what_they_cost(bench: Bench, vendor: str) -> None:
    people = extractor(bench, lambda _: reply(BAD), vendor, retries=1)
    with pytest.raises(OutputInvalid, match="the answer is no `Person`: name: Field required") as caught:
        await people.extract("Ada.")
    one = await extractor(bench, [ADA], vendor).extract_run("Ada.")
    spent, once = caught.value.usage, one.usage
    assert spent is not None
    assert spent.input_tokens is not None
    assert once.input_tokens is not None
    assert spent.input_tokens > 1.9 * once.input_tokens
    cost = caught.value.cost_usd
    assert (cost is None) == (one.cost_usd is None)
    assert cost is None or one.cost_usd is None or cost > 1.5 * one.cost_usd
    assert_sendable(caught.value.history)


@pytest.mark.parametrize("said", [reply(""), reply("There is nobody in it.")])
async def test_a_model_that_gives_nothing_is_no_data(bench: Bench, said: Turn) -> None:
    people = extractor(bench, lambda _: said, retries=1)
    with pytest.raises(NoData) as caught:
        await people.extract("A tree.")
    assert caught.value.usage is not None
    assert len(bench.requests) == 2


async def test_calls_of_tools_that_are_not_there_are_no_data_either(bench: Bench, vendor: str) -> None:
    people = extractor(bench, lambda _: call("look_up", name="Ada"), vendor, mode="tool")
    with pytest.raises(NoData, match="called tools that it was not given") as caught:
        await people.extract("Ada.")
    assert len(bench.requests) == 2
    assert caught.value.usage is not None
    assert caught.value.usage.output_tokens
    bounded = people.with_(max_turns=1)
    with pytest.raises(MaxTurnsReached):
        await bounded.extract("Ada.")


async def test_of_several_answers_the_first_is_taken_with_a_warning(
    bench: Bench, vendor: str, caplog: pytest.LogCaptureFixture
) -> None:
    people = extractor(bench, [submit(ADA, '{"name":"Bob"}')], vendor, mode="tool", name="people")
    with caplog.at_level(logging.WARNING, logger="agentlab.agent"):
        done = await people.extract_run("Ada and Bob.")
    assert done.value == Person(name="Ada", age=36)
    assert done.warnings == ("the model gave 2 answers in one turn; the first was taken",)
    assert [record.message for record in caplog.records] == [f"people: {done.warnings[0]}"]


async def test_calls_beside_the_answer_are_told(bench: Bench) -> None:
    both = reply(calls=[call("add", a=1, b=2), call("x").__class__("", "final_result", ADA)])
    agent = bench.agent("openai-chat", [both], tools=[add])
    done = await Extractor(agent, Person, mode="tool").extract_run("Ada.")
    assert done.warnings == ("calls beside the answer were not run: add",)


async def test_an_extraction_within_a_conversation_is_appended_to_it(bench: Bench, vendor: str) -> None:
    people = extractor(bench, [ADA, '{"name":"Bob"}'], vendor)
    history: list[Message] = []
    assert (await people.extract_chat("Ada is 36.", history)).value.name == "Ada"
    assert len(history) == 2
    done = await people.extract_run("And the other one?", history=tuple(history))
    assert done.value == Person(name="Bob")
    assert len(history) == 2
    assert "Ada is 36." in bench.requests[-1].body.decode()
    assert_sendable(done.all_messages)


async def test_an_extraction_that_fails_leaves_the_conversation_alone(bench: Bench) -> None:
    history: list[Message] = []
    with pytest.raises(OutputInvalid):
        await extractor(bench, lambda _: reply(BAD), retries=0).extract_chat("Ada.", history)
    assert history == []


def test_it_works_without_await(bench: Bench) -> None:
    people = extractor(bench, [ADA, ADA])
    assert people.extract_sync("Ada.").name == "Ada"
    assert people.extract_run_sync("Ada.").attempts == 1


async def test_what_is_told_of_the_task_stands_behind_its_own_instructions(bench: Bench) -> None:
    seen: list[SimRequest] = []

    def says(request: SimRequest) -> Turn:
        seen.append(request)
        return reply(ADA)

    people = extractor(
        bench,
        says,
        preamble="Only scientists count.",
        context=[Document.from_text("Ada was a scientist.", id="d")],
        examples=[("Bob, 7.", Person(name="Bob", age=7))],
        temperature=0.0,
    )
    await people.extract("Ada is 36.")
    request = seen[0]
    assert request.preamble is not None
    assert request.preamble.index("You extract data") < request.preamble.index("Only scientists count.")
    said = request.json["messages"]
    assert "Ada was a scientist." in str(said)
    assert {"role": "assistant", "content": '{"name":"Bob","age":7}'} in said
    assert request.json["temperature"] == 0.0


async def test_variations_keep_all_but_what_is_named(bench: Bench) -> None:
    turns = [ADA, '{"name":"London"}', '{"result":["a","b"]}']
    people = extractor(bench, turns, preamble="Be terse.", retries=3, examples=[("B", Person(name="B"))])
    again = people.with_(retries=0)
    assert (again.retries, again.agent.settings.max_turns) == (0, 1)
    assert again.agent.settings.preamble == people.agent.settings.preamble
    assert again.agent.settings.few_shots == people.agent.settings.few_shots
    assert (await again.extract("Ada.")).name == "Ada"
    towns = people.with_(output=Town)
    assert (await towns.extract("London.")) == Town("London")
    assert towns.agent.settings.few_shots == ()
    names = people.with_(output=list[str], model=bench.model("anthropic"), preamble="All names.")
    assert await names.extract("a and b") == ["a", "b"]
    assert (names.model.name, names.retries) == ("anthropic:claude-sonnet-4-6", 3)
    assert "Be terse." not in bench.requests[-1].body.decode()
    with pytest.raises(UsageError, match="did you mean `temperature`"):
        people.with_(temprature=1)


async def test_an_agent_brings_its_tools_and_its_preamble(bench: Bench, vendor: str) -> None:
    agent = bench.agent(vendor, [], tools=[add], preamble="Add up.", name="adder")
    people = Extractor(agent, Person)
    bench.sim.script([call("add", a=30, b=6), submit(ADA) if people.mode == "tool" else ADA])
    done = await people.extract_run("Ada is 30 and 6 more.")
    assert done.value.age == 36
    assert people.agent.name == "adder"
    assert "Add up." in bench.requests[0].body.decode()
    assert bench.refused == []
    assert isinstance(done.messages[2], UserMessage)
    assert done.messages[2].tool_results[0].text == "36"


async def test_documents_found_for_a_text_are_found_once_for_all_attempts(bench: Bench, vendor: str) -> None:
    shelf = Shelf(hits_of("Ada was born in 1815."))
    people = extractor(bench, [BAD, ADA], vendor, dynamic_context=(1, shelf))
    assert (await people.extract_run("Ada.")).attempts == 2
    assert [asked["query"] for asked in shelf.asked] == ["Ada."]
    assert all("born in 1815" in request.body.decode() for request in bench.requests)
    assert bench.refused == []


async def test_tools_that_are_yet_to_be_found_count_as_tools(bench: Bench) -> None:
    people = extractor(bench, [], "ollama", dynamic_tools=DynamicTools.lexical(Toolset([add]), 1))
    assert people.mode == "tool"
    assert people.agent.settings.max_turns == DEFAULT_MAX_TURNS


async def test_a_call_that_fails_is_the_models_error_with_what_was_spent_before(bench: Bench) -> None:
    people = extractor(bench, [BAD, ErrorReply(401, "No.")])
    with pytest.raises(AuthenticationFailed) as caught:
        await people.extract("Ada.")
    assert caught.value.usage is not None
    assert caught.value.usage.output_tokens


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"retries": -1}, "`retries` is a number"),
        ({"mode": "json"}, "`mode` is `auto`"),
        ({"temprature": 1}, "did you mean `temperature`"),
        ({"examples": [("x", {"age": 1})]}, "is no `Person`"),
        ({"output": Exception}, "no JSON schema"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    bench: Bench, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        extractor(bench, [], **options)
    assert bench.requests == []


def test_a_key_beside_an_agent_is_refused(bench: Bench) -> None:
    agent: Agent = bench.agent("openai", [])
    with pytest.raises(UsageError, match="belong to a model given by name"):
        Extractor(agent, Person, api_key="k")
