"""Reads answers of the Anthropic Messages wire, streamed and whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.errors import ProtocolError
from agentlab.http import Frame
from agentlab.messages import (
    Citation,
    ModelEvent,
    ProviderPart,
    Reasoning,
    ReasoningRedacted,
    UnknownEvent,
)
from agentlab.models.anthropic.content import WIRE
from agentlab.models.anthropic.report import (
    cache_diagnosis_of,
    corrupt,
    error_of,
    finish_reason_of,
    shaped,
    shown,
    usage_of,
)
from agentlab.models.assembly import Assembly, mint_id
from agentlab.models.encoding import encode_json
from agentlab.models.tool_history import object_input

__all__ = ["AnthropicDecoder"]

Json = dict[str, Any]

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


class _Message(Struct):
    id: str | None = None
    model: str | None = None
    usage: Json | None = None
    diagnostics: Json | None = None
    content: list[Json] | None = None
    stop_reason: str | None = None


class _Block(Struct):
    """A block of a kind that is read, not only kept."""

    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    citations: list[Json] | None = None


_decode_event = msgspec.json.Decoder(_Event).decode


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
            raise corrupt(body, error) from error
        if isinstance(message, dict) and "content" not in message and "error" in message:
            raise error_of(message, body=body.decode("utf-8", "replace"))
        if not isinstance(message, dict) or "content" not in message:
            raise ProtocolError("the response is not a message", body=shown(body))
        whole = self._start_message(message)
        events: list[ModelEvent] = []
        for index, block in enumerate(whole.content or ()):
            events += self._start_block(index, block)
            events += self._stop_block(index)
        self._finish(whole.stop_reason)
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
                raise ProtocolError("a second message began inside the first", body=shown(frame.data))
            self._start_message(event.message)
            return []
        if kind == "error" or event.error is not None:
            raise error_of(msgspec.json.decode(frame.data), body=shown(frame.data))
        if kind in _EVENTS:
            raise ProtocolError(f"a `{kind}` event lacks its content", body=shown(frame.data))
        return [_unknown(kind, frame)]

    def _delta(self, index: int, delta: _Delta, frame: Frame) -> list[ModelEvent]:
        kind = delta.type
        if kind == "text_delta" and index not in self._calls:
            return self.assembly.text(delta.text or "", index)
        if kind == "input_json_delta":
            if index in self._calls:
                return self.assembly.tool_call(index, arguments=delta.partial_json or "")
            if index not in self._blocks:
                raise ProtocolError(
                    f"input came for block {index}, which is not open", body=shown(frame.data)
                )
            self._inputs.setdefault(index, []).append(delta.partial_json or "")
            return []
        if index in self._calls:
            raise ProtocolError(f"a `{kind}` came for block {index}, a tool call", body=shown(frame.data))
        if kind == "thinking_delta":
            return self.assembly.reasoning(delta.thinking or "", index)
        if kind == "signature_delta":
            self.assembly.sign_reasoning(delta.signature or "", index)
            return []
        if kind == "citations_delta" and delta.citation is not None:
            self.assembly.cite(_citation(delta.citation), index)
            return []
        if kind == "compaction_delta" and index in self._blocks:
            _grow(self._blocks[index], msgspec.json.decode(frame.data)["delta"])
            return []
        return [_unknown(kind, frame)]

    def _odd(self, frame: Frame, error: msgspec.DecodeError) -> list[ModelEvent]:
        """A frame that is not one of the known shapes: the end marker of a gateway, a new event, or garbage."""
        if frame.data.strip() in {b"[DONE]", b""}:
            return []
        try:
            payload = msgspec.json.decode(frame.data)
        except msgspec.DecodeError:
            raise corrupt(frame.data, error) from error
        kind = payload.get("type") if isinstance(payload, dict) else None
        if kind == "error":
            raise error_of(payload, body=shown(frame.data))
        if kind == "content_block_delta" and isinstance(delta := payload.get("delta"), dict):
            kind = delta.get("type")
        if not isinstance(kind, str) or kind in _EVENTS or kind in _DELTAS:
            raise corrupt(frame.data, error) from error
        return [UnknownEvent(kind, payload)]

    # ------------------------------------------------------------- message

    def _start_message(self, fields: Json) -> _Message:
        message = shaped(fields, _Message)
        self._started = True
        self.assembly.response_id = self.assembly.message_id = message.id or None
        self.assembly.model = message.model or None
        self.assembly.cache_diagnosis = cache_diagnosis_of(message.diagnostics)
        self._report(message.usage)
        return message

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
        if index in self._blocks:
            raise ProtocolError(f"block {index} began twice", body=shown(encode_json(block)))
        self._blocks[index] = block
        kind = block.get("type")
        if kind == "fallback" and isinstance(block.get("to"), dict):
            # Another model answers in place of the one that declined.
            self.assembly.model = block["to"].get("model") or self.assembly.model
        if kind not in _READ_BLOCKS:
            return []
        given = shaped(block, _Block)
        if kind == "text":
            events = self.assembly.text(given.text or "", index)
            for citation in given.citations or ():
                self.assembly.cite(_citation(citation), index)
            return events
        if kind == "thinking":
            events = self.assembly.reasoning(given.thinking or "", index)
            if given.signature:
                self.assembly.sign_reasoning(given.signature, index)
            return events
        if kind == "redacted_thinking":
            return []
        self._calls.add(index)
        extra = {key: value for key, value in block.items() if key not in _CALL_FIELDS}
        if extra.get("caller") == {"type": "direct"}:
            del extra["caller"]
        return self.assembly.tool_call(
            index, provider_id=given.id or None, name=given.name, extra=extra or None
        )

    def _stop_block(self, index: int) -> list[ModelEvent]:
        block = self._blocks.pop(index, None)
        kind = block.get("type") if block else None
        if block is None or kind == "text":
            return []
        if kind == "thinking":
            return self.assembly.finish_reasoning(index)
        if kind == "redacted_thinking":
            return self.assembly.reasoning_block(
                Reasoning((ReasoningRedacted(block.get("data") or ""),)), index
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


_READ_BLOCKS: Final = {"text", "thinking", "redacted_thinking", "tool_use"}
_CALL_FIELDS: Final = {"type", "id", "name", "input"}


def _grow(block: Json, delta: Json) -> None:
    """Add a compaction's delta to its block: the text grows, every other field is kept as it comes."""
    for key, value in delta.items():
        if key == "content" and isinstance(value, str):
            earlier = block.get(key)
            block[key] = (earlier if isinstance(earlier, str) else "") + value
        elif key not in {"type", "content"}:
            block[key] = value


def _citation(raw: Json) -> Citation:
    return Citation(
        title=raw.get("title") or raw.get("document_title"),
        url=raw.get("url"),
        quote=raw.get("cited_text"),
        raw=raw,
    )


def _unknown(kind: str, frame: Frame) -> UnknownEvent:
    return UnknownEvent(kind, msgspec.json.decode(frame.data))
