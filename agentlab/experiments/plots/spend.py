"""What a sweep had cost by when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.style import ThemeName, canvas, dress, legend, note, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["spend"]


def spend(
    df: pd.DataFrame,
    *,
    budget_usd: float | None = None,
    cost: str | None = None,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """Dollars spent so far, by time, against the budget.

    Args:
        df: One row a run (`res.df`). A run's dollars count when it ends: `started_at` plus `duration_s`.
        budget_usd: Drawn as a line.
        cost: Column to add up; without it `cost_spent_usd` (this execution alone, 0 where replayed), else `cost_usd`.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: If the frame is empty, lacks a column, or no run has a price.
    """
    chosen = cost or ("cost_spent_usd" if "cost_spent_usd" in df else "cost_usd")
    require(df, [chosen, "started_at"])
    ends = _minutes(df)
    dollars = df[chosen].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = ~np.isnan(dollars) & ~np.isnan(ends)
    if not known.any():
        raise UsageError(f"no run has a price in `{chosen}`, so there is no spending to draw")
    order = np.argsort(ends[known], kind="stable")
    times, total = ends[known][order], np.cumsum(dollars[known][order])
    ax, look = canvas(ax, theme)
    ax.step(
        np.r_[0, times], np.r_[0, total], where="post", color=look.colour(0), linewidth=2.0,
        label=f"spent: ${total[-1]:,.4g}",
    )  # fmt: skip
    ax.fill_between(
        np.r_[0, times], np.r_[0, total], step="post", color=look.colour(0), alpha=0.15, linewidth=0
    )
    top = float(total[-1])
    if budget_usd is not None:
        ax.axhline(
            budget_usd,
            color=look.colour(1),
            linestyle=(0, (5, 2)),
            linewidth=1.8,
            label=f"budget: ${budget_usd:,.4g}",
        )
        top = max(top, budget_usd)
    ax.set_ylim(0, top * 1.08 if top > 0 else 1)
    ax.set_xlim(left=0)
    dress(ax, look, title="Spending", x="time since the first run started (min)", y="dollars so far (US$)")
    legend(ax, look)
    hidden = int((~known).sum())
    note(
        ax,
        look,
        [f"{hidden} of {len(df)} runs have no price or time: their cost is not in it"] if hidden else [],
    )
    return ax


def _minutes(df: pd.DataFrame) -> np.ndarray:
    """When each run ended, in minutes after the first one started."""
    column = df["started_at"]
    unix = pd.api.types.is_numeric_dtype(column)
    started = pd.to_datetime(column, utc=True, unit="s") if unix else pd.to_datetime(column, utc=True)
    seconds = (started - started.min()).dt.total_seconds().to_numpy(dtype=float)
    if "duration_s" in df:
        seconds = seconds + df["duration_s"].astype("Float64").fillna(0).to_numpy(dtype=float)
    return np.asarray(seconds / 60)
