"""The paired difference of every question: what `compare` averages, and what a stopping rule is asked with."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

from agentlab.experiments.statistics.checking import axis_levels, check_columns, chosen_baseline, other_axes
from agentlab.experiments.statistics.pairing import arm_values, pair_questions, run_values, side_by_side

__all__ = ["question_differences"]


def question_differences(
    df: pd.DataFrame, axis: str, metric: str, baseline: Hashable | None = None
) -> pd.DataFrame:
    """Arm minus baseline for each question, repeats averaged.

    Args:
        df: One row a run, as for `compare`.
        axis: Column whose levels are the arms.
        metric: Numeric column.
        baseline: The level the others are compared with; without it, the first.

    Returns:
        One row for each arm and question that both arms answered: `arm`, `sample_id`, `cluster_id`, `mean_base`,
        `mean_arm`, `difference`.

    Raises:
        UsageError: As `compare` does.
    """
    check_columns(df, [axis], metric)
    levels = axis_levels(df, axis)
    chosen = chosen_baseline(levels, axis, baseline)
    others = other_axes(df, [axis])
    runs = pd.concat([run_values(df, metric), df[[axis, *others]].reset_index(drop=True)], axis=1)
    base = arm_values(runs[runs[axis] == chosen], others)
    parts = []
    for level in levels:
        if level != chosen:
            pairs = pair_questions(side_by_side(base, arm_values(runs[runs[axis] == level], others)))
            columns = {
                "arm": [level] * len(pairs.differences),
                "sample_id": pairs.questions,
                "cluster_id": pairs.clusters,
                "mean_base": pairs.base,
                "mean_arm": pairs.arm,
                "difference": pairs.differences,
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
