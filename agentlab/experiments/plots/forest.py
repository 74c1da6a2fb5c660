"""Every comparison of a table as a point and its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.plots.style import Theme, ThemeName, canvas, dress, legend, note, quantity, require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["forest"]


def forest(
    comparison: pd.DataFrame,
    *,
    alpha: float = 0.05,
    ax: Axes | None = None,
    theme: ThemeName | None = None,
) -> Axes:
    """Forest of paired differences: one row a comparison, filled where it holds after Holm's correction.

    Args:
        comparison: What `compare` returned.
        alpha: Up to which `p_holm` a difference counts as found.
        ax: Axes to draw in.
        theme: `light`, `dark`, or the host's.

    Raises:
        UsageError: If the table is empty, or none of its differences is known.
    """
    require(comparison, ["baseline", "arm", "metric", "delta", "ci_low", "ci_high", "p_holm"])
    if comparison["delta"].isna().all():
        raise UsageError("no question was answered in both arms of any comparison: there is nothing to draw")
    rows = comparison.reset_index(drop=True)
    ax, look = canvas(ax, theme, width=8.5, height=1.8 + 0.36 * len(rows))
    ax.axvline(0, color=look.muted, linewidth=1.2, zorder=1)
    for place, row in rows.iterrows():
        _row(ax, look, int(str(place)), row, alpha)
    ax.set_yticks(range(len(rows)), [_label(row, comparison) for row in rows.to_dict("records")])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    metric = " and ".join(dict.fromkeys(quantity(name) for name in rows["metric"]))
    confidence = comparison.attrs.get("confidence", 0.95)
    base = " or ".join(dict.fromkeys(str(name) for name in rows["baseline"]))
    dress(
        ax,
        look,
        title=f"Difference to {base}",
        x=f"difference in {metric}, {confidence:.0%} interval",
        y="",
        grid="x",
        above=True,
    )
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.08)
    _key(ax, look, alpha, rows)
    note(ax, look, _lost(rows))
    return ax


def _row(ax: Axes, look: Theme, place: int, row: pd.Series, alpha: float) -> None:
    found = row["p_holm"] <= alpha
    colour = look.colour(0) if found else look.muted
    if pd.notna(row["ci_low"]):
        ax.plot([row["ci_low"], row["ci_high"]], [place, place], color=colour, linewidth=2.2, gid="interval")
    if pd.notna(row["delta"]):
        ax.plot(
            [row["delta"]],
            [place],
            marker="o" if found else "D",
            color=colour,
            markerfacecolor=colour if found else look.paper,
            markersize=8 if found else 7,
            linestyle="none",
            gid="difference",
        )
    ax.annotate(
        _numbers(row),
        xy=(1.0, place),
        xycoords=ax.get_yaxis_transform(),
        xytext=(10, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        color=look.ink,
        family="monospace",
    )


def _numbers(row: pd.Series) -> str:
    if pd.isna(row["delta"]):
        return "no pair"
    if pd.isna(row["ci_low"]):
        return f"{row['delta']:+.3g}  no interval: one cluster"
    return f"{row['delta']:+.3g} [{row['ci_low']:+.3g}, {row['ci_high']:+.3g}] p {row['p_holm']:.2g}"


def _label(row: dict[Any, Any], comparison: pd.DataFrame) -> str:
    columns = list(comparison.columns)
    end = columns.index("n") if "n" in columns else columns.index("metric") + 1
    by = columns[columns.index("metric") + 1 : end]
    where = ", ".join(str(row[name]) for name in by)
    return f"{row['arm']} ({where})" if where else str(row["arm"])


def _key(ax: Axes, look: Theme, alpha: float, rows: pd.DataFrame) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - heavy; only figures need it

    found = rows["p_holm"] <= alpha
    handles = []
    if found.any():
        handles.append(
            Line2D([], [], color=look.colour(0), marker="o", markersize=8, label=f"p (Holm) ≤ {alpha:g}")
        )
    if not found.all():
        handles.append(
            Line2D(
                [],
                [],
                color=look.muted,
                marker="D",
                markersize=7,
                markerfacecolor=look.paper,
                label="not found",
            )
        )
    legend(ax, look, handles=handles, above=True)


def _lost(rows: pd.DataFrame) -> list[str]:
    lines = []
    for names, words in (
        (("errors_base", "errors_arm"), "failed runs"),
        (("missing_base", "missing_arm"), "runs without a value"),
    ):
        if set(names) <= set(rows.columns):
            lost = int(np.nansum(rows[list(names)].to_numpy(dtype=float).max(axis=0)))
            if lost:
                lines.append(f"Up to {lost} {words} in a comparison; they are in no difference")
    return lines
