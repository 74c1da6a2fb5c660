"""Timelines on a plain page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from agentlab.agent.trace import Trace
from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    AssistantMessage,
    Event,
    Json,
    RequestSent,
    RetrievalStarted,
    Retrieved,
    RetrievedHit,
    Retrying,
    RunFinished,
    Text,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.notebook.trace.timeline import Timeline
from tests.notebook.page import WidgetPage

__all__ = ["TRACE_SCENES", "every_kind"]

MODEL: Final = "sim:anthropic/claude-sonnet-5"


def every_kind(*, pace: float = 1.0) -> Trace:
    """A run with every kind of span: a retrieval, a queue, a refusal, a pause, parallel tools, an approval, a tool that fails."""
    add, wipe, look = (
        ToolCall("1", "add", '{"a": 1}'),
        ToolCall("2", "wipe", '{"table": "x"}'),
        ToolCall("3", "look_up_a_long_name", "{}"),
    )
    sent = RequestSent("anthropic", "http://127.0.0.1", "{}")
    used = Usage(input_tokens=1500, cache_read_tokens=900, cache_write_tokens=300, output_tokens=120)
    events: list[tuple[Event, float]] = [
        (RetrievalStarted(0, "documents", "handbook", "clean up"), 0.0),
        (Retrieved(0, "documents", "handbook", "clean up", (RetrievedHit("a"),), 0.1), 0.1),
        (TurnStarted(1, MODEL), 0.1),
        (sent, 0.25),
        (Retrying(1, 0.5, "rate limited", 429), 0.4),
        (sent, 0.9),
        (TextDelta("I look."), 1.3),
        (add, 1.5),
        (wipe, 1.6),
        (look, 1.7),
        (TurnFinished(AssistantMessage.of("I look.", add, wipe, look), used, cost_usd=0.0123), 1.7),
        (ApprovalAsked("2", "wipe", "it cannot be undone"), 1.7),
        (ToolStarted("1", "add"), 1.7),
        (ToolStarted("3", "look_up_a_long_name"), 1.7),
        (ToolResult("1", "add", (Json(2),)), 2.1),
        (ApprovalGiven("2", approved=True), 2.4),
        (ToolStarted("2", "wipe"), 2.4),
        (ToolResult("3", "look_up_a_long_name", (Text("no such name"),), "failed"), 2.6),
        (ToolResult("2", "wipe", (Text("gone"),)), 2.9),
        (TurnStarted(2, MODEL), 2.9),
        (sent, 2.9),
        (TextDelta("Done."), 3.2),
        (TurnFinished(AssistantMessage.of("Done."), used, turn=2, cost_usd=0.004), 3.9),
        (RunFinished("Done.", used + used), 3.9),
    ]
    trace = Trace("run", "agent", MODEL, title="Clean up the tables, then say what is left")
    for event, at_s in events:
        trace.add(event, at_s * pace)
    return trace


def _timeline(*, with_turns: bool) -> Callable[[WidgetPage], AbstractContextManager[object]]:
    @contextmanager
    def scene(page: WidgetPage) -> Iterator[None]:
        page.show(Timeline(every_kind(), with_turns=with_turns)._repr_html_())
        yield

    return scene


TRACE_SCENES: Final = {"timeline": _timeline(with_turns=False), "trace": _timeline(with_turns=True)}
