"""Which prompts share which prefix: a flame of the message tree, coloured by what the cache served."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.prefix_layout import PrefixBlock, prefix_blocks
from agentlab.experiments.plots.style import Theme, ThemeName, canvas, dress, note, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

__all__ = ["prefix_tree"]

_EDGE: Final = "#9aa0a8"
_MAP: Final = "cividis"
"""Even in lightness and read the same by colour-blind readers (Nuñez, Anderton and Renslow 2018)."""


def prefix_tree(
    messages: pd.DataFrame,
    *,
    turns: pd.DataFrame | None = None,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """The tree of prompts: width is tokens, height is prompts, colour is the share read from the cache.

    Prompts begin at the left. Where they are the same they are one block; where they part, the block splits.

    Args:
        messages: Blocks of prompts (`res.messages`), chained by `hash` and `parent_hash`.
        turns: Calls (`res.turns`), matched by `prefix_hash`: height is then calls, and colour what they read. Give some
            of them to see one model or one turn. Without it each leaf is one prompt, and the colour is what a cache
            that forgets nothing would serve: every prompt but the first that contains the block.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: If the frame is empty or lacks a column, the hashes make no tree, or no call's prompt is in it.
    """
    require(messages, ["hash", "parent_hash", "tokens"])
    reads, elsewhere = (None, 0) if turns is None else _reads(turns, set(messages["hash"]))
    blocks = list(prefix_blocks(messages, reads))
    ax, look = canvas(ax, theme, width=9.0, height=4.6)
    _draw(ax, look, blocks)
    ax.set_xlim(0, max(block.start + block.tokens for block in blocks))
    ax.set_ylim(max(block.top + block.prompts for block in blocks), 0)
    of = "prompts" if reads is None else "calls"
    dress(ax, look, title="Shared prefixes", x="tokens from the start of the prompt", y=of, grid="x")
    _scales(ax)
    _colour_bar(ax, look, "possible" if reads is None else "observed")
    unknown = sum(block.cached is None for block in blocks)
    lines = [f"Hatched: {unknown} blocks whose calls do not report what they read"] if unknown else []
    if elsewhere:
        lines.append(f"{elsewhere} calls are not in it: their prompts are not among the messages")
    note(ax, look, lines)
    return ax


def _reads(turns: pd.DataFrame, known: set[str]) -> tuple[dict[str, list[float | None]], int]:
    """What each call read, by the block its prompt ends with, and how many calls end with none of the blocks."""
    require(turns, ["prefix_hash", "cache_read_input_tokens"])
    reads: dict[str, list[float | None]] = defaultdict(list)
    for end, read in zip(turns["prefix_hash"], turns["cache_read_input_tokens"], strict=True):
        if end in known:
            reads[end].append(None if pd.isna(read) else float(read))
    if not reads:
        raise UsageError(
            "no call's `prefix_hash` is among the messages: give the turns and messages of one sweep"
        )
    return reads, len(turns) - sum(map(len, reads.values()))


def _scales(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - heavy; only figures need it

    ax.grid(visible=False)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))


def _draw(ax: Axes, look: Theme, blocks: list[PrefixBlock]) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - heavy; only figures need it

    colours = _colour_map()
    width = max(block.start + block.tokens for block in blocks)
    height = max(block.top + block.prompts for block in blocks)
    for block in blocks:
        face = look.grid if block.cached is None else colours(block.cached)
        corner = (block.start, block.top)
        outline = 0.8 if height < 60 else 0.2
        ax.add_patch(
            Rectangle(
                corner,
                block.tokens,
                block.prompts,
                facecolor=face,
                edgecolor=_EDGE,
                hatch="//" if block.cached is None else None,
                linewidth=outline,
                gid=block.hash,
            )
        )
        if block.tokens / width > 0.012 * len(block.segment) + 0.01 and block.prompts / height > 0.055:
            light = block.cached is not None and block.cached > 0.55
            ink = look.ink if block.cached is None else "#000000" if light else "#ffffff"
            ax.annotate(
                block.segment,
                (block.start + block.tokens / 2, block.top + block.prompts / 2),
                ha="center",
                va="center",
                fontsize=8.5,
                color=ink,
            )


def _colour_map() -> Colormap:
    import matplotlib as mpl  # noqa: PLC0415 - heavy; only figures need it

    return mpl.colormaps[_MAP]


def _colour_bar(ax: Axes, look: Theme, kind: str) -> None:
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415 - heavy; only figures need it
    from matplotlib.colors import Normalize  # noqa: PLC0415 - heavy; only figures need it

    bar = ax.figure.colorbar(
        ScalarMappable(Normalize(0, 100), cmap=_colour_map()), ax=ax, pad=0.02, fraction=0.05
    )
    bar.set_label(f"read from the cache, {kind} (%)", color=look.ink, fontsize=9)
    bar.ax.tick_params(colors=look.muted, labelcolor=look.ink, labelsize=8.5)
    bar.outline.set_edgecolor(look.muted)
