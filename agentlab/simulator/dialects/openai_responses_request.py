"""Reads a request of OpenAI's Responses API as strictly as OpenAI does, with its sentences and codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from agentlab.messages import SpecificTools, ToolChoice, ToolDefinition
from agentlab.simulator.dialects.base import Rejected, json_object
from agentlab.simulator.dialects.openai_errors import NAME, bad_name, missing
from agentlab.simulator.dialects.openai_responses_input import check_items, read_items, to_messages
from agentlab.simulator.dialects.shape import Misfit, fit
from agentlab.simulator.dialects.strict_schema import strict_fault
from agentlab.simulator.exchange import SimRequest

__all__ = ["read_request"]

_STRICT_VENDORS: Final = frozenset({"openai", "azure"})
_FUNCTION_CODE: Final = "invalid_function_parameters"
_JSON_NAMES: Final = {
    "str": "a string",
    "int": "an integer",
    "float": "a decimal",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_INCLUDES: Final = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
)


class _Body(Struct, kw_only=True):
    model: str
    input: str | list[dict[str, Any]] | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    store: bool | None = True
    include: list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    previous_response_id: str | None = None
    access_programs: Any = None
    background: bool | None = None
    context_management: Any = None
    conversation: Any = None
    max_tool_calls: int | None = None
    metadata: dict[str, str] | None = None
    moderation: Any = None
    prompt: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    top_logprobs: int | None = None
    truncation: Literal["auto", "disabled"] | None = None
    user: str | None = None


class _Function(Struct):
    name: str
    parameters: dict[str, Any] | None = None
    description: str | None = None
    strict: bool | None = None


class _Format(Struct):
    type: str
    name: str | None = None
    schema: dict[str, Any] = field(default_factory=dict)
    strict: bool | None = None


def read_request(vendor: str, headers: Mapping[str, str], body: bytes) -> SimRequest:
    """Understand a request. Vendors other than OpenAI and Azure may be sent fields OpenAI does not know.

    Raises:
        Rejected: The API would not accept it.
    """
    parsed = json_object(body)
    try:
        if vendor in _STRICT_VENDORS:
            _refuse_unknown(parsed)
        asked = fit(parsed, _Body)
        _check_settings(asked)
        items = read_items(asked.input or "")
        tools = _read_tools(asked.tools or [])
        schema = _output_schema(asked)
    except Misfit as misfit:
        raise _rejected(misfit) from None
    check_items(items, stored=asked.store is not False)
    preamble, messages = to_messages(items)
    instructions = [asked.instructions] if asked.instructions else []
    effort = (asked.reasoning or {}).get("effort")
    return SimRequest(
        vendor=vendor,
        wire="openai_responses",
        model=asked.model,
        stream=bool(asked.stream),
        preamble="\n".join([*instructions, *preamble]) or None,
        messages=messages,
        tools=tools,
        tool_choice=_tool_choice(asked),
        max_tokens=asked.max_output_tokens,
        reasoning=asked.reasoning is not None and effort != "none",
        output_schema=schema,
        headers=headers,
        json=parsed,
        body=body,
    )


def _rejected(misfit: Misfit) -> Rejected:
    name = misfit.bracketed
    if misfit.kind == "missing":
        return missing(name)
    if misfit.kind == "type":
        wanted = [_JSON_NAMES.get(kind, kind) for kind in misfit.expected.split(" | ") if kind != "null"]
        expected = f"one of {' or '.join(wanted)}" if len(wanted) > 1 else wanted[0]
        got = _JSON_NAMES.get(misfit.got, misfit.got)
        return Rejected.because(
            f"Invalid type for '{name}': expected {expected}, but got {got} instead.",
            code="invalid_type",
            param=name,
        )
    return Rejected.because(f"Invalid value for '{name}': {misfit.reason}.", code="invalid_value", param=name)


def _refuse_unknown(parsed: Mapping[str, Any]) -> None:
    for name in parsed:
        if name not in _Body.__struct_fields__:
            raise Rejected.because(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)


def _check_settings(asked: _Body) -> None:
    if asked.previous_response_id is not None:
        raise Rejected.because(
            f"Previous response with id '{asked.previous_response_id}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    if asked.conversation is not None:
        named = asked.conversation if isinstance(asked.conversation, str) else asked.conversation.get("id")
        raise Rejected.because(f"Conversation with id '{named}' not found.", status=404, param="conversation")
    if not asked.input:
        raise Rejected.because(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided."
        )
    if asked.stream_options is not None and not asked.stream:
        raise Rejected.because(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    _check_range("max_output_tokens", "integer", asked.max_output_tokens, 16, None)
    _check_range("temperature", "decimal", asked.temperature, 0, 2)
    _check_range("top_p", "decimal", asked.top_p, 0, 1)
    for index, name in enumerate(asked.include or ()):
        if name not in _INCLUDES:
            known = ", ".join(f"'{one}'" for one in _INCLUDES[:-1])
            raise Rejected.because(
                f"Invalid value: '{name}'. Supported values are: {known}, and '{_INCLUDES[-1]}'.",
                code="invalid_value",
                param=f"include[{index}]",
            )


def _check_range(name: str, kind: str, value: float | None, least: int, most: int | None) -> None:
    if value is not None and value < least:
        raise Rejected.because(
            f"Invalid '{name}': {kind} below minimum value. Expected a value >= {least}, but got {value:g} instead.",
            code=f"{kind}_below_min_value",
            param=name,
        )
    if value is not None and most is not None and value > most:
        raise Rejected.because(
            f"Invalid '{name}': {kind} above maximum value. Expected a value <= {most}, but got {value:g} instead.",
            code=f"{kind}_above_max_value",
            param=name,
        )


def _read_tools(tools: list[dict[str, Any]]) -> tuple[ToolDefinition, ...]:
    """The client's functions; tools the provider runs itself are checked no further."""
    definitions: list[ToolDefinition] = []
    for index, given in enumerate(tools):
        kind = given.get("type")
        if kind is None:
            raise Misfit(("tools", index, "type"), "missing")
        if kind != "function":
            continue
        tool = fit(given, _Function, "tools", index)
        if not NAME.fullmatch(tool.name):
            raise bad_name(f"tools[{index}].name")
        schema = tool.parameters or {"type": "object", "properties": {}}
        fault = strict_fault(schema) if tool.strict else None
        if schema.get("type") != "object":
            fault = (
                f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."
            )
        if fault is not None:
            raise Rejected.because(
                f"Invalid schema for function '{tool.name}': {fault}",
                code=_FUNCTION_CODE,
                param=f"tools[{index}].parameters",
            )
        definitions.append(ToolDefinition(tool.name, tool.description or "", schema, tool.strict))
    return tuple(definitions)


