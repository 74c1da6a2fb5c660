"""Frames of the Responses API, built by hand for the tests of its decoder."""

from __future__ import annotations

import itertools
import json
from typing import Any

from agentlab.http import Frame
from agentlab.messages import ModelEvent
from agentlab.models.assembly import Assembly
from agentlab.models.openai_responses.decoder import ResponsesDecoder

USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 32},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 150,
}


def new_decoder() -> ResponsesDecoder:
    counter = itertools.count()
    return ResponsesDecoder(Assembly("openai-responses", mint=lambda: f"minted-{next(counter)}"))


def feed(decoder: ResponsesDecoder, *payloads: dict[str, Any]) -> list[ModelEvent]:
    events: list[ModelEvent] = []
    for payload in payloads:
        events += decoder.frame(Frame(json.dumps(payload).encode(), payload.get("type", "")))
    if decoder.assembly.complete:
        events += decoder.assembly.close()
    return events


def created(**fields: Any) -> dict[str, Any]:
    return {
        "type": "response.created",
        "response": {"id": "resp_1", "model": "gpt-x", "status": "in_progress", **fields},
    }


def added(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def text_delta(index: int, delta: str, content: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "output_index": index,
        "content_index": content,
        "delta": delta,
        **fields,
    }


def completed(output: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    response = {"id": "resp_1", "model": "gpt-x", "status": "completed", "output": output, "usage": USAGE}
    return {"type": "response.completed", "response": response | fields}


def message_item(text: str, item_id: str = "msg_1", **fields: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": [], **fields.pop("part", {})}]
    return {
        "type": "message",
        "id": item_id,
        "role": "assistant",
        "status": "completed",
        "content": content,
        **fields,
    }


def reasoning_item(sealed: str | None, item_id: str = "rs_1", summary: str = "") -> dict[str, Any]:
    parts = [{"type": "summary_text", "text": summary}] if summary else []
    return {"type": "reasoning", "id": item_id, "summary": parts, "encrypted_content": sealed}


def call_item(arguments: str, item_id: str = "fc_1", call_id: str = "call_1") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": item_id,
        "call_id": call_id,
        "name": "add",
        "arguments": arguments,
    }


def args_delta(index: int, delta: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.delta", "output_index": index, "delta": delta}
