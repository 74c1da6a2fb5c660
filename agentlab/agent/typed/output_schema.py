"""The shape of an answer in the form providers can enforce: closed objects that require all their properties."""

from __future__ import annotations

import re
from typing import Any, Final

from agentlab.messages import OutputSchema

__all__ = ["enforceable"]

_DROPPED: Final = {"default", "discriminator", "title"}
_NAME: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME: Final = 64


def enforceable(schema: dict[str, Any], name: str) -> OutputSchema:
    """A schema for strict output; one with open objects in it cannot be strict, and is sent as it is.

    Args:
        schema: Any JSON Schema with an object at the top; not changed.
        name: What it is called; characters no provider takes become `_`.

    Source: https://platform.openai.com/docs/guides/structured-outputs (supported schemas)
    """
    fitting = _NAME.sub("_", name).strip("_")[:_LONGEST_NAME] or "response_schema"
    if _is_open(schema):
        return OutputSchema(schema, name=fitting, strict=False)
    return OutputSchema(_closed(schema), name=fitting)


def _is_open(schema: Any) -> bool:
    """Whether any object in it may have properties it does not name, or any value be anything."""
    if isinstance(schema, list):
        return any(map(_is_open, schema))
    if not isinstance(schema, dict):
        return False
    if not schema:
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties", False) is not False or "properties" not in schema
    ):
        return True
    return any(_is_open(value) for value in _subschemas(schema))


def _subschemas(schema: dict[str, Any]) -> list[Any]:
    named = [each for key in ("properties", "$defs") for each in schema.get(key, {}).values()]
    listed = [schema[key] for key in ("items", "anyOf", "oneOf", "allOf", "prefixItems") if key in schema]
    return named + listed


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema and "$defs" not in schema:
        return {"$ref": schema["$ref"]}
    closed: dict[str, Any] = {}
    for key, value in schema.items():
        if key in {"properties", "$defs"}:
            closed[key] = {name: _closed(each) for name, each in value.items()}
        elif key in {"items", "anyOf", "oneOf", "allOf", "prefixItems"}:
            closed["anyOf" if key == "oneOf" else key] = _closed(value)
        elif key not in _DROPPED:
            closed[key] = value
    if "properties" in closed:
        closed |= {"required": list(closed["properties"]), "additionalProperties": False}
    return closed
