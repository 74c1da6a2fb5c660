"""What quality costs: each arm a point, the arms that nothing beats on a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.arms import arm_label, grouping
from agentlab.experiments.plots.style import Theme, ThemeName, canvas, dress, legend, note, quantity, require
from agentlab.experiments.statistics.means import means

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["cost_quality", "pareto"]


def cost_quality(
    df: pd.DataFrame,
    metric: str | None = None,
    *,
    by: str | Sequence[str] | None = None,
    cost: str = "cost_usd",
    confidence: float = 0.95,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """Mean score against mean cost of each arm, with clustered intervals on both.

    The line joins the arms that no other arm beats on both. Intervals are each arm's own: whether two arms differ is
    what `forest` shows.

    Args:
        df: One row a run (`res.df`).
        metric: Score to draw; without it, the first `score_` column.
        by: Columns that tell arms apart; without it, every axis that varies.
        cost: Basis of the cost: `cost_usd` (when generated), `cost_nocache_usd` or `cost_spent_usd`.
        confidence: Of the intervals.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: If the frame is empty or lacks a column, or no run has a price.
    """
    require(df, ["sample_id", cost])
    chosen = metric or _first_score(df)
    require(df, [chosen])
    names = grouping(df, by)
    table = _points(df, names, chosen, cost, confidence)
    shown = table[table["x"].notna() & table["y"].notna()]
    if shown.empty:
        raise UsageError(f"no arm has both a price (`{cost}`) and a value of `{chosen}`")
    looks = _Looks.of(table[names] if names else table[["label"]])
    ax, look = canvas(ax, theme, beside=[word for words in looks.levels for word in words])
    best = shown.loc[pareto(shown["x"].to_numpy(), shown["y"].to_numpy())]
    ax.step(
        best["x"],
        best["y"],
        where="post",
        color=look.muted,
        linewidth=1.2,
        label="not beaten on both",
        zorder=1,
    )
    for place, row in shown.iterrows():
        _point(ax, look, looks.of_arm(int(str(place))), row)
    dress(ax, look, title="Quality against cost", x=quantity(cost), y=quantity(chosen))
    ax.locator_params(axis="x", nbins=5)  # dollars a run have many digits
    legend(ax, look, handles=_entries(look, looks))
    note(ax, look, _unknown(table, chosen))
    return ax


def pareto(cost: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Places of the points that no other beats on both, by rising cost; of equal points one stays."""
    order = np.lexsort((-quality, cost))
    highest = np.maximum.accumulate(quality[order])
    return np.array(order[np.r_[True, highest[1:] > highest[:-1]]])


def _first_score(df: pd.DataFrame) -> str:
    for name in df.columns:
        if str(name).startswith("score_") and not str(name).endswith(("_reason", "_error")):
            return str(name)
    raise UsageError(
        'the frame has no `score_` column; name the metric to draw, for example `metric="duration_s"`'
    )


def _points(df: pd.DataFrame, by: list[str], metric: str, cost: str, confidence: float) -> pd.DataFrame:
    arms = df if by else df.assign(arm=arm_label(()))
    names = by or ["arm"]
    quality = means(arms, metric, names, confidence=confidence)
    dollars = means(arms, cost, names, confidence=confidence)
    runs = arms.groupby(names, observed=True).size().to_numpy()
    return pd.DataFrame(
        {
            **{name: quality[name] for name in names},
            "label": [arm_label(row) for row in quality[names].itertuples(index=False)],
            "x": dollars["mean"],
            "x_low": dollars["ci_low"],
            "x_high": dollars["ci_high"],
            "unpriced": dollars["missing"],
            "y": quality["mean"],
            "y_low": quality["ci_low"],
            "y_high": quality["ci_high"],
            "failed": quality["errors"],
            "runs": runs,
        }
    )


@dataclass(frozen=True)
class _Looks:
    """Which colour and marker each arm has: two axes have one each, else every arm has its own pair.

    Attributes:
        levels: Words of the legend, for colours and for markers; the second is empty where one look is one arm.
        places: Colour and marker of each arm, by place.
    """

    levels: tuple[tuple[str, ...], tuple[str, ...]]
    places: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, arms: pd.DataFrame) -> _Looks:
        if arms.shape[1] == 2:
            (colours, first), (markers, second) = (pd.factorize(arms[name]) for name in arms)
            words = tuple(map(str, first)), tuple(map(str, second))
            return cls(words, tuple(zip(colours.tolist(), markers.tolist(), strict=True)))
        labels = tuple(arm_label(row) for row in arms.itertuples(index=False))
        return cls((labels, ()), tuple((place, place) for place in range(len(labels))))

    def of_arm(self, place: int) -> tuple[int, int]:
        return self.places[place]


def _entries(look: Theme, looks: _Looks) -> list[object]:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - heavy; only figures need it

    def entry(colour: str, marker: str, word: str) -> object:
        return Line2D([], [], color=colour, marker=marker, label=word, linestyle="none", markersize=8)

    colours, markers = looks.levels
    line = Line2D([], [], color=look.muted, linewidth=1.2, label="not beaten on both")
    shared = dict.fromkeys(range(len(colours)), "o") if markers else {}
    return [
        line,
        *(entry(look.colour(at), shared.get(at, look.marker(at)), word) for at, word in enumerate(colours)),
        *(entry(look.ink, look.marker(at), word) for at, word in enumerate(markers)),
    ]


def _point(ax: Axes, look: Theme, place: tuple[int, int], row: pd.Series) -> None:
    colour = look.colour(place[0])
    ax.errorbar(
        row["x"],
        row["y"],
        xerr=_reach(row, "x"),
        yerr=_reach(row, "y"),
        fmt=look.marker(place[1]),
        color=colour,
        markerfacecolor=look.paper if row["unpriced"] else colour,
        markersize=8,
        elinewidth=1.2,
        capsize=3,
        label=row["label"],
        zorder=3,
    )


def _reach(row: pd.Series, axis: str) -> np.ndarray | None:
    reach = np.array([[row[axis] - row[f"{axis}_low"]], [row[f"{axis}_high"] - row[axis]]])
    return None if np.isnan(reach).any() else reach.clip(min=0)


def _unknown(table: pd.DataFrame, metric: str) -> list[str]:
    lines = []
    absent = table[table["x"].isna()]
    if len(absent):
        lines.append(f"Not shown, price unknown: {', '.join(absent['label'])}")
    partly = table[table["x"].notna() & (table["unpriced"] > 0)]
    lines += [
        f"Hollow: {row['label']} has no price for {row['unpriced']} of {row['runs']} runs; its cost is of the others"
        for _, row in partly.iterrows()
    ]
    without = table[table["y"].isna()]
    if len(without):
        lines.append(f"Not shown, no value of {metric}: {', '.join(without['label'])}")
    if table["failed"].sum():
        lines.append(f"{table['failed'].sum()} runs failed and are in no mean")
    return lines
