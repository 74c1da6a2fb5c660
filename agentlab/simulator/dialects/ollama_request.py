"""Reads a request of Ollama's `/api/chat` as Ollama does: fields it does not know are ignored, types are not.

Rules: https://github.com/ollama/ollama/blob/main/docs/api.md. Calls need no results and results no calls. A model named
`no-tools...` or `no-thinking...` is one that lacks just that, so that a client's way around it can be tried.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from agentlab.messages import (
    AssistantMessage,
    AssistantPart,
    Base64Source,
    Image,
    Message,
    Reasoning,
    ReasoningText,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
    UserPart,
)
from agentlab.simulator.dialects.base import Rejected, json_object
from agentlab.simulator.dialects.shape import Misfit, fit
from agentlab.simulator.exchange import SimRequest

__all__ = ["read_request"]

_GO_TYPES: Final = {
    "str": "string",
    "int": "int",
    "float": "float64",
    "bool": "bool",
    "array": "[]interface {}",
    "object": "map[string]interface {}",
}
_GO_VALUES: Final = {"str": "string", "int": "number", "float": "number", "bool": "bool"}
_FLOAT_OPTIONS: Final = frozenset(
    {"temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty"}
)
_INT_OPTIONS: Final = frozenset({"num_predict", "num_ctx", "seed", "top_k", "num_keep", "repeat_last_n"})


class _CalledFunction(Struct):
    name: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    index: int = 0


class _Call(Struct):
    function: _CalledFunction
    id: str = ""


class _Message(Struct):
    role: str = ""
    content: str = ""
    thinking: str = ""
    images: list[str] | None = None
    tool_calls: list[_Call] | None = None
    tool_name: str = ""
    tool_call_id: str = ""


class _Function(Struct):
    name: str = ""
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})


class _Tool(Struct):
    function: _Function
    type: str = "function"


class _Body(Struct):
    model: str = ""
    messages: list[_Message] = field(default_factory=list)
    stream: bool | None = None
    tools: list[_Tool] | None = None
    options: dict[str, Any] | None = None
    think: bool | str | None = None
    format: Any = None


def read_request(vendor: str, headers: Mapping[str, str], body: bytes) -> SimRequest:
    """Understand a request.

    Raises:
        Rejected: Ollama would not accept it.
    """
    parsed = json_object(body, "invalid character in request body: expected a JSON object")
    try:
        asked = fit(parsed, _Body)
    except Misfit as misfit:
        raise Rejected.because(_worded(misfit)) from None
    if not asked.model:
        raise Rejected.because("model is required")
    tools = asked.tools or []
    _check_capabilities(asked.model, bool(tools), asked.think)
    options = asked.options or {}
    _check_options(options)
    limit = options.get("num_predict")
    preamble, messages = _read_messages(asked.messages)
    return SimRequest(
        vendor=vendor,
        wire="ollama",
        model=asked.model,
        stream=asked.stream is not False,
        preamble=preamble,
        messages=messages,
        tools=tuple(
            ToolDefinition(tool.function.name, tool.function.description, tool.function.parameters)
            for tool in tools
        ),
        max_tokens=limit if isinstance(limit, int) and limit > 0 else None,
        reasoning=bool(asked.think),
        output_schema=_output_schema(asked.format),
        headers=headers,
        json=parsed,
        body=body,
    )


def _worded(misfit: Misfit) -> str:
    names = ".".join(str(step) for step in misfit.path if not isinstance(step, int))
    wanted = misfit.expected.split(" | ", maxsplit=1)[0]
    got = _GO_VALUES.get(misfit.got, misfit.got)
    return f"json: cannot unmarshal {got} into Go struct field ChatRequest.{names} of type {_GO_TYPES.get(wanted, wanted)}"


def _check_capabilities(model: str, wants_tools: bool, think: bool | str | None) -> None:
    if isinstance(think, str) and think not in {"high", "medium", "low"}:
        raise Rejected.because(
            f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)'
        )
    if wants_tools and model.startswith("no-tools"):
        name = model if ":" in model else f"{model}:latest"
        raise Rejected.because(f"registry.ollama.ai/library/{name} does not support tools")
    if think and model.startswith("no-thinking"):
        raise Rejected.because(f'"{model}" does not support thinking')


def _check_options(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and name in _FLOAT_OPTIONS and not number:
            raise Rejected.because(f'option "{name}" must be of type float32')
        if value is not None and name in _INT_OPTIONS and not (number and float(value).is_integer()):
            raise Rejected.because(f'option "{name}" must be of type integer')


def _output_schema(given: Any) -> dict[str, Any] | None:
    if given is None or given == "":
        return None
    if given == "json":
        return {}
    if isinstance(given, dict):
        return given
    shown = msgspec.json.encode(given).decode()
    raise Rejected.because(f'invalid format: {shown}; expected "json" or a valid JSON Schema object')


def _read_messages(given: list[_Message]) -> tuple[str | None, tuple[Message, ...]]:
    """Leading instructions, and the conversation in neutral form; neighbouring tool results are one message."""
    preamble: list[str] = []
    messages: list[Message] = []
    waiting: list[ToolCall] = []
    for index, item in enumerate(given):
        role = item.role.lower()
        if role == "system" and not messages:
            preamble.append(item.content)
        elif role == "system":
            messages.append(SystemMessage(item.content))
        elif role == "assistant":
            turn = _assistant(item, index)
            waiting = list(turn.tool_calls)
            messages.append(turn)
        elif role == "tool":
            result = _result(item, waiting, index)
            last = messages[-1] if messages else None
            if isinstance(last, UserMessage) and len(last.tool_results) == len(last.content):
                messages[-1] = UserMessage((*last.content, result))
            else:
                messages.append(UserMessage((result,)))
        else:
            images: list[UserPart] = [_image(data) for data in item.images or ()]
            messages.append(UserMessage((Text(item.content), *images)))
    return "\n".join(preamble) or None, tuple(messages)


def _assistant(item: _Message, index: int) -> AssistantMessage:
    parts: list[AssistantPart] = []
    if item.thinking:
        parts.append(Reasoning((ReasoningText(item.thinking),)))
    if item.content:
        parts.append(Text(item.content))
    for place, call in enumerate(item.tool_calls or ()):
        arguments = msgspec.json.encode(call.function.arguments).decode()
        local_id = call.id or f"call-{index}-{place}"
        parts.append(ToolCall(local_id, call.function.name, arguments, call.id or None))
    return AssistantMessage(tuple(parts), wire="ollama")


def _result(item: _Message, waiting: list[ToolCall], index: int) -> ToolResult:
    """The answer to a call: the one of its id, else the first of its name, else the first left."""
    fitting = (
        [call for call in waiting if item.tool_call_id and call.provider_id == item.tool_call_id]
        or [call for call in waiting if call.name == item.tool_name]
        or waiting
    )
    if not fitting:
        return ToolResult(item.tool_call_id or f"call-{index}", item.tool_name, (Text(item.content),))
    call = fitting[0]
    waiting.remove(call)
    return ToolResult(call.id, call.name, (Text(item.content),), provider_id=call.provider_id)


def _image(data: str) -> Image:
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected.because("illegal base64 data at input byte 0") from None
    return Image(Base64Source(data))
