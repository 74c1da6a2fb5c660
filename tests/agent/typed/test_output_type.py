"""A type's values as JSON and back, whatever the type and whichever way the JSON is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, create_model

from agentlab.agent.run import Run
from agentlab.agent.settings import AgentSettings
from agentlab.agent.typed.output_type import OutputType
from agentlab.agent.typed.typed_output import OutputMode, TypedOutput
from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, Text, ToolCall, TurnFinished, Usage, UserMessage
from tests.agent.in_process import Capable


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Renamed(BaseModel):
    model_config = {"title": "A Person"}
    first: str = Field(alias="firstName")


@dataclass
class Point:
    x: float
    y: float | None = None


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001 - naive on purpose
LEAVES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (str, _TEXT),
    (int, st.integers()),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (date, st.dates()),
    (datetime, _MOMENTS),
    (timedelta, st.timedeltas(timedelta(-99), timedelta(99))),
    (Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=3)),
    (UUID, st.uuids()),
    (Colour, st.sampled_from(Colour)),
    (Literal["a", "```", "{"], st.sampled_from(["a", "```", "{"])),
    (Point, st.builds(Point, st.floats(-9, 9), st.none() | st.floats(-9, 9))),
]


def _model(fields: dict[str, tuple[Any, st.SearchStrategy[Any]]]) -> tuple[Any, st.SearchStrategy[Any]]:
    kind: Any = create_model("Made", **{name: (inner, ...) for name, (inner, _) in fields.items()})  # type: ignore[call-overload]
    values = st.fixed_dictionaries({name: value for name, (_, value) in fields.items()})
    return kind, values.map(lambda filled: kind.model_construct(**filled))


_WRAPPERS: list[Callable[[Any, st.SearchStrategy[Any]], tuple[Any, st.SearchStrategy[Any]]]] = [
    lambda kind, value: (list[kind], st.lists(value, max_size=2)),
    lambda kind, value: (kind | None, st.none() | value),
    lambda kind, value: (dict[str, kind], st.dictionaries(_TEXT, value, max_size=2)),
    lambda kind, value: (tuple[kind, int], st.tuples(value, st.integers())),
]


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[Any, Any]:
    """A type, and a value of it."""

    def made(depth: int) -> tuple[Any, st.SearchStrategy[Any]]:
        how = draw(st.integers(0, 2)) if depth else 0
        if how == 0:
            return draw(st.sampled_from(LEAVES))
        if how == 1:
            return draw(st.sampled_from(_WRAPPERS))(*made(depth - 1))
        names = draw(st.lists(st.sampled_from(["a", "b", "result"]), unique=True, max_size=3))
        return _model({name: made(depth - 1) for name in names})

    kind, values = made(3)
    return kind, draw(values)


def said(mode: OutputMode, tool: str, value: str, *, fence: str) -> AssistantMessage:
    """A model's turn with this JSON, the way the mode wants it."""
    if mode == "tool":
        return AssistantMessage((ToolCall("1", tool, value),))
    return AssistantMessage((Text(fence.format(value)),))


@settings(max_examples=40)
@given(typed_values(), st.sampled_from(["{}", "```json\n{}\n```", "Here it is:\n```\n{}\n```\nThat is all."]))
def test_a_value_that_a_model_says_comes_back_in_every_mode(typed: tuple[Any, Any], fence: str) -> None:
    kind, value = typed
    for mode in ("native", "tool", "prompted"):
        output = TypedOutput(kind, mode, Capable(), AgentSettings())
        written = output.type.write(value)
        jsonschema.validate(json.loads(written), output.type.schema)
        tool = output.settings.output_tool
        run = Run.start(UserMessage.of("?"), max_turns=1, output_tool=tool.name if tool else None)
        turn = said(mode, output.tool_name, written, fence="{}" if mode == "native" else fence)
        run.model_turn(TurnFinished(turn, Usage()))
        assert output.value_of(Run.from_json(run.to_json())) == value


def test_a_recursive_type_has_its_object_at_the_top() -> None:
    kind = OutputType(Node)
    assert kind.schema["type"] == "object"
    assert not kind.is_wrapped
    tree = Node(name="a", children=[Node(name="b")])
    assert kind.read(kind.write(tree)).value == tree


def test_the_schema_has_the_types_own_title_and_aliases() -> None:
    kind = OutputType(Renamed)
    assert (kind.title, kind.name) == ("A Person", "Renamed")
    assert kind.write(Renamed(firstName="Ada")) == '{"firstName":"Ada"}'
    assert OutputType(Node | None).title == "response_schema"


@pytest.mark.parametrize(
    ("kind", "text", "problem", "is_missing"),
    [
        (Node, "", "it is empty", True),
        (Node, "  \n", "it is empty", True),
        (Node, "I cannot find any.", "it is no JSON: 'I cannot find any.'", True),
        (Node, "{", "it is no JSON: '{'", True),
        (Node, '{"children":[]}', "name: Field required", False),
        (Node, "[]", "Input should be an object", False),
        (int, "{}", "result: Field required", False),
        (int | None, "{}", "result: Field required", False),
        (list[Node], '{"result":[{}]}', "result.0.name: Field required", False),
    ],
)
def test_what_does_not_fit_is_said_with_the_path_to_it(
    kind: Any, text: str, problem: str, is_missing: bool
) -> None:
    reading = OutputType(kind).read(text)
    assert (reading.problem, reading.is_missing, reading.value) == (problem, is_missing, None)


def test_a_value_of_another_type_is_not_written() -> None:
    with pytest.raises(UsageError, match="is no `Node`"):
        OutputType(Node).write({"children": []})


def test_strict_models_are_read_as_json_is() -> None:
    class Strict(BaseModel, strict=True):
        day: date

    assert OutputType(list[Strict]).read('{"result":[{"day":"2026-01-02"}]}').value == [
        Strict(day=date(2026, 1, 2))
    ]
    assert TypeAdapter(Strict).json_schema()["type"] == "object"
