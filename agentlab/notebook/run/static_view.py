"""A run as a still picture: HTML and text that need no kernel, no script and no style sheet.

This is what stays in the saved notebook, and what GitHub, nbconvert and a reader without a kernel see. GitHub drops
styles, so tables and `<details>` carry the meaning and the styles only please.
"""

from __future__ import annotations

from typing import Final, assert_never

from agentlab.notebook.run.state import STATUS_LABELS, RunState
from agentlab.notebook.run.token_bar import SEGMENTS, TokenBar, money, seconds
from agentlab.notebook.run.turn import NoticeLine, TurnView
from agentlab.notebook.run.turn_parts import Part, Prose, ToolCard
from agentlab.notebook.run.usage_table import numbers_text, usage_table
from agentlab.notebook.safety.markdown import render_markdown
from agentlab.notebook.safety.plain_text import terminal_safe
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join

__all__ = ["RESULT_LIMIT", "mimebundle", "shortened", "static_html", "static_text"]

RESULT_LIMIT: Final = 20_000
TITLE_LIMIT: Final = 200
_BORDER: Final = "1px solid var(--jp-border-color2, var(--vscode-panel-border, rgba(128, 128, 128, 0.4)))"
_MUTED: Final = (
    "color: var(--jp-ui-font-color2, var(--vscode-descriptionForeground, #6a737d)); font-size: 0.9em"
)
_ROOT: Final = f"border: {_BORDER}; border-radius: 6px; padding: 8px 12px; max-width: 100%"
_CARD: Final = f"border: {_BORDER}; border-radius: 6px; padding: 4px 10px; margin: 6px 0"
_PRE: Final = (
    "white-space: pre-wrap; overflow-wrap: anywhere; max-height: 320px; overflow: auto; margin: 4px 0"
)
_GOOD: Final = "var(--jp-success-color1, #1a7f37)"
_BAD: Final = "var(--jp-error-color1, var(--vscode-errorForeground, #cf222e))"
_WARN: Final = "var(--jp-warn-color1, #9a6700)"


def mimebundle(state: RunState, *, deterministic: bool = False) -> dict[str, str]:
    """What stays in the notebook: the HTML and the text of a run by MIME type.

    There is no `text/markdown` in it: front ends show that without sanitising it.

    Args:
        state: The run.
        deterministic: Leave out what differs from one run to the next: times and prices.
    """
    return {
        "text/html": static_html(state, deterministic=deterministic).html,
        "text/plain": static_text(state, deterministic=deterministic),
    }


def static_html(state: RunState, *, deterministic: bool = False) -> SafeHTML:
    """The run as one `<div>`; see `mimebundle`."""
    longest = max(
        (TokenBar.of(turn.usage).total for turn in state.turns if turn.usage is not None), default=0
    )
    several = len(state.turns) > 1
    pieces = [_heading(state)]
    for turn in state.turns:
        pieces += [_turn(turn, several=several, deterministic=deterministic), _bar(turn, longest)]
    pieces.append(usage_table(state, deterministic=deterministic))
    # MathJax would typeset a model's text, and its `\href` makes links that nobody has checked.
    return element("div", join(pieces), class_="agentlab-run mathjax_ignore tex2jax_ignore", style=_ROOT)


def static_text(state: RunState, *, deterministic: bool = False) -> str:
    """The run as plain text, safe to print to a terminal; see `mimebundle`."""
    lines = [_headline(state)]
    for turn in state.turns:
        lines.append(f"-- turn {turn.number}{f' · {turn.model}' if turn.model else ''}{_turn_mark(turn)}")
        lines += [f"! {_notice(notice, deterministic=deterministic)}" for notice in turn.notices]
        lines += [_part_text(part, deterministic=deterministic) for part in turn.parts]
        lines += _turn_numbers(turn, deterministic=deterministic)
    lines += _total_numbers(state, deterministic=deterministic)
    return terminal_safe("\n".join(lines))


def shortened(text: str, limit: int = RESULT_LIMIT) -> str:
    """The beginning of a long text, and how much is left out."""
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit:,} more characters"


def _one_line(text: str, limit: int = 60) -> str:
    """The beginning of a text, on one line."""
    flat = " ".join(text[: 4 * limit].split())
    return flat if len(flat) <= limit else f"{flat[:limit]}…"


def _headline(state: RunState) -> str:
    detail = f": {state.detail}" if state.detail else ""
    return f"{_one_line(state.title, TITLE_LIMIT) or 'run'} [{STATUS_LABELS[state.status]}{detail}]"


def _heading(state: RunState) -> SafeHTML:
    color = {"done": _GOOD, "error": _BAD}.get(state.status, _WARN)
    status = element("span", STATUS_LABELS[state.status], style=f"color: {color}; font-weight: 600")
    detail = element("span", f" {state.detail}", style=_MUTED) if state.detail else escape("")
    return element(
        "div", element("strong", _one_line(state.title, TITLE_LIMIT) or "run"), " · ", status, detail
    )


