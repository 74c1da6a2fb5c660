"""Gemini's `generateContent`, from the server's side (https://ai.google.dev/api/generate-content).

A stream is server-sent events with CRLF line ends (`alt=sse`), else one JSON array. Usage comes with every event and
counts up. Calls come whole, one in an event; the first carries the thought signature, or the last, empty, text does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from agentlab.caching import estimate_tokens
from agentlab.messages import FinishReason, Reasoning, Refusal, Text, ToolCall, Usage
from agentlab.simulator.dialects.base import Ids, chunks
from agentlab.simulator.dialects.gemini_contents import thought_signature
from agentlab.simulator.dialects.gemini_request import GeminiRequest, generation, read_request, route
from agentlab.simulator.exchange import ErrorReply, Reply, SimRequest

__all__ = ["Gemini"]

_FINISH: Final[dict[FinishReason, str]] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "other": "OTHER",
}
_STATUS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_INVALID_KEY: Final = "API_KEY_INVALID"
_CALL_IDS_SINCE: Final = 3.5
_SIGNS_SINCE: Final = 3.0

_Part = dict[str, Any]


class Gemini:
    """The `gemini` wire.

    Args:
        call_ids: Whether calls carry an `id`; None lets the model's generation tell, as it does on the real API.
    """

    wire = "gemini"
    wrong_key = ErrorReply(400, "API key not valid. Please pass a valid API key.", _INVALID_KEY)

    def __init__(self, *, call_ids: bool | None = None) -> None:
        self._call_ids = call_ids

    def matches(self, method: str, path: str) -> bool:
        """`POST .../models/{model}:generateContent` or `:streamGenerateContent`."""
        return method == "POST" and route(path) is not None

    def parse(
        self, vendor: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> SimRequest:
        """Understand a request; see `read_request`."""
        return read_request(vendor, path, query, headers, body)

    def content_type(self, request: SimRequest) -> str:
        """Events for a stream with `alt=sse`, else JSON."""
        return (
            "text/event-stream"
            if request.stream and isinstance(request, GeminiRequest) and request.sse
            else "application/json; charset=UTF-8"
        )

    def stream(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> Iterator[bytes]:
        """The answer as `GenerateContentResponse` events."""
        as_events = isinstance(request, GeminiRequest) and request.sse
        opening = b"["
        for response in self._responses(request, reply, usage, ids):
            if as_events:
                yield b"data: " + _compact(response) + b"\r\n\r\n"
                continue
            ending = b"\n]" if "finishReason" in response["candidates"][0] else b""
            yield opening + _indented(response) + ending
            opening = b"\n,\r\n"

    def unary(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> bytes:
        """The answer as one `GenerateContentResponse`."""
        parts = _joined(self._parts(request, reply, ids))
        tail = _tail(reply, parts)
        content = {"content": {"parts": parts, "role": "model"} if parts else {"role": "model"}}
        candidate = {**content, **tail}
        return _indented({"candidates": [candidate], **_around(request, usage, ids)}) + b"\n"

    def error(self, reply: ErrorReply) -> bytes:
        """`{"error": {code, message, status, details}}`, indented as Google sends it."""
        return _indented(_error(reply)) + b"\n"

    def error_event(self, reply: ErrorReply) -> bytes:
        """The error as an event."""
        return b"data: " + _compact(_error(reply)) + b"\r\n\r\n"

    def models(self, names: Sequence[str]) -> bytes:
        """The page of `GET /v1beta/models`."""
        rows = [
            {
                "name": f"models/{name}",
                "version": "001",
                "displayName": name,
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            }
            for name in names
        ]
        return _indented({"models": rows}) + b"\n"

    def _responses(
        self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids
    ) -> Iterator[dict[str, Any]]:
        """One response for each part, then the one that tells why it ended."""
        parts = self._parts(request, reply, ids)
        around = _around(request, usage, ids)
        thought, said = 0, 0
        last: _Part = {"text": ""}
        if parts and parts[-1] == {"text": "", **_signed("")}:
            last = parts.pop()
        total_thought = usage.reasoning_tokens or 0
        for part in parts:
            if part.get("thought"):
                thought = min(total_thought, thought + estimate_tokens(part["text"]))
            else:
                thought = total_thought
                said += estimate_tokens(part.get("text") or str(part.get("functionCall")))
            so_far = msgspec.structs.replace(
                usage,
                reasoning_tokens=thought or None,
                output_tokens=min(usage.output_tokens or 0, thought + said),
            )
            yield {"candidates": [_candidate([part])], **around, "usageMetadata": _usage(so_far)}
        yield {"candidates": [{**_candidate([last]), **_tail(reply, parts)}], **around}

    def _parts(self, request: SimRequest, reply: Reply, ids: Ids) -> list[_Part]:
        """Every part that is sent, text cut into the pieces of a stream."""
        shows = isinstance(request, GeminiRequest) and request.shows_thoughts
        thinks = any(isinstance(part, Reasoning) for part in reply.content)
        signs = thinks or generation(request.model) >= _SIGNS_SINCE
        parts: list[_Part] = []
        signed = False
        for part in reply.content:
            if isinstance(part, Reasoning) and shows:
                parts += [{"text": text, "thought": True} for text in chunks(part.text, reply.chunk_tokens)]
            elif isinstance(part, Text | Refusal):
                parts += [{"text": text} for text in chunks(part.text, reply.chunk_tokens)]
            elif isinstance(part, ToolCall) and part.has_valid_arguments:
                call = self._call(request, part, ids)
                parts.append({"functionCall": call, **({} if signed or not signs else _signed(part.name))})
                signed = True
        if signs and not signed:
            parts.append({"text": "", **_signed("")})
        return parts

    def _call(self, request: SimRequest, call: ToolCall, ids: Ids) -> dict[str, Any]:
        has_id = self._call_ids
        if has_id is None:
            has_id = generation(request.model) >= _CALL_IDS_SINCE
        named = {"name": call.name, "args": call.arguments}
        return {**named, "id": call.provider_id or call.id or ids.new("", 8)} if has_id else named


def _signed(name: str) -> dict[str, str]:
    return {"thoughtSignature": thought_signature(name)}


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    """Pieces of one kind put together; the signature of the end goes to the last text."""
    whole: list[_Part] = []
    for part in parts:
        last = whole[-1] if whole else {}
        if "text" in part and "text" in last and (part.get("thought") == last.get("thought")):
            whole[-1] = {**last, **part, "text": last["text"] + part["text"]}
        else:
            whole.append(part)
    return whole


def _candidate(parts: list[_Part]) -> dict[str, Any]:
    return {"content": {"parts": parts, "role": "model"}, "index": 0}


def _tail(reply: Reply, parts: Sequence[_Part]) -> dict[str, Any]:
    """Why it ended. A call whose arguments are no object is not sent: it is what ended the answer."""
    broken = [call for call in reply.calls if not call.has_valid_arguments]
    if broken and reply.reason != "length":
        told = f"Malformed function call: {broken[0].name}({broken[0].arguments_json})"
        return {"finishReason": "MALFORMED_FUNCTION_CALL", "index": 0, "finishMessage": told}
    ended = {"finishReason": _FINISH[reply.reason], "index": 0}
    called = any("functionCall" in part for part in parts)
    return {**ended, "finishMessage": "Model generated function call(s)."} if called else ended


def _around(request: SimRequest, usage: Usage, ids: Ids) -> dict[str, Any]:
    return {
        "usageMetadata": _usage(usage),
        "modelVersion": request.model,
        "responseId": ids.new("", 22),
    }


def _usage(usage: Usage) -> dict[str, Any]:
    """`usageMetadata`; the candidates' tokens do not hold the thoughts, and counts of nothing are left out."""
    prompt, thoughts = usage.input_tokens or 0, usage.reasoning_tokens or 0
    output = usage.output_tokens or 0
    counts: dict[str, Any] = {"promptTokenCount": prompt}
    if output > thoughts:
        counts["candidatesTokenCount"] = output - thoughts
    counts["totalTokenCount"] = prompt + output + (usage.tool_use_prompt_tokens or 0)
    if usage.cache_read_tokens:
        counts["cachedContentTokenCount"] = usage.cache_read_tokens
    counts["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": prompt}]
    if usage.cache_read_tokens:
        counts["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": usage.cache_read_tokens}]
    if usage.tool_use_prompt_tokens:
        counts["toolUsePromptTokenCount"] = usage.tool_use_prompt_tokens
    if thoughts:
        counts["thoughtsTokenCount"] = thoughts
    return {**counts, "serviceTier": "standard"}


def _error(reply: ErrorReply) -> dict[str, Any]:
    if reply.code == _INVALID_KEY:
        return {"error": _key_error(reply)}
    status = reply.code or _STATUS.get(
        reply.status, "INTERNAL" if reply.status >= 500 else "INVALID_ARGUMENT"
    )
    error: dict[str, Any] = {"code": reply.status, "message": reply.message, "status": status}
    if reply.retry_after is not None:
        delay = {
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": f"{reply.retry_after:g}s",
        }
        error["details"] = [delay]
    return {"error": error}


def _key_error(reply: ErrorReply) -> dict[str, Any]:
    """Google counts a wrong key as an invalid argument, and gives the reason as a detail."""
    reason = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reply.code,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    told = {
        "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
        "locale": "en-US",
        "message": reply.message,
    }
    error = {"code": reply.status, "message": reply.message, "status": "INVALID_ARGUMENT"}
    return {**error, "details": [reason, told]}


def _compact(value: dict[str, Any]) -> bytes:
    """One line, as Google writes it: a space after each colon, none after a comma."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ": ")).encode("utf-8", "surrogatepass")


def _indented(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "surrogatepass")
