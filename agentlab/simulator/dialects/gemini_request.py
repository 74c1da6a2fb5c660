"""Reads a request of Gemini's `generateContent` as strictly as the Gemini API does, with its sentences.

Rules: https://ai.google.dev/api/generate-content and the guides to function calling and thought signatures beside it.
Names may be written as `functionCall` or as `function_call`; both are Protocol Buffers JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, field

from agentlab.messages import SpecificTools, ToolChoice, ToolDefinition
from agentlab.simulator.dialects.base import Rejected, json_object
from agentlab.simulator.dialects.gemini_contents import camel, check_turns, listed, read_contents, to_messages
from agentlab.simulator.dialects.shape import Misfit, fit
from agentlab.simulator.exchange import SimRequest

__all__ = ["GeminiRequest", "generation", "read_request", "route"]

_ROUTE: Final = re.compile(r"/models/(?P<model>[^/:]+):(?P<method>generateContent|streamGenerateContent)$")
_GENERATION: Final = re.compile(r"gemini-(?P<number>\d+(?:\.\d+)?)")
_FUNCTION_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_NAME_RULE: Final = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores "
    "(_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
)
_SCHEMA_FIELDS: Final = frozenset(
    {
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "items",
        "minItems",
        "maxItems",
        "properties",
        "propertyOrdering",
        "required",
        "minProperties",
        "maxProperties",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "example",
        "default",
        "anyOf",
    }
)


class GeminiRequest(SimRequest, frozen=True, kw_only=True):
    """A `SimRequest` of this wire.

    Attributes:
        sse: Whether a stream goes out as server-sent events (`alt=sse`), not as a JSON array.
        shows_thoughts: Whether thoughts are shown, not only counted.
    """

    sse: bool = False
    shows_thoughts: bool = False


class _Thinking(Struct, forbid_unknown_fields=True, rename="camel"):
    include_thoughts: bool = False
    thinking_budget: int | None = None
    thinking_level: str | None = None


class _Generation(Struct, forbid_unknown_fields=True, rename="camel"):
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    max_output_tokens: int | None = None
    candidate_count: int | None = None
    stop_sequences: list[str] = field(default_factory=list)
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, Any] | None = None
    response_json_schema: Any = None
    response_modalities: Any = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    thinking_config: dict[str, Any] | None = None
    speech_config: Any = None
    image_config: Any = None
    media_resolution: str | None = None
    enable_enhanced_civic_answers: bool | None = None


class _Body(Struct, forbid_unknown_fields=True, rename="camel"):
    contents: list[dict[str, Any]] = field(default_factory=list)
    system_instruction: dict[str, Any] | None = None
    tools: list[dict[str, Any]] = field(default_factory=list)
    tool_config: dict[str, Any] | None = None
    safety_settings: list[dict[str, Any]] = field(default_factory=list)
    generation_config: dict[str, Any] | None = None
    cached_content: str | None = None
    model: str | None = None
    labels: dict[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None


class _Declaration(Struct, forbid_unknown_fields=True, rename="camel"):
    name: str = ""
    description: str = ""
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    response_json_schema: Any = None
    behavior: str | None = None


def route(path: str) -> tuple[str, bool] | None:
    """The model a path names and whether it streams; None where the path is not of this wire."""
    found = _ROUTE.search(path)
    return (found["model"], found["method"].startswith("stream")) if found else None


def generation(model: str) -> float:
    """The generation of a Gemini model by its name (`2.5`, `3.0`); 0 where the name does not tell."""
    found = _GENERATION.match(model)
    return float(found["number"]) if found else 0.0


def read_request(
    vendor: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> GeminiRequest:
    """Understand a request.

    Raises:
        Rejected: The API would not accept it.
    """
    found = route(path)
    if found is None:
        raise Rejected.because("The requested URL was not found on this server.", status=404)
    model, streams = found
    parsed = json_object(body, "Invalid JSON payload received. Expected an object.")
    try:
        asked = fit(_with_lists(camel(parsed)), _Body)
        settings = fit(camel(asked.generation_config or {}), _Generation, "generation_config")
        thinking = fit(
            camel(settings.thinking_config or {}), _Thinking, "generation_config", "thinking_config"
        )
        contents = read_contents(asked.contents)
        tools = _read_tools(asked.tools)
    except Misfit as misfit:
        raise Rejected.because(_worded(misfit)) from None
    _check_settings(asked, settings, thinking)
    check_turns(contents, needs_signatures=generation(model) >= 3)
    return GeminiRequest(
        vendor=vendor,
        wire="gemini",
        model=model,
        stream=streams,
        preamble=_preamble(asked.system_instruction),
        messages=to_messages(contents),
        tools=tools,
        tool_choice=_tool_choice(asked, tools),
        max_tokens=settings.max_output_tokens,
        reasoning=settings.thinking_config is not None and thinking.thinking_budget != 0,
        output_schema=_output_schema(settings),
        headers=headers,
        json=parsed,
        body=body,
        sse=query.get("alt") == "sse",
        shows_thoughts=thinking.include_thoughts,
    )


def _with_lists(parsed: dict[str, Any]) -> dict[str, Any]:
    repeated = ("contents", "tools", "safetySettings")
    return {name: listed(value) if name in repeated else value for name, value in parsed.items()}


def _worded(misfit: Misfit) -> str:
    names = tuple(_snake(step) if isinstance(step, str) else step for step in misfit.path)
    if misfit.kind == "extra":
        parent = Misfit(names[:-1], "extra").bracketed
        where = f" at '{parent}'" if parent else ""
        return f'Invalid JSON payload received. Unknown name "{misfit.path[-1]}"{where}: Cannot find field.'
    shown = Misfit(names, misfit.kind).bracketed
    if misfit.kind == "missing":
        return f"* GenerateContentRequest.{shown}: required field is not set\n"
    wanted = {
        "str": "TYPE_STRING",
        "int": "TYPE_INT32",
        "float": "TYPE_FLOAT",
        "bool": "TYPE_BOOL",
        "array": "a list",
        "object": "a message",
    }
    kind = wanted.get(misfit.expected.split(" | ", maxsplit=1)[0], misfit.reason)
    return f"Invalid value at '{shown}' ({kind})"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def _preamble(instruction: dict[str, Any] | None) -> str | None:
    parts = listed((instruction or {}).get("parts") or [])
    texts = [part.get("text", "") for part in parts]
    return "\n".join(texts) or None


def _check_settings(asked: _Body, settings: _Generation, thinking: _Thinking) -> None:
    if not asked.contents:
        raise Rejected.because("* GenerateContentRequest.contents: contents is not specified\n")
    if thinking.thinking_budget is not None and thinking.thinking_level is not None:
        raise Rejected.because("You can only set only one of thinking budget and thinking level.")
    if settings.temperature is not None and not 0 <= settings.temperature <= 2:
        raise Rejected.because(
            "* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].\n"
        )
    if settings.max_output_tokens is not None and settings.max_output_tokens < 1:
        raise Rejected.because(
            "* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.\n"
        )
    if settings.response_schema is not None:
        _check_schema(settings.response_schema, "generation_config.response_schema")


def _read_tools(tools: list[dict[str, Any]]) -> tuple[ToolDefinition, ...]:
    """The client's functions; tools the provider runs itself are checked no further."""
    definitions: list[ToolDefinition] = []
    for index, tool in enumerate(tools):
        for place, given in enumerate(listed(camel(tool).get("functionDeclarations") or [])):
            at = ("tools", index, "function_declarations", place)
            where = f"tools[{index}].function_declarations[{place}]"
            declared = fit(camel(given) if isinstance(given, dict) else given, _Declaration, *at)
            if not _FUNCTION_NAME.fullmatch(declared.name):
                raise Rejected.because(f"* GenerateContentRequest.{where}.name: {_NAME_RULE}\n")
            if declared.parameters is not None and declared.parameters_json_schema is not None:
                raise Rejected.because(
                    f"* GenerateContentRequest.{where}: only one of parameters and parameters_json_schema can be set\n"
                )
            if declared.parameters is not None:
                _check_schema(declared.parameters, f"{where}.parameters")
            schema = declared.parameters or declared.parameters_json_schema
            definitions.append(
                ToolDefinition(
                    declared.name, declared.description, schema or {"type": "object", "properties": {}}
                )
            )
    names = [tool.name for tool in definitions]
    for name in names:
        if names.count(name) > 1:
            raise Rejected.because(f"Duplicate function declaration found: {name}")
    return tuple(definitions)


