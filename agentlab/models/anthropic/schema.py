"""JSON Schemas in the form Anthropic's strict mode compiles: closed objects, no constraints it does not know."""

from __future__ import annotations

from typing import Any, Final

import msgspec

__all__ = ["strict_schema"]

_KEPT: Final = {"type", "title", "description", "enum", "const", "default", "$ref", "required"}
_ALTERNATIVES: Final = ("anyOf", "oneOf", "allOf")
_FORMATS: Final = {
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
}


def strict_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Rewrite a schema for strict tools and structured output; the argument is not changed.

    Objects get `additionalProperties: false`, `oneOf` becomes `anyOf`, and a constraint the compiler refuses
    (`minimum`, `maxLength`, `pattern`, ...) moves into the description, where the model still reads it. The order of
    the keys is kept, so equal schemas give equal bytes.

    Args:
        schema: Any JSON Schema.

    Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs (JSON Schema limitations)
    """
    result: dict[str, Any] = {}
    moved: dict[str, Any] = {}
    for key, value in schema.items():
        if key in {"properties", "$defs", "definitions"} and isinstance(value, dict):
            result[key] = {name: _inner(each) for name, each in value.items()}
        elif key in _ALTERNATIVES and isinstance(value, list):
            result["anyOf" if key == "oneOf" else key] = [_inner(each) for each in value]
        elif key == "items" and isinstance(value, dict):
            result[key] = strict_schema(value)
        elif _is_kept(key, value):
            result[key] = value
        elif key not in {"additionalProperties", "$schema"}:
            moved[key] = value
    if schema.get("type") == "object" or "properties" in schema:
        result["additionalProperties"] = False
    if moved:
        facts = ", ".join(f"{key}: {msgspec.json.encode(value).decode()}" for key, value in moved.items())
        described = result.get("description")
        result["description"] = f"{described}\n\n{{{facts}}}" if described else f"{{{facts}}}"
    return result


def _inner(schema: Any) -> Any:
    return strict_schema(schema) if isinstance(schema, dict) else schema


def _is_kept(key: str, value: Any) -> bool:
    if key == "format":
        return value in _FORMATS
    if key == "minItems":
        return value in {0, 1}
    return key in _KEPT
