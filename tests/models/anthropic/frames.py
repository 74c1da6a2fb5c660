"""Hand-written events of the Anthropic Messages wire."""

from __future__ import annotations

import json
from typing import Any

from agentlab.http import Frame
from agentlab.messages import ModelEvent
from agentlab.models.anthropic.decoder import AnthropicDecoder

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": [],
        "usage": {
            "input_tokens": 10,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 20,
            "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 1,
        },
    },
}
STOP = {"type": "message_stop"}


def start(index: int, block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def message_delta(reason: str | None, **usage: Any) -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": usage or None,
    }


def frame(event: Any) -> Frame:
    return Frame(json.dumps(event).encode(), event.get("type", ""))


def decode(*events: Any) -> tuple[AnthropicDecoder, list[ModelEvent]]:
    decoder = AnthropicDecoder()
    made: list[ModelEvent] = []
    for event in events:
        made += decoder.frame(event if isinstance(event, Frame) else frame(event))
    return decoder, made + decoder.end()


MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "text", "text": "So.", "citations": [{"type": "char_location", "cited_text": "q"}]},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 3, "output_tokens": 4},
}


def streamed(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The events a stream of a message would hold."""
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**message, "content": []}}]
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        if kind == "text":
            events.append(start(index, {"type": "text", "text": ""}))
            events += [delta(index, "text_delta", text=letter) for letter in block["text"]]
            events += [delta(index, "citations_delta", citation=each) for each in block.get("citations", ())]
        elif kind == "thinking":
            events.append(start(index, {"type": "thinking", "thinking": "", "signature": ""}))
            events += [delta(index, "thinking_delta", thinking=letter) for letter in block["thinking"]]
            events.append(delta(index, "signature_delta", signature=block["signature"]))
        elif kind.endswith("tool_use"):
            events.append(start(index, {**block, "input": {}}))
            text = json.dumps(block["input"], separators=(",", ":"))
            events += [
                delta(index, "input_json_delta", partial_json=text[at : at + 3])
                for at in range(0, len(text), 3)
            ]
        else:
            events.append(start(index, block))
        events.append(stop(index))
    return [*events, message_delta(message["stop_reason"], **message["usage"]), STOP]
