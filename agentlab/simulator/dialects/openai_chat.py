"""OpenAI Chat Completions, from the server's side (https://platform.openai.com/docs/api-reference/chat).

Frames, usage and errors have the shape and key order OpenAI sends; vendors that speak the wire with a difference of
their own (where reasoning goes, how cache reads are reported) get it from the tables below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from agentlab.messages import FinishReason, Reasoning, Refusal, Text, ToolCall, Usage
from agentlab.simulator.dialects.base import Ids, chunks, sse
from agentlab.simulator.dialects.openai_chat_request import parse_chat
from agentlab.simulator.exchange import ErrorReply, Reply, SimRequest

__all__ = ["OpenAIChat"]

_HIDES_REASONING: Final = frozenset({"openai", "azure"})
_REASONING_FIELD: Final = {"groq": "reasoning", "openrouter": "reasoning", "together": "reasoning"}
_USAGE_UNASKED: Final = frozenset(
    {"databricks", "deepseek", "mistral", "openrouter", "perplexity", "together"}
)
_USAGE_WITH_FINISH: Final = _USAGE_UNASKED | {
    "cloudflare",
    "copilot",
    "gpustack",
    "mistralrs",
    "venice",
    "zai",
}
_FINISH: Final[dict[FinishReason, str]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "other": "stop",
}
_ERROR_CODE: Final = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
_ERROR_TYPE: Final = {429: "requests"}


class OpenAIChat:
    """The `openai_chat` wire."""

    wire = "openai_chat"
    wrong_key = ErrorReply(401, "Incorrect API key provided.")

    def matches(self, method: str, path: str) -> bool:
        """Any path that ends in `/chat/completions`, whatever stands before (`/v1`, `/api/v1`, a deployment)."""
        return method == "POST" and path.endswith("/chat/completions")

    def parse(
        self,
        vendor: str,
        path: str,  # noqa: ARG002 - other wires carry the model in it
        query: Mapping[str, str],  # noqa: ARG002 - other wires carry settings in it
        headers: Mapping[str, str],
        body: bytes,
    ) -> SimRequest:
        """Understand a request; see `parse_chat`."""
        return parse_chat(vendor, headers, body)

    def content_type(self, request: SimRequest) -> str:
        """Events for a stream, else JSON."""
        return "text/event-stream; charset=utf-8" if request.stream else "application/json"

    def stream(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> Iterator[bytes]:
        """The answer as `chat.completion.chunk` events and `[DONE]`."""
        options = request.json.get("stream_options")
        asked = isinstance(options, dict) and bool(options.get("include_usage"))
        wanted = asked or request.vendor in _USAGE_UNASKED
        with_finish = request.vendor in _USAGE_WITH_FINISH
        envelope = _envelope(request, ids, "chat.completion.chunk")
        report = _usage(usage, request.vendor)

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            tail: dict[str, Any] = {"usage": None} if asked else {}
            if finish and wanted and with_finish:
                tail = {"usage": report}
            return sse({**envelope, "choices": [choice], **tail})

        for delta in _deltas(request, reply, ids):
            yield chunk(delta)
        yield chunk({}, _FINISH[reply.reason])
        if wanted and not with_finish:
            yield sse({**envelope, "choices": [], "usage": report})
        yield sse("[DONE]")

    def unary(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> bytes:
        """The answer as one `chat.completion` object."""
        envelope = _envelope(request, ids, "chat.completion")
        text = "".join(part.text for part in reply.content if isinstance(part, Text))
        refusal = "".join(part.text for part in reply.content if isinstance(part, Refusal))
        message: dict[str, Any] = {
            "role": "assistant",
            "content": text or (None if reply.calls or refusal else ""),
        }
        reasoning = "\n".join(part.text for part in reply.content if isinstance(part, Reasoning))
        if reasoning and request.vendor not in _HIDES_REASONING:
            message[_reasoning_field(request.vendor)] = reasoning
        if reply.calls:
            message["tool_calls"] = [_call(call, ids) for call in reply.calls]
        message |= {"refusal": refusal or None, "annotations": []}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[reply.reason]}
        body = {
            "id": envelope["id"],
            "object": envelope["object"],
            "created": envelope["created"],
            "model": envelope["model"],
            "choices": [choice],
            "usage": _usage(usage, request.vendor),
            "service_tier": envelope["service_tier"],
            "system_fingerprint": envelope["system_fingerprint"],
        }
        return msgspec.json.encode(body)

    def error(self, reply: ErrorReply) -> bytes:
        """`{"error": {message, type, param, code}}`, indented as OpenAI sends it."""
        return msgspec.json.format(msgspec.json.encode(_error(reply)), indent=2)

    def error_event(self, reply: ErrorReply) -> bytes:
        """The error as the `data` of one event."""
        return sse(_error(reply))

    def models(self, names: Sequence[str]) -> bytes:
        """The `list` object of `GET /models`."""
        rows = [
            {"id": name, "object": "model", "created": 1767225600, "owned_by": "simulated"} for name in names
        ]
        return msgspec.json.encode({"object": "list", "data": rows})


def _envelope(request: SimRequest, ids: Ids, kind: str) -> dict[str, Any]:
    return {
        "id": ids.new("chatcmpl-", 29),
        "object": kind,
        "created": int(ids.created),
        "model": request.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }


def _reasoning_field(vendor: str) -> str:
    return _REASONING_FIELD.get(vendor, "reasoning_content")


def _deltas(request: SimRequest, reply: Reply, ids: Ids) -> Iterator[dict[str, Any]]:
    """The deltas in order; the role comes with the first, which holds the call's head if a call is all there is."""
    only_call = len(reply.content) == 1 and len(reply.calls) == 1
    if not only_call:
        yield {"role": "assistant", "content": None if _opens_with_call(reply) else "", "refusal": None}
    position = 0
    for part in reply.content:
        if isinstance(part, ToolCall):
            head = {"index": position, **_call(part, ids)}
            head["function"] = {"name": part.name, "arguments": ""}
            opened = {"role": "assistant", "content": None, "tool_calls": [head], "refusal": None}
            yield opened if only_call else {"tool_calls": [head]}
            for piece in chunks(part.arguments_json, reply.chunk_tokens):
                yield {"tool_calls": [{"index": position, "function": {"arguments": piece}}]}
            position += 1
        elif isinstance(part, Text | Refusal | Reasoning):
            name = _text_field(part, request.vendor)
            for piece in chunks(part.text, reply.chunk_tokens) if name else ():
                yield {name: piece}


