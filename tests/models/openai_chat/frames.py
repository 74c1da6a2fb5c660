"""Small frames and a driver's loop for the tests of the Chat Completions decoder."""

from __future__ import annotations

import itertools
import json
from typing import Any

from agentlab.http import Frame
from agentlab.messages import (
    ModelEvent,
    ToolCall,
)
from agentlab.models.openai_chat.decoder import ChatDecoder
from agentlab.models.openai_chat.dialect import ChatDialect

DONE = Frame(b"[DONE]")


def decoder(**flags: Any) -> ChatDecoder:
    counter = itertools.count()
    return ChatDecoder(ChatDialect(**flags), lambda: f"minted-{next(counter)}")


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **top: Any) -> Frame:
    choice = {"index": 0, "delta": delta if delta is not None else {}, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m-1", "choices": [choice], **top}
    return Frame(json.dumps(body).encode())


def run(reader: ChatDecoder, *frames: Frame) -> list[ModelEvent]:
    """What a driver does with a whole stream."""
    events = [event for frame in frames for event in reader.frame(frame)] + reader.end()
    if reader.assembly.complete:
        events += reader.assembly.close()
    return events


def calls(events: list[ModelEvent]) -> list[tuple[str, str, str]]:
    return [(e.name, e.arguments_json, e.id) for e in events if isinstance(e, ToolCall)]


def call_delta(index: int | None, name: str | None = None, args: Any = None, id: str | None = None) -> dict:  # noqa: A002
    delta: dict[str, Any] = {"id": id, "type": "function", "function": {"name": name, "arguments": args}}
    return delta if index is None else {"index": index, **delta}