def _check_schema(schema: Any, where: str) -> None:
    """`parameters` is a schema of Gemini's own, with fewer keywords than JSON Schema."""
    if not isinstance(schema, dict):
        raise Rejected.because(f"Invalid value at '{where}' (a message)")
    known = camel(schema)
    for name in known:
        if name not in _SCHEMA_FIELDS:
            raise Rejected.because(
                f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field."
            )
    if isinstance(known.get("type"), list):
        raise Rejected.because(
            f"Invalid JSON payload received. Unknown name \"type\" at '{where}': Proto field is not repeating, "
            "cannot start list."
        )
    for index, inner in enumerate((known.get("properties") or {}).values()):
        _check_schema(inner, f"{where}.properties[{index}].value")
    if "items" in known:
        _check_schema(known["items"], f"{where}.items")
    for index, inner in enumerate(known.get("anyOf") or ()):
        _check_schema(inner, f"{where}.any_of[{index}]")


def _tool_choice(asked: _Body, tools: tuple[ToolDefinition, ...]) -> ToolChoice | None:
    config = camel(camel(asked.tool_config or {}).get("functionCallingConfig") or {})
    if not config:
        return None
    mode, allowed = config.get("mode", "AUTO"), tuple(config.get("allowedFunctionNames") or ())
    if not tools and mode != "NONE":
        raise Rejected.because("Function calling config is set without function_declarations.")
    for name in allowed:
        if name not in {tool.name for tool in tools}:
            raise Rejected.because(
                f"Function calling config's allowed_function_names contains '{name}', which is not declared."
            )
    if mode == "ANY":
        return SpecificTools(allowed) if allowed else "required"
    return "none" if mode == "NONE" else "auto"


def _output_schema(settings: _Generation) -> dict[str, Any] | None:
    if settings.response_mime_type != "application/json":
        return None
    schema: dict[str, Any] = settings.response_json_schema or settings.response_schema or {}
    return schema