def _text_field(part: Text | Refusal | Reasoning, vendor: str) -> str:
    """The field of a delta that carries a part's text; empty where the vendor keeps it to itself."""
    if isinstance(part, Reasoning):
        return "" if vendor in _HIDES_REASONING else _reasoning_field(vendor)
    return "content" if isinstance(part, Text) else "refusal"


def _opens_with_call(reply: Reply) -> bool:
    return bool(reply.calls) and not any(isinstance(part, Text | Refusal) for part in reply.content)


def _call(call: ToolCall, ids: Ids) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments_json}
    return {"id": ids.of(call, "call_"), "type": "function", "function": function}


def _usage(usage: Usage, vendor: str) -> dict[str, Any]:
    prompt, output = usage.input_tokens or 0, usage.output_tokens or 0
    read = usage.cache_read_tokens or 0
    details: dict[str, Any] = {"cached_tokens": read, "audio_tokens": 0}
    if usage.cache_write_tokens is not None:
        details["cache_write_tokens"] = usage.cache_write_tokens
    report = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": details,
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens or 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    if vendor == "deepseek":
        report |= {"prompt_cache_hit_tokens": read, "prompt_cache_miss_tokens": prompt - read}
    return report


def _error(reply: ErrorReply) -> dict[str, Any]:
    kind = "server_error" if reply.status >= 500 else _ERROR_TYPE.get(reply.status, "invalid_request_error")
    code = reply.code or _ERROR_CODE.get(reply.status)
    return {"error": {"message": reply.message, "type": kind, "param": reply.param, "code": code}}
