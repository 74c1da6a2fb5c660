"""Requests and messages for the tests of the Responses wire's encoding."""

from __future__ import annotations

import json
from typing import Any

from msgspec import structs

from agentlab.messages import (
    AssistantMessage,
    Reasoning,
    ReasoningEncrypted,
    ReasoningSummary,
    Request,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.models.openai_responses.wire import OpenAIResponses
from agentlab.models.wire import Vendor

VENDOR = Vendor(name="openai", wire="openai-responses", base_url="https://api.example/v1")
ADD = ToolDefinition(
    "add", "Add.", {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "integer"}}}
)
HELLO = UserMessage.of("Hello")
NAME = "openai-responses"


def encode(request: Request, vendor: Vendor = VENDOR, wire: OpenAIResponses | None = None) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((wire or OpenAIResponses()).encode(request, vendor).body)
    return body


def items_of(*messages: Any, dialect: dict[str, Any] | None = None, **fields: Any) -> list[dict[str, Any]]:
    vendor = structs.replace(VENDOR, dialect=dialect or {})
    found: list[dict[str, Any]] = encode(Request(model="m", messages=messages, **fields), vendor)["input"]
    return found


def own(*parts: Any, **fields: Any) -> AssistantMessage:
    return AssistantMessage(parts, wire=NAME, **fields)


def thought(sealed: str = "sealed", item_id: str = "rs_1") -> Reasoning:
    return Reasoning((ReasoningSummary("why"), ReasoningEncrypted(sealed)), id=item_id)


def call(name: str = "add", **fields: Any) -> ToolCall:
    return ToolCall("call_1", name, '{"a":1}', provider_id="call_1", item_id="fc_1", **fields)


def result(*content: Any) -> UserMessage:
    return UserMessage((ToolResult("call_1", "add", content or (Text("2"),), provider_id="call_1"),))
