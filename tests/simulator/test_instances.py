"""Instances of JSON Schemas, held to the schema by an independent validator."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.simulator.evidence import Evidence
from agentlab.simulator.instances import instance, is_fillable

TEXT = "Ada Lovelace (ada@example.com) is 36; see https://example.com/ada, born 1815-12-10, in London."


def built(schema: dict[str, Any], text: str = TEXT) -> Any:
    return instance(schema, Evidence(text))


def obj(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def test_values_are_found_by_their_type_format_and_name() -> None:
    schema = obj(
        name={"type": "string"},
        age={"type": "integer"},
        email={"type": "string"},
        homepage={"type": "string", "format": "uri"},
        born={"type": "string", "format": "date"},
        place={"type": "string"},
    )
    assert built(schema, TEXT) == {
        "name": "Ada Lovelace",
        "age": 36,
        "email": "ada@example.com",
        "homepage": "https://example.com/ada",
        "born": "1815-12-10",
        "place": "London",
    }


def test_a_value_beside_its_name_wins() -> None:
    schema = obj(b={"type": "integer"}, a={"type": "integer"}, city={"type": "string"})
    assert built(schema, "a=3, b: 4, city is 'New York'") == {"b": 4, "a": 3, "city": "New York"}


def test_an_enum_takes_the_option_the_text_names_first() -> None:
    assert built({"enum": ["red", "green", "blue"]}, "Blue, not green") == "blue"
    assert built({"enum": ["red", "green"]}, "none of them") == "red"


def test_an_optional_property_is_filled_only_where_it_is_named() -> None:
    schema = {"type": "object", "properties": {"unit": {"type": "string"}}}
    assert built(schema, "Paris") == {}
    assert built(schema, "unit: kelvin") == {"unit": "kelvin"}


def test_numbers_fill_a_list() -> None:
    assert built(obj(values={"type": "array", "items": {"type": "number"}}), "1, 2.5 and 3") == {
        "values": [1, 2.5, 3]
    }


def test_a_schema_that_holds_itself_ends() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"$ref": "#/$defs/n"}, "v": {"type": "integer"}},
        "required": ["v"],
    }
    schema = {"$ref": "#/$defs/n", "$defs": {"n": node}}
    jsonschema.validate(built(schema), schema)
    tree = obj(children={"type": "array", "items": {"$ref": "#"}})
    jsonschema.validate(built(tree), tree)


def test_a_reference_to_itself_alone_is_no_trap() -> None:
    assert built({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}) is not None


@pytest.mark.parametrize(
    ("text", "fillable"), [("1 and 2", True), ("1", False), ("nothing", False), ("1 2 3", True)]
)
def test_a_tool_with_two_numbers_needs_two(text: str, fillable: bool) -> None:
    assert is_fillable(obj(a={"type": "integer"}, b={"type": "number"}), Evidence(text)) is fillable


integers = st.integers(-50, 50)
leaves = st.one_of(
    st.just({"type": "null"}),
    st.just({"type": "boolean"}),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        integers,
        st.integers(0, 9),
    ),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, integers),
    st.builds(lambda high: {"type": "integer", "exclusiveMaximum": high}, integers),
    st.builds(lambda step: {"type": "integer", "multipleOf": step}, st.integers(1, 9)),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        *[st.integers(0, 9)] * 2,
    ),
    st.sampled_from(["date", "date-time", "email", "uri", "uuid", "ipv4"]).map(
        lambda kind: {"type": "string", "format": kind}
    ),
    st.lists(st.sampled_from(["a", 1, None, True]), min_size=1).map(lambda options: {"enum": options}),
    st.just({"const": {"fixed": [1]}}),
    st.just({"type": ["string", "null"]}),
)
names = st.text("abcdef_", min_size=1, max_size=5)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(names, inner, max_size=4).map(lambda properties: obj(**properties)),
        st.dictionaries(names, inner, max_size=4).map(
            lambda properties: {"type": "object", "properties": properties}
        ),
        st.builds(
            lambda items, low, more: {
                "type": "array",
                "items": items,
                "minItems": low,
                "maxItems": low + more,
            },
            inner,
            st.integers(0, 3),
            st.integers(0, 3),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=12,
)


@given(schemas, st.text(max_size=40) | st.just(TEXT) | st.just("1 2 3, -4.5 and a: 7"))
def test_an_instance_always_fits_its_schema(schema: dict[str, Any], text: str) -> None:
    jsonschema.validate(built(schema, text), schema)
