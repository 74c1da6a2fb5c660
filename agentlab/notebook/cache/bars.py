"""Two requests as bars over each other, drawn with inline styles; each piece also says what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agentlab.notebook.cache.aligned_blocks import STATE_WORDS, BlockRun, BlockState
from agentlab.notebook.cache.opened_change import shown_characters
from agentlab.notebook.safety.safe_html import SafeHTML, element, join

__all__ = ["PAINT", "bars", "swatch"]

_LABELLED: Final = 0.07
"""Share of the width from which a piece has room for its name."""

_STRIPES: Final = "repeating-linear-gradient(135deg, {0} 0 4px, {1} 4px 7px)"
_GREY: Final = "rgba(128, 128, 128, 0.35)"
PAINT: Final[dict[BlockState, str]] = {
    "shared": "background: #2e7d5b; color: #ffffff",
    "changed": "background: #c0392b; color: #ffffff",
    "behind": f"background: {_STRIPES.format('rgba(128, 128, 128, 0.16)', _GREY)}",
    "gone": f"box-sizing: border-box; border: 1px dashed {_GREY}; text-decoration: line-through",
    "mixed": f"background: {_STRIPES.format('transparent', _GREY)}; box-sizing: border-box; border: 1px dashed {_GREY}",
    "new": f"background: rgba(128, 128, 128, 0.16); box-sizing: border-box; border: 1px solid {_GREY}",
}


def bars(named: Sequence[tuple[str, Sequence[BlockRun]]]) -> SafeHTML:
    """One bar a request, all in one scale.

    Args:
        named: What the requests are called, and their blocks.
    """
    widest = max(1, *(sum(run.tokens for run in runs) for _, runs in named))
    return element(
        "div", join(_bar(name, runs, widest) for name, runs in named), style="margin: 8px 0; max-width: 62em"
    )


def swatch(state: BlockState) -> SafeHTML:
    """A small sample of a state's paint."""
    return element(
        "span",
        style=f"{PAINT[state]}; display: inline-block; width: 14px; height: 10px; box-sizing: border-box; "
        "border-radius: 2px; margin-right: 6px",
    )


def _bar(name: str, runs: Sequence[BlockRun], widest: int) -> SafeHTML:
    tokens = sum(run.tokens for run in runs)
    pieces = join(_piece(run, widest) for run in runs)
    label = element(
        "span", f"{name} ", style="flex: none; width: 8.5em; overflow: hidden; text-overflow: ellipsis"
    )
    strip = element(
        "span",
        pieces,
        role="img",
        style="display: flex; flex: 1; min-width: 0; overflow: hidden; text-align: center; font-size: 11px; "
        "line-height: 22px; height: 22px",
        **{"aria-label": f"{name}, {tokens:,} tokens: {_spoken(runs)}"},
    )
    style = (
        "display: flex; align-items: center; gap: 8px; margin: 3px 0; font-size: 12px; white-space: nowrap"
    )
    return element("div", label, strip, style=style)


def _piece(run: BlockRun, widest: int) -> SafeHTML:
    share = run.tokens / widest
    shown = shown_characters(run.label)[:60]
    mark = "✕ " if run.state == "changed" else ""
    narrowest = 14 if mark else 3
    # Inherited styles stand on the strip: a bar has dozens of pieces, and a picture of a run many bars.
    is_labelled = share >= _LABELLED
    cut = "; overflow: hidden; text-overflow: ellipsis" if is_labelled else ""
    style = (
        f"{PAINT[run.state]}; flex: 0 0 {100 * share:.2f}%; min-width: {narrowest}px; "
        f"box-shadow: inset -1px 0 var(--jp-layout-color0, Canvas){cut}"
    )
    many = f", {run.blocks} blocks" if run.blocks > 1 else ""
    title = f"{shown}{f' ({run.role})' if run.role else ''}{many}: {run.tokens:,} tokens, {STATE_WORDS[run.state]}"
    return element("span", mark, f"{shown} " if is_labelled else "", title=title, style=style)


def _spoken(runs: Sequence[BlockRun]) -> str:
    """The bar in words: tokens by what became of them, in order."""
    sums: dict[BlockState, int] = {}
    for run in runs:
        sums[run.state] = sums.get(run.state, 0) + run.tokens
    return ", ".join(f"{tokens:,} {STATE_WORDS[state]}" for state, tokens in sums.items())
