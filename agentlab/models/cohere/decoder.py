"""Reads answers of Cohere's v2 chat, streamed and whole.

`tool_plan`, what the model means to do with the tools it calls, becomes reasoning marked as such, so that it is shown as
it comes and goes back as `tool_plan`. A citation stays whatever Cohere said, in `Citation.raw`.

Source: https://docs.cohere.com/docs/streaming
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct, field, structs

from agentlab.errors import ModelError, ProtocolError
from agentlab.http import Frame
from agentlab.messages import Citation, FinishReason, ModelEvent, UnknownEvent, Usage
from agentlab.models.assembly import Assembly
from agentlab.models.cohere.messages import TOOL_PLAN, WIRE
from agentlab.models.wire import error_for_status

__all__ = ["CohereDecoder", "error_from"]

Json = dict[str, Any]

_FINISH: Final[dict[str, FinishReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
}
_FAILED: Final = {"ERROR": 500, "TIMEOUT": 504}
_SILENT: Final = frozenset({"content-end", "citation-end", "debug"})
_SHOWN: Final = 2000


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    id: str | None = None
    function: _Function = field(default_factory=_Function)


class _Piece(Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None


class _Streamed(Struct):
    """The message of an event's delta: each event fills one of these; `message-start` has empty lists in their place."""

    content: _Piece | list[Any] | None = None
    tool_plan: str | None = None
    tool_calls: _Call | list[Any] | None = None
    citations: Json | list[Any] | None = None


class _Delta(Struct):
    message: _Streamed | None = None
    finish_reason: str | None = None
    error: str | None = None
    usage: Json | None = None


class _Event(Struct):
    type: str = ""
    index: int = 0
    id: str | None = None
    delta: _Delta | None = None
    message: Any = None


class _Whole(Struct):
    content: list[_Piece] | None = None
    tool_plan: str | None = None
    tool_calls: list[_Call] | None = None
    citations: list[Json] | None = None


class _Answer(Struct):
    message: _Whole
    id: str | None = None
    finish_reason: str | None = None
    usage: Json | None = None


