from __future__ import annotations

import copy
from typing import Any

from agentlab.models.anthropic.schema import strict_schema


def test_objects_are_closed_at_every_depth() -> None:
    schema: dict[str, Any] = {
        "$defs": {"Inner": {"type": "object", "properties": {"x": {"type": "string"}}}},
        "type": "object",
        "properties": {
            "one": {"$ref": "#/$defs/Inner"},
            "many": {"type": "array", "items": {"type": "object", "properties": {}}},
            "either": {"oneOf": [{"type": "null"}, {"type": "object", "properties": {}}]},
        },
        "required": ["one"],
        "additionalProperties": True,
    }
    before = copy.deepcopy(schema)
    strict = strict_schema(schema)
    assert schema == before
    assert strict == {
        "$defs": {
            "Inner": {
                "type": "object",
                "properties": {"x": {"type": "string"}},
                "additionalProperties": False,
            }
        },
        "type": "object",
        "properties": {
            "one": {"$ref": "#/$defs/Inner"},
            "many": {
                "type": "array",
                "items": {"type": "object", "properties": {}, "additionalProperties": False},
            },
            "either": {
                "anyOf": [
                    {"type": "null"},
                    {"type": "object", "properties": {}, "additionalProperties": False},
                ]
            },
        },
        "required": ["one"],
        "additionalProperties": False,
    }


def test_refused_constraints_move_into_the_description() -> None:
    assert strict_schema({"type": "integer", "minimum": 1, "maximum": 9, "description": "A digit."}) == {
        "type": "integer",
        "description": "A digit.\n\n{minimum: 1, maximum: 9}",
    }
    assert strict_schema({"type": "string", "pattern": "^a"}) == {
        "type": "string",
        "description": '{pattern: "^a"}',
    }


def test_constraints_the_compiler_knows_stay() -> None:
    for schema in (
        {"type": "string", "format": "date"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
        {"enum": ["a", "b"], "title": "Letter", "default": "a"},
        {"const": 3},
    ):
        assert strict_schema(schema) == schema
    assert "format" not in strict_schema({"type": "string", "format": "color"})
    assert "minItems" not in strict_schema({"type": "array", "minItems": 2})


def test_a_property_named_like_a_keyword_is_a_property() -> None:
    schema = {"type": "object", "properties": {"minimum": {"type": "integer"}, "pattern": {"type": "string"}}}
    assert strict_schema(schema)["properties"] == schema["properties"]
