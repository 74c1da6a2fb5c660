"""Reads a request of Cohere's `/v2/chat` the way Cohere does, and refuses what it would refuse.

Rules: https://docs.cohere.com/reference/chat and the types of Cohere's SDK: a tool choice is `REQUIRED` or `NONE`, a
schema goes neither with tools nor with documents, a tool message answers a call of the turn before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

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
    Source,
    SystemMessage,
    Text,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    UrlSource,
    UserMessage,
    UserPart,
)
from agentlab.simulator.dialects.base import Rejected, json_object, open_calls
from agentlab.simulator.dialects.shape import Misfit, fit
from agentlab.simulator.exchange import SimRequest

__all__ = ["TOOL_PLAN", "read_request"]

TOOL_PLAN: Final[dict[str, Any]] = {"field": "tool_plan"}
"""What marks reasoning that is a message's `tool_plan`."""

_DATA_URL: Final = re.compile(r"data:([^;,]*);base64,(.*)", re.DOTALL)
_MOST_STOPS: Final = 5


class _ImageURL(Struct):
    url: str
    detail: str | None = None


class _Document(Struct):
    data: dict[str, Any]
    id: str | None = None


class _Piece(Struct):
    type: str
    text: str | None = None
    thinking: str | None = None
    image_url: _ImageURL | None = None
    document: _Document | None = None


class _Function(Struct):
    name: str
    arguments: str = "{}"


class _Call(Struct):
    id: str
    function: _Function
    type: Literal["function"] = "function"


class _Message(Struct):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[_Piece] | None = None
    tool_calls: list[_Call] | None = None
    tool_plan: str | None = None
    tool_call_id: str | None = None
    citations: list[dict[str, Any]] | None = None


class _ToolFunction(Struct):
    name: str
    parameters: dict[str, Any]
    description: str = ""


class _Tool(Struct):
    function: _ToolFunction
    type: Literal["function"] = "function"


class _Thinking(Struct):
    type: Literal["enabled", "disabled"]
    token_budget: int | None = None


class _Format(Struct):
    type: Literal["text", "json_object"]
    json_schema: dict[str, Any] | None = None


class _Body(Struct, kw_only=True):
    model: str
    messages: list[_Message]
    stream: bool = False
    tools: list[_Tool] | None = None
    tool_choice: Literal["REQUIRED", "NONE"] | None = None
    strict_tools: bool | None = None
    documents: list[str | _Document] = field(default_factory=list)
    thinking: _Thinking | None = None
    response_format: _Format | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stop_sequences: list[str] = field(default_factory=list)
    seed: int | None = None
    k: int | None = None
    p: float | None = None


def read_request(vendor: str, headers: Mapping[str, str], body: bytes) -> SimRequest:
    """Understand a request.

    Raises:
        Rejected: Cohere would not accept it.
    """
    parsed = json_object(body, "invalid json syntax: the request body is no JSON object")
    try:
        asked = fit(parsed, _Body)
    except Misfit as misfit:
        raise Rejected.because(_worded(misfit)) from None
    _check(asked)
    preamble, messages = _read_messages(asked)
    unanswered, orphans = open_calls(messages)
    if orphans:
        raise Rejected.because(
            f"invalid request: tool message with tool_call_id '{orphans[0].call_id}' answers no tool call before it"
        )
    if unanswered:
        raise Rejected.because(
            f"invalid request: tool call '{unanswered[0].id}' of an assistant message has no tool message after it"
        )
    return SimRequest(
        vendor=vendor,
        wire="cohere_chat",
        model=asked.model,
        stream=asked.stream,
        preamble=preamble,
        messages=messages,
        tools=tuple(_tool(tool) for tool in asked.tools or ()),
        tool_choice=_choice(asked.tool_choice),
        max_tokens=asked.max_tokens,
        reasoning=asked.thinking is not None and asked.thinking.type == "enabled",
        output_schema=_output_schema(asked.response_format),
        headers=headers,
        json=parsed,
        body=body,
    )


def _worded(misfit: Misfit) -> str:
    if misfit.kind == "missing":
        return f"invalid request: parameter {misfit.dotted} is required"
    if misfit.kind == "type":
        wanted = misfit.expected.split(" | ", maxsplit=1)[0]
        return (
            f"invalid type: parameter {misfit.dotted} is of type {misfit.got} but should be of type {wanted}"
        )
    return f"invalid request: parameter {misfit.dotted} is not valid: {misfit.reason}"


def _check(asked: _Body) -> None:
    if not asked.model:
        raise Rejected.because("invalid request: parameter model is required")
    if not asked.messages:
        raise Rejected.because("invalid request: messages must hold at least one message")
    if asked.tool_choice == "REQUIRED" and not asked.tools:
        raise Rejected.because("invalid request: tool_choice REQUIRED is only allowed when tools are given")
    schema = asked.response_format
    if schema is not None and schema.type == "json_object" and (asked.tools or asked.documents):
        raise Rejected.because("invalid request: response_format is not supported with tools or documents")
    if asked.max_tokens is not None and asked.max_tokens < 1:
        raise Rejected.because("invalid request: max_tokens must be at least 1")
    if len(asked.stop_sequences) > _MOST_STOPS:
        raise Rejected.because(f"invalid request: at most {_MOST_STOPS} stop_sequences are allowed")
    thinking = asked.thinking
    if thinking is not None and thinking.token_budget is not None and thinking.token_budget < 1:
        raise Rejected.because("invalid request: thinking.token_budget must be a positive integer")


