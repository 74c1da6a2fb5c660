"""A timeline as HTML that needs no script and no style sheet.

Where styles are dropped, as on GitHub, the boxes vanish and the words stay: each row says in words what it draws, which is
also what a screen reader reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentlab.agent.spans import Span
from agentlab.notebook.run.inline_styles import MUTED, ROOT
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.usage_table import usage_table
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join
from agentlab.notebook.trace.chart import Axis, Row, axis, duration, rows_of
from agentlab.notebook.trace.marks import MARKS, box_style
from agentlab.notebook.trace.words import facts, row_words, span_words, status_words
from agentlab.plain_text import one_line

__all__ = ["timeline_html"]

MOST_ROWS: Final = 30
MOST_FOLDED_ROWS: Final = 70
MOST_SPANS: Final = 200
_LINE: Final = "var(--jp-border-color2, var(--vscode-panel-border, rgba(128, 128, 128, 0.4)))"
_TABLE: Final = (
    "width: 100%; table-layout: fixed; border-collapse: collapse; margin: 6px 0 0; font-size: 12px"
)
_NAME: Final = (
    "width: 104px; padding: 1px 8px 1px 0; text-align: left; font-weight: 400; white-space: nowrap; overflow: hidden;"
    " text-overflow: ellipsis"
)
_TRACK: Final = "padding: 1px 0; text-align: left"
_TIME: Final = "width: 64px; padding: 1px 0 1px 8px; text-align: right; white-space: nowrap"
_HIDDEN: Final = "position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap"
_CELL: Final = "padding: 1px 8px 1px 0; text-align: left"


def timeline_html(
    state: RunState, spans: Sequence[Span], *, with_turns: bool = False, deterministic: bool = False
) -> SafeHTML:
    """The timeline as one `<div>`.

    Args:
        state: The run.
        spans: Its spans.
        with_turns: Whether the tokens of each turn stand below.
        deterministic: Order and structure alone, without times.
    """
    rows = rows_of(spans)
    pieces = [_heading(state, rows, deterministic=deterministic)]
    if deterministic:
        pieces.append(_words_table(rows))
    elif rows:
        scale = axis(spans, state.duration_s)
        pieces += [_chart(rows, scale), _legend(spans), _folded_spans(spans)]
    if with_turns:
        pieces.append(usage_table(state, deterministic=deterministic))
    return element("div", join(pieces), class_="agentlab-timeline mathjax_ignore tex2jax_ignore", style=ROOT)


def _heading(state: RunState, rows: Sequence[Row], *, deterministic: bool) -> SafeHTML:
    said = f" · {status_words(state)} · {facts(state, rows, deterministic=deterministic)}"
    title = element("strong", one_line(state.title, 120) or "run")
    return element("div", title, element("span", said, style=MUTED), style="overflow-wrap: anywhere")


def _chart(rows: Sequence[Row], scale: Axis) -> SafeHTML:
    first = _table(rows[:MOST_ROWS], scale)
    if len(rows) <= MOST_ROWS:
        return first
    rest = rows[MOST_ROWS:]
    left = len(rest) - MOST_FOLDED_ROWS
    more = element("div", f"{left:,} more in `Trace.spans`", style=MUTED) if left > 0 else escape("")
    return join(
        [first, _folded(f"{len(rest):,} more rows", join([_table(rest[:MOST_FOLDED_ROWS], scale), more]))]
    )


def _table(rows: Sequence[Row], scale: Axis) -> SafeHTML:
    head = element(
        "tr",
        element("th", element("span", "call", style=_HIDDEN), style=_NAME),
        element("th", _axis(scale), style=_TRACK),
        element("th", element("span", "time", style=_HIDDEN), style=_TIME),
    )
    body = join(_row(row, scale) for row in rows)
    return element("table", element("thead", head), element("tbody", body), style=_TABLE)


def _axis(scale: Axis) -> SafeHTML:
    labels = [
        element(
            "span",
            f"{scale.label(tick)} ",
            style=f"position: absolute; left: {scale.share(tick):.2f}%; font-weight: 400; white-space: nowrap",
        )
        for tick in scale.ticks
    ]
    return element("div", join(labels), style=f"position: relative; height: 16px; {MUTED}")


def _row(row: Row, scale: Axis) -> SafeHTML:
    boxes = join(_box(span, scale) for span in row.spans if _is_drawn(span, scale))
    words = element("span", row_words(row, deterministic=False), style=_HIDDEN)
    step = scale.share(scale.step_s)
    grid = f"background: repeating-linear-gradient(90deg, {_LINE} 0 1px, transparent 1px {step:.3f}%)"
    track = element("div", boxes, words, style=f"position: relative; height: 14px; {grid}")
    name = f"{_NAME}; padding-left: 12px" if row.is_tool else _NAME
    return element(
        "tr",
        element("th", row.label, style=name, title=" · ".join(filter(None, [row.label, row.model]))),
        element("td", track, style=_TRACK),
        element("td", duration(row.duration_s), style=_TIME),
    )


def _is_drawn(span: Span, scale: Axis) -> bool:
    """A queue nobody had to wait in is not worth a box; all else is, however short."""
    return span.kind != "queue" or scale.share(span.duration_s) >= 0.2


def _box(span: Span, scale: Axis) -> SafeHTML:
    left, width = scale.share(span.start_s), scale.share(span.duration_s)
    place = f"left: min({left:.3f}%, calc(100% - 3px)); width: {width:.3f}%; min-width: 3px"
    style = f"position: absolute; top: 1px; bottom: 1px; box-sizing: border-box; border-radius: 2px; {place}; {box_style(span)}"
    return element("div", style=style, title=_title(span))


def _title(span: Span) -> str:
    when = f"{duration(span.start_s)} to {duration(span.end_s)}"
    said = f"{span.name}: {span_words(span, deterministic=False)} ({when})"
    return f"{said}\n{one_line(span.detail, 200)}" if span.detail else said


def _legend(spans: Sequence[Span]) -> SafeHTML:
    there = {span.kind for span in spans}
    failed = [span for span in spans if span.kind == "tool" and span.status in {"failed", "interrupted"}]
    named = [(mark.label, mark.style) for mark in MARKS.values() if mark.kind in there]
    if failed:
        named.append(("tool that failed", box_style(failed[0])))
    items = [
        element(
            "span",
            element(
                "span",
                style="display: inline-block; width: 14px; height: 10px; box-sizing: border-box;"
                f" margin-right: 5px; border-radius: 2px; {style}",
            ),
            element("span", f"{label} ", style=MUTED),
            style="white-space: nowrap",
        )
        for label, style in named
    ]
    style = "display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 6px 0 0; font-size: 12px"
    return element("div", join(items), style=style)


def _folded_spans(spans: Sequence[Span]) -> SafeHTML:
    """Every span as a row: for readers of numbers, and where styles are dropped."""
    titles = ("turn", "span", "of", "start", "end", "time", "ended", "detail")
    head = element("tr", join(element("th", title, style=_CELL) for title in titles))
    rows = [
        element("tr", join(element("td", cell, style=_CELL) for cell in _cells(span)))
        for span in spans[:MOST_SPANS]
    ]
    style = "border-collapse: collapse; margin: 4px 0 0; font-size: 12px"
    table = element("table", element("thead", head), element("tbody", join(rows)), style=style)
    left = len(spans) - len(rows)
    more = element("div", f"{left:,} more in `Trace.spans`", style=MUTED) if left > 0 else escape("")
    return _folded(
        f"{len(spans):,} spans",
        element("div", table, more, style="overflow: auto; max-height: 320px", tabindex="0"),
    )


def _cells(span: Span) -> list[str]:
    times = [duration(seconds) for seconds in (span.start_s, span.end_s, span.duration_s)]
    return [
        str(span.turn),
        MARKS[span.kind].label,
        span.name,
        *times,
        span.status,
        one_line(span.detail, 120),
    ]


def _words_table(rows: Sequence[Row]) -> SafeHTML:
    """Order and structure without times."""
    lines = [
        element(
            "tr",
            element("th", row.label, style=_CELL),
            element("td", row.model, style=_CELL),
            element("td", row_words(row, deterministic=True), style=_CELL),
        )
        for row in rows[:MOST_SPANS]
    ]
    style = "border-collapse: collapse; margin: 6px 0 0; font-size: 12px"
    return element("table", element("tbody", join(lines)), style=style)


def _folded(summary: str, body: SafeHTML) -> SafeHTML:
    head = element("summary", summary, style=f"cursor: pointer; {MUTED}")
    return element("details", head, body, style="margin-top: 6px")
