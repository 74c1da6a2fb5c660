"""A request that says everything a wire can say, for each of the wires."""

from __future__ import annotations

from typing import Any, Final

from msgspec import structs

from agentlab.messages import (
    AssistantMessage,
    CacheOptions,
    Document,
    Image,
    Json,
    Message,
    OutputSchema,
    Reasoning,
    ReasoningOptions,
    ReasoningText,
    Request,
    SystemMessage,
    Text,
    ToolCall,
    ToolDefinition,
    ToolResult,
    UserMessage,
)

__all__ = ["SPOKEN", "messages", "request_for"]

SPOKEN: Final[dict[str, tuple[str, str]]] = {
    "anthropic-messages": ("anthropic", "claude-sonnet-4-6"),
    "gemini": ("gemini", "gemini-2.5-flash"),
    "ollama": ("ollama", "qwen3:4b"),
    "cohere-chat": ("cohere", "command-a-reasoning-08-2025"),
    "bedrock-converse": ("bedrock", "anthropic.claude-sonnet-4-6"),
    "openai-chat": ("openai-chat", "gpt-5.6"),
    "openai-responses": ("openai", "gpt-5.6"),
}
"""A vendor and a model of each wire."""

LACKS: Final[dict[str, dict[str, Any]]] = {
    "gemini": {"parallel_tool_calls": None},
    "ollama": {"parallel_tool_calls": None, "output_schema": None},
    "cohere-chat": {"output_schema": None},
    "openai-responses": {"stop_sequences": ()},
}
"""What a wire has no way to say."""


def schema(*names: str) -> dict[str, Any]:
    properties = {name: {"type": "string", "enum": ["z", "a", "m"]} for name in names}
    return {"type": "object", "properties": properties, "required": list(names)}


def messages() -> tuple[Message, ...]:
    """A history with every kind of part that all wires take; anew on each call."""
    picture = Image.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")
    return (
        UserMessage((Text("Größe?"), picture, Document.from_text("D", "d", zone="b", area="a", ö="1"))),
        AssistantMessage(
            (
                Reasoning((ReasoningText("Hm.", "sig"),)),
                Text("I shall look."),
                ToolCall("call_1", "find", '{"b": 1, "a": [2, 1]}'),
                ToolCall("call_2", "ask", ""),
            )
        ),
        UserMessage(
            (
                ToolResult("call_1", "find", (Json({"z": 1, "a": {"y": None, "x": True}}),)),
                ToolResult("call_2", "ask", (Text("42"),), "failed"),
            )
        ),
        SystemMessage("Be brief."),
        UserMessage.of("And now?"),
    )


def request_for(wire: str) -> Request:
    """A request that says everything the wire can say; anew on each call."""
    asked = Request(
        model=SPOKEN[wire][1],
        tools=(
            ToolDefinition("find", "Find.", schema("where", "what")),
            ToolDefinition("ask", "Ask.", strict=False),
            ToolDefinition("count", "", schema("zeta", "alpha", "mu"), strict=True),
        ),
        preamble="You are terse.",
        context=(
            Document.from_text("A fact.", "fact", zone="b", area="a", kind="c"),
            Document.from_text("Another.", "other", b="2", a="1"),
        ),
        messages=messages(),
        temperature=0.3,
        max_tokens=900,
        stop_sequences=("END", "STOP"),
        parallel_tool_calls=True,
        reasoning=ReasoningOptions(effort="high"),
        output_schema=OutputSchema(schema("answer", "because")),
        cache=CacheOptions(("tools", "preamble", "context", "last"), key="k"),
        additional_params={
            "user": "u",
            "options": {"seed": 7, "a": {"z": 1, "y": 2}},
            "metadata": {"b": "1"},
        },
    )
    return structs.replace(asked, **LACKS.get(wire, {}))
