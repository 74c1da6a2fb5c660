"""Tools: schemas from signatures, validation before the call, nothing hidden from the model it should know."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from agentlab.errors import InvalidToolArguments, ToolError, UsageError
from agentlab.messages import Image, Json, Text
from agentlab.tools import FunctionTool, ToolContext, Toolset, as_content, tool


class Unit(enum.Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


class Place(BaseModel):
    city: str
    country: str | None = None


class Renamed(BaseModel):
    city: str = Field(alias="City")


@tool
def forecast(place: Place, days: Annotated[int, Field(ge=1, le=7)] = 3, unit: Unit = Unit.CELSIUS) -> str:
    """Forecast the weather.

    Looks a few days ahead.

    Args:
        place: Where.
        days: How far.
    """
    return f"{place.city} {days} {unit.value}"


def test_schema_holds_types_bounds_defaults_and_docstring() -> None:
    schema = forecast.definition.parameters
    assert forecast.definition.description == "Forecast the weather.\n\nLooks a few days ahead."
    assert schema["required"] == ["place"]
    assert schema["properties"]["days"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 7,
        "default": 3,
        "description": "How far.",
    }
    assert schema["properties"]["place"]["description"] == "Where."
    assert schema["additionalProperties"] is False
    assert "title" not in str(schema)


def test_a_tool_is_still_the_function() -> None:
    assert forecast(Place(city="Oslo"), 2) == "Oslo 2 celsius"


@pytest.mark.anyio
async def test_arguments_are_converted_before_the_call() -> None:
    assert (
        await forecast.call({"place": {"city": "Oslo"}, "unit": "kelvin"}, ToolContext()) == "Oslo 3 kelvin"
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "place: Field required"),
        ({"place": {"city": "x"}, "days": 8}, "days: .*less than or equal to 7"),
        ({"place": {"city": "x"}, "extra": 1}, "extra: Extra inputs are not permitted"),
        ({"place": "x"}, "place: "),
    ],
)
async def test_arguments_that_do_not_fit_never_reach_the_function(
    arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(InvalidToolArguments, match=complaint):
        await forecast.call(arguments, ToolContext())


@pytest.mark.anyio
async def test_parameters_may_be_called_anything() -> None:
    @tool
    def odd(schema: int, copy: str = "c", model_config: bool = False, json: Literal["a", "b"] = "a") -> str:
        """Take odd names."""
        return f"{schema}{copy}{model_config}{json}"

    assert set(odd.definition.parameters["properties"]) == {"schema", "copy", "model_config", "json"}
    assert await odd.call({"schema": 1, "model_config": True}, ToolContext()) == "1cTruea"


@pytest.mark.anyio
async def test_plain_functions_run_in_a_thread_and_async_ones_on_the_loop() -> None:
    @tool
    def plain() -> str:
        """Say where it runs."""
        return threading.current_thread().name

    @tool
    async def asynchronous() -> str:
        """Say where it runs."""
        return threading.current_thread().name

    here = threading.current_thread().name
    assert await plain.call({}, ToolContext()) != here
    assert await asynchronous.call({}, ToolContext()) == here


@pytest.mark.anyio
async def test_context_is_injected_and_hidden_from_the_model() -> None:
    @dataclass
    class Budget:
        left: int

    @tool
    def spend(amount: int, context: ToolContext) -> int:
        """Spend."""
        return context.require(Budget).left - amount

    assert set(spend.definition.parameters["properties"]) == {"amount"}
    assert await spend.call({"amount": 3}, ToolContext(Budget(10))) == 7
    with pytest.raises(ToolError, match="`Budget`"):
        await spend.call({"amount": 3}, ToolContext())


def test_context_copies_do_not_share_what_is_inserted() -> None:
    context = ToolContext("base")
    copy = context.copy()
    copy.insert(7)
    assert context.get(int) is None
    assert copy.get(int) == 7
    assert copy.get(str) == "base"


@pytest.mark.parametrize("name", ["", "has space", "x" * 65, "naïve"])
def test_names_no_provider_takes_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a tool"):
        FunctionTool(lambda: None, name=name or " ")


def test_parameters_that_cannot_be_named_are_refused() -> None:
    def variadic(*numbers: int) -> int:
        """Sum."""
        return sum(numbers)

    with pytest.raises(UsageError, match=r"tool `variadic`.*\*numbers"):
        tool(variadic)


def test_definitions_are_the_same_every_time() -> None:
    def make() -> FunctionTool:
        return FunctionTool(forecast.function)

    encoded = {msgspec.json.encode(make().definition) for _ in range(8)}
    assert len(encoded) == 1


def test_a_later_tool_replaces_one_of_the_same_name_in_its_place() -> None:
    first = FunctionTool(lambda: 1, name="a")
    second = FunctionTool(lambda: 2, name="b")
    replaced = FunctionTool(lambda: 3, name="a")
    tools = Toolset([first, second, replaced])
    assert tools.names == ("a", "b")
    assert tools.get("a") is replaced
    assert tools.without("a").names == ("b",)
    with pytest.raises(UsageError, match="no such tool: z"):
        tools.without("z")


@given(st.text())
def test_text_output_is_never_parsed(text: str) -> None:
    assert as_content(text) == (Text(text),)


@pytest.mark.parametrize(
    ("value", "content"),
    [
        (None, (Json(None),)),
        ({"b": 1}, (Json({"b": 1}),)),
        (Place(city="Oslo"), (Json({"city": "Oslo", "country": None}),)),
        (Renamed(City="Oslo"), (Json({"city": "Oslo"}),)),
        ([Renamed(City="Oslo")], (Json([{"city": "Oslo"}]),)),
        ([1, 2], (Json([1, 2]),)),
        ((Text("a"), Image.from_bytes(b"x")), (Text("a"), Image.from_bytes(b"x"))),
        ([], (Json([]),)),
    ],
)
def test_other_output_becomes_json_or_stays_parts(value: object, content: object) -> None:
    assert as_content(value) == content


def test_output_without_json_form_is_a_short_error() -> None:
    with pytest.raises(ToolError, match="returned a `object`"):
        as_content(object())
