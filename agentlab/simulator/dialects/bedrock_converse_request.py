"""Reads a request of Bedrock's Converse the way the API does.

Rules: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and the service model of AWS's
own SDK, which names every field, its type and its bounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from agentlab.messages import SpecificTools, ToolChoice, ToolDefinition
from agentlab.simulator.dialects.base import Rejected, json_object
from agentlab.simulator.dialects.bedrock_converse_contents import WireMessage, check_turns, to_messages
from agentlab.simulator.dialects.shape import Misfit, fit
from agentlab.simulator.exchange import SimRequest

__all__ = ["model_of", "read_request"]

_PATH: Final = re.compile(r"/model/(?P<model>.+)/(?P<operation>converse|converse-stream)")
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MOST_MARKERS: Final = 4


class _CachePoint(Struct, forbid_unknown_fields=True):
    type: Literal["default"]
    ttl: Literal["5m", "1h"] | None = None


class _System(Struct, forbid_unknown_fields=True, rename="camel"):
    text: str | None = None
    guard_content: dict[str, Any] | None = None
    cache_point: _CachePoint | None = None


class _InputSchema(Struct, forbid_unknown_fields=True):
    json: dict[str, Any]


class _ToolSpec(Struct, forbid_unknown_fields=True, rename="camel"):
    name: str
    input_schema: _InputSchema
    description: str | None = None
    strict: bool | None = None


class _Tool(Struct, forbid_unknown_fields=True, rename="camel"):
    tool_spec: _ToolSpec | None = None
    system_tool: dict[str, Any] | None = None
    cache_point: _CachePoint | None = None


class _Named(Struct, forbid_unknown_fields=True):
    name: str


class _Choice(Struct, forbid_unknown_fields=True):
    auto: dict[str, Any] | None = None
    any: dict[str, Any] | None = None
    tool: _Named | None = None


class _ToolConfig(Struct, forbid_unknown_fields=True, rename="camel"):
    tools: list[_Tool]
    tool_choice: _Choice | None = None


class _Inference(Struct, forbid_unknown_fields=True, rename="camel"):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] = field(default_factory=list)


class _JsonSchema(Struct, forbid_unknown_fields=True):
    schema: str
    name: str | None = None
    description: str | None = None


class _Structure(Struct, forbid_unknown_fields=True, rename="camel"):
    json_schema: _JsonSchema


class _TextFormat(Struct, forbid_unknown_fields=True):
    type: Literal["json_schema"]
    structure: _Structure


class _OutputConfig(Struct, forbid_unknown_fields=True, rename="camel"):
    text_format: _TextFormat | None = None
    effort: str | None = None


class _Body(Struct, kw_only=True, rename="camel"):
    messages: list[WireMessage]
    system: list[_System] = field(default_factory=list)
    tool_config: _ToolConfig | None = None
    inference_config: _Inference = field(default_factory=_Inference)
    output_config: _OutputConfig | None = None
    additional_model_request_fields: dict[str, Any] | None = None


def model_of(path: str) -> tuple[str, str] | None:
    """The model id and the operation a path names; None where it is no path of Converse."""
    found = _PATH.fullmatch(path)
    return (found["model"], found["operation"]) if found else None


def read_request(vendor: str, path: str, headers: Mapping[str, str], body: bytes) -> SimRequest:
    """Understand a request.

    Raises:
        Rejected: The API would not accept it.
    """
    named = model_of(path)
    assert named is not None  # the dialect matched the path
    parsed = json_object(body, "Could not parse request body into json")
    try:
        asked = fit(parsed, _Body)
    except Misfit as misfit:
        raise Rejected.because(_worded(misfit)) from None
    config = asked.tool_config
    tools = _tools(config)
    check_turns(asked.messages, has_tools=config is not None, alternating="titan" not in named[0])
    _check_limits(asked.inference_config)
    _check_markers(asked)
    fields = asked.additional_model_request_fields or {}
    return SimRequest(
        vendor=vendor,
        wire="bedrock_converse",
        model=named[0],
        stream=named[1] == "converse-stream",
        preamble="\n".join(block.text for block in asked.system if block.text is not None) or None,
        messages=to_messages(asked.messages),
        tools=tools,
        tool_choice=_choice(config, tools),
        max_tokens=asked.inference_config.max_tokens,
        reasoning=_reasons(fields),
        output_schema=_output_schema(asked.output_config),
        headers=headers,
        json=parsed,
        body=body,
    )


def _worded(misfit: Misfit) -> str:
    if misfit.kind == "missing":
        return (
            f"1 validation error detected: Value null at '{misfit.dotted}' failed to satisfy constraint: Member must not be "
            "null"
        )
    if misfit.kind == "extra":
        return f"The field {misfit.dotted} is not a member of this structure."
    if misfit.kind == "type":
        return f"1 validation error detected: Value at '{misfit.dotted}' must be of type {misfit.expected}, not {misfit.got}"
    return f"1 validation error detected: Value at '{misfit.dotted}' failed to satisfy constraint: {misfit.reason}"


def _tools(config: _ToolConfig | None) -> tuple[ToolDefinition, ...]:
    if config is None:
        return ()
    if not config.tools:
        raise Rejected.because(
            "1 validation error detected: Value '[]' at 'toolConfig.tools' failed to satisfy constraint: Member must have "
            "length greater than or equal to 1"
        )
    specs = [tool.tool_spec for tool in config.tools if tool.tool_spec is not None]
    for spec in specs:
        if not _NAME.fullmatch(spec.name):
            raise Rejected.because(
                f"1 validation error detected: Value '{spec.name}' at 'toolConfig.tools.toolSpec.name' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"
            )
        if spec.input_schema.json.get("type") != "object":
            raise Rejected.because(
                "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object."
            )
    return tuple(
        ToolDefinition(spec.name, spec.description or "", spec.input_schema.json, spec.strict)
        for spec in specs
    )


def _choice(config: _ToolConfig | None, tools: tuple[ToolDefinition, ...]) -> ToolChoice | None:
    choice = config.tool_choice if config is not None else None
    if choice is None:
        return None
    if choice.tool is not None:
        if choice.tool.name not in {tool.name for tool in tools}:
            raise Rejected.because(
                f"The tool {choice.tool.name} of toolConfig.toolChoice is not among the tools of the request."
            )
        return SpecificTools((choice.tool.name,))
    return "required" if choice.any is not None else "auto"


def _check_limits(limits: _Inference) -> None:
    if limits.max_tokens is not None and limits.max_tokens < 1:
        raise Rejected.because(
            f"1 validation error detected: Value '{limits.max_tokens}' at 'inferenceConfig.maxTokens' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1"
        )
    for name, value in (("temperature", limits.temperature), ("topP", limits.top_p)):
        if value is not None and not 0 <= value <= 1:
            raise Rejected.because(
                f"1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to satisfy constraint: "
                f"Member must have value {'less than or equal to 1' if value > 1 else 'greater than or equal to 0'}"
            )


def _check_markers(asked: _Body) -> None:
    """At most four markers, none that lives longer after one that lives shorter."""
    points = [tool.cache_point for tool in asked.tool_config.tools] if asked.tool_config else []
    points += [block.cache_point for block in asked.system]
    points += [
        fit(block["cachePoint"], _CachePoint)
        for message in asked.messages
        for block in message.content
        if "cachePoint" in block
    ]
    ttls = [point.ttl or "5m" for point in points if point is not None]
    if len(ttls) > _MOST_MARKERS:
        raise Rejected.because(
            f"The model returned the following errors: A maximum of {_MOST_MARKERS} blocks with cache_control may be "
            f"provided. Found {len(ttls)}."
        )
    if "1h" in ttls and "5m" in ttls[: len(ttls) - ttls[::-1].index("1h")]:
        raise Rejected.because(
            "The model returned the following errors: a ttl='1h' cache_control block must not come after a ttl='5m' "
            "cache_control block."
        )


def _reasons(fields: Mapping[str, Any]) -> bool:
    for name in ("thinking", "reasoning_config", "reasoningConfig"):
        value = fields.get(name)
        if value is not None:
            return not (isinstance(value, Mapping) and value.get("type") == "disabled")
    return fields.get("reasoning_effort") not in {None, "none"}


def _output_schema(config: _OutputConfig | None) -> dict[str, Any] | None:
    if config is None or config.text_format is None:
        return None
    try:
        schema = msgspec.json.decode(config.text_format.structure.json_schema.schema)
    except msgspec.DecodeError:
        schema = None
    if not isinstance(schema, dict):
        raise Rejected.because(
            "The schema at outputConfig.textFormat.structure.jsonSchema is not a valid JSON schema."
        )
    return schema
