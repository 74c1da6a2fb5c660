"""Whether more repeats, or more questions, would narrow the intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.arms import arm_label, grouping
from agentlab.experiments.plots.style import ThemeName, canvas, dress, legend, note, quantity, require
from agentlab.experiments.statistics import variance as statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["variance_split"]


def variance_split(
    df: pd.DataFrame,
    metric: str,
    *,
    by: str | Sequence[str] | None = None,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """Share of each arm's variance that is between questions, and that is between repeats of a question.

    Args:
        df: One row a run (`res.df`), with repeats.
        metric: Numeric column.
        by: Columns to name first; axes that vary are kept apart as well.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: If the frame is empty or lacks a column, or no question was repeated.
    """
    require(df, ["sample_id", metric])
    table = statistics.variance_split(df, metric, grouping(df, by))
    axes = list(table.columns[: list(table.columns).index("metric")])
    table["arm"] = [arm_label(row) for row in table[axes].itertuples(index=False)]
    known = table[table["share_repeats"].notna()].reset_index(drop=True)
    if known.empty:
        raise UsageError(
            f"no question has two values of `{metric}` that differ: repeat the runs, or there is no spread"
        )
    ax, look = canvas(ax, theme, width=8.5, height=1.9 + 0.42 * len(known))
    places = np.arange(len(known))
    repeats = 100 * known["share_repeats"].to_numpy()
    ax.barh(places, 100 - repeats, height=0.6, color=look.colour(0), label="between questions")
    ax.barh(
        places, repeats, left=100 - repeats, height=0.6, color=look.colour(1), edgecolor=look.paper, hatch="///",
        linewidth=0, label="between repeats",
    )  # fmt: skip
    for place, row in known.iterrows():
        words = f"{row['repeats']:.2g} → {2 * row['repeats']:.2g} repeats: interval -{100 * row['gain_of_doubling']:.0f} %"
        ax.annotate(
            words, (100, float(str(place))), xytext=(8, 0), textcoords="offset points", va="center", fontsize=9,
            color=look.ink, annotation_clip=False,
        )  # fmt: skip
    ax.set_yticks(places, list(known["arm"]))
    ax.set_ylim(len(known) - 0.4, -0.6)
    ax.set_xlim(0, 100)
    title = f"Where the spread is: {quantity(metric)}"
    dress(ax, look, title=title, x="share of the variance of one run (%)", y="", grid="x", above=True)
    ax.tick_params(axis="y", length=0)
    legend(ax, look, above=True)
    absent = table[table["share_repeats"].isna()]["arm"]
    lines = ["Twice the questions would narrow every interval by 29 %"]
    note(
        ax,
        look,
        [*lines, f"Not shown, no repeats or no spread: {', '.join(absent)}"] if len(absent) else lines,
    )
    return ax
