"""Ollama's `/api/chat`, from the server's side (https://github.com/ollama/ollama/blob/main/docs/api.md#generate-a-chat-completion).

A stream is one JSON object a line. Calls come whole, with their arguments as an object; the reason is `stop` even then.
Ollama reports no cache reads: `prompt_eval_count` is the whole prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from agentlab.messages import Reasoning, Refusal, Text, ToolCall, Usage
from agentlab.simulator.dialects.base import Ids, chunks
from agentlab.simulator.dialects.ollama_request import read_request
from agentlab.simulator.exchange import ErrorReply, Reply, SimRequest

__all__ = ["Ollama"]

_EVENT_GAP_MS: Final = 12
_LOAD_NS: Final = 60_000_000
_PROMPT_TOKEN_NS: Final = 1_000_000
_OUTPUT_TOKEN_NS: Final = 12_500_000


class Ollama:
    """The `ollama` wire."""

    wire = "ollama"
    wrong_key = ErrorReply(401, "unauthorized")

    def matches(self, method: str, path: str) -> bool:
        """`POST .../api/chat`."""
        return method == "POST" and path.endswith("/api/chat")

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
        """Lines for a stream, else JSON."""
        return "application/x-ndjson" if request.stream else "application/json; charset=utf-8"

    def stream(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> Iterator[bytes]:
        """A line for each piece of the answer, and a last one with the counts."""
        number = 0
        for number, message in enumerate(_deltas(reply, ids), start=1):
            yield _line({**_head(request, ids, number), "message": message, "done": False})
        closing = {"role": "assistant", "content": ""}
        head = _head(request, ids, number + 1)
        yield _line({**head, "message": closing, "done": True, **_counts(reply, usage)})

    def unary(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> bytes:
        """The answer as one object."""
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        for delta in _deltas(reply, ids):
            message["content"] += delta["content"]
            if thinking := delta.get("thinking"):
                message["thinking"] = message.get("thinking", "") + thinking
            if calls := delta.get("tool_calls"):
                message["tool_calls"] = [*message.get("tool_calls", ()), *calls]
        return msgspec.json.encode(
            {**_head(request, ids, 1), "message": message, "done": True, **_counts(reply, usage)}
        )

    def error(self, reply: ErrorReply) -> bytes:
        """`{"error": sentence}`."""
        return msgspec.json.encode({"error": reply.message})

    def error_event(self, reply: ErrorReply) -> bytes:
        """The same as a line."""
        return _line({"error": reply.message})

    def models(self, names: Sequence[str]) -> bytes:
        """The list of `GET /api/tags`."""
        details = {
            "parent_model": "",
            "format": "gguf",
            "family": "simulated",
            "families": ["simulated"],
            "parameter_size": "0B",
            "quantization_level": "F16",
        }
        rows = [
            {
                "name": name,
                "model": name,
                "modified_at": "2026-01-01T00:00:00Z",
                "size": 0,
                "digest": "0" * 64,
                "details": details,
            }
            for name in names
        ]
        return msgspec.json.encode({"models": rows})


def _line(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _head(request: SimRequest, ids: Ids, number: int) -> dict[str, Any]:
    """Model and time; each line is a little later than the one before."""
    moment = datetime.fromtimestamp(ids.created, UTC) + timedelta(milliseconds=_EVENT_GAP_MS * number)
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return {"model": request.model, "created_at": f"{stamp}Z"}


def _deltas(reply: Reply, ids: Ids) -> Iterator[dict[str, Any]]:
    position = 0
    for part in reply.content:
        if isinstance(part, Reasoning):
            for piece in chunks(part.text, reply.chunk_tokens):
                yield {"role": "assistant", "content": "", "thinking": piece}
        elif isinstance(part, Text | Refusal):
            for piece in chunks(part.text, reply.chunk_tokens):
                yield {"role": "assistant", "content": piece}
        elif isinstance(part, ToolCall):
            yield _call(part, position, ids)
            position += 1


def _call(call: ToolCall, position: int, ids: Ids) -> dict[str, Any]:
    """A call; one whose arguments are no JSON object was not understood as a call, and stays text."""
    if not call.has_valid_arguments:
        return {"role": "assistant", "content": call.arguments_json}
    function = {"index": position, "name": call.name, "arguments": call.arguments}
    call_id = call.provider_id or call.id or ids.new("call_", 8)
    return {"role": "assistant", "content": "", "tool_calls": [{"id": call_id, "function": function}]}


def _counts(reply: Reply, usage: Usage) -> dict[str, Any]:
    """Why it ended, tokens, and nanoseconds that fit them: what the cache held need not be read again."""
    prompt, output = usage.input_tokens or 0, usage.output_tokens or 0
    reading, writing = (usage.uncached_tokens or 0) * _PROMPT_TOKEN_NS, output * _OUTPUT_TOKEN_NS
    return {
        "done_reason": "length" if reply.reason == "length" else "stop",
        "total_duration": _LOAD_NS + reading + writing,
        "load_duration": _LOAD_NS,
        "prompt_eval_count": prompt,
        "prompt_eval_duration": reading,
        "eval_count": output,
        "eval_duration": writing,
    }
