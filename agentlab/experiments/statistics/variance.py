"""Where the spread of a metric comes from: questions that are hard, or answers that differ from run to run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from agentlab.experiments.statistics.checking import check_columns, other_axes
from agentlab.experiments.statistics.clustered import sum_by_cluster, variance_components
from agentlab.experiments.statistics.pairing import run_values

__all__ = ["variance_split"]


def variance_split(df: pd.DataFrame, metric: str, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Split the variance of one run into that between questions and that between repeats of a question.

    The variance of a question's mean over K repeats is `var_questions + var_repeats / K` (Miller, arXiv 2411.00640,
    section 2.3): repeats help only against the second part, and more questions help against both.

    Args:
        df: One row a run, as for `compare`.
        metric: Numeric column.
        by: Columns to split within; axes that vary and are not named are kept apart as well.

    Returns:
        One row a combination: the columns of `by` and the other axes, `metric`, `n` (questions), `repeats` (runs with a
        value per question, on average), `var_questions`, `var_repeats`, `share_repeats` (of the variance of one run),
        `gain_of_doubling` (share by which twice the repeats would narrow the interval; twice the questions narrow it by
        0.29). NaN where no question was repeated.
    """
    groups = [by] if isinstance(by, str) else list(by)
    check_columns(df, groups, metric)
    axes = [*groups, *other_axes(df, groups)]
    runs = pd.concat([run_values(df, metric), df[axes].reset_index(drop=True)], axis=1)
    known = runs[runs["value"].notna()]
    if not axes:
        return pd.DataFrame([{"metric": metric, **_split(known)}])
    rows = [
        {**dict(zip(axes, labels, strict=True)), "metric": metric, **_split(part)}
        for labels, part in known.groupby(axes, observed=True, sort=False)
    ]
    return pd.DataFrame(rows, columns=[*axes, "metric", *_split(known)])


def _split(runs: pd.DataFrame) -> dict[str, Any]:
    n = runs["sample"].nunique()
    repeats = len(runs) / n if n else math.nan
    nothing = {"var_questions": math.nan, "var_repeats": math.nan, "share_repeats": math.nan}
    if n < 2 or len(runs) == n:
        return {"n": n, "repeats": repeats, **nothing, "gain_of_doubling": math.nan}
    values = runs["value"].to_numpy()
    codes, _ = pd.factorize(runs["sample"])
    within, between = (
        float(part) for part in variance_components(sum_by_cluster(values - values.mean(), codes))
    )
    total, now = within + between, between + within / repeats
    return {
        "n": n,
        "repeats": repeats,
        "var_questions": between,
        "var_repeats": within,
        "share_repeats": within / total if total > 0 else math.nan,
        "gain_of_doubling": 1 - np.sqrt((between + within / repeats / 2) / now) if now > 0 else math.nan,
    }
