"""How a table of comparisons shows itself: the finding in words first, then the numbers that carry it."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import pandas as pd

__all__ = ["ComparisonFrame"]

_SHOWN: Final = (
    "n", "n_clusters", "delta", "ci_low", "ci_high", "p_holm", "wins", "ties", "losses", "mde80", "errors_base",
    "errors_arm",
)  # fmt: skip


class ComparisonFrame(pd.DataFrame):
    """The frame that `compare` returns. A slice or a change of it is a plain DataFrame."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def sentences(self) -> list[str]:
        """One sentence for each comparison: how much, how sure, and what fell out."""
        return [_sentence(row, self.attrs) for row in self.to_dict("records")]

    def _repr_html_(self) -> str:
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.sentences())
        shown = [*self.attrs.get("by", ()), "arm", *_SHOWN]
        table = self[[name for name in shown if name in self]].to_html(
            index=False, border=0, float_format=lambda value: f"{value:.3g}", na_rep="not known"
        )
        return f'<div class="mathjax_ignore tex2jax_ignore"><ul>{lines}</ul>{table}</div>'


def _sentence(row: dict[Any, Any], attrs: dict[Any, Any]) -> str:
    where = ", ".join(f"{name} {row[name]}" for name in attrs.get("by", ()))
    head = f"{row['metric']}, {row['arm']} against {row['baseline']}" + (f" ({where})" if where else "")
    return f"{head}: {_finding(row, attrs.get('confidence', 0.95))}{_fallen_out(row)}"


def _finding(row: dict[Any, Any], confidence: float) -> str:
    if row["n"] == 0:
        return "no question was answered in both arms"
    size = f"{row['delta']:+.3g}"
    if pd.isna(row["ci_low"]):
        return f"{size} on {row['n']} questions of one cluster: too few to say how sure that is"
    interval = f"{size} [{row['ci_low']:.3g}, {row['ci_high']:.3g}], p = {row['p_holm']:.2g} (Holm)"
    counts = f"{row['n']} questions in {row['n_clusters']} clusters"
    if row["p_holm"] <= 1 - confidence:
        return f"{interval}, {counts}"
    if row["p"] <= 1 - confidence:
        return f"not sure after Holm's correction: {interval}, {counts}"
    blind = f"; a difference below {row['mde80']:.2g} would not be seen" if pd.notna(row["mde80"]) else ""
    return f"no difference found: {interval}, {counts}{blind}"


def _fallen_out(row: dict[Any, Any]) -> str:
    parts = []
    if row["errors_base"] or row["errors_arm"]:
        parts.append(
            f"{row['errors_base']} and {row['errors_arm']} runs failed or could not be scored (baseline, arm)"
        )
    if row["missing_base"] or row["missing_arm"]:
        parts.append(f"{row['missing_base']} and {row['missing_arm']} have no value")
    if row["unpaired"]:
        parts.append(f"{row['unpaired']} questions could not be paired")
    if not parts:
        return ""
    spread = f"; with them the difference lies in [{_low(row):.3g}, {_high(row):.3g}]" if _known(row) else ""
    return f". Not in it: {', '.join(parts)}{spread}"


def _known(row: dict[Any, Any]) -> bool:
    return bool(pd.notna(row["delta_worst"]))


def _low(row: dict[Any, Any]) -> float:
    return float(min(row["delta_worst"], row["delta_best"]))


def _high(row: dict[Any, Any]) -> float:
    return float(max(row["delta_worst"], row["delta_best"]))
