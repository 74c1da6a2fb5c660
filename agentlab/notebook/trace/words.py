"""A timeline in words: what ran, how it ended, where its time went."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.agent.spans import Span
from agentlab.notebook.run.state import STATUS_LABELS, RunState
from agentlab.notebook.trace.chart import Row, duration, shares
from agentlab.notebook.trace.marks import MARKS
from agentlab.plain_text import one_line

__all__ = ["facts", "row_words", "span_words", "status_words"]


def status_words(state: RunState) -> str:
    """How the run stands, and why."""
    label = STATUS_LABELS[state.status]
    return f"{label}: {one_line(state.detail, 160)}" if state.detail else label


def facts(state: RunState, rows: Sequence[Row], *, deterministic: bool) -> str:
    """How many calls there were, and where the time went."""
    rows = [row for row in rows if not row.depth]
    tools = sum(row.is_tool for row in rows)
    counted = _plural(len(state.turns), "turn")
    if tools:
        counted += f", {_plural(tools, 'tool call')}"
    if deterministic:
        return counted
    parts = shares([span for row in rows for span in row.spans], state.duration_s)
    named = ", ".join(f"{name} {duration(seconds)}" for name, seconds in parts.items())
    return f"{counted}, {duration(state.duration_s)}{f': {named}' if named else ''}"


def row_words(row: Row, *, deterministic: bool) -> str:
    """The spans of a row, one after the other."""
    # Whether a call had to wait for its turn is itself a matter of time.
    told = [span for span in row.spans if not (deterministic and span.kind == "queue")]
    return ", ".join(span_words(span, deterministic=deterministic) for span in told)


def span_words(span: Span, *, deterministic: bool) -> str:
    """A span: what it is, how it ended, how long it took."""
    ended = "" if span.status == "ok" or span.kind == "attempt" else f" {span.status}"
    words = f"{MARKS[span.kind].label}{ended}"
    return words if deterministic else f"{words} {duration(span.duration_s)}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
