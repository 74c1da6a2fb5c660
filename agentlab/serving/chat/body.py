"""The body of a request to `/v1/chat/completions`: read, checked, and told in this library's terms."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.messages import (
    CacheOptions,
    Effort,
    OutputSchema,
    ReasoningOptions,
    SpecificTools,
    ToolChoice,
    ToolDefinition,
)
from agentlab.serving.chat.chunks import ChatAnswer
from agentlab.serving.chat.messages import ChatMessage, read_messages
from agentlab.serving.endpoint import Asked
from agentlab.serving.json_body import decoded
from agentlab.serving.question import Question
from agentlab.serving.refusals import invalid

__all__ = ["ChatBody", "read_chat"]


class StreamOptions(Struct, frozen=True):
    """How to stream; `include_usage` asks for a last chunk with the usage."""

    include_usage: bool = False


class FunctionDefinition(Struct, frozen=True):
    """A function of the client's."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Struct, frozen=True, tag="function", tag_field="type"):
    """A tool of the client's."""

    function: FunctionDefinition


class NamedFunction(Struct, frozen=True):
    """A function by name."""

    name: str


class FunctionChoice(Struct, frozen=True, tag="function", tag_field="type"):
    """One tool that must be called."""

    function: NamedFunction


class AllowedTools(Struct, frozen=True):
    """The tools that may, or must, be called."""

    mode: Literal["auto", "required"]
    tools: list[FunctionChoice]


class AllowedChoice(Struct, frozen=True, tag="allowed_tools", tag_field="type"):
    """Some of the tools."""

    allowed_tools: AllowedTools


class JsonSchema(Struct, frozen=True):
    """A schema of the answer."""

    name: str
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextFormat(Struct, frozen=True, tag="text", tag_field="type"):
    """Plain text."""


class SchemaFormat(Struct, frozen=True, tag="json_schema", tag_field="type"):
    """JSON that fits a schema."""

    json_schema: JsonSchema


class ChatBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the endpoint reads. Fields the answer does not depend on are taken and not used."""

    model: str
    messages: list[ChatMessage]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["auto", "none", "required"] | FunctionChoice | AllowedChoice | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    reasoning_effort: Effort | None = None
    response_format: TextFormat | SchemaFormat | None = None
    top_p: float | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    prompt_cache_key: str | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    top_logprobs: Literal[0] | None = None
    logit_bias: dict[str, float] | None = None
    verbosity: Literal["medium"] | None = None
    functions: None = None
    function_call: None = None
    audio: None = None
    web_search_options: None = None
    modalities: list[Literal["text"]] | None = None
    user: Any = None
    metadata: Any = None
    store: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_retention: Any = None
    prompt_cache_options: Any = None
    prediction: Any = None

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a chunk of the usage."""
        return self.stream_options is not None and self.stream_options.include_usage


_DECODER: Final = msgspec.json.Decoder(ChatBody)


def read_chat(body: bytes) -> Asked:
    """Read a request.

    Raises:
        Refused: It is no JSON, lacks a field, has one that is not known, or asks for what is not offered.
    """
    read = decoded(_DECODER, body)
    if read.logit_bias:
        raise invalid("this server takes no `logit_bias`; leave it out", "logit_bias", code="unsupported")
    question = Question(
        model=read.model,
        messages=read_messages(read.messages),
        tools=tuple(_definition(tool.function) for tool in read.tools or ()),
        tool_choice=_choice(read),
        options=_options(read),
        sampling={
            "top_p": read.top_p,
            "seed": read.seed,
            "presence_penalty": read.presence_penalty,
            "frequency_penalty": read.frequency_penalty,
        },
        stream=bool(read.stream),
    )
    return Asked(question, partial(ChatAnswer, model=read.model, include_usage=read.include_usage))


def _definition(function: FunctionDefinition) -> ToolDefinition:
    parameters = function.parameters or {"type": "object", "properties": {}}
    return ToolDefinition(function.name, function.description or "", parameters, function.strict)


def _choice(body: ChatBody) -> ToolChoice | None:
    choice = body.tool_choice
    if isinstance(choice, FunctionChoice):
        return SpecificTools((choice.function.name,))
    if isinstance(choice, AllowedChoice):
        if choice.allowed_tools.mode == "auto":
            raise invalid(
                "`allowed_tools` is offered in mode `required` only; send fewer `tools`", "tool_choice"
            )
        return SpecificTools(tuple(tool.function.name for tool in choice.allowed_tools.tools))
    return choice


def _options(body: ChatBody) -> dict[str, Any]:
    """The agent's options that the client sets; what it leaves out stays the agent's."""
    limit = body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens
    if limit is not None and limit < 1:
        raise invalid(f"the limit of tokens is at least 1, not {limit}", "max_completion_tokens")
    form = body.response_format
    stops = [body.stop] if isinstance(body.stop, str) else body.stop
    options: dict[str, Any] = {
        "temperature": body.temperature,
        "max_tokens": limit,
        "stop_sequences": tuple(stops) if stops else None,
        "parallel_tool_calls": body.parallel_tool_calls if body.tools else None,
        "reasoning": ReasoningOptions(effort=body.reasoning_effort) if body.reasoning_effort else None,
        "output_schema": _schema(form.json_schema) if isinstance(form, SchemaFormat) else None,
        "cache": CacheOptions(key=body.prompt_cache_key) if body.prompt_cache_key else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _schema(given: JsonSchema) -> OutputSchema:
    return OutputSchema(given.schema, given.name, given.description, bool(given.strict))
