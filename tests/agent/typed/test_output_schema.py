"""Schemas of answers are closed the way strict mode wants them, or sent open where they cannot be."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from agentlab.agent.typed.output_schema import enforceable
from agentlab.simulator.dialects.strict_schema import strict_fault


class Leaf(BaseModel):
    """A leaf."""

    kind: Literal["leaf"] = "leaf"
    value: int = 0


class Branch(BaseModel):
    kind: Literal["branch"] = "branch"
    children: list[Branch | Leaf] = []
    best: Leaf | None = None


class Loose(BaseModel):
    facts: dict[str, int]


def test_a_recursive_model_with_defaults_passes_strict_mode() -> None:
    shape = enforceable(TypeAdapter(Branch).json_schema(), "Branch")
    assert shape.strict
    assert all(strict_fault(each) is None for each in shape.schema["$defs"].values())
    assert "default" not in str(shape.schema)
    assert shape.schema["$defs"]["Leaf"]["required"] == ["kind", "value"]


def test_an_open_object_is_sent_as_it_is_and_not_strict() -> None:
    schema = TypeAdapter(Loose).json_schema()
    shape = enforceable(schema, "Loose")
    assert shape.schema == schema
    assert not shape.strict


@pytest.mark.parametrize(
    ("given_name", "name"),
    [("list[int]", "list_int"), ("x" * 80, "x" * 64), ("", "response_schema"), ("é", "response_schema")],
)
def test_names_become_what_providers_take(given_name: str, name: str) -> None:
    assert enforceable({"type": "object", "properties": {}}, given_name).name == name


SCHEMAS: Any = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": "integer", "default": 3}, {"enum": ["a"], "title": "E"}]),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["a", "b", "default", "title"]), inner, max_size=3).map(
            lambda fields: {"type": "object", "properties": fields}
        ),
        inner.map(lambda each: {"type": "array", "items": each}),
        st.lists(inner, min_size=1, max_size=2).map(lambda each: {"oneOf": each}),
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_every_schema_of_named_properties_passes_strict_mode_and_keeps_them(inner: Any) -> None:
    schema = {"type": "object", "properties": {"x": inner}}
    before = str(schema)
    shape = enforceable(schema, "n")
    assert shape.strict
    assert strict_fault(shape.schema) is None
    assert str(schema) == before
    if inner.get("type") == "object":
        assert list(shape.schema["properties"]["x"]["properties"]) == list(inner["properties"])
