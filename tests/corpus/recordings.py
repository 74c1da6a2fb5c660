"""Reads recorded provider traffic and replays it through our decoders.

The folder is named by `AGENTLAB_CORPUS` and laid out as its own README says. Nothing of it is kept in the repository.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from agentlab.errors import ModelError
from agentlab.http import EventStreamFramer, Frame, Framer, JSONArrayFramer, NDJSONFramer, SSEFramer
from agentlab.messages import (
    AssistantMessage,
    ModelEvent,
    ProviderPart,
    Reasoning,
    ReasoningEncrypted,
    ReasoningRedacted,
    ReasoningSummary,
    ReasoningText,
    ToolCall,
    Usage,
)
from agentlab.models.cohere.messages import is_tool_plan
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor, vendors
from agentlab.models.wire import Decoder, Vendor, Wire

WIRES = {
    "openai-chat": "openai-chat",
    "openai-responses": "openai-responses",
    "anthropic-messages": "anthropic-messages",
    "gemini": "gemini",
    "ollama-chat": "ollama",
    "cohere-chat-v2": "cohere-chat",
    "bedrock-converse": "bedrock-converse",
    "bedrock-converse-stream": "bedrock-converse",
}
DEFAULT_VENDOR = {
    "openai-chat": "openai-chat",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "ollama": "ollama",
    "cohere-chat": "cohere",
    "bedrock-converse": "bedrock",
}

FRAMERS: dict[str, Callable[[], Framer]] = {
    "sse": SSEFramer,
    "ndjson": NDJSONFramer,
    "event-stream": EventStreamFramer,
}


def corpus_folder() -> Path:
    """Where the recordings are."""
    default = Path(__file__).parents[2].parent / "shared" / "corpus"
    return Path(os.environ.get("AGENTLAB_CORPUS", default))


@dataclass(frozen=True)
class Recording:
    """One exchange and what the provider's own SDK made of it."""

    record: dict[str, Any]
    expected: dict[str, Any]

    @property
    def id(self) -> str:
        return self.record["id"]

    @property
    def provider(self) -> str:
        return self.record["provider"]

    @property
    def wire_name(self) -> str:
        return WIRES[self.record["api"]]

    @property
    def body(self) -> bytes:
        text = self.record["response_body"]
        return base64.b64decode(text) if self.record["response_encoding"] == "base64" else text.encode()

    @property
    def streaming(self) -> bool:
        return bool(self.record["streaming"])

    @property
    def framing(self) -> str:
        return str((self.expected.get("wire") or {}).get("framing", ""))

    @property
    def vendor(self) -> Vendor:
        return vendor_of(self.provider, self.wire_name)


@cache
def vendor_of(provider: str, wire_name: str) -> Vendor:
    """The row of the provider that speaks this wire, or of the wire's home vendor."""
    names = vendors()
    for name in (provider, f"{provider}-chat", f"{provider}-responses", f"{provider}-anthropic"):
        if name in names and vendor(name).wire == wire_name:
            return vendor(name)
    return vendor(DEFAULT_VENDOR[wire_name])


@cache
def wire_of(name: str) -> Wire:
    return wire_for(name)


def recordings(folder: Path | None = None) -> Iterator[Recording]:
    """Every record of our wires that has an expected result, in file order."""
    folder = folder or corpus_folder()
    for path in sorted(folder.glob("*.jsonl.gz")):
        if path.name.startswith("expected_"):
            continue
        expected_path = folder / f"expected_{path.name}"
        if not expected_path.exists():
            continue
        with gzip.open(expected_path, "rt", encoding="utf-8") as lines:
            expected = {entry["id"]: entry for entry in map(json.loads, lines)}
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for record in map(json.loads, lines):
                if record["api"] in WIRES and record["id"] in expected:
                    yield Recording(record, expected[record["id"]])


