"""Converse streams written by hand, and their decoding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec

from agentlab.http import Frame
from agentlab.messages import ModelEvent
from agentlab.models.bedrock.decoder import BedrockDecoder

USAGE = {
    "inputTokens": 10,
    "outputTokens": 5,
    "totalTokens": 75,
    "cacheReadInputTokens": 40,
    "cacheWriteInputTokens": 20,
    "cacheDetails": [{"inputTokens": 15, "ttl": "1h"}, {"inputTokens": 5, "ttl": "5m"}],
}


def event(kind: str, **data: Any) -> Frame:
    return Frame(msgspec.json.encode({**data, "p": "abcdef"}), kind)


def delta(index: int, **said: Any) -> Frame:
    return event("contentBlockDelta", contentBlockIndex=index, delta=said)


def start(index: int, **begun: Any) -> Frame:
    return event("contentBlockStart", contentBlockIndex=index, start=begun)


def stop(index: int) -> Frame:
    return event("contentBlockStop", contentBlockIndex=index)


START = event("messageStart", role="assistant")
METADATA = event("metadata", usage=USAGE, metrics={"latencyMs": 1})


def end(reason: str = "end_turn") -> list[Frame]:
    return [event("messageStop", stopReason=reason), METADATA]


def decode(frames: Iterable[Frame]) -> tuple[BedrockDecoder, list[ModelEvent]]:
    counter = itertools.count()
    decoder = BedrockDecoder(mint=lambda: f"minted-{next(counter)}")
    events: list[ModelEvent] = []
    for frame in frames:
        events += decoder.frame(frame)
    return decoder, events + decoder.end()


def whole(*content: Any, reason: str = "end_turn") -> BedrockDecoder:
    decoder = BedrockDecoder(mint=lambda: "minted")
    body = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": reason,
        "usage": USAGE,
    }
    decoder.body(msgspec.json.encode(body))
    return decoder
