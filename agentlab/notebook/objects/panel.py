"""The frame that every object is shown in: a title line, rows of facts, texts that fold. Inline styles only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from agentlab.notebook.run.inline_styles import MUTED, ROOT
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join

__all__ = ["fact", "facts", "folded", "grid", "one_line", "panel", "text_block"]

_TABLE: Final = "border-collapse: collapse; font-size: 12px; margin: 4px 0"
_CELL: Final = "text-align: left; vertical-align: top; padding: 2px 10px 2px 0; overflow-wrap: break-word"
_NUMBER: Final = (
    "text-align: right; vertical-align: top; padding: 2px 0 2px 12px; font-variant-numeric: tabular-nums"
)
_PRE: Final = "white-space: pre-wrap; overflow-wrap: anywhere; max-height: 260px; overflow: auto; margin: 2px 0; font-size: 12px"
_MOST_LETTERS: Final = 4_000


def panel(kind: str, name: str, *pieces: SafeHTML) -> SafeHTML:
    """An object as one `<div>`.

    Args:
        kind: What it is.
        name: What it is called.
        *pieces: What it holds.
    """
    title = element("div", element("span", f"{kind} · ", style=MUTED), element("strong", one_line(name, 120)))
    # MathJax would typeset texts of a model.
    return element("div", title, *pieces, class_="agentlab-object mathjax_ignore tex2jax_ignore", style=ROOT)


def facts(rows: Iterable[SafeHTML]) -> SafeHTML:
    """Rows made by `fact`, as a table."""
    return _scrolling(element("table", join(rows), style=_TABLE))


def fact(name: str, value: SafeHTML | str | None) -> SafeHTML:
    """A row of a name and a value; empty where there is no value."""
    if value is None or not value:
        return escape("")
    head = element("td", name, style=f"{_CELL}; {MUTED}; white-space: nowrap")
    return element("tr", head, element("td", value, style=_CELL), style="background: none")


def grid(
    titles: Sequence[str], rows: Iterable[Sequence[SafeHTML | str]], *, numbers_from: int = 99
) -> SafeHTML:
    """A table.

    Args:
        titles: Of the columns.
        rows: Its cells.
        numbers_from: From which column on the cells are numbers.
    """
    styles = [_NUMBER if column >= numbers_from else _CELL for column in range(len(titles))]
    head = element("tr", join(map(_titled, titles, styles)), style="background: none")
    body = join(
        element(
            "tr",
            join(element("td", cell, style=style) for cell, style in zip(row, styles, strict=True)),
            style="background: none",
        )
        for row in rows
    )
    return _scrolling(element("table", element("thead", head), element("tbody", body), style=_TABLE))


def folded(summary: SafeHTML | str, *pieces: SafeHTML, is_open: bool = False) -> SafeHTML:
    """Something that opens when its summary is clicked."""
    head = element("summary", summary, style="cursor: pointer; overflow-wrap: anywhere")
    return element("details", head, *pieces, open="" if is_open else None, style="margin: 1px 0")


def text_block(text: str) -> SafeHTML:
    """A text as it stands, the end of a long one left out and counted."""
    left = len(text) - _MOST_LETTERS
    rest = f"\n… {left:,} more characters" if left > 0 else ""
    return element("pre", f"{text[:_MOST_LETTERS]}{rest}", style=_PRE)


def one_line(text: str, most: int = 90) -> str:
    """The beginning of a text, on one line."""
    flat = " ".join(text[: 4 * most].split())
    return flat if len(flat) <= most and len(text) <= 4 * most else f"{flat[:most]}…"


def _titled(title: str, style: str) -> SafeHTML:
    return element("th", title, style=style)


def _scrolling(table: SafeHTML) -> SafeHTML:
    return element("div", table, style="overflow-x: auto")
