"""A timeline as text: a row a call, a character for each share of the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from agentlab.agent.spans import Span
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.usage_table import numbers_text
from agentlab.notebook.trace.chart import Axis, Row, axis, duration, rows_of
from agentlab.notebook.trace.marks import FAILED_LETTER, MARKS, letter
from agentlab.notebook.trace.words import facts, row_words, status_words
from agentlab.plain_text import one_line, terminal_safe

__all__ = ["timeline_text"]

_WIDTH: Final = 56
_LABEL: Final = 18
_MOST_ROWS: Final = 200


def timeline_text(
    state: RunState, spans: Sequence[Span], *, with_turns: bool = False, deterministic: bool = False
) -> str:
    """The timeline for a terminal.

    Args:
        state: The run.
        spans: Its spans.
        with_turns: Whether the tokens of each turn stand below.
        deterministic: Order and structure alone, without times.
    """
    rows = rows_of(spans)
    shown = rows[:_MOST_ROWS]
    title = one_line(state.title, 80) or "run"
    lines = [f"{title} [{status_words(state)}] {facts(state, rows, deterministic=deterministic)}"]
    if deterministic:
        lines += [_words_line(row) for row in shown]
    elif shown:
        scale = axis(spans, state.duration_s)
        lines += [_axis_line(scale), *(_chart_line(row, scale) for row in shown)]
    if len(rows) > len(shown):
        lines.append(f"... {len(rows) - len(shown):,} more rows")
    if shown and not deterministic:
        lines.append(_legend(spans))
    if with_turns:
        lines += [
            f"turn {turn.number} tokens: {numbers_text(turn.usage)}"
            for turn in state.turns
            if turn.usage is not None
        ]
    return terminal_safe("\n".join(lines))


def _label(row: Row) -> str:
    label = one_line(terminal_safe(row.label), _LABEL - 3)
    return f"  {label}" if row.is_tool else label


def _words_line(row: Row) -> str:
    asked = f"{row.model}: " if row.model else ""
    return f"{_label(row):<{_LABEL}} {asked}{row_words(row, deterministic=True)}"


def _axis_line(scale: Axis) -> str:
    line = [" "] * (_LABEL + 2 + _WIDTH)
    for tick in scale.ticks:
        place = _LABEL + 2 + round(_WIDTH * scale.share(tick) / 100)
        label = scale.label(tick)
        line[place : place + len(label)] = label
    return "".join(line).rstrip()


def _chart_line(row: Row, scale: Axis) -> str:
    cells = [" "] * _WIDTH
    for span in row.spans:
        start = min(_WIDTH - 1, math.floor(_WIDTH * scale.share(span.start_s) / 100))
        end = max(start + 1, round(_WIDTH * scale.share(span.end_s) / 100))
        if span.kind != "queue" or end > start + 1:
            cells[start:end] = letter(span) * (end - start)
    return f"{_label(row):<{_LABEL}} |{''.join(cells)}| {duration(row.duration_s):>7}"


def _legend(spans: Sequence[Span]) -> str:
    there = {span.kind for span in spans}
    named = [f"{mark.letter} {mark.label}" for mark in MARKS.values() if mark.kind in there]
    if any(letter(span) == FAILED_LETTER for span in spans):
        named.append(f"{FAILED_LETTER} tool that failed")
    return "   ".join(named)
