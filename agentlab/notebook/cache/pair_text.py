"""Two requests as plain text for a terminal: bars of letters, the change with its marks, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentlab.caching.linting.comparisons import advice_on
from agentlab.notebook.cache.aligned_blocks import STATE_WORDS, BlockRun, BlockState, aligned
from agentlab.notebook.cache.opened_change import opened
from agentlab.notebook.cache.pair_html import dollars, headline
from agentlab.notebook.cache.request_pair import RequestPair
from agentlab.plain_text import terminal_safe

__all__ = ["pair_text"]

_WIDTH: Final = 60
_LETTERS: Final[dict[BlockState, str]] = {
    "shared": "=",
    "changed": "X",
    "behind": "~",
    "gone": "-",
    "new": "+",
    "mixed": "*",
}
_BRACKETS: Final = {"gone": ("[-", "-]"), "new": ("{+", "+}"), "same": ("", ""), "cut": ("", "")}
_MOST_CAUSES: Final = 8
_MOST_LETTERS: Final = 200


def pair_text(pair: RequestPair, *, deterministic: bool = False) -> str:
    """The comparison of two requests, safe to print.

    Args:
        pair: The requests.
        deterministic: Leave out prices.
    """
    before, after = aligned(pair)
    lines = [f"{pair.earlier} -> {pair.later}: {headline(pair, deterministic=deterministic)}"]
    lines += _bars(((pair.earlier, before), (pair.later, after)))
    found = pair.explanation
    if found is None:
        return terminal_safe("\n".join(lines))
    lines.append("  change:")
    changed = "".join(
        f"{_BRACKETS[piece.kind][0]}{piece.text}{_BRACKETS[piece.kind][1]}" for piece in opened(found.cause)
    )
    lines += [f"    {line}" for line in changed.split("\n")]
    lines += [f"  also: {cause.sentence[:_MOST_LETTERS]}" for cause in found.also[:_MOST_CAUSES]]
    if len(found.also) > _MOST_CAUSES:
        lines.append(f"  and {len(found.also) - _MOST_CAUSES:,} changes more")
    if found.provider_says is not None:
        lines.append(f"  the provider says: {found.provider_says}")
    code, advice = advice_on(found.cause)
    lines.append(f"  what to do: {advice} ({code})")
    cost = "" if deterministic else f"; {dollars(pair.lost_usd)}"
    lines.append(f"  read again {pair.kept_tokens:,} tokens, paid again {pair.lost_tokens:,} tokens{cost}")
    return terminal_safe("\n".join(lines))


def _bars(named: Sequence[tuple[str, Sequence[BlockRun]]]) -> list[str]:
    widest = max(1, *(sum(run.tokens for run in runs) for _, runs in named))
    margin = max(len(name) for name, _ in named)
    lines = [
        f"  {name:<{margin}} |{_bar(runs, widest):<{_WIDTH}}| {sum(run.tokens for run in runs):,}"
        for name, runs in named
    ]
    states = dict.fromkeys(run.state for _, runs in named for run in runs)
    key = ", ".join(f"{_LETTERS[state]} {STATE_WORDS[state]}" for state in states)
    return [*lines, f"  {'':<{margin}}  {key}"]


def _bar(runs: Sequence[BlockRun], widest: int) -> str:
    """Letters by state; their ends are rounded from the start of the bar, so that equal starts stay equal."""
    drawn, passed = "", 0
    for run in runs:
        passed += run.tokens
        end = round(_WIDTH * passed / widest)
        # A first change too small to be drawn still gets its letter: it is what a reader looks for.
        end = max(end, len(drawn) + 1) if run.state == "changed" else end
        drawn += _LETTERS[run.state] * (end - len(drawn))
    return drawn[:_WIDTH]
