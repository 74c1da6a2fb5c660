"""How much of each turn's prompt was read from the cache, and how much should have been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.arms import arm_rows, grouping, with_run_columns
from agentlab.experiments.plots.style import ThemeName, canvas, dress, legend, note, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["cache_by_turn"]


def cache_by_turn(
    turns: pd.DataFrame,
    *,
    hue: str | Sequence[str] | None = "ordering",
    runs: pd.DataFrame | None = None,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """Share of prompt tokens read from the cache, by turn: expected dotted, observed solid.

    Shares are weighted by tokens: all tokens read over all tokens sent, which is what is paid for.

    Args:
        turns: One row a model call (`res.turns`).
        hue: Column or columns that tell the lines apart; None for one line.
        runs: One row a run (`res.df`), where the turns lack the hue.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: If the frame is empty, lacks a column, or no turn reports its cache.
    """
    require(turns, ["turn", "input_tokens", "cache_read_input_tokens"])
    names = [] if hue is None else [hue] if isinstance(hue, str) else list(hue)
    given = with_run_columns(turns, runs, names)
    silent = int(given["cache_read_input_tokens"].isna().sum())
    if silent == len(given):
        raise UsageError(
            "no turn reports `cache_read_input_tokens`: the provider does not say what it cached"
        )
    arms = arm_rows(given, grouping(given, names))
    ax, look = canvas(ax, theme, beside=[label for label, _ in arms])
    for place, (label, rows) in enumerate(arms):
        observed = token_share(rows, "cache_read_input_tokens")
        ax.plot(
            observed.index,
            observed,
            color=look.colour(place),
            marker=look.marker(place),
            markersize=6,
            linewidth=1.8,
            label=label,
            gid="observed",
        )
        if "cache_expected_tokens" in rows:
            expected = token_share(rows, "cache_expected_tokens")
            ax.plot(
                expected.index,
                expected,
                color=look.colour(place),
                linestyle=(0, (1, 1.6)),
                linewidth=2.2,
                gid="expected",
            )
    _scales(ax)
    dress(ax, look, title="Prompt read from the cache", x="turn", y="share of prompt tokens (%)")
    legend(ax, look, handles=_entries(ax, look.ink), title=", ".join(names) or None)
    note(
        ax,
        look,
        [f"{silent} of {len(given)} turns do not report their cache and are not in it"] if silent else [],
    )
    return ax


def token_share(rows: pd.DataFrame, column: str) -> pd.Series[float]:
    """Per cent of the prompt tokens of each turn that `column` counts, over the calls that report both."""
    known = rows[rows[column].notna() & rows["input_tokens"].notna()]
    sums = known.groupby("turn")[[column, "input_tokens"]].sum().astype(float)
    return 100 * sums[column] / sums["input_tokens"].where(sums["input_tokens"] > 0)


def _scales(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - heavy; only figures need it

    ax.set_ylim(-3, 103)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))


def _entries(ax: Axes, ink: str) -> list[object]:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - heavy; only figures need it

    drawn: list[object] = list(ax.get_legend_handles_labels()[0])
    drawn.append(Line2D([], [], color=ink, linewidth=1.8, label="observed"))
    if any(line.get_gid() == "expected" for line in ax.lines):
        drawn.append(Line2D([], [], color=ink, linestyle=(0, (1, 1.6)), linewidth=2.2, label="expected"))
    return drawn