def _tool_choice(asked: _Body) -> ToolChoice | None:
    choice = asked.tool_choice
    if choice is None:
        return None
    plain: dict[str, ToolChoice] = {"none": "none", "auto": "auto", "required": "required"}
    if isinstance(choice, str):
        if choice not in plain:
            raise Rejected.because(
                f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
                code="invalid_value",
                param="tool_choice",
            )
        return plain[choice]
    if choice.get("type") == "allowed_tools":
        names = tuple(str(tool.get("name")) for tool in choice.get("tools", ()))
        return SpecificTools(names) if choice.get("mode") == "required" else "auto"
    if choice.get("type") != "function":
        return "required"
    if "name" not in choice:
        raise missing("tool_choice.name")
    if choice["name"] not in {tool.get("name") for tool in asked.tools or ()}:
        raise Rejected.because("Tool choice 'function' not found in 'tools' parameter.", param="tool_choice")
    return SpecificTools((choice["name"],))


def _output_schema(asked: _Body) -> dict[str, Any] | None:
    given = (asked.text or {}).get("format")
    if given is None:
        return None
    wanted = fit(given, _Format, "text", "format")
    if wanted.type == "text":
        return None
    if wanted.type == "json_object":
        if "json" not in msgspec.json.encode([asked.input, asked.instructions]).decode().lower():
            raise Rejected.because(
                "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
                "'json_object'.",
                param="input",
            )
        return {}
    if wanted.type != "json_schema":
        raise Rejected.because(
            f"Invalid value: '{wanted.type}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            code="invalid_value",
            param="text.format.type",
        )
    for name in ("name", "schema"):
        if name not in given:
            raise Misfit(("text", "format", name), "missing")
    fault = strict_fault(wanted.schema) if wanted.strict else None
    if fault is not None:
        raise Rejected.because(
            f"Invalid schema for response_format '{wanted.name}': {fault}",
            code="invalid_json_schema",
            param="text.format.schema",
        )
    return wanted.schema
