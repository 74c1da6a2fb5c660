"""JSON Schema of the annotations most tools have, without asking pydantic, which builds a validator for it.

What comes out is what pydantic says of the same parameter, to the letter: `tests/tools/test_plain_schema.py` holds it to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

__all__ = ["plain_schema", "plain_type"]

_NAMES: Final[Mapping[Any, str]] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_DEFAULTS: Final = (str, int, float, bool, NoneType)


def plain_schema(parameters: Mapping[str, tuple[Any, Any, str | None]]) -> dict[str, Any] | None:
    """The schema of named arguments, or None where one of them is not plain.

    Args:
        parameters: By name: the annotation, the default (`Parameter.empty` for none), and the description.
    """
    properties: dict[str, Any] = {}
    for name, (annotation, default, description) in parameters.items():
        told = plain_type(annotation)
        if told is None or (default is not Parameter.empty and type(default) not in _DEFAULTS):
            return None
        if default is not Parameter.empty:
            told["default"] = default
        if description is not None:
            told["description"] = description
        properties[name] = dict(sorted(told.items()))
    schema: dict[str, Any] = {"additionalProperties": False, "properties": properties}
    required = [name for name, (_, default, _) in parameters.items() if default is Parameter.empty]
    if required:
        schema["required"] = required
    return {**schema, "type": "object"}


def plain_type(annotation: Any) -> dict[str, Any] | None:
    """The schema of a type JSON has itself: text, numbers, truth, lists, mappings of names, choices of those; else None."""
    if annotation is Any:
        return {}
    origin = get_origin(annotation)
    if origin is None:
        return _of_class(annotation)
    arguments = get_args(annotation)
    if origin is Literal:
        return _one_of(arguments)
    if origin is Union or origin is UnionType:
        return _any_of(arguments)
    if origin is list:
        items = plain_type(arguments[0])
        return None if items is None else {"items": items, "type": "array"}
    if origin is dict and arguments[0] is str:
        values = plain_type(arguments[1])
        return None if values is None else {"additionalProperties": values or True, "type": "object"}
    return None


def _of_class(annotation: Any) -> dict[str, Any] | None:
    if annotation is list:
        return {"items": {}, "type": "array"}
    if annotation is dict:
        return {"additionalProperties": True, "type": "object"}
    try:
        return {"type": _NAMES[annotation]}
    except (KeyError, TypeError):  # another class, or what cannot be a key
        return None


def _one_of(values: tuple[Any, ...]) -> dict[str, Any] | None:
    kinds = {type(value) for value in values}
    if kinds not in ({str}, {int}):
        return None
    chosen: dict[str, Any] = {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
    return {**chosen, "type": _NAMES[kinds.pop()]}


def _any_of(members: tuple[Any, ...]) -> dict[str, Any] | None:
    told: list[dict[str, Any]] = []
    for member in members:
        if member is NoneType:
            continue
        schema = plain_type(member)
        if schema is None or schema in told:
            return None
        told.append(schema)
    if NoneType in members:
        told.append({"type": "null"})
    return {"anyOf": told}
