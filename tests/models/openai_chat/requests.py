"""Small requests for the tests of the Chat Completions wire."""

from __future__ import annotations

import json
from typing import Any

from agentlab.messages import (
    Base64Source,
    Image,
    Message,
    Request,
    ToolDefinition,
    UserMessage,
)
from agentlab.models.openai_chat.wire import OpenAIChat
from agentlab.models.wire import EncodedRequest, Vendor

PNG = Image(Base64Source("AAAA"), "image/png")
ADD = ToolDefinition("add", "Adds.", {"type": "object", "properties": {"b": {}, "a": {}}}, strict=True)


def vendor(**flags: Any) -> Vendor:
    return Vendor(name="test", wire="openai-chat", base_url="http://localhost", dialect=flags)


def sent(request: Request, **flags: Any) -> EncodedRequest:
    return OpenAIChat().encode(request, vendor(**flags))


def body(request: Request, **flags: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(sent(request, **flags).body)
    return parsed


def request(*messages: Message, **fields: Any) -> Request:
    return Request(model="m", messages=messages or (UserMessage.of("Hi"),), **fields)


def items(*messages: Message, **flags: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(request(*messages), **flags)["messages"]
    return found


def parts(part: Any, **flags: Any) -> Any:
    """The content of a user message of a text and this part; its second part."""
    return items(UserMessage.of("see", part), **flags)[0]["content"][1]
