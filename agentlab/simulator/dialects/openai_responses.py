"""OpenAI's Responses API, from the server's side (https://platform.openai.com/docs/api-reference/responses-streaming).

Events, their order and the order of their keys are those of recorded traffic. Reasoning is not shown: a summary where
the request asks for one, and `encrypted_content`, verifiable when it comes back, where `include` asks for that.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from agentlab.messages import (
    AssistantPart,
    FinishReason,
    Reasoning,
    ReasoningEncrypted,
    ReasoningRedacted,
    ReasoningSummary,
    ReasoningText,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from agentlab.simulator.dialects.base import Ids, chunks, sse
from agentlab.simulator.dialects.openai_responses_input import encrypted, item_id
from agentlab.simulator.dialects.openai_responses_request import read_request
from agentlab.simulator.exchange import ErrorReply, Reply, SimRequest

__all__ = ["OpenAIResponses"]

_INCOMPLETE: Final[dict[FinishReason, str]] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}
_ERROR_CODE: Final = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_ERROR_TYPE: Final = {429: "requests"}
_PADDED_TO: Final = 16
_NO_TOOL_USAGE: Final = {
    "image_gen": {
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "total_tokens": 0,
    },
    "web_search": {"num_requests": 0},
}

_Event = dict[str, Any]


class OpenAIResponses:
    """The `openai_responses` wire."""

    wire = "openai_responses"
    wrong_key = ErrorReply(401, "Incorrect API key provided.")

    def matches(self, method: str, path: str) -> bool:
        """`POST .../responses`."""
        return method == "POST" and path.endswith("/responses")

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
        return "text/event-stream; charset=utf-8" if request.stream else "application/json"

    def stream(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> Iterator[bytes]:
        """`response.created` to `response.completed` or `response.incomplete`, numbered from 0."""
        answer = _Answer(request, reply, ids)
        numbered = enumerate(answer.events(usage))
        for number, event in numbered:
            yield sse({**event, "sequence_number": number}, event["type"])

    def unary(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> bytes:
        """The answer as one `response` object, indented as OpenAI sends it."""
        whole = _Answer(request, reply, ids).finished(usage, billed=True)
        return msgspec.json.format(msgspec.json.encode(whole), indent=2)

    def error(self, reply: ErrorReply) -> bytes:
        """`{"error": {message, type, param, code}}`, indented as OpenAI sends it."""
        return msgspec.json.format(msgspec.json.encode({"error": _error(reply)}), indent=2)

    def error_event(self, reply: ErrorReply) -> bytes:
        """The error as an `error` event."""
        told = _error(reply)
        ordered = {name: told[name] for name in ("type", "code", "message", "param")}
        return sse({"type": "error", "error": ordered, "sequence_number": 0}, "error")

    def models(self, names: Sequence[str]) -> bytes:
        """The `list` object of `GET /models`."""
        rows = [
            {"id": name, "object": "model", "created": 1767225600, "owned_by": "simulated"} for name in names
        ]
        return msgspec.json.encode({"object": "list", "data": rows})


class _Answer:
    """One response being put together: its items, and the events that tell of them."""

    def __init__(self, request: SimRequest, reply: Reply, ids: Ids) -> None:
        self._request = request
        self._reply = reply
        self._stem = ids.new("", 40)
        self._created = int(ids.created)
        self._parts = [part for part in reply.content if isinstance(part, _SHOWN)]
        self._calls = [ids.of(part, "call_") if isinstance(part, ToolCall) else "" for part in self._parts]
        self._summary = (request.json.get("reasoning") or {}).get("summary") is not None
        self._encrypts = "reasoning.encrypted_content" in (request.json.get("include") or ())
        self._pads = (request.json.get("stream_options") or {}).get("include_obfuscation", True)

    # -------------------------------------------------------------- events

    def events(self, usage: Usage) -> Iterator[_Event]:
        """Every event but its number."""
        opened = self._envelope("in_progress", [], None)
        yield {"type": "response.created", "response": opened}
        yield {"type": "response.in_progress", "response": opened}
        for index, part in enumerate(self._parts):
            started, done = self._item(index, status="in_progress"), self._item(index)
            yield {"type": "response.output_item.added", "item": started, "output_index": index}
            yield from self._filling(index, part, done)
            yield {"type": "response.output_item.done", "item": done, "output_index": index}
        whole = self.finished(usage)
        yield {"type": f"response.{whole['status']}", "response": whole}

    def _filling(self, index: int, part: AssistantPart, done: dict[str, Any]) -> Iterator[_Event]:
        if isinstance(part, ToolCall):
            yield from self._arguments(index, part, done["id"])
        elif isinstance(part, Reasoning):
            for place, summary in enumerate(done["summary"]):
                at = {"item_id": done["id"], "output_index": index, "summary_index": place}
                yield from self._content(
                    at, summary, "text", "response.reasoning_summary_part", "response.reasoning_summary_text"
                )
        elif isinstance(part, Text | Refusal):
            at = {"content_index": 0, "item_id": done["id"], "output_index": index}
            field = "refusal" if isinstance(part, Refusal) else "text"
            told = "response.refusal" if isinstance(part, Refusal) else "response.output_text"
            yield from self._content(at, done["content"][0], field, "response.content_part", told)

    def _content(
        self, at: dict[str, Any], part: dict[str, Any], field: str, around: str, told: str
    ) -> Iterator[_Event]:
        """A piece of content: its part is added, its text comes in deltas and once more whole, its part is done."""
        extra: dict[str, Any] = {"logprobs": []} if told == "response.output_text" else {}
        yield {"type": f"{around}.added", **at, "part": {**part, field: ""}}
        for piece in chunks(part[field], self._reply.chunk_tokens):
            yield {"type": f"{told}.delta", **at, "delta": piece, **extra, **self._padding(piece)}
        yield {"type": f"{told}.done", **at, **extra, field: part[field]}
        yield {"type": f"{around}.done", **at, "part": part}

    def _arguments(self, index: int, call: ToolCall, item: str) -> Iterator[_Event]:
        kind = "response.function_call_arguments"
        at = {"item_id": item, "output_index": index}
        for piece in chunks(call.arguments_json, self._reply.chunk_tokens):
            yield {"type": f"{kind}.delta", "delta": piece, **at, **self._padding(piece)}
        yield {"type": f"{kind}.done", "arguments": call.arguments_json, **at}

    def _padding(self, delta: str) -> dict[str, str]:
        """Blind text that makes all deltas about equally long, against guessing from packet sizes."""
        if not self._pads:
            return {}
        filler = f"{zlib.crc32(delta.encode('utf-8', 'surrogatepass')):08x}" * 2
        return {"obfuscation": filler[: -len(delta) % _PADDED_TO]}

    # --------------------------------------------------------------- items

    def _item(self, index: int, *, status: str | None = None, version: int = 1) -> dict[str, Any]:
        """An output item, finished unless a status is given."""
        part = self._parts[index]
        final = status or self._status(index)
        started = status is not None
        if isinstance(part, Reasoning):
            return self._reasoning(index, part, started=started, version=version)
        if isinstance(part, ToolCall):
            return {
                "id": self._id("fc_", index),
                "type": "function_call",
                "status": final,
                "arguments": "" if started else part.arguments_json,
                "call_id": self._calls[index],
                "name": part.name,
            }
        content = (
            {"type": "refusal", "refusal": part.text}
            if isinstance(part, Refusal)
            else {"type": "output_text", "annotations": [], "logprobs": [], "text": _text(part)}
        )
        return {
            "id": self._id("msg_", index),
            "type": "message",
            "status": final,
            "content": [] if started else [content],
            "role": "assistant",
        }

    def _reasoning(self, index: int, part: Reasoning, *, started: bool, version: int) -> dict[str, Any]:
        item: dict[str, Any] = {"id": self._id("rs_", index), "type": "reasoning", "content": []}
        shown = [piece.text for piece in part.content if isinstance(piece, ReasoningText | ReasoningSummary)]
        hidden = [
            piece.data for piece in part.content if isinstance(piece, ReasoningEncrypted | ReasoningRedacted)
        ]
        if self._encrypts:
            whole = "\n".join([*shown, *hidden])
            item["encrypted_content"] = encrypted(
                "" if started else whole, version=version, finished=not started
            )
        wanted = shown if self._summary and not started else []
        item["summary"] = [{"type": "summary_text", "text": text} for text in wanted]
        return item

    def _id(self, prefix: str, index: int) -> str:
        """An item's id; it names the reasoning item just before it, if there is one."""
        thought = index > 0 and isinstance(self._parts[index - 1], Reasoning)
        return item_id(prefix, self._stem, index, index - 1 if thought else None)

    def _status(self, index: int) -> str:
        cut = self._reply.reason in _INCOMPLETE and index == len(self._parts) - 1
        return "incomplete" if cut else "completed"

    # ------------------------------------------------------------ response

    def finished(self, usage: Usage, *, billed: bool = False) -> dict[str, Any]:
        """The response as it is at the end; the encrypted blobs differ from those of the items, as they do."""
        items = [self._item(index, version=2) for index in range(len(self._parts))]
        status = "incomplete" if self._reply.reason in _INCOMPLETE else "completed"
        return self._envelope(status, items, usage, billed=billed)

    def _envelope(
        self, status: str, output: list[dict[str, Any]], usage: Usage | None, *, billed: bool = False
    ) -> dict[str, Any]:
        asked = self._request.json
        reason = _INCOMPLETE.get(self._reply.reason)
        ended = status != "in_progress"
        billing = {"billing": {"payer": "developer"}} if billed else {}
        return {
            "id": f"resp_{self._stem}",
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": bool(asked.get("background")),
            **billing,
            "completed_at": self._created if status == "completed" else None,
            "error": None,
            "frequency_penalty": 0.0,
            "incomplete_details": {"reason": reason} if ended and reason else None,
            "instructions": asked.get("instructions"),
            "max_output_tokens": asked.get("max_output_tokens"),
            "max_tool_calls": asked.get("max_tool_calls"),
            "model": self._request.model,
            "moderation": None,
            "output": output,
            "parallel_tool_calls": _or(asked.get("parallel_tool_calls"), True),
            "presence_penalty": 0.0,
            "previous_response_id": None,
            **(self._reply.diagnosis or {} if ended else {}),
            "prompt_cache_key": asked.get("prompt_cache_key"),
            **_cache_options(asked),
            "prompt_cache_retention": asked.get("prompt_cache_retention"),
            "reasoning": _reasoning_settings(asked.get("reasoning")),
            "safety_identifier": asked.get("safety_identifier"),
            "service_tier": "default" if ended else "auto",
            "store": _or(asked.get("store"), True),
            "temperature": float(_or(asked.get("temperature"), 1.0)),
            "text": {"format": {"type": "text"}, "verbosity": "medium", **(asked.get("text") or {})},
            "tool_choice": _or(asked.get("tool_choice"), "auto"),
            "tool_usage": _NO_TOOL_USAGE,
            "tools": [_tool(tool) for tool in asked.get("tools") or ()],
            "top_logprobs": asked.get("top_logprobs") or 0,
            "top_p": float(_or(asked.get("top_p"), 1.0)),
            "truncation": asked.get("truncation") or "disabled",
            "usage": None if usage is None else _usage(usage),
            "user": asked.get("user"),
            "metadata": asked.get("metadata") or {},
        }


