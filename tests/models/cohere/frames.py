"""Cohere's streams written by hand, and their decoding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec

from agentlab.http import Frame
from agentlab.messages import ModelEvent
from agentlab.models.cohere.decoder import CohereDecoder

USAGE = {
    "billed_units": {"input_tokens": 20, "output_tokens": 9},
    "tokens": {"input_tokens": 132, "output_tokens": 11, "reasoning_tokens": 4},
    "cached_tokens": 112,
}


def event(kind: str, delta: Any = None, **more: Any) -> Frame:
    data = {"type": kind, **more}
    return Frame(msgspec.json.encode(data if delta is None else {**data, "delta": delta}), kind)


def text(said: str, index: int = 0) -> Frame:
    return event("content-delta", {"message": {"content": {"text": said}}}, index=index)


def thought(said: str, index: int = 0) -> Frame:
    return event("content-delta", {"message": {"content": {"thinking": said}}}, index=index)


def plan(said: str) -> Frame:
    return event("tool-plan-delta", {"message": {"tool_plan": said}})


def call_start(index: int, call_id: str, name: str) -> Frame:
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
    return event("tool-call-start", {"message": {"tool_calls": call}}, index=index)


def call_more(index: int, arguments: str) -> Frame:
    said = {"message": {"tool_calls": {"function": {"arguments": arguments}}}}
    return event("tool-call-delta", said, index=index)


START = event(
    "message-start",
    {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}},
    id="r-1",
)


def end(reason: str = "COMPLETE", **more: Any) -> Frame:
    return event("message-end", {"finish_reason": reason, "usage": USAGE, **more})


def decode(frames: Iterable[Frame]) -> tuple[CohereDecoder, list[ModelEvent]]:
    counter = itertools.count()
    decoder = CohereDecoder(mint=lambda: f"minted-{next(counter)}")
    events: list[ModelEvent] = []
    for frame in frames:
        events += decoder.frame(frame)
    return decoder, events + decoder.end()
