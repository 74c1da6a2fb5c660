"""Bedrock's Converse and ConverseStream, from the server's side.

Events and their keys are those of recorded traffic: text has no start event, the signature of reasoning is a delta of its
own, usage comes last. Cached tokens stand beside `inputTokens`, which excludes them.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

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
from agentlab.simulator.dialects.aws_messages import event_message, exception_message
from agentlab.simulator.dialects.base import Ids, chunks
from agentlab.simulator.dialects.bedrock_converse_contents import hidden, signature
from agentlab.simulator.dialects.bedrock_converse_request import model_of, read_request
from agentlab.simulator.exchange import ErrorReply, Reply, SimRequest

__all__ = ["BedrockConverse"]

_STOP: Final[dict[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "guardrail_intervened",
    "other": "malformed_model_output",
}
_EXCEPTIONS: Final = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_IN_STREAM: Final = frozenset({400, 429, 500, 503})
_LATENCY_MS: Final = 300

Json = dict[str, Any]


class BedrockConverse:
    """The `bedrock_converse` wire."""

    wire = "bedrock_converse"
    wrong_key = ErrorReply(
        403, "The security token included in the request is invalid.", "UnrecognizedClientException"
    )

    def matches(self, method: str, path: str) -> bool:
        """`POST /model/{id}/converse` and `.../converse-stream`."""
        return method == "POST" and model_of(path) is not None

    def parse(
        self,
        vendor: str,
        path: str,
        query: Mapping[str, str],  # noqa: ARG002 - the protocol's
        headers: Mapping[str, str],
        body: bytes,
    ) -> SimRequest:
        """Understand a request; see `read_request`."""
        return read_request(vendor, path, headers, body)

    def content_type(self, request: SimRequest) -> str:
        """An event stream, or JSON."""
        return "application/vnd.amazon.eventstream" if request.stream else "application/json"

    def stream(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> Iterator[bytes]:  # noqa: ARG002 - the protocol's
        """`messageStart`, each block with its deltas, `messageStop`, `metadata`."""
        yield event_message("messageStart", {"role": "assistant"})
        for index, (start, deltas) in enumerate(_blocks(reply, ids)):
            if start is not None:
                yield event_message("contentBlockStart", {"contentBlockIndex": index, "start": start})
            for delta in deltas:
                yield event_message("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
            yield event_message("contentBlockStop", {"contentBlockIndex": index})
        yield event_message("messageStop", {"stopReason": _STOP[reply.reason]})
        yield event_message("metadata", {"metrics": {"latencyMs": _LATENCY_MS}, "usage": _usage(usage)})

    def unary(self, request: SimRequest, reply: Reply, usage: Usage, ids: Ids) -> bytes:  # noqa: ARG002 - the protocol's
        """The answer as one object."""
        content = [_whole(start, deltas) for start, deltas in _blocks(reply, ids)]
        answer = {
            "metrics": {"latencyMs": _LATENCY_MS},
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": _STOP[reply.reason],
            "usage": _usage(usage),
        }
        return msgspec.json.encode(answer)

    def error(self, reply: ErrorReply) -> bytes:
        """`{"message": sentence}`; what kind of error it is stands in a header."""
        return msgspec.json.encode({"message": reply.message})

    def error_headers(self, reply: ErrorReply) -> tuple[tuple[str, str], ...]:
        """The exception's name, by which AWS's SDKs choose the class to raise."""
        return (("x-amzn-errortype", reply.code or _exception(reply.status)),)

    def error_event(self, reply: ErrorReply) -> bytes:
        """The error as an exception of the stream."""
        name = _exception(reply.status) if reply.status in _IN_STREAM else "ModelStreamErrorException"
        return exception_message(name[0].lower() + name[1:], {"message": reply.message})

    def models(self, names: Sequence[str]) -> bytes:
        """The body of `GET /foundation-models`."""
        rows = [
            {
                "modelId": name,
                "modelName": name,
                "providerName": "Simulated",
                "responseStreamingSupported": True,
            }
            for name in names
        ]
        return msgspec.json.encode({"modelSummaries": rows})


def _exception(status: int) -> str:
    return _EXCEPTIONS.get(status, "InternalServerException" if status >= 500 else "ValidationException")


def _blocks(reply: Reply, ids: Ids) -> Iterator[tuple[Json | None, list[Json]]]:
    """Each content block: how it starts, where it has a start, and the deltas that fill it."""
    for part in reply.content:
        if isinstance(part, Reasoning):
            yield from _reasoning_blocks(part, reply.chunk_tokens)
        elif isinstance(part, Text | Refusal):
            deltas: list[Json] = [{"text": piece} for piece in chunks(part.text, reply.chunk_tokens)]
            cited = part.citations if isinstance(part, Text) else ()
            deltas += [{"citation": citation.raw} for citation in cited if citation.raw is not None]
            yield None, deltas
        elif isinstance(part, ToolCall):
            use = {"name": part.name, "toolUseId": ids.of(part, "tooluse_")}
            empty = part.arguments_json.strip() in {"", "{}"}
            pieces = [""] if empty else chunks(part.arguments_json, reply.chunk_tokens)
            yield {"toolUse": use}, [{"toolUse": {"input": piece}} for piece in pieces]
        elif isinstance(part, ProviderPart) and part.kind == "toolUse":
            use = dict(part.payload["toolUse"])
            given = msgspec.json.encode(use.pop("input")).decode()
            yield {"toolUse": use}, [{"toolUse": {"input": given}}]
        elif isinstance(part, ProviderPart) and part.kind == "toolResult":
            result = dict(part.payload["toolResult"])
            content = result.pop("content")
            yield {"toolResult": result}, [{"toolResult": content}]


def _reasoning_blocks(part: Reasoning, chunk_tokens: int) -> Iterator[tuple[None, list[Json]]]:
    for piece in part.content:
        if isinstance(piece, ReasoningRedacted | ReasoningEncrypted):
            yield None, [{"reasoningContent": {"redactedContent": hidden(piece.data)}}]
            continue
        deltas = [{"reasoningContent": {"text": word}} for word in chunks(piece.text, chunk_tokens)]
        yield None, [*deltas, {"reasoningContent": {"signature": signature(piece.text)}}]


def _whole(start: Json | None, deltas: Sequence[Json]) -> Json:
    """A block with its deltas put in, as a whole answer has it."""
    if start is not None and "toolUse" in start:
        written = "".join(delta["toolUse"]["input"] for delta in deltas)
        return {"toolUse": {**start["toolUse"], "input": _input(written)}}
    if start is not None:
        content = [piece for delta in deltas for piece in delta["toolResult"]]
        return {"toolResult": {**start["toolResult"], "content": content}}
    thoughts = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]
    if thoughts:
        if "redactedContent" in thoughts[0]:
            return {"reasoningContent": thoughts[0]}
        text = "".join(thought.get("text", "") for thought in thoughts)
        signed = "".join(thought.get("signature", "") for thought in thoughts)
        return {"reasoningContent": {"reasoningText": {"signature": signed, "text": text}}}
    said = "".join(delta.get("text", "") for delta in deltas)
    cited = [delta["citation"] for delta in deltas if "citation" in delta]
    return (
        {"citationsContent": {"citations": cited, "content": [{"text": said}]}} if cited else {"text": said}
    )


def _input(arguments: str) -> Any:
    """Arguments as the object they are; text that is not JSON is wrapped."""
    if not arguments.strip():
        return {}
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        return {"INVALID_JSON": arguments}


def _usage(usage: Usage) -> Json:
    """The counts, cached ones also under their old names; `inputTokens` is what is neither read nor written."""
    counts: Json = {}
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    if read is not None:
        counts |= {"cacheReadInputTokenCount": read, "cacheReadInputTokens": read}
    if written is not None:
        counts |= {"cacheWriteInputTokenCount": written, "cacheWriteInputTokens": written}
    by_ttl = (("1h", usage.cache_write_1h_tokens), ("5m", usage.cache_write_5m_tokens))
    details = [{"inputTokens": count, "ttl": ttl} for ttl, count in by_ttl if count]
    if details:
        counts["cacheDetails"] = details
    prompt, output = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        **counts,
        "inputTokens": usage.uncached_tokens or 0,
        "outputTokens": output,
        "serverToolUsage": {},
        "totalTokens": prompt + output,
    }