class _Tokens(Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    reasoning_tokens: float | None = None


class _NativeUsage(Struct):
    tokens: _Tokens = field(default_factory=_Tokens)
    billed_units: _Tokens = field(default_factory=_Tokens)
    cached_tokens: float | None = None


_decode_event: Final = msgspec.json.Decoder(_Event).decode


class CohereDecoder:
    """Decodes one response; complete with `message-end`."""

    def __init__(self, *, mint: Callable[[], str]) -> None:
        self.assembly = Assembly(WIRE, mint=mint)
        self._texts: list[int] = []  # indexes of the pieces that are text

    def frame(self, frame: Frame) -> list[ModelEvent]:
        """Interpret one event of a stream; the `[DONE]` that follows the last one says nothing."""
        if frame.data.strip() == b"[DONE]":
            return []
        try:
            event = _decode_event(frame.data)
        except (msgspec.MsgspecError, UnicodeError) as error:
            return _odd(frame, error)
        return self._event(event, frame)

    def body(self, body: bytes) -> list[ModelEvent]:
        """Interpret a whole response."""
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise _corrupt(body, error) from None
        self.assembly.response_id = answer.id
        message = answer.message
        events: list[ModelEvent] = []
        if message.tool_plan:
            events += self._plan(message.tool_plan)
        for index, piece in enumerate(message.content or ()):
            events += self._piece(index, piece)
        for citation in message.citations or ():
            self._cite(citation)
        for index, call in enumerate(message.tool_calls or ()):
            events += [*self._call(index, call), *self._finish_call(index)]
        return events + self._finish(answer.finish_reason, answer.usage, None, body)

    def end(self) -> list[ModelEvent]:
        """The bytes ended; only `message-end` completes a message, so nothing happens."""
        return []

    def _event(self, event: _Event, frame: Frame) -> list[ModelEvent]:
        kind, delta = event.type or frame.event, event.delta or _Delta()
        said = delta.message or _Streamed()
        if kind in {"content-start", "content-delta"} and isinstance(said.content, _Piece):
            return self._piece(event.index, said.content)
        if kind == "tool-plan-delta":
            return self._plan(said.tool_plan or "")
        if kind in {"tool-call-start", "tool-call-delta"} and isinstance(said.tool_calls, _Call):
            return self._call(event.index, said.tool_calls)
        if kind == "tool-call-end":
            return self._finish_call(event.index)
        if kind == "citation-start" and isinstance(said.citations, dict):
            self._cite(said.citations)
            return []
        if kind == "message-start":
            self.assembly.response_id = event.id
            return self._plan(said.tool_plan) if said.tool_plan else []
        if kind == "message-end":
            return self._finish(delta.finish_reason, delta.usage, delta.error, frame.data)
        if kind in _SILENT:
            return []
        if not event.type and isinstance(event.message, str):  # the form of an HTTP error, in the stream
            raise error_for_status(500, event.message, body=_shown(frame.data))
        return _unknown(kind, frame)

    def _plan(self, text: str) -> list[ModelEvent]:
        events = self.assembly.reasoning(text, "plan")
        self.assembly.annotate_reasoning(TOOL_PLAN, "plan")
        return events

    def _piece(self, index: int, piece: _Piece) -> list[ModelEvent]:
        events = self.assembly.finish_reasoning("plan")
        if piece.thinking is not None:
            return events + self.assembly.reasoning(piece.thinking, ("thinking", index))
        if index not in self._texts:
            self._texts.append(index)
        return events + self.assembly.text(piece.text or "", ("text", index))

    def _call(self, index: int, call: _Call) -> list[ModelEvent]:
        events = self.assembly.finish_reasoning("plan")
        function = call.function
        return events + self.assembly.tool_call(
            ("call", index),
            arguments=function.arguments or "",
            provider_id=call.id or None,
            name=function.name,
        )

    def _finish_call(self, index: int) -> list[ModelEvent]:
        """Close a call. Recorded: a tool without parameters is called with `null`."""
        key = ("call", index)
        empty = self.assembly.arguments_so_far(key).strip() in {"", "null"}
        return self.assembly.finish_tool_call(key, arguments="{}" if empty else None)

    def _cite(self, citation: Json) -> None:
        """Attach a citation to the text it is about; its source names a title and an address where it has them."""
        index = citation.get("content_index")
        if index not in self._texts:
            index = self._texts[-1] if self._texts else 0
        source: Any = next(iter(citation.get("sources") or ()), {})
        about = source.get("document") or source.get("tool_output") or {} if isinstance(source, dict) else {}
        self.assembly.cite(
            Citation(
                title=_text(about, "title"),
                url=_text(about, "url"),
                quote=citation.get("text"),
                raw=citation,
            ),
            ("text", index),
        )

    def _finish(
        self, reason: str | None, usage: Json | None, error: str | None, data: bytes
    ) -> list[ModelEvent]:
        if usage:
            self.assembly.report(_usage(usage))
        if reason is not None:
            self.assembly.finish(_FINISH.get(reason, "other"), reason)
        if error or reason in _FAILED:
            said = (
                error or "the generation failed"
                if reason != "TIMEOUT"
                else error or "the generation timed out"
            )
            raise error_for_status(_FAILED.get(reason or "", 500), said, code=reason, body=_shown(data))
        self.assembly.complete = True
        return self.assembly.close()


def error_from(status: int, body: bytes) -> ModelError:
    """What an HTTP error response says: `{"id", "message"}`."""
    text = body.decode("utf-8", "replace")
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError):
        payload = None
    said = payload.get("message") if isinstance(payload, dict) else None
    return error_for_status(status, said if isinstance(said, str) else text.strip()[:500], body=text)


def _usage(native: Json) -> Usage:
    """Usage in the house's convention. What is billed leaves out Cohere's own instructions, and stays in `raw`."""
    try:
        given = msgspec.convert(native, _NativeUsage)
    except msgspec.ValidationError as error:
        raise _corrupt(msgspec.json.encode(native), error) from None
    tokens = given.tokens if given.tokens != _Tokens() else given.billed_units
    counts = structs.asdict(tokens) | {"cache_read_tokens": given.cached_tokens}
    return Usage(
        **{name: int(count) for name, count in counts.items() if count is not None},
        raw=native,
    )


def _text(about: Any, name: str) -> str | None:
    found = about.get(name) if isinstance(about, dict) else None
    return found if isinstance(found, str) else None


def _odd(frame: Frame, error: Exception) -> list[ModelEvent]:
    """A frame that is none of the known shapes: a new event, or garbage."""
    try:
        payload = msgspec.json.decode(frame.data)
    except (msgspec.MsgspecError, UnicodeError):
        raise _corrupt(frame.data, error) from None
    kind = payload.get("type") if isinstance(payload, dict) else None
    known = isinstance(kind, str) and kind.startswith(("message-", "content-", "tool-", "citation-"))
    if not isinstance(kind, str) or known:
        raise _corrupt(frame.data, error) from None
    return [UnknownEvent(kind, payload)]


def _unknown(kind: str, frame: Frame) -> list[ModelEvent]:
    if kind.startswith(("content-", "tool-call-", "citation-start")):
        raise ProtocolError(f"a `{kind}` event lacks its content", body=_shown(frame.data))
    return [UnknownEvent(kind, msgspec.json.decode(frame.data))]


def _shown(data: bytes) -> str:
    return data[:_SHOWN].decode("utf-8", "replace")


def _corrupt(data: bytes, error: Exception) -> ProtocolError:
    return ProtocolError(f"Cohere sent what its wire does not allow: {error}", body=_shown(data))
