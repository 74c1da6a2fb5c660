"""Anthropic's Messages API, from the server's side (https://platform.claude.com/docs/en/build-with-claude/streaming).

Events, their order and the order of their keys are those of recorded traffic. Cached tokens stand beside
`input_tokens`, which excludes them. A thinking block is signed over its text, so a block that comes back changed is
refused, as the API does.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from agentlab.messages import (
    FinishReason,
    ProviderPart,
    Reasoning,
    ReasoningEncrypted,
    ReasoningRedacted,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from agentlab.simulator.dialects.anthropic_history import hidden, signature
from agentlab.simulator.dialects.anthropic_request import read_request
from agentlab.simulator.dialects.base import Ids, chunks, sse
from agentlab.simulator.exchange import ErrorReply, Reply, SimRequest

__all__ = ["Anthropic"]

_STOP: Final[dict[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "other": "pause_turn",
}
_ERROR_TYPE: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_ON_VERTEX: Final = re.compile(r"/publishers/anthropic/models/([^/]+):(?:stream)?[rR]awPredict$")
_PING: Final = sse('{"type": "ping"}', "ping")


class Anthropic:
    """The `anthropic` wire."""

    wire = "anthropic"
    wrong_key = ErrorReply(401, "invalid x-api-key")

    def matches(self, method: str, path: str) -> bool:
        """`POST .../messages`, and Vertex AI's `POST .../models/{model}:rawPredict` and `:streamRawPredict`."""
        return method == "POST" and (path.endswith("/messages") or _ON_VERTEX.search(path) is not None)

    def parse(
        self,
        vendor: str,
        path: str,
        query: Mapping[str, str],  # noqa: ARG002 - the protocol's
        headers: Mapping[str, str],
        body: bytes,
    ) -> SimRequest:
        """Understand a request; see `read_request`. On Vertex AI the path names the model, and the body the version."""
        on_vertex = _ON_VERTEX.search(path)
        return read_request(vendor, headers, body, in_path=unquote(on_vertex[1]) if on_vertex else None)

    def content_type(self, request: SimRequest) -> str:
        """Events for a stream, else JSON."""
        return "text/event-stream; charset=utf-8" if request.stream else "application/json"

    def stream(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> Iterator[bytes]:
        """`message_start`, each block with its deltas, `message_delta`, `message_stop`; one `ping` on the way."""
        opened = {
            **_message(request, ids),
            **(reply.diagnosis or {}),
            "usage": {**_usage(usage), "output_tokens": 1},
        }
        yield _event({"type": "message_start", "message": opened})
        blocks = list(_blocks(request, reply, ids))
        for index, (block, deltas) in enumerate(blocks):
            yield _event({"type": "content_block_start", "index": index, "content_block": block})
            if index == 0:
                yield _PING
            for delta in deltas:
                yield _event({"type": "content_block_delta", "index": index, "delta": delta})
            yield _event({"type": "content_block_stop", "index": index})
        stop = {"stop_reason": _STOP[reply.reason], "stop_sequence": None, "stop_details": None}
        yield _event({"type": "message_delta", "delta": stop, "usage": _delta_usage(usage)})
        yield _event({"type": "message_stop"})

    def unary(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> bytes:
        """The answer as one `message` object."""
        whole = _message(request, ids)
        whole["content"] = [_joined(block, deltas) for block, deltas in _blocks(request, reply, ids)]
        whole["stop_reason"] = _STOP[reply.reason]
        return msgspec.json.encode({**whole, **(reply.diagnosis or {}), "usage": _usage(usage)})

    def error(self, reply: ErrorReply) -> bytes:
        """`{"type": "error", "error": {type, message}, "request_id"}`."""
        return msgspec.json.encode(_error(reply))

    def error_event(self, reply: ErrorReply) -> bytes:
        """The error as an `error` event."""
        return sse(_error(reply), "error")

    def models(self, names: Sequence[str]) -> bytes:
        """The page of `GET /v1/models`."""
        rows = [
            {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
            for name in names
        ]
        first, last = (names[0], names[-1]) if names else (None, None)
        return msgspec.json.encode({"data": rows, "has_more": False, "first_id": first, "last_id": last})


def _event(data: dict[str, Any]) -> bytes:
    return sse(data, str(data["type"]))


def _message(request: SimRequest, ids: Ids) -> dict[str, Any]:
    return {
        "model": request.model,
        "id": ids.new("msg_01", 22),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }


def _blocks(
    request: SimRequest, reply: Reply, ids: Ids
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each content block as it is when it starts, and the deltas that fill it."""
    for part in reply.content:
        if isinstance(part, Reasoning):
            yield from _reasoning_blocks(request, part, reply.chunk_tokens)
        elif isinstance(part, Text | Refusal):
            pieces = [
                {"type": "text_delta", "text": piece} for piece in chunks(part.text, reply.chunk_tokens)
            ]
            yield {"type": "text", "text": ""}, pieces
        elif isinstance(part, ToolCall):
            yield _tool_use(part, reply.chunk_tokens, ids)
        elif isinstance(part, ProviderPart):
            yield part.payload, []


def _reasoning_blocks(
    request: SimRequest, part: Reasoning, chunk_tokens: int
) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    shown = (request.json.get("thinking") or {}).get("display") != "omitted"
    for piece in part.content:
        if isinstance(piece, ReasoningRedacted | ReasoningEncrypted):
            yield {"type": "redacted_thinking", "data": hidden(piece.data)}, []
            continue
        text = piece.text if shown else ""
        deltas = [{"type": "thinking_delta", "thinking": word} for word in chunks(text, chunk_tokens)]
        signed = {"type": "signature_delta", "signature": signature(piece.text)}
        yield {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]


def _tool_use(call: ToolCall, chunk_tokens: int, ids: Ids) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A call starts empty; its first delta is empty too, and is all there is of a call without arguments."""
    block = {
        "type": "tool_use",
        "id": ids.of(call, "toolu_01"),
        "name": call.name,
        "input": {},
        "caller": {"type": "direct"},
    }
    empty = call.arguments_json.strip() in {"", "{}"}
    pieces = ["", *(() if empty else chunks(call.arguments_json, chunk_tokens))]
    return block, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _joined(block: dict[str, Any], deltas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The block with its deltas put in, as a whole answer has it."""
    fields = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
    whole = dict(block)
    for delta in deltas:
        if field := fields.get(delta["type"]):
            whole[field] += delta[field]
    if arguments := "".join(delta.get("partial_json", "") for delta in deltas):
        whole["input"] = _input(arguments)
    return whole


def _input(arguments: str) -> Any:
    """Arguments as the object they are; text that is not JSON is wrapped, as the API advises its clients to."""
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return {"INVALID_JSON": arguments}


def _usage(usage: Usage) -> dict[str, Any]:
    """The `usage` object; `input_tokens` is what is neither read from nor written to the cache."""
    written = usage.cache_write_tokens or 0
    long_lived = usage.cache_write_1h_tokens or 0
    counts: dict[str, Any] = {
        "input_tokens": usage.uncached_tokens or 0,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read_tokens or 0,
        "cache_creation": {
            "ephemeral_5m_input_tokens": written - long_lived,
            "ephemeral_1h_input_tokens": long_lived,
        },
        "output_tokens": usage.output_tokens or 0,
    }
    if usage.reasoning_tokens is not None:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return {**counts, "service_tier": "standard", "inference_geo": "global"}


def _delta_usage(usage: Usage) -> dict[str, Any]:
    """The last word on usage: the counts of the whole message, without split and tier."""
    once = ("cache_creation", "service_tier", "inference_geo")
    return {name: count for name, count in _usage(usage).items() if name not in once}


def _error(reply: ErrorReply) -> dict[str, Any]:
    kind = "api_error" if reply.status >= 500 else "invalid_request_error"
    described = {"type": reply.code or _ERROR_TYPE.get(reply.status, kind), "message": reply.message}
    return {"type": "error", "error": described, "request_id": _request_id(reply)}


def _request_id(reply: ErrorReply) -> str:
    """An id of the kind the API gives, the same for the same error."""
    text = f"{reply.status}/{reply.message}".encode()
    return "req_011C" + "".join(f"{zlib.crc32(text, salt):08x}" for salt in (1, 2))
