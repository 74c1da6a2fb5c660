"""The OpenAI SDK's own types know every field that is sent to OpenAI: a witness that owes nothing to the encoder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    CacheOptions,
    Document,
    Image,
    OutputSchema,
    ReasoningOptions,
    Refusal,
    Request,
    SpecificTools,
    SystemMessage,
    Text,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    ToolResult,
    UserMessage,
)
from agentlab.models.openai_chat.wire import OpenAIChat
from agentlab.models.vendors import vendor

SDK: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsStreaming)


def whole(value: Any) -> Any:
    """A validated value with pydantic's lazy iterators read to the end."""
    if isinstance(value, Mapping):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return value
    return [whole(inner) for inner in value]


def everything(choice: ToolChoice, cache: CacheOptions) -> Request:
    return Request(
        model="gpt-5.6",
        preamble="P",
        context=(Document.from_text("doc", "d1"),),
        tools=(ToolDefinition("add", "Adds.", strict=True), ToolDefinition("now")),
        tool_choice=choice,
        temperature=0.5,
        max_tokens=9,
        stop_sequences=("END",),
        parallel_tool_calls=False,
        reasoning=ReasoningOptions(effort="low"),
        output_schema=OutputSchema({"type": "object"}, description="D"),
        cache=cache,
        messages=(
            SystemMessage("S"),
            UserMessage.of(
                "look",
                Image(Base64Source("AAAA"), "image/png", detail="low"),
                Audio(Base64Source("UklG"), "audio/wav"),
                Document(Base64Source("JVBE"), title="a.pdf", media_type="application/pdf"),
            ),
            AssistantMessage.of("ok", ToolCall("c1", "add", "{}")),
            UserMessage((ToolResult("c1", "add", (Text("3"),)),)),
            AssistantMessage.of(Refusal("no")),
            UserMessage.of("q"),
        ),
    )


@pytest.mark.parametrize(
    "choice", ["auto", "required", SpecificTools(("add",)), SpecificTools(("add", "now"))]
)
@pytest.mark.parametrize(
    "cache",
    [
        CacheOptions(key="k", mode="explicit", breakpoints=("preamble", "context", "last"), ttl="30m"),
        CacheOptions(key="k", ttl="30m", retention="24h"),
    ],
)
def test_the_sdk_knows_every_field_we_send(choice: ToolChoice, cache: CacheOptions) -> None:
    sent = json.loads(OpenAIChat().encode(everything(choice, cache), vendor("openai-chat")).body)
    assert whole(SDK.validate_python(sent)) == sent
