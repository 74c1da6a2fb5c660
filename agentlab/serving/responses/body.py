"""The body of a request to `/v1/responses`: read, checked, and told in this library's terms."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Effort,
    Message,
    OutputSchema,
    ReasoningOptions,
    SpecificTools,
    SystemMessage,
    ToolChoice,
    ToolDefinition,
)
from agentlab.serving.endpoint import Asked
from agentlab.serving.json_body import decoded
from agentlab.serving.question import Question
from agentlab.serving.refusals import invalid
from agentlab.serving.responses.answer import ResponsesAnswer
from agentlab.serving.responses.items import read_items

__all__ = ["ResponsesReader"]


class FunctionTool(Struct, frozen=True, tag="function", tag_field="type"):
    """A tool of the client's."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionChoice(Struct, frozen=True, tag="function", tag_field="type"):
    """One tool that must be called."""

    name: str


class AllowedChoice(Struct, frozen=True, tag="allowed_tools", tag_field="type"):
    """The tools that must be called, one of them."""

    mode: Literal["required"]
    tools: list[FunctionChoice]


class ReasoningField(Struct, frozen=True):
    """How much to think."""

    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None


class TextFormat(Struct, frozen=True, tag="text", tag_field="type"):
    """Plain text."""


class SchemaFormat(Struct, frozen=True, tag="json_schema", tag_field="type"):
    """JSON that fits a schema."""

    name: str
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class TextField(Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of the answer."""

    format: TextFormat | SchemaFormat | None = None
    verbosity: Literal["medium"] | None = None


class ResponsesBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the endpoint reads. Fields the answer does not depend on are taken and not used."""

    model: str
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    stream: bool | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: Literal["auto", "none", "required"] | FunctionChoice | AllowedChoice | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    reasoning: ReasoningField | None = None
    text: TextField | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: str | None = None
    truncation: Literal["disabled"] | None = None
    background: Literal[False] | None = None
    top_logprobs: Literal[0] | None = None
    conversation: None = None
    prompt: None = None
    max_tool_calls: None = None
    include: Any = None
    stream_options: Any = None
    user: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_retention: Any = None
    prompt_cache_options: Any = None


_DECODER: Final = msgspec.json.Decoder(ResponsesBody)


class ResponsesReader:
    """Reads requests, and keeps the conversations that later ones may name by `previous_response_id`.

    Args:
        remember: How many conversations are kept, the oldest forgotten first.
    """

    def __init__(self, remember: int) -> None:
        self._remember = remember
        self._kept: OrderedDict[str, tuple[Message, ...]] = OrderedDict()

    def read(self, body: bytes) -> Asked:
        """Read a request.

        Raises:
            Refused: It is no JSON, lacks a field, has one that is not known, or asks for what is not offered.
        """
        read = decoded(_DECODER, body)
        conversation = read_items(read.input, self._before(read.previous_response_id))
        instructions = (SystemMessage(read.instructions),) if read.instructions else ()
        question = Question(
            model=read.model,
            messages=(*instructions, *conversation),
            tools=tuple(map(_definition, read.tools or ())),
            tool_choice=_choice(read),
            options=_options(read),
            sampling={"top_p": read.top_p},
            stream=bool(read.stream),
            place="input",
        )
        keep = partial(self._keep, conversation) if read.store is not False else _forget
        return Asked(question, partial(ResponsesAnswer, echoed=_echoed(read), keep=keep))

    def _before(self, response_id: str | None) -> tuple[Message, ...]:
        if response_id is None:
            return ()
        known = self._kept.get(response_id)
        if known is None:
            raise invalid(
                f"the response {response_id!r} is not known here, or was forgotten; send the conversation as `input`",
                "previous_response_id",
                code="previous_response_not_found",
            )
        self._kept.move_to_end(response_id)
        return known

    def _keep(self, conversation: tuple[Message, ...], response_id: str, message: AssistantMessage) -> None:
        self._kept[response_id] = (*conversation, message) if message.content else conversation
        while len(self._kept) > self._remember:
            self._kept.popitem(last=False)


def _forget(response_id: str, message: AssistantMessage) -> None:
    """For a client that asks that nothing be stored."""


def _definition(tool: FunctionTool) -> ToolDefinition:
    parameters = tool.parameters or {"type": "object", "properties": {}}
    return ToolDefinition(tool.name, tool.description or "", parameters, tool.strict)


def _choice(body: ResponsesBody) -> ToolChoice | None:
    choice = body.tool_choice
    if isinstance(choice, FunctionChoice):
        return SpecificTools((choice.name,))
    if isinstance(choice, AllowedChoice):
        return SpecificTools(tuple(tool.name for tool in choice.tools))
    return choice


def _options(body: ResponsesBody) -> dict[str, Any]:
    """The agent's options that the client sets; what it leaves out stays the agent's."""
    if body.max_output_tokens is not None and body.max_output_tokens < 1:
        raise invalid(f"the limit of tokens is at least 1, not {body.max_output_tokens}", "max_output_tokens")
    form = body.text.format if body.text is not None else None
    thinking = body.reasoning
    options: dict[str, Any] = {
        "temperature": body.temperature,
        "max_tokens": body.max_output_tokens,
        "parallel_tool_calls": body.parallel_tool_calls if body.tools else None,
        "cache": CacheOptions(key=body.prompt_cache_key) if body.prompt_cache_key else None,
    }
    if thinking is not None and (thinking.effort or thinking.summary):
        options["reasoning"] = ReasoningOptions(effort=thinking.effort, summary=thinking.summary)
    if isinstance(form, SchemaFormat):
        options["output_schema"] = OutputSchema(form.schema, form.name, form.description, bool(form.strict))
    return {name: value for name, value in options.items() if value is not None}


def _echoed(body: ResponsesBody) -> dict[str, Any]:
    """What a response repeats of its request, with the interface's own values for what was left out."""
    asked: dict[str, Any] = msgspec.to_builtins(body)
    return {
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata or {},
        "model": body.model,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "reasoning": asked["reasoning"],
        "store": body.store is not False,
        "temperature": body.temperature,
        "text": asked["text"] or {"format": {"type": "text"}},
        "tool_choice": asked["tool_choice"] or "auto",
        "tools": asked["tools"] or [],
        "top_p": body.top_p,
        "truncation": "disabled",
    }
