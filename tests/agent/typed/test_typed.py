"""Answers of a type, in every mode, over every wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from agentlab.errors import OutputInvalid, UnsupportedCapability, UsageError
from agentlab.simulator import SimRequest, call, reply
from agentlab.tools import tool
from tests.agent.bench import Bench, add, assert_sendable

pytestmark = pytest.mark.anyio

MODES: tuple[Literal["native", "tool", "prompted"], ...] = ("native", "tool", "prompted")


class Person(BaseModel):
    name: str
    age: int
    tags: list[str] = []


@dataclass
class Point:
    x: float
    y: float


def says(mode: str, value: str) -> Any:
    """A provider's answer with this JSON, the way the mode wants it."""
    if mode == "tool":
        return reply(calls=[call("final_result").__class__("", "final_result", value)])
    return reply(f"```json\n{value}\n```" if mode == "prompted" else value)


@pytest.mark.parametrize("mode", MODES)
async def test_a_type_is_extracted(bench: Bench, vendor: str, stream: bool, mode: Any) -> None:
    agent = bench.agent(vendor, [says(mode, '{"name":"Ada","age":36}')], stream=stream)
    assert await agent.prompt_typed("Who?", Person, mode=mode) == Person(name="Ada", age=36)
    assert bench.refused == []


@pytest.mark.parametrize("mode", MODES)
async def test_a_misfit_is_told_to_the_model_and_mended(bench: Bench, vendor: str, mode: Any) -> None:
    agent = bench.agent(vendor, [says(mode, '{"name":"Ada"}'), says(mode, '{"name":"Ada","age":36}')])
    assert (await agent.prompt_typed("Who?", Person, mode=mode)).age == 36
    last = bench.requests[-1].body.decode()
    assert "does not fit the required schema: age: Field required" in last
    assert bench.refused == []


@pytest.mark.parametrize("mode", MODES)
async def test_a_misfit_after_all_retries_is_an_error_with_the_history(
    bench: Bench, vendor: str, mode: Any
) -> None:
    agent = bench.agent(vendor, lambda _: says(mode, '{"name":1}'))
    with pytest.raises(OutputInvalid, match="the answer is no `Person`: ") as caught:
        await agent.prompt_typed("Who?", Person, mode=mode, retries=2)
    assert len(bench.requests) == 3
    assert_sendable(caught.value.history)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, '{"result":42}', 42),
        (list[Person], '{"result":[{"name":"A","age":1}]}', [Person(name="A", age=1)]),
        (Point, '{"x":1,"y":2.5}', Point(1, 2.5)),
        (bool, '{"result":false}', False),
        (Literal["yes", "no"], '{"result":"no"}', "no"),
        (Person | None, '{"result":null}', None),
        (dict[str, int], '{"a":1}', {"a": 1}),
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["tool", "prompted"])
async def test_types_that_are_no_objects_are_wrapped(
    bench: Bench, mode: Any, kind: Any, value: str, expected: Any
) -> None:
    assert await bench.agent("gemini", [says(mode, value)]).prompt_typed("?", kind, mode=mode) == expected


async def test_the_answer_after_a_tool_is_structured(bench: Bench, vendor: str) -> None:
    turns = [call("add", a=1, b=35), "ANSWER"]

    def model(request: SimRequest) -> Any:
        said = turns.pop(0)
        if said != "ANSWER":
            return said
        mode = "tool" if any(each.name == "final_result" for each in request.tools) else "native"
        return says(mode, '{"name":"Ada","age":36}')

    agent = bench.agent(vendor, model, tools=[add])
    assert await agent.prompt_typed("Who?", Person) == Person(name="Ada", age=36)
    assert bench.refused == []
    assert len(bench.requests) == 2


async def test_the_output_tool_never_takes_the_name_of_another(bench: Bench) -> None:
    @tool
    def final_result() -> str:
        """Be in the way."""
        return "x"

    def model(request: SimRequest) -> Any:
        (name,) = (each.name for each in request.tools if each.name != "final_result")
        assert name == "final_result_2"
        return call(name, name="Ada", age=1)

    agent = bench.agent("openai-chat", model, tools=[final_result])
    assert (await agent.prompt_typed("?", Person, mode="tool")).name == "Ada"


async def test_a_text_in_place_of_the_output_tool_is_corrected(bench: Bench) -> None:
    agent = bench.agent("anthropic", ["It is Ada.", says("tool", '{"name":"Ada","age":3}')], tools=[add])
    assert (await agent.prompt_typed("?", Person, mode="tool")).age == 3
    assert "Call the tool `final_result`" in bench.requests[-1].body.decode()


async def test_a_type_without_schema_is_refused_before_any_io(bench: Bench) -> None:
    class Opaque:
        pass

    with pytest.raises(UsageError, match="no JSON schema"):
        await bench.agent("openai", ["x"]).prompt_typed("?", Opaque)
    assert bench.requests == []


async def test_a_mode_the_vendor_lacks_is_refused_before_any_io(bench: Bench) -> None:
    agent = bench.agent("openai", ["x"])
    model = agent.model
    model.vendor = type(model.vendor)(**{**_fields(model.vendor), "lacks": ("structured_output",)})  # type: ignore[attr-defined]
    with pytest.raises(UnsupportedCapability, match="held to an output schema"):
        await agent.prompt_typed("?", Person, mode="native")
    assert bench.requests == []


def _fields(vendor: Any) -> dict[str, Any]:
    return {name: getattr(vendor, name) for name in vendor.__struct_fields__}
