"""Cohere's v2 chat, from the server's side (https://docs.cohere.com/docs/streaming).

Events, their order and their keys are those of recorded traffic. A plan for the tools is a field of its own ahead of
the calls; `billed_units` leaves out what Cohere itself puts into the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from agentlab.messages import FinishReason, Reasoning, Refusal, Text, ToolCall, Usage
from agentlab.simulator.dialects.base import Ids, chunks, sse
from agentlab.simulator.dialects.cohere_chat_request import TOOL_PLAN, read_request
from agentlab.simulator.exchange import ErrorReply, Reply, SimRequest

__all__ = ["CohereChat"]

_FINISH: Final[dict[FinishReason, str]] = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "content_filter": "ERROR_TOXIC",
    "other": "USER_CANCEL",
}
_TEMPLATE_TOKENS: Final = 112
"""Tokens of Cohere's own around every prompt, which are not billed; about what recordings show."""


class CohereChat:
    """The `cohere_chat` wire."""

    wire = "cohere_chat"
    wrong_key = ErrorReply(401, "invalid api token")

    def matches(self, method: str, path: str) -> bool:
        """`POST .../v2/chat`."""
        return method == "POST" and path.endswith("/v2/chat")

    def parse(
        self,
        vendor: str,
        path: str,  # noqa: ARG002 - the protocol's
        query: Mapping[str, str],  # noqa: ARG002 - the protocol's
        headers: Mapping[str, str],
        body: bytes,
    ) -> SimRequest:
        """Understand a request; see `read_request`."""
        return read_request(vendor, headers, body)

    def content_type(self, request: SimRequest) -> str:
        """Events for a stream, else JSON."""
        return "text/event-stream" if request.stream else "application/json"

    def stream(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> Iterator[bytes]:  # noqa: ARG002 - the protocol's
        """`message-start`, each piece with its deltas, the plan, each call, `message-end`."""
        empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        yield _event("message-start", {"message": empty}, id=ids.new("", 36))
        index = 0
        for part in reply.content:
            if isinstance(part, Reasoning) and part.extra == TOOL_PLAN:
                for piece in chunks(part.text, reply.chunk_tokens):
                    yield _event("tool-plan-delta", {"message": {"tool_plan": piece}})
            elif isinstance(part, Reasoning | Text | Refusal):
                yield from _content(index, part, reply.chunk_tokens)
                index += 1
        for place, call in enumerate(reply.calls):
            yield from _call_events(place, call, reply.chunk_tokens, ids)
        ending = {"finish_reason": _FINISH[reply.reason], "usage": _usage(usage)}
        yield _event("message-end", ending)

    def unary(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> bytes:  # noqa: ARG002 - the protocol's
        """The answer as one object."""
        message: dict[str, Any] = {"role": "assistant"}
        pieces: list[dict[str, Any]] = []
        cited: list[dict[str, Any]] = []
        plan = ""
        for part in reply.content:
            if isinstance(part, Reasoning) and part.extra == TOOL_PLAN:
                plan += part.text
            elif isinstance(part, Reasoning):
                pieces.append({"type": "thinking", "thinking": part.text})
            elif isinstance(part, Text | Refusal):
                cited += _citations(part, len(pieces))
                pieces.append({"type": "text", "text": part.text})
        if plan:
            message["tool_plan"] = plan
        if calls := [_call(call, call.arguments_json, ids) for call in reply.calls]:
            message["tool_calls"] = calls
        if pieces:
            message["content"] = pieces
        if cited:
            message["citations"] = cited
        whole = {
            "id": ids.new("", 36),
            "message": message,
            "finish_reason": _FINISH[reply.reason],
            "usage": _usage(usage),
        }
        return msgspec.json.encode(whole)

    def error(self, reply: ErrorReply) -> bytes:
        """`{"message": sentence}`."""
        return msgspec.json.encode({"message": reply.message})

    def error_event(self, reply: ErrorReply) -> bytes:
        """A failed generation: the stream ends with the reason `ERROR`."""
        return _event("message-end", {"error": reply.message, "finish_reason": "ERROR"})

    def models(self, names: Sequence[str]) -> bytes:
        """The page of `GET /v1/models`."""
        rows = [{"name": name, "endpoints": ["chat"], "finetuned": False} for name in names]
        return msgspec.json.encode({"models": rows})


def _event(kind: str, delta: dict[str, Any] | None = None, **more: Any) -> bytes:
    data = {**more, "type": kind}
    return sse(data if delta is None else {**data, "delta": delta}, kind)


def _content(index: int, part: Reasoning | Text | Refusal, chunk_tokens: int) -> Iterator[bytes]:
    field = "thinking" if isinstance(part, Reasoning) else "text"
    opened = {"message": {"content": {"type": field, field: ""}}}
    yield _event("content-start", opened, index=index)
    for piece in chunks(part.text, chunk_tokens):
        yield _event("content-delta", {"message": {"content": {field: piece}}}, index=index)
    for place, citation in enumerate(_citations(part, index)):
        yield _event("citation-start", {"message": {"citations": citation}}, index=place)
        yield _event("citation-end", index=place)
    yield _event("content-end", index=index)


def _citations(part: Reasoning | Text | Refusal, index: int) -> list[dict[str, Any]]:
    cited = part.citations if isinstance(part, Text) else ()
    return [{**citation.raw, "content_index": index} for citation in cited if citation.raw is not None]


def _call_events(place: int, call: ToolCall, chunk_tokens: int, ids: Ids) -> Iterator[bytes]:
    yield _event("tool-call-start", {"message": {"tool_calls": _call(call, "", ids)}}, index=place)
    for piece in chunks(call.arguments_json, chunk_tokens):
        yield _event(
            "tool-call-delta", {"message": {"tool_calls": {"function": {"arguments": piece}}}}, index=place
        )
    yield _event("tool-call-end", index=place)


def _call(call: ToolCall, arguments: str, ids: Ids) -> dict[str, Any]:
    """A call; its id begins with the tool's name, as Cohere's do."""
    call_id = call.provider_id or call.id or ids.new(f"{call.name}_", 12)
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _usage(usage: Usage) -> dict[str, Any]:
    """The counts: all tokens, those that are billed, and those the cache held."""
    prompt, output = usage.input_tokens or 0, usage.output_tokens or 0
    tokens = {"input_tokens": prompt, "output_tokens": output}
    if usage.reasoning_tokens:
        tokens["reasoning_tokens"] = usage.reasoning_tokens
    billed = {"input_tokens": max(0, prompt - _TEMPLATE_TOKENS), "output_tokens": output}
    counts: dict[str, Any] = {"billed_units": billed, "tokens": tokens}
    if usage.cache_read_tokens is not None:
        counts["cached_tokens"] = usage.cache_read_tokens
    return counts
