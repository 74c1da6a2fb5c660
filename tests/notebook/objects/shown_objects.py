"""One of each public object that a user may end a cell with, made of one text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import agentlab as al
from agentlab.agent.run import Run
from agentlab.caching.blocks.block import make_block
from agentlab.caching.calls import RecordedCall
from agentlab.caching.explaining.cause import Cause
from agentlab.caching.explaining.explanation import Explanation, Explanations
from agentlab.caching.linting.finding import Finding, Findings
from agentlab.experiments.results import Results
from agentlab.messages import CacheDiagnosis, ReasoningText, ToolDefinition, Usage, UserMessage
from agentlab.modalities import Speech
from agentlab.models.vendors import Vendors
from agentlab.models.wire import Vendor
from agentlab.notebook.cache.cache_view import cache_view
from agentlab.tools import ToolContext, Toolset
from tests.notebook.hostile_objects import image_of, images_of, transcription_of


class Named(al.Hook):
    """A hook of the user's own."""


class OwnTool:
    """A tool that is no function."""

    timeout_s = None

    def __init__(self, text: str) -> None:
        self.definition = ToolDefinition(
            text,
            text,
            {"type": "object", "properties": {text: {"type": text, "description": text}}, "required": [text]},
        )

    async def call(self, arguments: Mapping[str, object], context: ToolContext) -> str:
        return f"{arguments}{context}"


def plain_objects(text: str) -> list[object]:
    """Messages, parts, events, requests and options."""
    call = al.ToolCall(text, text, text)
    result = al.ToolResult(text, text, (al.Text(text),))
    said = al.AssistantMessage.of(al.Reasoning((ReasoningText(text),)), call, text)
    request = al.Request(
        model=text,
        preamble=text,
        messages=(UserMessage.of(text),) * 50,
        tools=(OwnTool(text).definition,) * 9,
    )
    return [
        al.Text(text), call, result, said, UserMessage.of(*[text] * 9), al.SystemMessage(text), request,
        al.Document.from_text(text, text), al.Image.from_bytes(b"x" * 9_999), al.TextDelta(text), al.ReasoningDelta(text),
        al.ToolCallDelta(text, text, text), al.RequestSent(text, text, text), al.TurnFinished(said, Usage(input_tokens=1)),
        al.Notice("warning", text), al.Retrying(1, 1.0, text), al.RunFinished(text, Usage(), detail=text), al.UnknownEvent(text, {text: text}),
        al.CacheOptions(key=text), al.ReasoningOptions(budget_tokens=3), al.SpecificTools((text,) * 20),
        al.RecordedCall("anthropic", text, text, text, request=request), al.Citation(text, text, text),
        al.Stop(text), al.Skip(text), al.RequestPatch(preamble=text), al.RewriteResult((al.Text(text),)), CacheDiagnosis("miss", text),
        make_block("message", text, {"role": "user"}),
    ]  # fmt: skip


def shown_objects(text: str) -> dict[str, object]:
    """Objects that have a picture of their own, by name."""
    agent = al.Agent(
        "sim:anthropic/claude-sonnet-5", name=text, description=text, preamble=f"{text}\n{text}", tools=[OwnTool(text)],
        context=[text, al.Document.from_text(text, text)], few_shots=[(text, text)], volatile=[text, lambda: text],
        stop_sequences=[text], additional_params={text: [text]}, hooks=[Named()], cache=al.CacheOptions(key=text),
    )  # fmt: skip
    run = Run.start(UserMessage.of(text), max_turns=3, run_id=text)
    run.model_turn(
        al.TurnFinished(al.AssistantMessage.of(al.ToolCall(text, text, text), text), Usage(input_tokens=3))
    )
    cause = Cause("tool", text, "changed", text, 0, None, text, 0, text, f"{text} two", text)
    explanation = Explanation(cause, (cause,), 1, 2, math.nan, text, text, names=(text, text))
    return {
        "Agent": agent,
        "settings": agent.settings,
        "Run": run,
        "Usage": Usage(input_tokens=3_000, output_tokens=50, cache_read_tokens=2_000, raw={text: text}),
        "Toolset": Toolset([OwnTool(text)]),
        "Vendors": Vendors({text: Vendor(name=text, wire=text, base_url=text, title=text, key_env=(text,))}),
        "Transcription": transcription_of(text),
        "GeneratedImage": image_of(text),
        "GeneratedImages": images_of(text[:99]),
        "Speech": Speech(audio=b"ID3", media_type=text, model=text, text=text, voice=text),
        "all vendors": al.vendors(),
        "Explanation": explanation,
        "Explanations": Explanations([explanation] * 12),
        "Findings": Findings([Finding(text, "error", text, text, text)]),
        "CacheView": cache_view(explanation),
        "Results": Results(
            [], {text: [text]}, store=Path("none"), sweep_id=text, fresh=frozenset(), planned=1, stopped=text
        ),
        "calls": RecordedCall("w", text, text, text),
    }