_SHOWN = (Reasoning, Text, Refusal, ToolCall)


def _cache_options(asked: dict[str, Any]) -> dict[str, Any]:
    """The cache options that were applied, where the request names any; older models know none."""
    options = asked.get("prompt_cache_options")
    if not isinstance(options, dict):
        return {}
    applied = {"mode": options.get("mode") or "implicit", "ttl": options.get("ttl") or "30m"}
    if options.get("comparison_response_id") is not None:
        applied["comparison_response_id"] = options["comparison_response_id"]
    return {"prompt_cache_options": applied}


def _text(part: AssistantPart) -> str:
    return part.text if isinstance(part, Text) else ""


def _or(given: Any, default: Any) -> Any:
    return default if given is None else given


def _reasoning_settings(asked: dict[str, Any] | None) -> dict[str, Any]:
    given = asked or {}
    return {
        "context": "current_turn",
        "effort": given.get("effort", "medium"),
        "mode": "standard",
        "summary": "detailed" if given.get("summary") == "auto" else given.get("summary"),
    }


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A tool as the response repeats it: functions with every field, others as they were sent."""
    if tool.get("type") != "function":
        return tool
    return {
        "type": "function",
        "description": tool.get("description"),
        "name": tool.get("name"),
        "output_schema": None,
        "parameters": tool.get("parameters"),
        "strict": _or(tool.get("strict"), True),
    }


def _usage(usage: Usage) -> dict[str, Any]:
    prompt, output = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cache_write_tokens": usage.cache_write_tokens or 0,
            "cached_tokens": usage.cache_read_tokens or 0,
        },
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": prompt + output,
    }


def _error(reply: ErrorReply) -> dict[str, Any]:
    kind = "server_error" if reply.status >= 500 else _ERROR_TYPE.get(reply.status, "invalid_request_error")
    return {
        "message": reply.message,
        "type": kind,
        "param": reply.param,
        "code": reply.code or _ERROR_CODE.get(reply.status),
    }
