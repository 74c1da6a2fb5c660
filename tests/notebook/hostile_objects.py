"""Objects whose every text is a given one: agents, tools, runs, conversations, plans, errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import pytest

import agentlab as al
from agentlab.agent import Run
from agentlab.agent.records import TurnRecord
from agentlab.errors import AuthenticationFailed
from agentlab.experiments.sweep_plan import Plan
from agentlab.messages import AssistantMessage, Document, ToolCall, ToolDefinition, UserMessage
from agentlab.modalities import GeneratedImage, GeneratedImages, Speech, Transcription
from agentlab.models.listing import ModelInfo, ModelList
from agentlab.models.vendors import Vendors
from agentlab.models.wire import Vendor
from agentlab.notebook.chat.conversation import Conversation
from agentlab.plain_text import well_formed
from agentlab.tools import Toolset
from agentlab.tools.mcp.pinning import ListedTool
from agentlab.tools.mcp.tool import McpTool
from tests.notebook.hostile_run import PNG, USAGE, events_saying

__all__ = [
    "agent_of",
    "conversation_saying",
    "error_saying",
    "image_of",
    "images_of",
    "plan_of",
    "run_of",
    "speech_of",
    "tool_of",
    "transcription_of",
    "vendors_of",
]

MODEL = "sim:openai/gpt-5.6"


class NamedTool:
    """A tool of somebody else's, such as an MCP server's, whose names nobody has checked."""

    timeout_s = None

    def __init__(self, text: str) -> None:
        properties = {text: {"type": "string", "description": text}}
        self.definition = ToolDefinition(text, text, {"type": "object", "properties": properties})

    async def call(self, arguments: Any, context: Any) -> Any:
        """Gives back what it was called with."""
        return arguments

    def _repr_html_(self) -> str:
        return al.rich_display.html_of(self)


def tool_of(text: str) -> NamedTool:
    """A tool called and described so."""
    return NamedTool(well_formed(text))


class Listing:
    """A connection that has seen one tool, called and described so."""

    def __init__(self, text: str) -> None:
        self.seen = ListedTool(text, text, {"properties": {text: {"description": text}}}, title=text)

    def pinned(self, name: str) -> ListedTool:
        """What was seen."""
        return self.seen


def mcp_tool_of(text: str) -> McpTool:
    """A tool of an MCP server, called and described so."""
    said = well_formed(text)
    return McpTool(Listing(said), said, said, timeout_s=None, approval=False)  # type: ignore[arg-type]


def models_of(text: str) -> ModelList:
    """A vendor's list of one model, called so."""
    said = well_formed(text)
    return ModelList([ModelInfo(vendor=said, id=said, title=said)])


def agent_of(text: str) -> al.Agent:
    """An agent that is told, and may call, nothing else."""
    said = well_formed(text)
    return al.Agent(
        MODEL,
        name=said,
        description=said,
        preamble=said,
        context=[Document.from_text(said, id=said, source=said)],
        tools=Toolset([tool_of(said)]),
    )


def vendors_of(text: str) -> Vendors:
    """A table of one vendor."""
    return Vendors(
        {text: Vendor(name=text, wire=text, base_url=text, title=text, key_env=(text,), headers={text: text})}
    )


def transcription_of(text: str) -> Transcription:
    """Words heard so, in a language called so."""
    return Transcription(text=text, model=text, language=text, raw={text: text})


def image_of(text: str) -> GeneratedImage:
    """An image whose bytes are it."""
    return GeneratedImage(image=text.encode("utf-8", "replace"), media_type=text)


def images_of(text: str) -> GeneratedImages:
    """An image that is one, with text behind it, and one that is none."""
    begun = GeneratedImage(image=PNG + text.encode("utf-8", "replace"), media_type=text)
    return GeneratedImages(images=(begun, image_of(text)), model=text, prompt=text)


def speech_of(text: str) -> Speech:
    """A text spoken by a voice called so, its sound followed by the text."""
    raw = b"RIFF\0\0\0\0WAVE" + text.encode("utf-8", "replace")
    return Speech(audio=raw, media_type=text, model=text, text=text, voice=text)


def run_of(text: str) -> Run:
    """A run that failed with it, waiting for a tool called so."""
    call = ToolCall(text, text, text)
    return Run(
        id=text,
        history=[UserMessage.of(text)],
        messages=[UserMessage.of(text), AssistantMessage.of(text, call)],
        max_turns=3,
        status="failed",
        stop_reason="error",
        detail=text,
        turns_made=1,
        records=[TurnRecord(1, text, USAGE)],
    )


def conversation_saying(texts: Sequence[str]) -> Conversation:
    """A conversation whose prompts and answers are the texts, the first of them answered twice."""
    conversation = Conversation(texts[0], title=texts[0])
    last = None
    for text in texts:
        exchange = conversation.add(UserMessage.of(text), last)
        for place, event in enumerate(events_saying([text])):
            exchange.apply(event, place / 100)
        last = exchange.id
    conversation.branch(1, UserMessage.of(texts[0]))
    conversation.select(1)
    return conversation


def plan_of(text: str) -> Plan:
    """A sweep over models nobody knows."""
    data = [{"input": well_formed(text), "target": well_formed(text)}]
    named = f"sim:openai/{well_formed(text)}"
    return al.sweep(al.Agent(MODEL), over={"model": [MODEL, named]}, data=data, progress=False)


def error_saying(text: str) -> BaseException:
    """An error of ours, raised from another, that repeats what a provider said."""
    with pytest.raises(AuthenticationFailed) as caught:
        _raise(text)
    return caught.value


def _raise(text: str) -> NoReturn:
    raise AuthenticationFailed(text) from ValueError(text)
