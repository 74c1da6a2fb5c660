"""The rows of a timeline, its axis, and how its time adds up. Pure: spans in, numbers out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from agentlab.agent.spans import MODEL_CALL_KINDS, Span, SpanKind

__all__ = ["Axis", "Row", "axis", "duration", "rows_of", "shares"]

_STEPS: Final = (1.0, 2.0, 5.0, 10.0, 20.0)
_TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the chart: one model call, one call of a tool, or one search of an index.

    Attributes:
        label: `turn 1`, the tool, or the index.
        model: The model of a model call; empty for others.
        spans: What is drawn in it, in order.
    """

    label: str
    model: str
    spans: tuple[Span, ...]

    @property
    def is_tool(self) -> bool:
        """Whether it is a call of a tool."""
        return self.spans[0].kind in {"approval", "tool"}

    @property
    def depth(self) -> int:
        """How many runs it is inside of."""
        return self.spans[0].depth

    @property
    def duration_s(self) -> float:
        """From its first beginning to its last end."""
        return max(span.end_s for span in self.spans) - self.spans[0].start_s


@dataclass(frozen=True, slots=True)
class Axis:
    """The scale below the rows.

    Attributes:
        total_s: Its length in seconds; never 0.
        step_s: From one tick to the next.
    """

    total_s: float
    step_s: float

    @property
    def ticks(self) -> tuple[float, ...]:
        """Where they stand, in seconds, 0 first; none at the very end, where its label would not fit."""
        count = math.floor(0.96 * self.total_s / self.step_s) + 1
        return tuple(number * self.step_s for number in range(count))

    def label(self, seconds: float) -> str:
        """What a tick says; all in one unit."""
        if self.total_s < 1:
            return "0" if seconds == 0 else f"{seconds * 1000:g} ms"
        decimals = max(0, -math.floor(math.log10(self.step_s) + 1e-9))
        return "0" if seconds == 0 else f"{seconds:,.{decimals}f} s"

    def share(self, seconds: float) -> float:
        """How far along a moment is, in percent."""
        return min(100.0, 100 * seconds / self.total_s)


def rows_of(spans: Iterable[Span]) -> tuple[Row, ...]:
    """A row a model call and a row a tool call, with the approval it waited for; in the order in which they began.

    Those of a run inside a tool call stand below that call.
    """
    runs: dict[str, list[Span]] = {}
    for span in spans:
        runs.setdefault(span.run_id, []).append(span)
    rows: list[Row] = []
    for run in sorted(runs.values(), key=lambda run: run[0].depth):
        place = _place_below(rows, run[0])
        rows[place:place] = _rows_of_one(run)
    return tuple(rows)


def _place_below(rows: Sequence[Row], span: Span) -> int:
    """Where the rows of an inner run go: behind the call it is inside of, and what stands below that already."""
    for place, row in enumerate(rows):
        if span.inside and row.depth == span.depth - 1 and row.spans[0].call_id == span.inside:
            below = place + 1
            while below < len(rows) and rows[below].depth >= span.depth:
                below += 1
            return below
    return len(rows)


def _rows_of_one(spans: Sequence[Span]) -> list[Row]:
    """The rows of one run."""
    groups: list[list[Span]] = []
    newest: dict[tuple[int, str | None], list[Span]] = {}
    for span in spans:
        key = (span.turn, None if span.kind in MODEL_CALL_KINDS else span.call_id)
        group = newest.get(key)
        if group is None or (key[1] is not None and not _runs_what_was_asked(group[-1], span)):
            group = newest[key] = []
            groups.append(group)
        group.append(span)
    rows = [_row(group) for group in groups]
    return sorted(rows, key=lambda row: (row.spans[0].turn, row.is_tool))


def axis(spans: Sequence[Span], total_s: float) -> Axis:
    """A scale with at most five ticks, a round step apart over the whole run."""
    total = max([total_s, *(span.end_s for span in spans)])
    if not 0 < total < math.inf:
        total = 1.0
    power = 10.0 ** math.floor(math.log10(total / _TICKS))
    scales = [Axis(total, step * power) for step in _STEPS]
    return next(scale for scale in scales if len(scale.ticks) <= _TICKS)


def shares(spans: Sequence[Span], total_s: float = 0.0) -> dict[str, float]:
    """Seconds in which the run was at each of these; what ran at the same time counts once. Only what there was.

    `other` is the rest of `total_s`, where it is a hundredth of it or more: hooks, and what a first run has to load.
    """
    kinds: dict[str, tuple[SpanKind, ...]] = {
        "model": ("attempt", "first_token", "stream"),
        "retrieval": ("retrieval",),
        "tools": ("tool",),
        "approval": ("approval",),
        "waiting": ("queue", "retry_wait"),
    }
    found = {name: _covered([span for span in spans if span.kind in of]) for name, of in kinds.items()}
    other = total_s - _covered(spans)
    if other >= 0.01 * total_s:
        found["other"] = other
    return {name: seconds for name, seconds in found.items() if seconds > 0}


def duration(seconds: float) -> str:
    """A time on the chart, with three figures at most."""
    if seconds >= 100:
        return f"{seconds:,.0f} s"
    if seconds >= 10:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


def _row(group: list[Span]) -> Row:
    first = group[0]
    who = f"{first.agent}: " if first.depth else ""
    if first.kind in MODEL_CALL_KINDS:
        return Row(f"{who}turn {first.turn}", first.name, tuple(group))
    name = next((span.name for span in reversed(group) if span.name), "tool")
    return Row(f"{who}{name}", "", tuple(group))


def _runs_what_was_asked(before: Span, span: Span) -> bool:
    return before.kind == "approval" and span.kind == "tool"


def _covered(spans: Sequence[Span]) -> float:
    """The length of what these spans cover together."""
    covered, reached = 0.0, 0.0
    for span in sorted(spans, key=lambda span: span.start_s):
        covered += max(0.0, span.end_s - max(span.start_s, reached))
        reached = max(reached, span.end_s)
    return covered
