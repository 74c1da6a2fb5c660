"""A comparison as a still picture: a table of numbers, and the answers beside each other.

The answers stand in a table of one row, which GitHub keeps when it drops styles; with styles its cells are boxes that wrap
on a narrow page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentlab.notebook.comparison.lanes import Lane, Lanes
from agentlab.notebook.comparison.numbers import COLUMNS, TIMELESS_COLUMNS, cells
from agentlab.notebook.run.inline_styles import BAD, CARD, MUTED, ROOT
from agentlab.notebook.run.state import STATUS_LABELS
from agentlab.notebook.run.static_view import shortened, static_html
from agentlab.notebook.safety.markdown import render_markdown
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join
from agentlab.plain_text import one_line, terminal_safe

__all__ = ["lanes_html", "lanes_mimebundle", "lanes_text"]

_TABLE: Final = "border-collapse: collapse; margin: 6px 0; font-size: 12px"
_NUMBER: Final = "text-align: right; padding: 2px 14px 2px 0; white-space: nowrap"
_NAME: Final = "text-align: left; padding: 2px 14px 2px 0"
_ROW: Final = "display: flex; flex-wrap: wrap; gap: 8px; background: none"
_BOX: Final = (
    f"{CARD}; margin: 0; flex: 1 1 260px; min-width: 0; max-width: 100%; box-sizing: border-box; text-align: left;"
    " white-space: normal; overflow-wrap: anywhere; max-height: 480px; overflow: auto; background: none"
)
_LEFT: Final = frozenset({"agent", "state", "note"})


def lanes_mimebundle(lanes: Lanes, *, deterministic: bool = False) -> dict[str, str]:
    """What stays in the notebook: HTML and text by MIME type.

    Args:
        lanes: The comparison.
        deterministic: Leave out prices and times, and what they decide.
    """
    return {
        "text/html": lanes_html(lanes, deterministic=deterministic).html,
        "text/plain": lanes_text(lanes, deterministic=deterministic),
    }


def lanes_html(lanes: Lanes, *, deterministic: bool = False) -> SafeHTML:
    """The comparison as one `<div>`; see `lanes_mimebundle`."""
    title = element("strong", one_line(lanes.title, 200) or "comparison")
    summary = element("span", f" · {lanes.summary}", style=MUTED)
    heading = element("div", title, summary, style="overflow-wrap: anywhere")
    boxes = element("tr", join(_box(lane, deterministic=deterministic) for lane in lanes), style=_ROW)
    body = element("tbody", boxes, style="display: block")
    answers = element("table", body, style="display: block; width: 100%; margin: 0; border: 0")
    # MathJax would typeset a model's text, and its `\href` makes links that nobody has checked.
    return element(
        "div",
        heading,
        _numbers(lanes, deterministic=deterministic),
        answers,
        class_="agentlab-comparison mathjax_ignore tex2jax_ignore",
        style=ROOT,
    )


def lanes_text(lanes: Lanes, *, deterministic: bool = False) -> str:
    """The comparison as plain text, safe to print to a terminal: a table, and the answers below it."""
    rows = [["agent", *_columns(deterministic=deterministic)]]
    for lane, marks in zip(lanes, lanes.marks(), strict=True):
        rows.append(
            [
                one_line(terminal_safe(lane.label), 40),
                *cells(lane, marks, deterministic=deterministic).values(),
            ]
        )
    lines = [f"{one_line(lanes.title, 200) or 'comparison'} [{lanes.summary}]", *_aligned(rows)]
    for lane in lanes:
        lines += [
            f"-- {lane.label}{_reason(lane)}{f' ({_more(lane)})' if _more(lane) else ''}",
            shortened(lane.state.text) or "no answer",
        ]
    return terminal_safe("\n".join(lines))


def _columns(*, deterministic: bool) -> Sequence[str]:
    return TIMELESS_COLUMNS if deterministic else COLUMNS


def _aligned(rows: list[list[str]]) -> list[str]:
    """Columns of equal width; names to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    left = [name in _LEFT for name in rows[0]]
    return [
        "  ".join(
            cell.ljust(width) if to_left else cell.rjust(width)
            for cell, width, to_left in zip(row, widths, left, strict=True)
        ).rstrip()
        for row in rows
    ]


def _numbers(lanes: Lanes, *, deterministic: bool) -> SafeHTML:
    columns = _columns(deterministic=deterministic)
    head = element("tr", join(_cell("th", name, name) for name in ("agent", *columns)))
    rows = []
    for lane, marks in zip(lanes, lanes.marks(), strict=True):
        said = cells(lane, marks, deterministic=deterministic)
        model = f" {lane.model}" if lane.model != lane.label else ""
        name = element(
            "th", lane.label, element("span", model, style=f"{MUTED}; font-weight: 400"), style=_NAME
        )
        rows.append(element("tr", name, join(_cell("td", name, value) for name, value in said.items())))
    table = element("table", element("thead", head), element("tbody", join(rows)), style=_TABLE)
    return element("div", table, style="overflow-x: auto", tabindex="0")


def _cell(tag: str, column: str, text: str) -> SafeHTML:
    style = f"{_NAME}; white-space: nowrap" if column in _LEFT else _NUMBER
    return element(tag, text, style=f"{style}; color: {BAD}" if tag == "td" and text == "failed" else style)


def _box(lane: Lane, *, deterministic: bool) -> SafeHTML:
    heading = element("div", element("strong", lane.label), element("span", _reason(lane), style=MUTED))
    return element(
        "td", heading, _answer(lane), _whole(lane, deterministic=deterministic), style=_BOX, tabindex="0"
    )


def _answer(lane: Lane) -> SafeHTML:
    text = lane.state.text
    return (
        element("div", render_markdown(text, inline_colors=True))
        if text.strip()
        else element("div", "no answer", style=MUTED)
    )


def _whole(lane: Lane, *, deterministic: bool) -> SafeHTML:
    """All turns of the run, folded, where there is more to it than its answer."""
    state = lane.state
    more = _more(lane)
    if not more:
        return escape("")
    summary = element("summary", more, style=f"cursor: pointer; {MUTED}")
    return element(
        "details", summary, static_html(state, deterministic=deterministic), style="margin-top: 6px"
    )


def _more(lane: Lane) -> str:
    turns = lane.state.turns
    said = []
    if len(turns) > 1:
        said.append(f"{len(turns):,} turns")
    if lane.tool_calls:
        said.append(f"{lane.tool_calls:,} tool call{'s' * (lane.tool_calls > 1)}")
    kinds = {getattr(part, "kind", "") for turn in turns for part in turn.parts}
    if "reasoning" in kinds:
        said.append("reasoning")
    if any(turn.notices for turn in turns):
        said.append("notices")
    return ", ".join(said)


def _reason(lane: Lane) -> str:
    """How the run ended, where it did not end by itself."""
    state = lane.state
    if state.status == "done":
        return ""
    return f" · {STATUS_LABELS[state.status]}{f': {state.detail}' if state.detail else ''}"
