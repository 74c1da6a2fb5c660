"""Reads answers of Bedrock Converse, streamed and whole.

A stream's events are told apart by the `:event-type` of their frame. Text has no start event; the stop reason comes
before the usage, and `metadata`, which holds it, is the last event.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from agentlab.errors import ProtocolError
from agentlab.http import Frame
from agentlab.messages import (
    Citation,
    ModelEvent,
    ProviderPart,
    Reasoning,
    ReasoningContent,
    ReasoningRedacted,
    ReasoningText,
    UnknownEvent,
)
from agentlab.models.assembly import Assembly
from agentlab.models.bedrock.content import WIRE
from agentlab.models.bedrock.report import (
    corrupt,
    finish_reason_of,
    is_exception,
    stream_error,
    usage_of,
)
from agentlab.models.tool_history import object_input

__all__ = ["BedrockDecoder"]

Json = dict[str, Any]

_SERVER_TOOL: Final = "server_tool_use"
_SILENT: Final = frozenset({"messageStart"})


class _Thought(Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Input(Struct):
    input: str = ""


class _Delta(Struct, rename="camel"):
    text: str | None = None
    tool_use: _Input | None = None
    reasoning_content: _Thought | None = None
    citation: Json | None = None
    tool_result: list[Json] | None = None
    image: Json | None = None


class _ToolUse(Struct, rename="camel"):
    name: str
    tool_use_id: str | None = None
    input: Raw = Raw(b"{}")
    type: str | None = None


class _Start(Struct, rename="camel"):
    tool_use: _ToolUse | None = None
    tool_result: Json | None = None
    image: Json | None = None


class _Event(Struct, rename="camel"):
    """Every event of the stream: each fills some of the fields."""

    content_block_index: int = 0
    start: _Start | None = None
    delta: _Delta | None = None
    stop_reason: str | None = None
    usage: Json | None = None


class _ReasoningText(Struct):
    text: str = ""
    signature: str | None = None


class _WholeThought(Struct, rename="camel"):
    reasoning_text: _ReasoningText | None = None
    redacted_content: str | None = None


class _Said(Struct):
    text: str = ""


class _Cited(Struct):
    content: list[_Said] | None = None
    citations: list[Json] | None = None


class _Block(Struct, rename="camel"):
    text: str | None = None
    tool_use: _ToolUse | None = None
    reasoning_content: _WholeThought | None = None
    citations_content: _Cited | None = None


class _Message(Struct):
    content: list[Raw]


class _Output(Struct):
    message: _Message


class _Answer(Struct, rename="camel"):
    output: _Output
    stop_reason: str | None = None
    usage: Json | None = None


_decode_event: Final = msgspec.json.Decoder(_Event).decode
_decode_block: Final = msgspec.json.Decoder(_Block).decode


class BedrockDecoder:
    """Decodes one response; complete with `metadata`."""

    def __init__(self, *, mint: Callable[[], str]) -> None:
        self.assembly = Assembly(WIRE, mint=mint)
        self._calls: set[int] = set()
        self._withheld: dict[int, list[ReasoningContent]] = {}
        self._kept: dict[
            int, tuple[str, Json, list[Any]]
        ] = {}  # blocks that stay the provider's own, with their deltas

    def frame(self, frame: Frame) -> list[ModelEvent]:
        """Interpret one message of the stream."""
        handler = _HANDLERS.get(frame.event)
        try:
            if handler is None:
                return self._other(frame)
            return handler(self, _decode_event(frame.data))
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise corrupt(frame.data, error) from None

    def body(self, body: bytes) -> list[ModelEvent]:
        """Interpret a whole response."""
        try:
            answer = msgspec.json.decode(body, type=_Answer)
            events: list[ModelEvent] = []
            for index, raw in enumerate(answer.output.message.content):
                events += self._whole_block(index, raw)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise corrupt(body, error) from None
        return events + self._stopped(answer) + self._complete(answer)

    def end(self) -> list[ModelEvent]:
        """The bytes ended; only `metadata` completes a message, so nothing happens."""
        return []

    # -------------------------------------------------------------- events

    def _started(self, event: _Event) -> list[ModelEvent]:
        index, start = event.content_block_index, event.start
        if start is None:
            return []
        if start.tool_use is not None:
            return self._tool_use(index, start.tool_use)
        for kind, block in (("toolResult", start.tool_result), ("image", start.image)):
            if block is not None:
                self._kept[index] = (kind, block, [])
        return []

    def _delta(self, event: _Event) -> list[ModelEvent]:
        index, delta = event.content_block_index, event.delta
        if delta is None:
            raise ProtocolError(f"a delta of block {index} came without content")
        if index in self._kept:
            self._grow(index, delta)
            return []
        if delta.tool_use is not None:
            if index not in self._calls:
                raise ProtocolError(f"input came for block {index}, which is no tool call")
            return self.assembly.tool_call(index, arguments=delta.tool_use.input)
        if index in self._calls:
            raise ProtocolError(f"a delta that is no input came for block {index}, a tool call")
        if delta.text is not None:
            return self.assembly.text(delta.text, index)
        if delta.reasoning_content is not None:
            return self._thought(index, delta.reasoning_content)
        if delta.citation is not None:
            self.assembly.cite(_citation(delta.citation), index)
        return []

    def _stop_block(self, event: _Event) -> list[ModelEvent]:
        index = event.content_block_index
        if index in self._kept:
            return self._keep(index)
        if index in self._withheld:
            shown = [piece for piece in self.assembly.reasoning_so_far(index) if piece != ReasoningText("")]
            pieces = [*shown, *self._withheld.pop(index)]
            return self.assembly.reasoning_block(Reasoning(tuple(pieces)), index)
        if index in self._calls:
            return self._finish_call(index)
        return self.assembly.finish_reasoning(index)

    def _stopped(self, event: _Event | _Answer) -> list[ModelEvent]:
        if event.stop_reason is not None:
            self.assembly.finish(finish_reason_of(event.stop_reason), event.stop_reason)
        return []

    def _complete(self, event: _Event | _Answer) -> list[ModelEvent]:
        if event.usage:
            self.assembly.report(usage_of(event.usage))
        events: list[ModelEvent] = []
        for index in sorted({*self._kept, *self._withheld, *self._calls}):
            events += self._stop_block(_Event(index))
        self.assembly.complete = True
        return events + self.assembly.close()

    def _other(self, frame: Frame) -> list[ModelEvent]:
        """An exception, an event that says nothing, or one this version does not know."""
        payload = msgspec.json.decode(frame.data)
        if frame.event in _SILENT:
            return []
        if is_exception(frame.event, payload):
            raise stream_error(frame.event, payload, frame.data)
        return [UnknownEvent(frame.event, payload)]

    # -------------------------------------------------------------- blocks

    def _tool_use(self, index: int, use: _ToolUse) -> list[ModelEvent]:
        if use.type == _SERVER_TOOL:
            named = {"toolUseId": use.tool_use_id, "name": use.name, "type": use.type}
            self._kept[index] = ("toolUse", named, [])
            return []
        self._calls.add(index)
        return self.assembly.tool_call(index, provider_id=use.tool_use_id or None, name=use.name)

    def _finish_call(self, index: int) -> list[ModelEvent]:
        self._calls.discard(index)
        said = [] if self.assembly.arguments_so_far(index) else self.assembly.tool_call(index, arguments="{}")
        return said + self.assembly.finish_tool_call(index)

    def _thought(self, index: int, thought: _Thought) -> list[ModelEvent]:
        if thought.redacted_content is not None:
            self._withheld.setdefault(index, []).append(ReasoningRedacted(thought.redacted_content))
            self.assembly.reasoning("", index)
            return []
        if thought.signature is not None:
            self.assembly.sign_reasoning(thought.signature, index)
        return self.assembly.reasoning(thought.text, index) if thought.text is not None else []

    def _grow(self, index: int, delta: _Delta) -> None:
        pieces = self._kept[index][2]
        if delta.tool_use is not None:
            pieces.append(delta.tool_use.input)
        pieces += delta.tool_result or ()
        pieces += [delta.image] if delta.image is not None else ()

    def _keep(self, index: int) -> list[ModelEvent]:
        """Keep a block that only this wire understands, put together as a whole answer would have it."""
        kind, block, pieces = self._kept.pop(index)
        if kind == "toolUse":
            block = {**block, "input": msgspec.to_builtins(_parsed("".join(pieces)))}
        elif kind == "toolResult":
            block = {**block, "content": pieces}
        else:
            block = {key: value for part in (block, *pieces) for key, value in part.items()}
        self.assembly.part(ProviderPart(WIRE, kind, {kind: block}))
        return []

    def _whole_block(self, index: int, raw: Raw) -> list[ModelEvent]:
        block = _decode_block(raw)
        if block.text is not None:
            return self.assembly.text(block.text, index)
        if block.tool_use is not None and block.tool_use.type != _SERVER_TOOL:
            written = bytes(block.tool_use.input).decode()
            events = self._tool_use(index, block.tool_use)
            return [*events, *self.assembly.tool_call(index, arguments=written), *self._finish_call(index)]
        if block.reasoning_content is not None:
            return self.assembly.reasoning_block(_whole_reasoning(block.reasoning_content), index)
        if block.citations_content is not None:
            said = "".join(piece.text for piece in block.citations_content.content or ())
            shown = self.assembly.text(said, index)
            for citation in block.citations_content.citations or ():
                self.assembly.cite(_citation(citation), index)
            return shown
        payload = msgspec.json.decode(raw)
        kind = next(iter(payload), "block")
        self.assembly.part(ProviderPart(WIRE, kind, payload))
        return [] if kind in {"toolUse", "toolResult", "image"} else [UnknownEvent(kind, payload)]


_HANDLERS: Final[dict[str, Callable[[BedrockDecoder, _Event], list[ModelEvent]]]] = {
    "contentBlockStart": BedrockDecoder._started,  # noqa: SLF001 - the class's own table
    "contentBlockDelta": BedrockDecoder._delta,  # noqa: SLF001 - likewise
    "contentBlockStop": BedrockDecoder._stop_block,  # noqa: SLF001 - likewise
    "messageStop": BedrockDecoder._stopped,  # noqa: SLF001 - likewise
    "metadata": BedrockDecoder._complete,  # noqa: SLF001 - likewise
}


def _parsed(text: str) -> Any:
    given = object_input(text)
    return msgspec.json.decode(given) if isinstance(given, Raw) else given


def _whole_reasoning(given: _WholeThought) -> Reasoning:
    pieces: list[ReasoningContent] = []
    if given.reasoning_text is not None:
        pieces.append(ReasoningText(given.reasoning_text.text, given.reasoning_text.signature))
    if given.redacted_content is not None:
        pieces.append(ReasoningRedacted(given.redacted_content))
    return Reasoning(tuple(pieces))


def _citation(raw: Json) -> Citation:
    """A citation; a page's address stands in its location, the cited words in its source content."""
    location = raw.get("location") or {}
    quoted = [piece.get("text") or "" for piece in raw.get("sourceContent") or ()]
    return Citation(
        title=raw.get("title"),
        url=(location.get("web") or {}).get("url"),
        quote="".join(quoted) or None,
        raw=raw,
    )
