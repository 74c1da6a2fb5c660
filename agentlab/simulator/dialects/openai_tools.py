"""Reading the tools, the tool choice and the output schema of an OpenAI request."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from agentlab.messages import SpecificTools, ToolChoice, ToolDefinition
from agentlab.simulator.dialects.base import Rejected
from agentlab.simulator.dialects.openai_errors import NAME, bad_name, empty_array, missing, wrong_type
from agentlab.simulator.dialects.strict_schema import strict_fault

__all__ = ["output_schema", "tool_choice", "tools"]

_CHOICES: Final[tuple[Literal["auto", "none", "required"], ...]] = ("auto", "none", "required")


def tools(value: Any, *, strict: bool = True) -> tuple[ToolDefinition, ...]:
    """The offered functions, held to the names and schemas OpenAI accepts.

    Args:
        value: The request's `tools`.
        strict: Whether lists must not be empty and hold functions only; else a vendor's own tools are passed over.

    Raises:
        Rejected: OpenAI would refuse them.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong_type("tools", "an array of objects", value)
    if not value and strict:
        raise empty_array("tools")
    offered: list[ToolDefinition] = []
    for index, item in enumerate(value):
        where = f"tools[{index}]"
        function = item.get("function") if isinstance(item, dict) else None
        if not isinstance(function, dict):
            if strict:
                raise missing(f"{where}.function")
            continue
        name = function.get("name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise bad_name(f"{where}.function.name")
        schema = function.get("parameters") or {"type": "object", "properties": {}}
        if not isinstance(schema, dict) or schema.get("type") != "object":
            got = schema.get("type") if isinstance(schema, dict) else schema
            raise Rejected.because(
                f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"', got "
                f"'type: \"{got}\"'.",
                code="invalid_function_parameters",
                param=f"{where}.function.parameters",
            )
        held = function.get("strict")
        if held and strict:
            _check_strict(
                schema, f"function '{name}'", f"{where}.function.parameters", "invalid_function_parameters"
            )
        offered.append(ToolDefinition(name, str(function.get("description") or ""), schema, held))
    return tuple(offered)


def tool_choice(value: Any, offered: tuple[ToolDefinition, ...], *, strict: bool = True) -> ToolChoice | None:
    """The tool choice in neutral form."""
    if value is None:
        return None
    if value == "any" and not strict:  # Mistral's word
        return "required"
    for word in _CHOICES:
        if value == word:
            return word
    function = value.get("function") if isinstance(value, dict) else None
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        if function["name"] not in {tool.name for tool in offered}:
            raise Rejected.because(
                "Invalid value for 'tool_choice': no function named "
                f"'{function['name']}' was specified in the 'tools' parameter.",
                param="tool_choice",
            )
        return SpecificTools((function["name"],))
    allowed = value.get("allowed_tools") if isinstance(value, dict) else None
    if isinstance(allowed, dict):
        return SpecificTools(tuple(tool["function"]["name"] for tool in allowed.get("tools", ())))
    raise Rejected.because(
        f"Invalid value: '{value}'. Supported values are: 'none', 'auto', and 'required'.",
        code="invalid_value",
        param="tool_choice",
    )


def output_schema(value: Any, parsed: dict[str, Any], *, strict: bool = True) -> dict[str, Any] | None:
    """The JSON Schema of the answer; an empty one for `json_object`, None for text."""
    kind = value.get("type") if isinstance(value, dict) else None
    if value is None or kind == "text":
        return None
    if kind == "json_object":
        if strict and "json" not in msgspec.json.encode(parsed["messages"]).decode().lower():
            raise Rejected.because(
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                "'json_object'.",
                param="messages",
            )
        return {}
    if kind != "json_schema":
        raise Rejected.because(
            f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            code="invalid_value",
            param="response_format.type",
        )
    described = value.get("json_schema")
    for name in ("name", "schema"):
        if not isinstance(described, dict) or not described.get(name):
            raise missing(f"response_format.json_schema.{name}")
    schema: dict[str, Any] = described["schema"]
    if described.get("strict") and strict:
        _check_strict(
            schema, f"response_format '{described['name']}'", "response_format", "invalid_json_schema"
        )
    return schema


def _check_strict(schema: dict[str, Any], what: str, param: str, code: str) -> None:
    fault = strict_fault(schema)
    if fault is not None:
        raise Rejected.because(f"Invalid schema for {what}: {fault}", code=code, param=param)
