"""A run as a still picture: HTML and text that need no kernel, no script and no style sheet.

This is what stays in the saved notebook, and what GitHub, nbconvert and a reader without a kernel see. GitHub drops
styles, so tables and `<details>` carry the meaning and the styles only please.
"""

from __future__ import annotations

from typing import Final

from agentlab.notebook.run.bounded_text import RESULT_LIMIT, shortened
from agentlab.notebook.run.inline_styles import BAD, BAR, BODY, GOOD, IDEAL, MUTED, NOTICE, PIECES, ROOT, WARN
from agentlab.notebook.run.state import STATUS_LABELS, RunState
from agentlab.notebook.run.static_parts import part_html, part_text
from agentlab.notebook.run.token_bar import SEGMENTS, TokenBar, count, money, seconds
from agentlab.notebook.run.turn import NoticeLine, TurnView
from agentlab.notebook.run.usage_table import numbers_text, usage_table
from agentlab.notebook.safety.safe_html import SafeHTML, element, escape, join
from agentlab.plain_text import one_line, terminal_safe

__all__ = ["RESULT_LIMIT", "mimebundle", "shortened", "static_html", "static_text"]

TITLE_LIMIT: Final = 200
LONG: Final = 4_000


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


def static_html(state: RunState, *, deterministic: bool = False, bounded: bool = True) -> SafeHTML:
    """The run as one `<div>`; see `mimebundle`.

    Args:
        state: The run.
        deterministic: As in `mimebundle`.
        bounded: Whether a long run scrolls in a box of its own.
    """
    longest = max(
        (TokenBar.of(turn.usage).total for turn in state.turns if turn.usage is not None), default=0
    )
    pieces: list[SafeHTML] = []
    for index, turn in enumerate(state.turns):
        pieces += [
            _turn(turn, state, deterministic=deterministic),
            _bar(turn, longest, state.ideal_read_tokens(index)),
        ]
    scrolls = bounded and (state.size > LONG or len(state.turns) > 3)
    named = {"tabindex": "0", "role": "region", "aria-label": "the run, turn by turn"} if scrolls else {}
    body = element("div", join(pieces), style=BODY if scrolls else None, **named)
    table = usage_table(state, deterministic=deterministic)
    # MathJax would typeset a model's text, and its `\href` makes links that nobody has checked.
    classes = "agentlab-run mathjax_ignore tex2jax_ignore"
    return element("div", _heading(state, deterministic), body, table, class_=classes, style=ROOT)


def static_text(state: RunState, *, deterministic: bool = False) -> str:
    """The run as plain text, safe to print to a terminal; see `mimebundle`."""
    detail = f": {state.detail}" if state.detail else ""
    lines = [f"{one_line(state.title, TITLE_LIMIT) or 'run'} [{_label(state)}{detail}]"]
    for turn in state.turns:
        lines.append(f"-- turn {turn.number}{f' · {turn.model}' if turn.model else ''}{_mark(turn)}")
        lines += [f"! {_notice(notice, deterministic=deterministic)}" for notice in turn.notices]
        lines += [part_text(part, deterministic=deterministic) for part in turn.parts]
        lines += _turn_numbers(turn, deterministic=deterministic)
    lines += _total_numbers(state, deterministic=deterministic)
    return terminal_safe("\n".join(lines))


def _label(state: RunState) -> str:
    return "waiting for approval" if state.asking else STATUS_LABELS[state.status]


def _heading(state: RunState, deterministic: bool) -> SafeHTML:
    color = {"done": GOOD, "error": BAD}.get(state.status, WARN)
    status = element("span", _label(state), style=f"color: {color}; font-weight: 600")
    detail = element("span", f": {state.detail}", style=f"color: {color}") if state.detail else escape("")
    title = element("strong", one_line(state.title, TITLE_LIMIT) or "run")
    facts = " · ".join(_facts(state, deterministic=deterministic))
    return join([element("div", title, " · ", status, detail), element("div", facts, style=MUTED)])


