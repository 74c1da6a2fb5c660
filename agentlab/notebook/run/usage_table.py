"""The numbers of a run as a table: a row a turn, a column for each kind of token, and the totals below."""

from __future__ import annotations

from typing import Final

from agentlab.messages import Usage
from agentlab.notebook.run.inline_styles import CELL, HEAD
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.token_bar import SEGMENTS, Segment, TokenBar, count, money, seconds
from agentlab.notebook.run.turn import TurnView
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join

__all__ = ["numbers_text", "usage_table"]

_ALWAYS: Final = frozenset({"uncached", "read", "output", "reasoning"})


def usage_table(state: RunState, *, deterministic: bool = False) -> SafeHTML:
    """The table; empty where no turn reported its tokens.

    Args:
        state: The run.
        deterministic: Leave out prices and times.
    """
    if all(turn.usage is None for turn in state.turns):
        return escape("")
    shown = _shown(state)
    titles = [_title(segment) for segment in shown]
    ideals = {index: ideal for index in range(len(state.turns)) if (ideal := state.ideal_read_tokens(index))}
    titles += [escape("ideal read")] if ideals else []
    if not deterministic:
        titles += [escape("cost"), escape("first token"), escape("time")]
    head = element("tr", element("td"), join(element("th", title, style=HEAD) for title in titles))
    rows = [
        _row(
            f"turn {turn.number}",
            [
                *_counts(turn.usage, shown),
                *([count(ideals.get(index))] if ideals else []),
                *_rest(turn, deterministic),
            ],
        )
        for index, turn in enumerate(state.turns)
        if turn.usage is not None
    ]
    if len(state.turns) > 1:
        total = [count(sum(ideals.values()))] if ideals else []
        cells = [*_counts(state.usage, shown), *total, *_total(state, deterministic)]
        rows.append(_row("total", cells, tag="th"))
    style = "font-size: 12px; margin: 8px 0 0 0; border-collapse: collapse"
    table = element("table", element("thead", head), element("tbody", join(rows)), style=style)
    reached = {"tabindex": "0", "role": "group", "aria-label": "tokens of each turn"}
    return element("div", table, style="overflow-x: auto", **reached)


def numbers_text(usage: Usage) -> str:
    """The reported tokens in one line of text."""
    counts = TokenBar.of(usage).counts()
    named = [
        f"{segment.label} {count(counts[segment.name])}" for segment in SEGMENTS if segment.name in counts
    ]
    return ", ".join(named) or "not reported"


def _shown(state: RunState) -> list[Segment]:
    """The segments some turn reports, with those everybody asks about always among them."""
    reported = set(_ALWAYS)
    for turn in state.turns:
        if turn.usage is not None:
            reported |= TokenBar.of(turn.usage).counts().keys()
    return [segment for segment in SEGMENTS if segment.name in reported]


def _title(segment: Segment) -> SafeHTML:
    return join([element("span", "■\u00a0", style=f"color: {segment.color}"), escape(segment.label)])


def _counts(usage: Usage | None, shown: list[Segment]) -> list[str]:
    counts = TokenBar.of(usage).counts() if usage is not None else {}
    return [count(counts.get(segment.name)) for segment in shown]


def _rest(turn: TurnView, deterministic: bool) -> list[str]:
    if deterministic:
        return []
    return [money(turn.cost_usd), seconds(turn.time_to_first_token_s), seconds(turn.duration_s)]


def _total(state: RunState, deterministic: bool) -> list[str]:
    if deterministic:
        return []
    return [money(state.cost_usd, at_least=state.cost_is_partial), "", seconds(state.duration_s)]


def _row(label: str, cells: list[str], *, tag: str = "td") -> SafeHTML:
    shown = (element(tag if cell else "td", cell, style=CELL) for cell in cells)
    return element("tr", element("th", label, style=CELL), join(shown))
