"""Requests, chunks and parts of the Gemini wire, as its tests write them."""

from __future__ import annotations

import itertools
import json
from typing import Any

from agentlab.http import Frame
from agentlab.messages import (
    AssistantMessage,
    Request,
    ToolDefinition,
    UserMessage,
)
from agentlab.models.gemini.decoder import GeminiDecoder
from agentlab.models.gemini.wire import GeminiGenerate
from agentlab.models.wire import Vendor

VENDOR = Vendor(name="gemini", wire="gemini", base_url="https://gemini.example/v1beta")
PROMPT = (UserMessage.of("What is 2 + 2?"),)
ADD = ToolDefinition(
    "add",
    "Add two integers.",
    {
        "type": "object",
        "properties": {"b": {"type": "integer"}, "a": {"type": "integer"}},
        "required": ["b", "a"],
    },
)


def encoded(request: Request, vendor: Vendor = VENDOR) -> dict[str, Any]:
    return json.loads(GeminiGenerate().encode(request, vendor).body)


def contents(*messages: Any, vendor: Vendor = VENDOR, model: str = "gemini-3-pro") -> list[dict[str, Any]]:
    return encoded(Request(model=model, messages=messages), vendor)["contents"]


def new_decoder() -> GeminiDecoder:
    counter = itertools.count(1)
    return GeminiGenerate().decoder(VENDOR, mint=lambda: f"minted-{next(counter)}")


def chunk(
    *parts: dict[str, Any], finish: str | int | None = None, usage: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    if finish is not None:
        candidate["finishReason"] = finish
    whole: dict[str, Any] = {
        "candidates": [candidate],
        "modelVersion": "gemini-3-pro-001",
        "responseId": "r-1",
    }
    return whole if usage is None else {**whole, "usageMetadata": usage}


def decode(*chunks: dict[str, Any]) -> tuple[GeminiDecoder, list[Any]]:
    decoder = new_decoder()
    events: list[Any] = []
    for each in chunks:
        events += decoder.frame(Frame(json.dumps(each).encode()))
    return decoder, events + decoder.end()


def message_of(*chunks: dict[str, Any]) -> AssistantMessage:
    decoder, _ = decode(*chunks)
    assert decoder.assembly.complete
    return decoder.assembly.message()


def text(said: str, signature: str | None = None, **more: Any) -> dict[str, Any]:
    part = {"text": said, **more}
    return part if signature is None else {**part, "thoughtSignature": signature}


def thought(said: str, signature: str | None = None) -> dict[str, Any]:
    return text(said, signature, thought=True)


def call(
    name: str, args: dict[str, Any], *, provider_id: str | None = None, signature: str | None = None
) -> dict[str, Any]:
    function = (
        {"name": name, "args": args}
        if provider_id is None
        else {"id": provider_id, "name": name, "args": args}
    )
    return (
        {"functionCall": function}
        if signature is None
        else {"functionCall": function, "thoughtSignature": signature}
    )