def _facts(state: RunState, *, deterministic: bool) -> list[str]:
    """Model, tokens, price and time of the run, as far as they are known."""
    usage, estimate = state.usage, state.estimated_output_tokens
    found = [state.model] if state.model else []
    if usage.input_tokens is not None:
        found.append(f"{count(usage.input_tokens)} tokens in")
    if usage.output_tokens is not None or estimate:
        found.append(f"{'~' if estimate else ''}{(usage.output_tokens or 0) + estimate:,} tokens out")
    if not deterministic:
        priced = money(state.cost_usd, at_least=state.cost_is_partial)
        found += [priced] if state.cost_usd is not None else []
        found.append(seconds(state.duration_s))
    return found


def _turn(turn: TurnView, state: RunState, *, deterministic: bool) -> SafeHTML:
    several_models = ", " in state.model
    named = [f"turn {turn.number}"] if len(state.turns) > 1 or turn.status != "done" else []
    named += [turn.model] if several_models and turn.model else []
    label = " · ".join(named) + _mark(turn)
    pieces = [element("div", label, style=f"{MUTED}; margin-top: 8px")] if label else []
    pieces += [
        element("div", _notice(notice, deterministic=deterministic), style=NOTICE) for notice in turn.notices
    ]
    pieces += [part_html(part, turn, deterministic=deterministic) for part in turn.parts]
    if turn.estimated_output_tokens:
        pieces.append(element("div", _estimate(turn), style=MUTED))
    return join(pieces)


def _mark(turn: TurnView) -> str:
    return "" if turn.status == "done" else f" · {turn.status}"


def _estimate(turn: TurnView) -> str:
    later = "usage is known only at the end" if turn.status == "running" else "usage was not reported"
    return f"~{turn.estimated_output_tokens or 0:,} output tokens (estimated; {later})"


def _notice(notice: NoticeLine, *, deterministic: bool) -> str:
    timing = f" ({notice.timing})" if notice.timing and not deterministic else ""
    return f"{notice.kind.replace('_', ' ')}: {notice.text}{timing}"


def _bar(turn: TurnView, longest: int, ideal: int | None) -> SafeHTML:
    """The turn's tokens as a stacked bar, as long as its share of the run's longest turn; dashed, what could be read."""
    bar = TokenBar.of(turn.usage) if turn.usage is not None else TokenBar()
    if not bar.total:
        return escape("")
    colors = {segment.name: segment.color for segment in SEGMENTS}
    pieces = [
        element("div", style=f"flex: {length} 0 0; background: {colors[name]}")
        for name, length in bar.lengths().items()
    ]
    words = f"tokens: {numbers_text(turn.usage)}" if turn.usage is not None else ""
    outline = escape("")
    if ideal is not None:
        words += f", ideal read {count(ideal)}"
        outline = element("div", style=f"{IDEAL}; width: {100 * min(1.0, ideal / bar.total):.1f}%")
    drawn = element("div", join(pieces), style=PIECES)
    style = f"{BAR}; width: {100 * bar.total / longest:.1f}%"
    return element("div", drawn, outline, title=words, style=style)


def _turn_numbers(turn: TurnView, *, deterministic: bool) -> list[str]:
    lines = [_estimate(turn)] if turn.estimated_output_tokens else []
    if turn.usage is None:
        return lines
    line = f"tokens: {numbers_text(turn.usage)}"
    if not deterministic:
        line += (
            f" | cost {money(turn.cost_usd)} | first token {seconds(turn.time_to_first_token_s)}"
            f" | {seconds(turn.duration_s)}"
        )
    return [*lines, line]


def _total_numbers(state: RunState, *, deterministic: bool) -> list[str]:
    if len(state.turns) < 2:
        return []
    line = f"-- total tokens: {numbers_text(state.usage)}"
    if not deterministic:
        line += (
            f" | cost {money(state.cost_usd, at_least=state.cost_is_partial)} | {seconds(state.duration_s)}"
        )
    return [line]
