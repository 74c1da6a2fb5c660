"""Requests and lines of Ollama's wire, as its tests write them."""

from __future__ import annotations

import itertools
import json
from typing import Any

from agentlab.http import Frame
from agentlab.messages import (
    Request,
    ToolDefinition,
    UserMessage,
)
from agentlab.models.ollama.decoder import OllamaDecoder
from agentlab.models.ollama.wire import OllamaChat
from agentlab.models.wire import Vendor

VENDOR = Vendor(name="ollama", wire="ollama", base_url="http://ollama.example:11434", key_required=False)
PROMPT = (UserMessage.of("What is 2 + 2?"),)
ADD = ToolDefinition(
    "add",
    "Add two integers.",
    {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "integer"}}},
)
DONE = {
    "model": "qwen3:4b",
    "created_at": "2026-08-17T15:57:13Z",
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "total_duration": 900,
    "load_duration": 100,
    "prompt_eval_count": 18,
    "prompt_eval_duration": 300,
    "eval_count": 64,
    "eval_duration": 500,
}


def encoded(request: Request) -> dict[str, Any]:
    return json.loads(OllamaChat().encode(request, VENDOR).body)


def sent(*messages: Any) -> list[dict[str, Any]]:
    return encoded(Request(model="qwen3:4b", messages=messages))["messages"]


def new_decoder() -> OllamaDecoder:
    counter = itertools.count(1)
    return OllamaChat().decoder(VENDOR, mint=lambda: f"minted-{next(counter)}")


def line(**message: Any) -> dict[str, Any]:
    return {"model": "qwen3:4b", "message": {"role": "assistant", **message}, "done": False}


def decode(*lines: dict[str, Any]) -> tuple[OllamaDecoder, list[Any]]:
    decoder = new_decoder()
    events: list[Any] = []
    for each in lines:
        events += decoder.frame(Frame(json.dumps(each).encode()))
    return decoder, events + decoder.end()


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"function": {"index": 0, "name": name, "arguments": arguments}, **more}
