"""Reads answers of the Anthropic Messages wire, streamed and whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.errors import ModelError, ProtocolError
from agentlab.http import Frame
from agentlab.messages import (
    Citation,
    FinishReason,
    ModelEvent,
    ProviderPart,
    Reasoning,
    ReasoningRedacted,
    UnknownEvent,
    Usage,
)
from agentlab.models.anthropic_content import WIRE, object_input
from agentlab.models.assembly import Assembly, mint_id
from agentlab.models.encoding import encode_json
from agentlab.models.wire import error_for_status

__all__ = ["AnthropicDecoder", "error_of", "finish_reason_of", "usage_of"]

Json = dict[str, Any]

_FINISH: Final[dict[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_STATUS: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_PROVIDER_BLOCKS: Final = {"server_tool_use", "mcp_tool_use", "compaction", "container_upload", "fallback"}
_EVENTS: Final = {
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "error",
}
_DELTAS: Final = {
    "text_delta",
    "thinking_delta",
    "input_json_delta",
    "signature_delta",
    "citations_delta",
    "compaction_delta",
}


class _Delta(Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    signature: str | None = None
    citation: Json | None = None
    content: str | None = None
    stop_reason: str | None = None


class _Event(Struct, gc=False):
    type: str = ""
    index: int = 0
    delta: _Delta | None = None
    content_block: Json | None = None
    message: Json | None = None
    usage: Json | None = None
    error: Any = None


_decode_event = msgspec.json.Decoder(_Event).decode


def finish_reason_of(stop_reason: str | None) -> FinishReason | None:
    """Normalise a stop reason; `pause_turn` (a server tool loop to be continued) and unknown words are `other`."""
    return None if stop_reason is None else _FINISH.get(stop_reason, "other")


def usage_of(native: Json) -> Usage:
    """Usage in the house's convention: the wire counts cache reads and writes beside `input_tokens`, here they are in it.

    With compaction or a fallback the top level counts only the last round; `raw["iterations"]` holds them all, and their
    sum is what is billed.
    """
    read, written = native.get("cache_read_input_tokens"), native.get("cache_creation_input_tokens")
    uncached = native.get("input_tokens")
    split = native.get("cache_creation") or {}
    short, long = split.get("ephemeral_5m_input_tokens"), split.get("ephemeral_1h_input_tokens")
    if written is not None and short is not None and short + (long or 0) != written:
        # The split comes at the start only, while the total grows with every round of a server tool.
        short, long = (
            (written, 0) if short and not long else (0, written) if long and not short else (None, None)
        )
    return Usage(
        input_tokens=None if uncached is None else uncached + (read or 0) + (written or 0),
        output_tokens=native.get("output_tokens"),
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        reasoning_tokens=(native.get("output_tokens_details") or {}).get("thinking_tokens"),
        reported_cost_usd=native.get("cost"),
        raw=native,
    )


def error_of(payload: Any, *, status: int | None = None, body: str | None = None) -> ModelError:
    """The error an error object stands for, in a response or in a stream.

    Args:
        payload: The decoded body or event: `{"type": "error", "error": {"type", "message"}, "request_id"}`.
        status: HTTP status; where it is None the error's type gives one, 500 if it is unknown.
        body: The text to keep with the error.
    """
    envelope = payload if isinstance(payload, dict) else {}
    inner = envelope.get("error")
    details = inner if isinstance(inner, dict) else envelope
    code = details.get("type") or details.get("code")
    message = details.get("message") or envelope.get("message") or (inner if isinstance(inner, str) else "")
    error = error_for_status(
        status or _STATUS.get(str(code), 500),
        str(message or (body or "")[:500]),
        code=None if code is None else str(code),
        body=body,
    )
    request_id = envelope.get("request_id")
    error.request_id = request_id if isinstance(request_id, str) else None
    return error


class AnthropicDecoder:
    """Decoder of one response; see `agentlab.models.wire.Decoder`."""

    def __init__(self, mint: Callable[[], str] | None = None) -> None:
        self.assembly = Assembly(WIRE, mint=mint or mint_id)
        self._native_usage: Json = {}
        self._started = False
        self._blocks: dict[int, Json] = {}  # started and not stopped, by index
        self._calls: set[int] = set()
        self._inputs: dict[int, list[str]] = {}  # streamed input of server tools, by index

    def frame(self, frame: Frame) -> list[ModelEvent]:
        """Interpret one event of the stream."""
        try:
            event = _decode_event(frame.data)
        except msgspec.DecodeError as error:
            return self._odd(frame, error)
        if event.type == "content_block_delta" and event.delta is not None:
            return self._delta(event.index, event.delta, frame)
        return self._event(event, frame)

    def body(self, body: bytes) -> list[ModelEvent]:
        """Interpret a whole response."""
        try:
            message = msgspec.json.decode(body)
        except msgspec.DecodeError as error:
            raise _corrupt(body, error) from error
        if isinstance(message, dict) and "content" not in message and "error" in message:
            raise error_of(message, body=body.decode("utf-8", "replace"))
        if not isinstance(message, dict) or not isinstance(message.get("content"), list):
            raise ProtocolError("the response is not a message", body=_shown(body))
        self._start_message(message)
        events: list[ModelEvent] = []
        for index, block in enumerate(message["content"]):
            events += self._start_block(index, block)
            events += self._stop_block(index)
        self._finish(message.get("stop_reason"))
        return events + self._complete()

    def end(self) -> list[ModelEvent]:
        """The bytes ended; only `message_stop` completes a message, so nothing happens."""
        return []

    # -------------------------------------------------------------- events

    def _event(self, event: _Event, frame: Frame) -> list[ModelEvent]:
        kind = event.type or frame.event
        if kind == "content_block_start" and event.content_block is not None:
            return self._start_block(event.index, event.content_block)
        if kind == "content_block_stop":
            return self._stop_block(event.index)
        if kind == "message_delta":
            self._report(event.usage)
            if event.delta is not None:
                self._finish(event.delta.stop_reason)
            return []
        if kind == "message_stop":
            return self._complete()
        if kind == "ping":
            return []
        return self._rare_event(kind, event, frame)

    def _rare_event(self, kind: str, event: _Event, frame: Frame) -> list[ModelEvent]:
        if kind == "message_start" and event.message is not None:
            if self._started:
                raise ProtocolError("a second message began inside the first", body=_shown(frame.data))
            self._start_message(event.message)
            return []
        if kind == "error" or event.error is not None:
            raise error_of(msgspec.json.decode(frame.data), body=_shown(frame.data))
        if kind in _EVENTS:
            raise ProtocolError(f"a `{kind}` event lacks its content", body=_shown(frame.data))
        return [_unknown(kind, frame)]

    def _delta(self, index: int, delta: _Delta, frame: Frame) -> list[ModelEvent]:
        kind = delta.type
        if kind == "text_delta":
            return self.assembly.text(delta.text or "", index)
        if kind == "input_json_delta":
            if index in self._calls:
                return self.assembly.tool_call(index, arguments=delta.partial_json or "")
            if index not in self._blocks:
                raise ProtocolError(
                    f"input came for block {index}, which is not open", body=_shown(frame.data)
                )
            self._inputs.setdefault(index, []).append(delta.partial_json or "")
            return []
        if kind == "thinking_delta":
            return self.assembly.reasoning(delta.thinking or "", index)
        if kind == "signature_delta":
            self.assembly.sign_reasoning(delta.signature or "", index)
            return []
        if kind == "citations_delta" and delta.citation is not None:
            self.assembly.cite(_citation(delta.citation), index)
            return []
        if kind == "compaction_delta" and index in self._blocks:
            block = self._blocks[index]
            if delta.content is not None:
                block["content"] = (block.get("content") or "") + delta.content
            extra = msgspec.json.decode(frame.data)["delta"]
            block.update({key: value for key, value in extra.items() if key not in {"type", "content"}})
            return []
        return [_unknown(kind, frame)]

    def _odd(self, frame: Frame, error: msgspec.DecodeError) -> list[ModelEvent]:
        """A frame that is not one of the known shapes: the end marker of a gateway, a new event, or garbage."""
        if frame.data.strip() in {b"[DONE]", b""}:
            return []
        try:
            payload = msgspec.json.decode(frame.data)
        except msgspec.DecodeError:
            raise _corrupt(frame.data, error) from error
        kind = payload.get("type") if isinstance(payload, dict) else None
        if kind == "error":
            raise error_of(payload, body=_shown(frame.data))
        if kind == "content_block_delta" and isinstance(delta := payload.get("delta"), dict):
            kind = delta.get("type")
        if not isinstance(kind, str) or kind in _EVENTS or kind in _DELTAS:
            raise _corrupt(frame.data, error) from error
        return [UnknownEvent(kind, payload)]

    # ------------------------------------------------------------- message

    def _start_message(self, message: Json) -> None:
        self._started = True
        self.assembly.response_id = self.assembly.message_id = message.get("id") or None
        self.assembly.model = message.get("model") or None
        self._report(message.get("usage"))

    def _report(self, usage: Json | None) -> None:
        """Merge a report: what a later one gives wins, what it leaves null stays."""
        if usage:
            known = self._native_usage
            newer = {key: value for key, value in usage.items() if value is not None or key not in known}
            self._native_usage = {**known, **newer}
            self.assembly.usage = usage_of(self._native_usage)

    def _finish(self, stop_reason: str | None) -> None:
        if stop_reason is not None:
            self.assembly.finish(finish_reason_of(stop_reason), stop_reason)

    def _complete(self) -> list[ModelEvent]:
        events: list[ModelEvent] = []
        for index in sorted(self._blocks):
            events += self._stop_block(index)
        self.assembly.complete = True
        return events + self.assembly.close()

    # -------------------------------------------------------------- blocks

    def _start_block(self, index: int, block: Json) -> list[ModelEvent]:
        kind = block.get("type")
        if index in self._blocks:
            raise ProtocolError(f"block {index} began twice", body=_shown(encode_json(block)))
        self._blocks[index] = block
        assembly = self.assembly
        if kind == "text":
            events = assembly.text(block.get("text") or "", index)
            for citation in block.get("citations") or ():
                assembly.cite(_citation(citation), index)
            return events
        if kind == "thinking":
            events = assembly.reasoning(block.get("thinking") or "", index)
            if block.get("signature"):
                assembly.sign_reasoning(block["signature"], index)
            return events
        if kind == "tool_use":
            self._calls.add(index)
            extra = {key: value for key, value in block.items() if key not in _CALL_FIELDS}
            if extra.get("caller") == {"type": "direct"}:
                del extra["caller"]
            return assembly.tool_call(
                index, provider_id=block.get("id") or None, name=block.get("name"), extra=extra or None
            )
        if kind == "fallback":  # another model answers in place of the one that refused
            assembly.model = (block.get("to") or {}).get("model") or assembly.model
        return []

    def _stop_block(self, index: int) -> list[ModelEvent]:
        block = self._blocks.pop(index, None)
        kind = block.get("type") if block else None
        if block is None or kind == "text":
            return []
        if kind == "thinking":
            return self.assembly.finish_reasoning(index)
        if kind == "redacted_thinking":
            return self.assembly.reasoning_block(
                Reasoning((ReasoningRedacted(str(block.get("data", ""))),)), index
            )
        if kind == "tool_use":
            self._calls.discard(index)
            if self.assembly.arguments_so_far(index):
                return self.assembly.finish_tool_call(index)
            given = encode_json(block.get("input") or {}).decode()
            return [
                *self.assembly.tool_call(index, arguments=given),
                *self.assembly.finish_tool_call(index),
            ]
        return self._provider_part(str(kind), block, "".join(self._inputs.pop(index, ())))

    def _provider_part(self, kind: str, block: Json, streamed: str) -> list[ModelEvent]:
        """Keep a block only this wire understands, verbatim; a kind this version does not know is announced too."""
        if streamed:
            given = object_input(streamed)
            block = {
                **block,
                "input": msgspec.json.decode(given) if isinstance(given, msgspec.Raw) else given,
            }
        self.assembly.part(ProviderPart(WIRE, kind, block))
        known = kind in _PROVIDER_BLOCKS or kind.endswith("_tool_result")
        return [] if known else [UnknownEvent(kind, block)]


_CALL_FIELDS: Final = {"type", "id", "name", "input"}


def _citation(raw: Json) -> Citation:
    return Citation(
        title=raw.get("title") or raw.get("document_title"),
        url=raw.get("url"),
        quote=raw.get("cited_text"),
        raw=raw,
    )


def _unknown(kind: str, frame: Frame) -> UnknownEvent:
    return UnknownEvent(kind, msgspec.json.decode(frame.data))


def _shown(data: bytes) -> str:
    """As much of a frame as an error should carry."""
    return data[:2000].decode("utf-8", "replace")


def _corrupt(data: bytes, error: Exception) -> ProtocolError:
    return ProtocolError(f"the provider sent what its wire does not allow: {error}", body=_shown(data))
