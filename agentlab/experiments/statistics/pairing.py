"""From a frame of runs to one difference per question.

Repeats are averaged within the question first, then the arms are subtracted question by question (Miller, arXiv
2411.00640, sections 2.3 and 4): what makes a question hard is hard for both arms and drops out. A repeat of one arm has
nothing in common with the same-numbered repeat of the other, so repeats are not paired with each other. Where other
axes vary as well, the subtraction is made within each of their combinations, and then averaged over them: an arm that
failed for one model is not compared with the baseline's other models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from agentlab.errors import UsageError

__all__ = [
    "ArmValues",
    "PairedQuestions",
    "arm_values",
    "bounds_with_missing",
    "pair_questions",
    "run_values",
    "side_by_side",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ArmValues:
    """One arm's runs, by question (and by combination of the other axes).

    Attributes:
        frame: Indexed by question, with `mean` (NaN where no run has a value), `runs` (planned), `values` (with a
            value), `errors` (failed, or their scorer did), `cost` (mean per run; NaN where one is unknown) and
            `cluster`.
    """

    frame: pd.DataFrame

    @property
    def errors(self) -> int:
        """Runs that failed, or whose scorer did."""
        return int(self.frame["errors"].sum())


@dataclass(frozen=True)
class PairedQuestions:
    """The questions that both arms answered.

    Attributes:
        questions: Their `sample_id`.
        differences: Arm minus baseline, one per question.
        clusters: What each question belongs to.
        base: The baseline's mean of each question.
        arm: The arm's mean of each question.
        cost_difference: Dollars per run, arm minus baseline, of each question; NaN where a price is unknown.
        unpaired: Questions that one of the arms has no value for.
    """

    questions: npt.NDArray[np.object_]
    differences: Floats
    clusters: npt.NDArray[np.object_]
    base: Floats
    arm: Floats
    cost_difference: Floats
    unpaired: int


def run_values(df: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One row per run: `sample`, `repeat`, `cluster`, `value` (NaN where it has none), `failed`, `cost`.

    A run that ended with an error has no value, whatever its column says: an error is not a zero. A run whose scorer
    raised has none either.

    Raises:
        UsageError: If the metric is not a number.
    """
    try:
        value = _numbers(df[metric])
    except (TypeError, ValueError) as error:
        raise UsageError(f"`{metric}` cannot be compared: its values are not numbers ({error})") from None
    failed = np.zeros(len(df), dtype=bool)
    if "status" in df:
        failed |= (df["status"].astype("object") == "error").to_numpy(dtype=bool)
    if f"{metric}_error" in df:
        failed |= df[f"{metric}_error"].notna().to_numpy(dtype=bool)
    return pd.DataFrame(
        {
            "sample": df["sample_id"].astype("object").to_numpy(),
            "repeat": df["repeat"].to_numpy() if "repeat" in df else np.zeros(len(df), dtype=int),
            "cluster": df["cluster_id" if "cluster_id" in df else "sample_id"].astype("object").to_numpy(),
            "value": np.where(failed | ~np.isfinite(value), np.nan, value),
            "failed": failed,
            "cost": _numbers(df["cost_usd"]) if "cost_usd" in df else np.nan,
        }
    )


def _numbers(column: pd.Series[Any]) -> Floats:
    return np.asarray(pd.to_numeric(column).astype("Float64").to_numpy(na_value=np.nan), dtype=np.float64)


def arm_values(runs: pd.DataFrame, within: Sequence[str]) -> ArmValues:
    """An arm's runs by question.

    Args:
        runs: Rows as `run_values` makes them, of one arm.
        within: Columns of other axes to keep apart.
    """
    usable = runs["value"].notna()
    groups = runs.assign(usable=usable, cost=runs["cost"].where(usable)).groupby(
        ["sample", *within], sort=False, observed=True
    )
    frame = pd.DataFrame(
        {
            "mean": groups["value"].mean(),
            "runs": groups.size(),
            "values": groups["usable"].sum(),
            "errors": groups["failed"].sum(),
            "cost": groups["cost"].mean(),
            "priced": groups["cost"].count(),
            "cluster": groups["cluster"].first(),
        }
    )
    frame["cost"] = frame["cost"].where(frame["priced"] == frame["values"])
    return ArmValues(frame)


def side_by_side(base: ArmValues, arm: ArmValues) -> pd.DataFrame:
    """Every question of either arm, the columns of `ArmValues` with `_base` and `_arm` at their ends."""
    return base.frame.add_suffix("_base").join(arm.frame.add_suffix("_arm"), how="outer", sort=False)


def pair_questions(both: pd.DataFrame) -> PairedQuestions:
    """The differences of the questions that both arms have a value for.

    Args:
        both: Rows as `side_by_side` makes them.
    """
    complete = both[both["mean_base"].notna() & both["mean_arm"].notna()]
    every = both.index.get_level_values("sample").nunique()
    if complete.empty:
        nothing = np.empty(0, dtype=np.float64)
        names = np.empty(0, dtype=object)
        return PairedQuestions(names, nothing, names, nothing, nothing, nothing, every)
    cells = pd.DataFrame(
        {
            "base": complete["mean_base"],
            "arm": complete["mean_arm"],
            "cost": complete["cost_arm"] - complete["cost_base"],
            "unpriced": complete["cost_arm"].isna() | complete["cost_base"].isna(),
            "cluster": complete["cluster_base"],
        }
    )
    groups = cells.groupby(level="sample", sort=False)
    questions = groups[["base", "arm", "cost"]].mean()
    questions["cost"] = questions["cost"].where(groups["unpriced"].sum() == 0)
    return PairedQuestions(
        questions=questions.index.to_numpy(dtype=object),
        differences=(questions["arm"] - questions["base"]).to_numpy(),
        clusters=groups["cluster"].first().to_numpy(dtype=object),
        base=questions["base"].to_numpy(),
        arm=questions["arm"].to_numpy(),
        cost_difference=questions["cost"].to_numpy(),
        unpaired=every - len(questions),
    )


def bounds_with_missing(both: pd.DataFrame, *, repeats: int, low: float, high: float) -> tuple[float, float]:
    """The difference had every run without a value been as bad, or as good, for the arm as it can be.

    Args:
        both: Rows as `side_by_side` makes them.
        repeats: Runs planned of each question and arm.
        low: Least value of the metric.
        high: Largest value of the metric.

    Returns:
        Lowest and highest difference; both are the difference itself where nothing is missing.
    """

    def filled(side: str, fill: float) -> pd.Series[float]:
        values = both[f"values_{side}"].fillna(0).astype(float)
        known = both[f"mean_{side}"].fillna(0) * values
        return (known + fill * (repeats - values).clip(lower=0)) / np.maximum(values, repeats)

    def mean(cells: pd.Series[float]) -> float:
        return float(cells.groupby(level="sample").mean().mean())

    return mean(filled("arm", low) - filled("base", high)), mean(filled("arm", high) - filled("base", low))