@dataclass
class Result:
    """What our decoder made of an exchange."""

    message: AssistantMessage
    usage: Usage
    raw_finish_reason: str | None
    complete: bool
    events: list[ModelEvent] = field(default_factory=list)
    error: ModelError | None = None

    @property
    def reasoning(self) -> str:
        pieces = [
            piece
            for part in self.message.content
            if isinstance(part, Reasoning) and not is_tool_plan(part)
            for piece in part.content
        ]
        clear = "".join(piece.text for piece in pieces if isinstance(piece, ReasoningText))
        return clear or "".join(piece.text for piece in pieces if isinstance(piece, ReasoningSummary))

    @property
    def tool_plan(self) -> str:
        plans = [part for part in self.message.content if isinstance(part, Reasoning) and is_tool_plan(part)]
        return "".join(part.text for part in plans)

    @property
    def signatures(self) -> list[str]:
        found = []
        for part in self.message.content:
            if isinstance(part, Reasoning):
                found += [p.signature for p in part.content if isinstance(p, ReasoningText) and p.signature]
            elif getattr(part, "signature", None):
                found.append(part.signature)
            elif isinstance(part, ProviderPart) and part.payload.get("thoughtSignature"):
                found.append(part.payload["thoughtSignature"])
        return found

    @property
    def encrypted(self) -> list[str]:
        return [
            piece.data
            for part in self.message.content
            if isinstance(part, Reasoning)
            for piece in part.content
            if isinstance(piece, ReasoningEncrypted | ReasoningRedacted)
        ]

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return self.message.tool_calls

    def same_as(self, other: Result) -> bool:
        return (
            self.message == other.message
            and self.usage == other.usage
            and self.raw_finish_reason == other.raw_finish_reason
            and self.complete == other.complete
            and str(self.error) == str(other.error)
        )


def new_decoder(recording: Recording) -> Decoder:
    """A decoder whose minted ids are the same on every replay."""
    counter = itertools.count()
    return wire_of(recording.wire_name).decoder(recording.vendor, mint=lambda: f"minted-{next(counter)}")


def framer_for(recording: Recording) -> Framer:
    if recording.framing == "json-array":
        return JSONArrayFramer()
    return FRAMERS[wire_of(recording.wire_name).framing]()


def frames_of(recording: Recording, pieces: Iterable[bytes] | None = None) -> list[Frame]:
    """The frames of a streamed body, fed in the pieces given."""
    framer = framer_for(recording)
    frames: list[Frame] = []
    for piece in [recording.body] if pieces is None else pieces:
        frames += framer.feed(piece)
    dispatch_tail = getattr(wire_of(recording.wire_name), "dispatch_tail", False)
    return frames + framer.finish(dispatch_tail=dispatch_tail)


def decode_frames(recording: Recording, frames: Iterable[Frame]) -> Result:
    """Decode frames; an error a frame raises ends the replay and is kept."""
    decoder = new_decoder(recording)
    events: list[ModelEvent] = []
    error: ModelError | None = None
    try:
        for frame in frames:
            events += decoder.frame(frame)
        events += decoder.end()
    except ModelError as raised:
        error = raised
    return _result(decoder, events, error)


def decode_unary(recording: Recording) -> Result:
    decoder = new_decoder(recording)
    events: list[ModelEvent] = []
    error: ModelError | None = None
    try:
        events += decoder.body(recording.body)
    except ModelError as raised:
        error = raised
    return _result(decoder, events, error)


def replay(recording: Recording) -> Result:
    """Decode an exchange whole."""
    status = recording.record["status"]
    if status >= 400:
        wire = wire_of(recording.wire_name)
        return Result(
            AssistantMessage(), Usage(), None, complete=False, error=wire.error(status, recording.body)
        )
    if recording.streaming:
        return decode_frames(recording, frames_of(recording))
    return decode_unary(recording)


def _result(decoder: Decoder, events: list[ModelEvent], error: ModelError | None) -> Result:
    assembly = decoder.assembly
    complete = assembly.complete and error is None
    if complete:
        events += assembly.close()
    return Result(
        message=assembly.message(interrupted=not complete),
        usage=assembly.usage,
        raw_finish_reason=assembly.raw_finish_reason,
        complete=complete,
        events=events,
        error=error,
    )
