"""What OpenAI asks of a schema that is to be followed strictly (https://platform.openai.com/docs/guides/structured-outputs)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["strict_fault"]


def strict_fault(schema: Any, *at: str) -> str | None:
    """The first thing that forbids strict mode, in OpenAI's words; None where nothing does.

    Every object is closed (`additionalProperties: false`) and requires all its properties.

    Args:
        schema: A JSON Schema.
        *at: Keywords that lead to it.
    """
    if not isinstance(schema, dict):
        return None
    context = f"In context=({', '.join(map(repr, at))}{',' if len(at) == 1 else ''}), "
    if schema.get("type") == "object" or "properties" in schema:
        if schema.get("additionalProperties") is not False:
            return f"{context}'additionalProperties' is required to be supplied and to be false."
        required = schema.get("required", ())
        missing = next((name for name in schema.get("properties", {}) if name not in required), None)
        if missing is not None:
            return (
                f"{context}'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing}'."
            )
    faults = (strict_fault(inner, *at, *steps) for steps, inner in _inner(schema))
    return next((fault for fault in faults if fault is not None), None)


def _inner(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for keyword in ("properties", "$defs"):
        for name, inner in (schema.get(keyword) or {}).items():
            yield (keyword, name), inner
    yield ("items",), schema.get("items")
    for index, inner in enumerate(schema.get("anyOf") or ()):
        yield ("anyOf", str(index)), inner