def _tool(tool: _Tool) -> ToolDefinition:
    return ToolDefinition(tool.function.name, tool.function.description, tool.function.parameters)


def _choice(choice: str | None) -> ToolChoice | None:
    return {"REQUIRED": "required", "NONE": "none"}[choice] if choice else None  # type: ignore[return-value]


def _output_schema(given: _Format | None) -> dict[str, Any] | None:
    return None if given is None or given.type == "text" else given.json_schema or {}


def _read_messages(asked: _Body) -> tuple[str | None, tuple[Message, ...]]:
    """Leading instructions, and the conversation: documents as one message before it, neighbouring results as one."""
    preamble: list[str] = []
    messages: list[Message] = []
    names: dict[str, str] = {}
    if asked.documents:
        rendered = "".join(_rendered(document, number) for number, document in enumerate(asked.documents))
        messages.append(UserMessage((Text(rendered),)))
    started = len(messages)
    for index, item in enumerate(asked.messages):
        if item.role == "system":
            text = _plain(item)
            if len(messages) == started:
                preamble.append(text)
            else:
                messages.append(SystemMessage(text))
        elif item.role == "assistant":
            turn = _assistant(item, index)
            names |= {call.id: call.name for call in turn.tool_calls}
            messages.append(turn)
        elif item.role == "tool":
            result = _result(item, index, names)
            last = messages[-1] if messages else None
            if (
                isinstance(last, UserMessage)
                and last.tool_results
                and len(last.tool_results) == len(last.content)
            ):
                messages[-1] = UserMessage((*last.content, result))
            else:
                messages.append(UserMessage((result,)))
        else:
            messages.append(UserMessage(_user(item, index)))
    return "\n".join(preamble) or None, tuple(messages)


def _rendered(document: str | _Document, number: int) -> str:
    """A document as the behaviours look for it: by name, its text in between."""
    if isinstance(document, str):
        return f"<file id: doc:{number}>\n{document}\n</file>\n"
    data = dict(document.data)
    text = data.pop("text", None)
    facts = "".join(f' {key}: "{value}"' for key, value in sorted(data.items()))
    opening = f"<metadata{facts} />\n" if facts else ""
    said = text if isinstance(text, str) else msgspec.json.encode(document.data).decode()
    return f"<file id: {document.id or f'doc:{number}'}>\n{opening}{said}\n</file>\n"


def _plain(item: _Message) -> str:
    if isinstance(item.content, str):
        return item.content
    return "\n".join(piece.text or "" for piece in item.content or ())


def _user(item: _Message, index: int) -> tuple[UserPart, ...]:
    if item.content is None:
        raise Rejected.because(f"invalid request: messages.{index}.content is required")
    if isinstance(item.content, str):
        return (Text(item.content),)
    return tuple(_user_piece(piece, index) for piece in item.content)


def _user_piece(piece: _Piece, index: int) -> UserPart:
    if piece.type == "text" and piece.text is not None:
        return Text(piece.text)
    if piece.type == "image_url" and piece.image_url is not None:
        found = _DATA_URL.fullmatch(piece.image_url.url)
        source: Source = Base64Source(found[2]) if found else UrlSource(piece.image_url.url)
        return Image(source, found[1] if found else None)
    raise Rejected.because(f"invalid request: messages.{index}.content holds a piece of type '{piece.type}'")


def _assistant(item: _Message, index: int) -> AssistantMessage:
    if not (item.content or item.tool_calls or item.tool_plan):
        raise Rejected.because(f"invalid request: messages.{index} must have content or tool_calls")
    parts: list[AssistantPart] = []
    pieces = [_Piece("text", item.content)] if isinstance(item.content, str) else item.content or []
    for piece in pieces:
        if piece.type == "thinking" and piece.thinking is not None:
            parts.append(Reasoning((ReasoningText(piece.thinking),)))
        elif piece.type == "text" and piece.text is not None:
            parts += [Text(piece.text)] if piece.text else []
        else:
            raise Rejected.because(
                f"invalid request: messages.{index}.content holds a piece of type '{piece.type}'"
            )
    if item.tool_plan:
        parts.append(Reasoning((ReasoningText(item.tool_plan),), extra=TOOL_PLAN))
    parts += [
        ToolCall(call.id, call.function.name, call.function.arguments, call.id)
        for call in item.tool_calls or ()
    ]
    return AssistantMessage(tuple(parts), wire="cohere_chat")


def _result(item: _Message, index: int, names: Mapping[str, str]) -> ToolResult:
    call_id = item.tool_call_id
    if not call_id:
        raise Rejected.because(f"invalid request: messages.{index}.tool_call_id is required")
    texts = (
        [item.content] if isinstance(item.content, str) else [_told(piece) for piece in item.content or ()]
    )
    return ToolResult(
        call_id, names.get(call_id, ""), tuple(Text(text) for text in texts), provider_id=call_id
    )


def _told(piece: _Piece) -> str:
    if piece.document is not None:
        return msgspec.json.encode(piece.document.data).decode()
    return piece.text or ""
