"""Two requests as a still picture that needs no script; where styles are dropped, its tables and folds carry it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentlab.caching.explaining.cause import Cause
from agentlab.caching.explaining.explanation import Explanation
from agentlab.caching.linting.comparisons import advice_on
from agentlab.notebook.cache.aligned_blocks import STATE_WORDS, BlockRun, aligned, fewer
from agentlab.notebook.cache.bars import bars, swatch
from agentlab.notebook.cache.opened_change import ChangedPiece, opened, place_in_text, shown_characters
from agentlab.notebook.cache.request_pair import RequestPair
from agentlab.notebook.run.inline_styles import BAD, MUTED, PRE
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join

__all__ = ["dollars", "heading", "headline", "pair_html"]

_MOST_CAUSES: Final = 12
_MOST_UNFOLDED: Final = 4
_MOST_ROWS: Final = 12
_MOST_LETTERS: Final = 400
_PLAIN_ROW: Final = "background: none"
_TITLE: Final = "text-align: right; padding: 2px 8px; vertical-align: bottom"
_NUMBER: Final = (
    "text-align: right; padding: 2px 8px; white-space: nowrap; font-variant-numeric: tabular-nums"
)
_TEXT: Final = "text-align: left; padding: 2px 8px; overflow-wrap: break-word; min-width: 6em"
_OPENED: Final = f"{PRE}; max-height: 320px; overflow: auto"
_MARKS: Final = {
    "gone": "background: rgba(207, 34, 46, 0.22); text-decoration: line-through",
    "new": "background: rgba(26, 127, 55, 0.25); text-decoration: underline",
}


def pair_html(pair: RequestPair, *, deterministic: bool = False) -> SafeHTML:
    """The comparison of two requests.

    Args:
        pair: The requests.
        deterministic: Leave out prices, which change with the price table.
    """
    before, after = aligned(pair)
    pieces = [
        bars([(pair.earlier, before), (pair.later, after)]),
        _legend([*before, *after]),
        _sums(pair, deterministic=deterministic),
    ]
    if pair.explanation is not None:
        pieces.append(_why(pair.explanation))
    pieces.append(_blocks(pair, before, after))
    return join(pieces)


def heading(pair: RequestPair, *, deterministic: bool = False) -> SafeHTML:
    """`headline`, with what went wrong in colour."""
    finding, numbers = _finding(pair, deterministic=deterministic)
    return join(
        [
            element("span", finding, style=f"color: {BAD}; font-weight: 600" if pair.has_moved else None),
            escape(f": {numbers}"),
        ]
    )


def headline(pair: RequestPair, *, deterministic: bool = False) -> str:
    """What came of the two requests, in one line."""
    return ": ".join(_finding(pair, deterministic=deterministic))


def _finding(pair: RequestPair, *, deterministic: bool) -> tuple[str, str]:
    """What happened, and the tokens and dollars of it."""
    if pair.explanation is None:
        return "the prefix holds", f"{_tokens(pair.kept_tokens, pair)} can be read again"
    word = f" ({pair.explanation.reason})" if pair.explanation.reason else ""
    lost = f"{_tokens(pair.lost_tokens, pair)} cannot be read again"
    cost = "" if deterministic or pair.lost_usd is None else f", {dollars(pair.lost_usd)} lost"
    return f"the prefix moved at {shown_characters(pair.explanation.place)[:200]}{word}", f"{lost}{cost}"


def dollars(usd: float | None) -> str:
    """A small amount of money; a dash where it is not known."""
    return "–" if usd is None else f"${usd:,.6f}" if usd < 0.01 else f"${usd:,.4f}"  # noqa: RUF001 - a dash


def _tokens(count: int, pair: RequestPair) -> str:
    return f"{count:,} tokens{' (estimated)' if pair.is_estimated else ''}"


def _sums(pair: RequestPair, *, deterministic: bool) -> SafeHTML:
    """Tokens and dollars, a row each for what is read again and what is paid again."""
    cost = [] if deterministic else ["costs more"]
    unit = "tokens, estimated" if pair.is_estimated else "tokens"
    head = _row("th", [f"of {pair.earlier}", unit, *cost])
    nothing = [] if deterministic else [""]
    rows = [_row("td", ["can be read from a cache", f"{pair.kept_tokens:,}", *nothing])]
    if pair.has_moved:
        price = [] if deterministic else [dollars(pair.lost_usd)]
        rows.append(_row("td", ["must be paid again", f"{pair.lost_tokens:,}", *price]))
    return _table(head, rows)


def _why(explanation: Explanation) -> SafeHTML:
    """The first change, opened; what to do about it; what else changed."""
    cause = explanation.cause
    code, advice = advice_on(cause)
    facts = [
        _fact("first change", escape(shown_characters(_place(cause)))),
        _fact("vendor's word", escape(explanation.reason or "")),
        _fact("provider says", escape(str(explanation.provider_says or ""))),
        _fact("what to do", join([_with_code(advice), escape(f" ({code})")])),
    ]
    return join([_table(escape(""), facts), _change(cause), _others(explanation.also)])


def _place(cause: Cause) -> str:
    line = place_in_text(cause)
    assumed = " (that this moves the prefix is assumed, not documented)" if cause.assumed else ""
    return f"{cause.place[:_MOST_LETTERS]}{f', {line}' if line else ''}: {_WORDS.get(cause.aspect, 'changed')}{assumed}"


_WORDS: Final = {
    "added": "added",
    "removed": "removed",
    "order": "in another order",
    "reordered": "the same members in another order",
    "extended": "text was appended",
    "role": "another role",
}


def _change(cause: Cause) -> SafeHTML:
    pieces = opened(cause)
    if not pieces:
        return escape("")
    summary = element("summary", "what changed, character by character", style="cursor: pointer")
    shown = element("pre", join(map(_piece, pieces)), style=_OPENED)
    key = element(
        "div",
        element("del", "gone", style=_MARKS["gone"]),
        " ",
        element("ins", "new", style=_MARKS["new"]),
        style="font-size: 11px",
    )
    return element("details", summary, key, shown, open="")


def _piece(piece: ChangedPiece) -> SafeHTML:
    match piece.kind:
        case "gone":
            return element("del", piece.text, style=_MARKS["gone"])
        case "new":
            return element("ins", piece.text, style=_MARKS["new"])
        case "cut":
            return element("em", piece.text, style=MUTED)
        case _:
            return element("span", piece.text)


def _others(causes: Sequence[Cause]) -> SafeHTML:
    """The other changes: mending the first alone moves the miss to the next of them."""
    if not causes:
        return escape("")
    items = [element("li", _shortened(cause.sentence)) for cause in causes[:_MOST_CAUSES]]
    left = len(causes) - _MOST_CAUSES
    if left > 0:
        items.append(element("li", f"and {left:,} more"))
    changes = "change" if len(causes) == 1 else "changes"
    summary = element("summary", f"{len(causes):,} more {changes} behind it", style="cursor: pointer")
    unfolded = "" if len(causes) <= _MOST_UNFOLDED else None
    return element("details", summary, element("ul", join(items), style="margin: 2px 0"), open=unfolded)


def _blocks(pair: RequestPair, before: Sequence[BlockRun], after: Sequence[BlockRun]) -> SafeHTML:
    """Every run of blocks of both requests as rows, folded; the shared start stands there once."""
    shared = [run for run in after if run.state == "shared"]
    rows = [_run_row(run, "both") for run in fewer(shared, _MOST_ROWS)]
    for name, runs in ((pair.earlier, before), (pair.later, after)):
        rest = [run for run in runs if run.state != "shared"]
        rows += [_run_row(run, name) for run in fewer(rest, _MOST_ROWS)]
    titles = join(element("th", title, style=_TEXT) for title in ("request", "level", "block"))
    head = element("tr", titles, element("th", "tokens", style=_TITLE), style=_PLAIN_ROW)
    counts = f"{len(pair.previous):,} and {len(pair.current):,} blocks"
    summary = element("summary", f"blocks of both requests: {counts}", style="cursor: pointer")
    return element("details", summary, _table(head, rows))


def _run_row(run: BlockRun, request: str) -> SafeHTML:
    many = f", {run.blocks:,} blocks" if run.blocks > 1 else ""
    role = f" ({run.role})" if run.role else ""
    label = element(
        "td",
        swatch(run.state),
        f"{_shortened(run.label)}{role}{many} · {STATE_WORDS[run.state]}",
        style=_TEXT,
    )
    cells = (element("td", request, style=_TEXT), element("td", run.level, style=_TEXT), label)
    return element("tr", join(cells), element("td", f"{run.tokens:,}", style=_NUMBER), style=_PLAIN_ROW)


def _legend(runs: Sequence[BlockRun]) -> SafeHTML:
    states = dict.fromkeys(run.state for run in runs)
    entries = (
        element("span", swatch(state), f"{STATE_WORDS[state]} ", style="margin-right: 14px")
        for state in states
    )
    return element("div", join(entries), style=f"{MUTED}; font-size: 11px; margin: 2px 0")


def _with_code(sentence: str) -> SafeHTML:
    """A sentence of our own in which backticks mark code."""
    pieces = enumerate(sentence.split("`"))
    return join(element("code", piece) if number % 2 else escape(piece) for number, piece in pieces)


def _fact(name: str, value: SafeHTML) -> SafeHTML:
    if not value:
        return escape("")
    muted = f"{_TEXT}; {MUTED}; white-space: nowrap; vertical-align: top"
    return element(
        "tr", element("td", name, style=muted), element("td", value, style=_TEXT), style=_PLAIN_ROW
    )


def _row(tag: str, cells: Sequence[str]) -> SafeHTML:
    first, *rest = cells
    numbers = join(element(tag, cell, style=_NUMBER if tag == "td" else _TITLE) for cell in rest)
    return element("tr", element(tag, first, style=_TEXT), numbers, style=_PLAIN_ROW)


def _table(head: SafeHTML, rows: Sequence[SafeHTML]) -> SafeHTML:
    table = element(
        "table", head, join(rows), style="border-collapse: collapse; font-size: 12px; margin: 4px 0"
    )
    return element("div", table, style="overflow-x: auto")


def _shortened(text: str) -> str:
    shown = shown_characters(text[:_MOST_LETTERS])
    return shown if len(text) <= _MOST_LETTERS else f"{shown}…"
