"""How long the first token took, with and without the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.arms import arm_rows, grouping, with_run_columns
from agentlab.experiments.plots.style import ThemeName, canvas, dress, legend, note, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["cache_outcome", "ttft"]

_STYLES: Final = {"hit": "solid", "miss": (0, (4, 2))}


def ttft(
    turns: pd.DataFrame,
    *,
    hue: str | Sequence[str] | None = None,
    runs: pd.DataFrame | None = None,
    column: str = "time_to_first_chunk_s",
    hit_at: float = 0.8,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """Share of calls whose first token had come after so many seconds; cache hits solid, misses dashed.

    Args:
        turns: One row a model call (`res.turns`).
        hue: Column or columns to split by as well.
        runs: One row a run (`res.df`), where the turns lack the hue.
        column: `time_to_first_chunk_s` (any event) or `time_to_first_text_s` (text that is seen).
        hit_at: A call is a hit from this share of its expected cache tokens on; where none are expected, from the first
            token read.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: If the frame is empty, lacks a column, or has no call whose time and cache are both known.
    """
    require(turns, [column, "cache_read_input_tokens"])
    names = [] if hue is None else [hue] if isinstance(hue, str) else list(hue)
    given = with_run_columns(turns, runs, names)
    outcome = cache_outcome(given, hit_at)
    known = given[outcome.notna() & given[column].notna()].assign(outcome=outcome)
    if known.empty:
        raise UsageError(f"no call has both a `{column}` and a `cache_read_input_tokens`")
    arms = arm_rows(known, grouping(known, names))
    ax, look = canvas(ax, theme, beside=[f"{label}: miss (1000 calls, median 0.25 s)" for label, _ in arms])
    for place, (label, rows) in enumerate(arms):
        for kind, style in _STYLES.items():
            seconds = np.sort(rows.loc[rows["outcome"] == kind, column].to_numpy(dtype=float))
            if len(seconds):
                colour = look.colour(place if names else list(_STYLES).index(kind))
                words = f"{label}: {kind}" if names else kind
                ax.step(
                    np.r_[seconds[0], seconds],
                    np.r_[0, 100 * np.arange(1, len(seconds) + 1) / len(seconds)],
                    where="post",
                    color=colour,
                    linestyle=style,
                    linewidth=1.9,
                    label=f"{words} ({len(seconds)} calls, median {np.median(seconds):.2g} s)",
                )
    if known[column].min() > 0 and known[column].max() > 20 * known[column].min():
        _logarithmic(ax)
    ax.set_ylim(0, 101)
    words = "visible text" if column == "time_to_first_text_s" else "chunk"
    dress(ax, look, title="Time to first token", x=f"time to first {words} (s)", y="share of calls (%)")
    legend(ax, look)
    hidden = len(given) - len(known)
    note(ax, look, [f"{hidden} of {len(given)} calls lack a time or a cache count"] if hidden else [])
    return ax


def cache_outcome(turns: pd.DataFrame, hit_at: float = 0.8) -> pd.Series[str]:
    """`hit` or `miss` for each call, None where the provider does not say what it read."""
    read = turns["cache_read_input_tokens"].astype("Float64")
    wanted = pd.Series(1.0, index=turns.index)
    if "cache_expected_tokens" in turns:
        expected = turns["cache_expected_tokens"].astype("Float64").fillna(0).astype(float)
        wanted = (hit_at * expected).where(expected > 0, 1.0)
    hit = read.fillna(0).astype(float) >= wanted
    words = pd.Series(np.where(hit, "hit", "miss"), index=turns.index, dtype="object")
    return words.where(read.notna(), None)


def _logarithmic(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415 - heavy; only figures need it

    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
