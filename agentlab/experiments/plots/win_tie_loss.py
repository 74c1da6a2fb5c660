"""Question by question: where an arm wins, ties and loses against the baseline."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from agentlab.experiments.plots.style import Theme, ThemeName, canvas, dress, legend, note, quantity
from agentlab.experiments.statistics.checking import axis_levels, chosen_baseline
from agentlab.experiments.statistics.comparison import better_when_lower
from agentlab.experiments.statistics.differences import question_differences

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["outcomes", "win_tie_loss"]

_WORDS: Final = ("loss", "tie", "win", "no pair")


def win_tie_loss(
    df: pd.DataFrame,
    axis: str,
    metric: str,
    baseline: Hashable | None = None,
    *,
    lower_is_better: bool | None = None,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """A strip for each arm, a cell for each question: up where it won, down where it lost, flat where it tied.

    Questions are sorted by how the arms did together, so that what all arms lose stands together.

    Args:
        df: One row a run (`res.df`).
        axis: Column whose levels are the arms.
        metric: Numeric column.
        baseline: The level the others are compared with; without it, the first.
        lower_is_better: Whether a win is a lower value; without it, it is for dollars and seconds.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: As `compare` does.
    """
    lower = better_when_lower(metric) if lower_is_better is None else lower_is_better
    table = outcomes(df, axis, metric, baseline, lower=lower)
    base = chosen_baseline(axis_levels(df, axis), axis, baseline)
    ax, look = canvas(ax, theme, width=8.5, height=1.5 + 0.5 * len(table))
    faces = (look.colour(1), look.muted, look.colour(0))
    heights = {-1: (0.0, 0.42), 0: (-0.1, 0.2), 1: (-0.42, 0.42)}  # up is won, down is lost
    for place, row in enumerate(table.to_numpy(dtype=float)):
        for value, (low, height) in heights.items():
            cells = [(float(position), 1.0) for position in np.flatnonzero(row == value)]
            ax.broken_barh(
                cells, (place + low, height), facecolors=faces[value + 1], linewidth=0, gid=_WORDS[value + 1]
            )
        empty = [(float(position), 1.0) for position in np.flatnonzero(np.isnan(row))]
        ax.broken_barh(
            empty,
            (place - 0.1, 0.2),
            facecolors="none",
            edgecolors=look.muted,
            hatch="////",
            linewidth=0,
            gid="no pair",
        )
    ax.set_yticks(range(len(table)), [_label(name, row) for name, row in table.iterrows()])
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_xlim(0, table.shape[1])
    title = f"Wins and losses: {quantity(metric)}"
    dress(ax, look, title=title, x="questions, from lost to won", y="", grid="x")
    ax.grid(visible=False)
    ax.tick_params(axis="y", length=0)
    _key(ax, look, faces)
    lost = int(table.isna().to_numpy().sum())
    lines = [f"Against {base}; win / tie / loss beside each arm"]
    note(ax, look, [*lines, f"{lost} pairs lack a value in one arm"] if lost else lines)
    return ax


def outcomes(
    df: pd.DataFrame, axis: str, metric: str, baseline: Hashable | None = None, *, lower: bool = False
) -> pd.DataFrame:
    """1 for a win, 0 for a tie, -1 for a loss, NaN for no pair: a row an arm, a column a question."""
    pairs = question_differences(df, axis, metric, baseline)
    close = np.isclose(pairs["mean_arm"], pairs["mean_base"], rtol=1e-9, atol=1e-15)
    sign = np.where(close, 0.0, np.sign(pairs["difference"]) * (-1 if lower else 1))
    chosen = chosen_baseline(axis_levels(df, axis), axis, baseline)
    arms = [level for level in axis_levels(df, axis) if level != chosen]
    table = pairs.assign(sign=sign).pivot_table(
        index="arm", columns="sample_id", values="sign", observed=True
    )
    table = table.reindex(index=arms, columns=pd.unique(df["sample_id"]))
    order = table.fillna(0).sum().sort_values(kind="stable").index
    return table[order]


def _label(name: Hashable, row: pd.Series) -> str:
    counts = f"{int((row == 1).sum())} / {int((row == 0).sum())} / {int((row == -1).sum())}"
    return f"{name}\n{counts}"


def _key(ax: Axes, look: Theme, faces: tuple[str, ...]) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 - heavy; only figures need it

    words = ("loss (down)", "tie", "win (up)")
    handles = [Patch(facecolor=face, label=word) for face, word in zip(faces, words, strict=True)]
    handles.append(Patch(facecolor="none", edgecolor=look.muted, hatch="////", label="no pair"))
    legend(ax, look, handles=handles[::-1])
