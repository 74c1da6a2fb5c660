"""A run in which everybody says the same texts, in every place there is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from agentlab.agent.trace import Trace
from agentlab.messages import (
    ApprovalAsked,
    AssistantMessage,
    Audio,
    Base64Source,
    CacheDiagnosis,
    Citation,
    Event,
    Image,
    Json,
    Notice,
    ProviderPart,
    Reasoning,
    ReasoningDelta,
    ReasoningText,
    Refusal,
    RequestSent,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    Retrying,
    RunFinished,
    StopReason,
    Text,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UrlSource,
    Usage,
)
from agentlab.notebook.comparison.lanes import Lanes
from agentlab.notebook.run.state import RunState
from agentlab.plain_text import well_formed

__all__ = ["events_saying", "lanes_saying", "state_saying", "trace_saying"]

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"
USAGE = Usage(input_tokens=1500, output_tokens=260, cache_read_tokens=900, cache_write_tokens=200)


def events_saying(texts: Sequence[str], reason: StopReason = "error") -> list[Event]:
    """One turn a text: asked, thought, called, answered and failed with it; the run ends with the last."""
    events: list[Event] = []
    for number, text in enumerate(texts, 1):
        events += _turn(number, text)
    last = texts[-1] if texts else ""
    return [*events, RunFinished(last, USAGE, reason, last)]


def state_saying(texts: Sequence[str], reason: StopReason = "error") -> RunState:
    """The view model of such a run."""
    state = RunState(texts[0] if texts else "")
    for place, event in enumerate(events_saying(texts, reason)):
        state.apply(event, place / 100)
    return state


def trace_saying(texts: Sequence[str]) -> Trace:
    """The record of such a run."""
    trace = Trace(texts[0], model=texts[0], title=texts[0], agent_name=texts[0])
    for place, event in enumerate(events_saying(texts)):
        trace.add(event, place / 100)
    return trace


def _turn(number: int, text: str) -> Iterable[Event]:
    thought = Reasoning((ReasoningText(text),))
    call = ToolCall(f"call {number} {text}", text, text)
    asking = ToolCall(f"asking {number} {text}", text, '{"a": 1}')
    half = len(text) // 2
    yield RetrievalStarted(0, "documents", text, text)
    yield Retrieved(0, "documents", text, text, (RetrievedHit(text, 0.5, 12, text),), 0.001)
    yield TurnStarted(number, text)
    yield _request(number, text)
    yield Retrying(1, 0.5, text, 429)
    yield Notice("warning", text)
    for piece in (text[:half], text[half:]):
        yield ReasoningDelta(piece)
        yield TextDelta(piece, 1)
        yield ToolCallDelta(call.id, text, piece, 2)
    yield call
    yield asking
    yield TurnFinished(
        AssistantMessage.of(
            thought,
            Text(text, (Citation(text, text, text),)),
            Refusal(text),
            Image(UrlSource(f"https://x.invalid/?q={number}")),
            Image.from_bytes(PNG + text.encode("utf-8", "replace"), text),
            Image(Base64Source(text), text),
            Audio(Base64Source.from_bytes(b"RIFF\0\0\0\0WAVE" + text.encode("utf-8", "replace")), text),
            ProviderPart("openai-chat", text, {text: text}),
            call,
            asking,
        ),
        USAGE,
        "length",
        raw_finish_reason=text,
        turn=number,
        timing=Timing(duration_s=1.2, time_to_first_token_s=0.4),
        cost_usd=0.01,
        cache_diagnosis=CacheDiagnosis("miss", text),
    )
    yield ToolStarted(call.id, text)
    yield ToolResult(call.id, text, _results(text), status="failed" if number % 2 else "success")
    yield ApprovalAsked(asking.id, text, text)


def _request(number: int, text: str) -> RequestSent:
    """A request whose tools, preamble and conversation hold the text, and have changed since the one before it."""
    text = well_formed(text)  # no client sends a lone surrogate
    tool = {
        "name": text,
        "description": f"{number} {text}",
        "parameters": {"type": "object", "properties": {text: {}}},
    }
    said = [{"role": "system", "content": f"{number} {text} {number}"}, {"role": "user", "content": text}]
    body = {"model": text, "tools": [{"type": "function", "function": tool}], "messages": said}
    return RequestSent("openai-chat", "http://127.0.0.1/v1", json.dumps(body))


def _results(text: str) -> tuple[Text | Json | Image, ...]:
    remote = Image(UrlSource("https://x.invalid/picture.png"), text)
    said_to_be_one = Image(Base64Source("PHN2ZyBvbmxvYWQ9X19yYW49MT4="), "image/svg+xml")
    return Text(text), Json({well_formed(text): [well_formed(text)]}), remote, said_to_be_one


def lanes_saying(texts: Sequence[str]) -> Lanes:
    """A comparison of two such runs, named by the texts; one failed before its first turn."""
    first, last = (texts[0], texts[-1]) if texts else ("", "")
    lanes = Lanes(first, [(first, last), (last, first), (first, last)])
    for lane in range(2):
        for place, event in enumerate(events_saying(texts)):
            lanes.apply(lane, event, place / 100)
    lanes.end(2, "error", last)
    return lanes