def _turn(turn: TurnView, *, several: bool, deterministic: bool) -> SafeHTML:
    named = f"turn {turn.number}" if several or turn.status != "done" else ""
    label = " · ".join(filter(None, [named, turn.model])) + _turn_mark(turn)
    pieces = [element("div", label, style=f"{_MUTED}; margin-top: 8px")] if label else []
    pieces += [
        element("div", f"⚠ {_notice(notice, deterministic=deterministic)}", style=f"color: {_WARN}")
        for notice in turn.notices
    ]
    pieces += [_part(part, deterministic=deterministic) for part in turn.parts]
    return join(pieces)


def _turn_mark(turn: TurnView) -> str:
    return "" if turn.status == "done" else f" · {turn.status}"


def _notice(notice: NoticeLine, *, deterministic: bool) -> str:
    timing = f" ({notice.timing})" if notice.timing and not deterministic else ""
    return f"{notice.kind.replace('_', ' ')}: {notice.text}{timing}"


def _part(part: Part, *, deterministic: bool) -> SafeHTML:
    match part:
        case Prose(kind="text"):
            return element("div", render_markdown(part.text))
        case Prose(kind="reasoning"):
            inner = element("div", part.text, style=f"{_MUTED}; white-space: pre-wrap")
            return _folded(element("em", "reasoning"), inner)
        case Prose():
            return element("div", part.text, style=_MUTED)
        case ToolCard():
            return _card(part, deterministic=deterministic)
        case _:
            assert_never(part)


def _card(card: ToolCard, *, deterministic: bool) -> SafeHTML:
    color = _BAD if card.is_error else _GOOD if card.status == "success" else _WARN
    status = element("span", _card_status(card, deterministic=deterministic), style=f"color: {color}")
    pieces = [element("pre", shortened(card.arguments), style=_PRE)] if card.arguments else []
    if card.result is not None:
        style = f"{_PRE}; color: {_BAD}" if card.is_error else _PRE
        pieces += [
            element("div", "error" if card.is_error else "result", style=_MUTED),
            element("pre", shortened(card.result), style=style),
        ]
    preview = element("span", f" {_one_line(card.arguments)} ", style=_MUTED)
    return _folded(join([element("code", card.name), preview, status]), join(pieces), is_open=card.is_error)


def _card_status(card: ToolCard, *, deterministic: bool) -> str:
    words = {"success": "ok", "called": "not run", "writing": "not complete"}.get(card.status, card.status)
    return words if deterministic or card.duration_s is None else f"{words} · {seconds(card.duration_s)}"


def _folded(summary: SafeHTML, body: SafeHTML, *, is_open: bool = False) -> SafeHTML:
    head = element("summary", summary, style="cursor: pointer")
    return element("details", head, body, open="" if is_open else None, style=_CARD)


def _bar(turn: TurnView, longest: int) -> SafeHTML:
    """The turn's tokens as a stacked bar, as long as its share of the run's longest turn."""
    bar = TokenBar.of(turn.usage) if turn.usage is not None else TokenBar()
    if not bar.total:
        return escape("")
    counts, lengths = bar.counts(), bar.lengths()
    pieces = [
        element(
            "div",
            title=f"{segment.label} {counts[segment.name]:,}",
            style=f"flex: {lengths[segment.name]} 0 0; background: {segment.color}",
        )
        for segment in SEGMENTS
        if segment.name in lengths
    ]
    width = 100 * bar.total / longest
    style = f"display: flex; height: 8px; width: {width:.1f}%; min-width: 12px; margin: 6px 0; border-radius: 4px; overflow: hidden"
    return element("div", join(pieces), style=style)


def _part_text(part: Part, *, deterministic: bool) -> str:
    match part:
        case Prose(kind="text"):
            return part.text
        case Prose(kind="reasoning"):
            return f"[reasoning] {part.text}"
        case Prose():
            return part.text
        case ToolCard():
            call = f"[tool {part.name}: {_card_status(part, deterministic=deterministic)}] {part.arguments}"
            return call if part.result is None else f"{call}\n-> {shortened(part.result)}"
        case _:
            assert_never(part)


def _turn_numbers(turn: TurnView, *, deterministic: bool) -> list[str]:
    if turn.usage is None:
        return []
    line = f"tokens: {numbers_text(turn.usage)}"
    if not deterministic:
        line += (
            f" | cost {money(turn.cost_usd)} | first token {seconds(turn.time_to_first_token_s)}"
            f" | {seconds(turn.duration_s)}"
        )
    return [line]


def _total_numbers(state: RunState, *, deterministic: bool) -> list[str]:
    if len(state.turns) < 2:
        return []
    line = f"-- total tokens: {numbers_text(state.usage)}"
    if not deterministic:
        line += (
            f" | cost {money(state.cost_usd, at_least=state.cost_is_partial)} | {seconds(state.duration_s)}"
        )
    return [line]
