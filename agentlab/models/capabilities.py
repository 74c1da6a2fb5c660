"""Refuses what a vendor or model is known not to do, before any I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from agentlab.errors import UnsupportedCapability
from agentlab.messages import (
    Audio,
    Document,
    Image,
    Message,
    Request,
    SpecificTools,
    TextSource,
    ToolResult,
    UserMessage,
    Video,
)
from agentlab.messages.known import Findings

__all__ = ["check_capabilities", "needed_by_messages"]

_MEDIA = {Image: "images", Document: "documents", Audio: "audio", Video: "video"}
_WORDS = {
    "tools": "call tools",
    "tool_choice_required": "be made to call some tool",
    "tool_choice_specific": "be made to call one certain tool",
    "structured_output": "be held to an output schema",
    "structured_output_with_tools": "be held to an output schema while it is offered tools",
    "images": "take images",
    "documents": "take documents",
    "audio": "take audio",
    "video": "take video",
    "reasoning": "be told how much to reason",
    "image_tool_results": "take images in tool results",
    "streaming": "stream",
}


class _Capable(Protocol):
    @property
    def name(self) -> str: ...

    def supports(self, capability: str) -> bool: ...


def needed_by_messages() -> Findings[str]:
    """For `check_capabilities`: looks at each message once, as long as it is kept."""
    return Findings(_needed_by)


def check_capabilities(model: _Capable, request: Request, by_messages: Findings[str] | None = None) -> None:
    """Refuse a request the model cannot serve.

    Args:
        model: The model.
        request: What is asked of it.
        by_messages: What messages need, as far as it is known; it learns those of the request.

    Raises:
        UnsupportedCapability: The first thing it lacks, by name.
    """
    for capability in _needed(request, by_messages or needed_by_messages()):
        if not model.supports(capability):
            raise UnsupportedCapability(
                f"`{model.name}` cannot {_WORDS[capability]}; leave it out, or use another model"
            )


def _needed(request: Request, by_messages: Findings[str]) -> Iterator[str]:
    if request.tools:
        yield "tools"
    if request.tool_choice == "required":
        yield "tool_choice_required"
    if isinstance(request.tool_choice, SpecificTools):
        yield "tool_choice_specific"
    if request.output_schema is not None:
        yield "structured_output"
        if request.tools:
            yield "structured_output_with_tools"
    if request.reasoning is not None and request.reasoning.effort != "none":
        yield "reasoning"
    if request.stream:
        yield "streaming"
    yield from by_messages.of(request.messages)


def _needed_by(message: Message) -> Iterator[str]:
    if not isinstance(message, UserMessage):
        return
    for part in message.content:
        if isinstance(part, Document) and isinstance(part.source, TextSource):
            continue  # every wire has a place for text
        if type(part) in _MEDIA:
            yield _MEDIA[type(part)]
        if isinstance(part, ToolResult) and any(isinstance(piece, Image) for piece in part.content):
            yield "image_tool_results"
