"""Tools as a reader wants them: their signature, what they do, and the schema behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from agentlab.messages import ToolDefinition
from agentlab.notebook.objects.panel import folded, grid, one_line, panel, text_block
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join

__all__ = ["signature", "tool_html", "tool_rows", "toolset_html"]

_MOST_TOOLS: Final = 60
_MOST_PARAMETERS: Final = 40


def tool_html(definition: ToolDefinition) -> SafeHTML:
    """A tool.

    Args:
        definition: The tool as the model sees it.
    """
    return panel("Tool", definition.name, _described(definition))


def toolset_html(definitions: Iterable[ToolDefinition]) -> SafeHTML:
    """A set of tools, each folded.

    Args:
        definitions: The tools as the model sees them, in their order.
    """
    listed = tuple(definitions)
    count = "no tools" if not listed else f"{len(listed)} tool{'s' * (len(listed) > 1)}"
    return panel("Toolset", count, tool_rows(listed))


def tool_rows(definitions: Iterable[ToolDefinition]) -> SafeHTML:
    """One fold a tool."""
    listed = tuple(definitions)
    rows = [
        folded(
            join([element("code", signature(each)), escape(f" {one_line(each.description)}")]),
            _described(each),
        )
        for each in listed[:_MOST_TOOLS]
    ]
    left = len(listed) - _MOST_TOOLS
    return join([*rows, element("div", f"and {left} more")] if left > 0 else rows)


def signature(definition: ToolDefinition) -> str:
    """A tool as a call: `search(query: string, limit?: integer)`, what may be left out with a question mark."""
    needed = _needed(definition)
    parameters = list(_properties(definition).items())
    named = [
        f"{one_line(name, 60)}{'' if name in needed else '?'}: {one_line(_kind(schema), 60)}"
        for name, schema in parameters[:_MOST_PARAMETERS]
    ]
    return f"{one_line(definition.name, 64)}({', '.join(named)}{', …' if len(parameters) > _MOST_PARAMETERS else ''})"


def _described(definition: ToolDefinition) -> SafeHTML:
    needed = _needed(definition)
    parameters = list(_properties(definition).items())[:_MOST_PARAMETERS]
    rows = [
        (
            element("code", one_line(name, 60)),
            one_line(_kind(schema), 60),
            "required" if name in needed else "optional",
            one_line(_description(schema), 200),
        )
        for name, schema in parameters
    ]
    pieces = [text_block(definition.description)] if definition.description else []
    if rows:
        pieces.append(grid(("parameter", "type", "", "description"), rows))
    written = msgspec.json.format(msgspec.json.encode(definition), indent=2).decode()
    return join([*pieces, folded("schema", text_block(written))])


def _properties(definition: ToolDefinition) -> Mapping[str, Any]:
    properties = definition.parameters.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _needed(definition: ToolDefinition) -> frozenset[str]:
    required = definition.parameters.get("required")
    return frozenset(map(str, required)) if isinstance(required, list | tuple) else frozenset()


def _description(schema: Any) -> str:
    return str(schema.get("description", "")) if isinstance(schema, Mapping) else ""


def _kind(schema: Any, depth: int = 0) -> str:
    """A JSON Schema in a word or two."""
    if not isinstance(schema, Mapping) or depth > 3:
        return "any"
    if "enum" in schema:
        return " | ".join(str(value) for value in list(schema["enum"])[:6])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for choice in ("anyOf", "oneOf"):
        if isinstance(schema.get(choice), list):
            return " | ".join(dict.fromkeys(_kind(each, depth + 1) for each in schema[choice][:6]))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"array of {_kind(schema.get('items'), depth + 1)}"
    return " | ".join(map(str, kind)) if isinstance(kind, list) else str(kind)
