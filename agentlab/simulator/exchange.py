"""What passes between the server, a dialect and a behaviour: one request in, one reply out. Pure data.

A dialect turns the bytes of a provider's wire into a `SimRequest`; a behaviour answers it with a `Reply` (or an
`ErrorReply`); the dialect turns that into the provider's bytes. A behaviour never sees a wire, a dialect never decides
what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct, field, structs

from agentlab.caching.tokens import pieces
from agentlab.errors import UsageError
from agentlab.messages import (
    AssistantPart,
    FinishReason,
    Message,
    Reasoning,
    ReasoningText,
    Text,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    Usage,
)
from agentlab.simulator.faults import Fault
from agentlab.simulator.latency import Latency

__all__ = ["ErrorReply", "Recorded", "Reply", "SimRequest", "call", "limited", "reply"]


class SimRequest(Struct, frozen=True, kw_only=True):
    """A provider request, understood.

    Attributes:
        vendor: First segment of the path: `openai`, `anthropic`, any name a client was pointed at.
        wire: The dialect that understood it.
        model: The model asked for.
        stream: Whether the answer should come as a stream.
        preamble: System or developer instructions ahead of the conversation, joined by newlines.
        messages: The conversation in neutral form; tool results are parts of user messages.
        tools: Offered tools, in order.
        tool_choice: Which tools may or must be called; None where the request leaves it open.
        max_tokens: Limit of generated tokens.
        reasoning: Whether the request turns reasoning on.
        output_schema: JSON Schema of the answer; an empty one where any JSON object will do.
        headers: Request headers, names in lower case, without the key.
        json: The parsed body.
        body: The body as sent.
    """

    vendor: str
    wire: str
    model: str
    stream: bool = False
    preamble: str | None = None
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: ToolChoice | None = None
    max_tokens: int | None = None
    reasoning: bool = False
    output_schema: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""


class Reply(Struct, frozen=True, kw_only=True):
    """What the simulated model says.

    Attributes:
        content: Parts in order: reasoning first, then text, then tool calls. A `ToolCall` with an empty id gets one
            from the dialect, in the provider's style.
        finish_reason: Why it stopped; None derives it (`tool_calls` where there is a call, else `stop`).
        usage: Tokens to report; None lets the server's cache account them.
        latency: Pace of this reply; None takes the server's.
        fault: What goes wrong while it is sent.
        chunk_tokens: About how many tokens of text go into one event.
        diagnosis: A member of the answer that tells why the cache missed, as the provider has it; the server sets it.
    """

    content: tuple[AssistantPart, ...] = ()
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    latency: Latency | None = None
    fault: Fault | None = None
    chunk_tokens: int = 1
    diagnosis: dict[str, Any] | None = None

    @property
    def reason(self) -> FinishReason:
        """The finish reason, derived where none is given."""
        if self.finish_reason is not None:
            return self.finish_reason
        return "tool_calls" if any(isinstance(part, ToolCall) for part in self.content) else "stop"

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls in it, in order."""
        return tuple(part for part in self.content if isinstance(part, ToolCall))


class ErrorReply(Struct, frozen=True):
    """The provider refuses or fails; the dialect gives it the provider's body.

    Attributes:
        status: HTTP status.
        message: The provider's sentence.
        code: Its error code or type; None lets the dialect choose the one of the status.
        retry_after: Seconds for the `Retry-After` header.
        param: The field of the request at fault, for wires that name it.
    """

    status: int
    message: str
    code: str | None = None
    retry_after: float | None = None
    param: str | None = None


class Recorded(Struct, frozen=True):
    """A recorded answer, sent as it was.

    Attributes:
        events: The body in the pieces it is sent in.
        status: HTTP status.
        headers: Response headers without the framing ones (length, encoding, connection).
    """

    events: tuple[bytes, ...]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),)


def limited(said: Reply, max_tokens: int | None) -> Reply:
    """Cut a reply at the request's token limit, as providers do: in mid-text, in mid-arguments, reason `length`.

    Args:
        said: The reply; one with its own `finish_reason` is left alone.
        max_tokens: The limit over reasoning, text and arguments together; None is no limit.
    """
    if max_tokens is None or said.finish_reason is not None:
        return said
    left = max_tokens
    kept: list[AssistantPart] = []
    for part in said.content:
        text = part.arguments_json if isinstance(part, ToolCall) else getattr(part, "text", "")
        tokens = pieces(text)
        if len(tokens) <= left:
            left -= len(tokens)
            kept.append(part)
            continue
        if left:
            kept.append(_shortened(part, "".join(tokens[:left])))
        return structs.replace(said, content=tuple(kept), finish_reason="length")
    return said


def _shortened(part: AssistantPart, text: str) -> AssistantPart:
    if isinstance(part, ToolCall):
        return structs.replace(part, arguments_json=text)
    if isinstance(part, Reasoning):
        return Reasoning((ReasoningText(text),), id=part.id)
    return Text(text)


def call(_tool: str, /, **arguments: Any) -> ToolCall:
    """A call of a tool by name, with its arguments; the dialect gives it an id.

    Args:
        _tool: The tool's name.
        **arguments: Its arguments, anything JSON can hold.
    """
    return ToolCall(id="", name=_tool, arguments_json=msgspec.json.encode(arguments).decode())


def reply(
    text: str | None = None,
    reasoning: str | None = None,
    calls: list[ToolCall] | tuple[ToolCall, ...] = (),
    *,
    finish_reason: FinishReason | None = None,
    usage: Usage | None = None,
    latency: Latency | None = None,
    fault: Fault | None = None,
    chunk_tokens: int = 1,
) -> Reply:
    """Build a reply from plain values, parts in the order models give them: reasoning, text, calls.

    Args:
        text: The visible answer.
        reasoning: Readable reasoning ahead of it.
        calls: Tool calls, see `call`.
        finish_reason: See `Reply`, as the rest.
        usage: Tokens to report.
        latency: Pace.
        fault: What goes wrong.
        chunk_tokens: Tokens of text in one event.

    Raises:
        UsageError: `chunk_tokens` is less than one.
    """
    if chunk_tokens < 1:
        raise UsageError(f"chunk_tokens must be at least 1, not {chunk_tokens}")
    content: list[AssistantPart] = []
    if reasoning is not None:
        content.append(Reasoning((ReasoningText(reasoning),)))
    if text is not None:
        content.append(Text(text))
    content.extend(calls)
    return Reply(
        content=tuple(content),
        finish_reason=finish_reason,
        usage=usage,
        latency=latency,
        fault=fault,
        chunk_tokens=chunk_tokens,
    )
