"""The mean of a metric in each arm, with its interval: for figures and tables. To compare arms, use `compare`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from agentlab.experiments.statistics.checking import check_columns, other_axes
from agentlab.experiments.statistics.clustered import clustered_mean
from agentlab.experiments.statistics.comparison import value_range
from agentlab.experiments.statistics.pairing import run_values
from agentlab.experiments.statistics.spreadless import spreadless_interval

__all__ = ["means"]


def means(
    df: pd.DataFrame, metric: str, by: str | Sequence[str], *, confidence: float = 0.95
) -> pd.DataFrame:
    """Mean over questions of a metric, repeats averaged, standard error clustered.

    Two arms whose intervals overlap may still differ: both met the same questions, which only `compare` uses.

    Args:
        df: One row a run, as for `compare`.
        metric: Numeric column.
        by: Columns whose combinations are the rows of the answer.
        confidence: Of the interval.

    Returns:
        One row a combination: the `by` columns, `metric`, `n` (questions), `n_clusters`, `mean`, `se`, `ci_low`,
        `ci_high`, `errors` (runs) and `missing` (runs without a value that are no errors).
    """
    groups = [by] if isinstance(by, str) else list(by)
    check_columns(df, groups, metric)
    others = other_axes(df, groups)
    runs = pd.concat([run_values(df, metric), df[[*groups, *others]].reset_index(drop=True)], axis=1)
    span = value_range(runs["value"].to_numpy(), metric)
    rows = [
        {**dict(zip(groups, labels, strict=True)), "metric": metric, **_mean(part, others, span, confidence)}
        for labels, part in runs.groupby(groups, observed=True)
    ]
    return pd.DataFrame(rows)


def _mean(
    runs: pd.DataFrame, others: Sequence[str], span: tuple[float, float], confidence: float
) -> dict[str, Any]:
    known = runs[runs["value"].notna()]
    missing = int((runs["value"].isna() & ~runs["failed"]).sum())
    counts = {"errors": int(runs["failed"].sum()), "missing": missing}
    cells = known.groupby(["sample", *others], observed=True, sort=False)["value"].mean()
    questions = cells.groupby(level="sample", sort=False).mean()
    clusters = known.groupby("sample", sort=False)["cluster"].first().reindex(questions.index)
    n, n_clusters = len(questions), clusters.nunique()
    mean = float(questions.mean()) if n else math.nan
    low = high = se = math.nan
    if n_clusters >= 2:
        found = clustered_mean(questions.to_numpy(), clusters.to_numpy())
        mean, se = float(found.mean), float(found.se)
        half = 0.0 if se == 0 else float(found.half_width(confidence))
        low, high = mean - half, mean + half
        if span == (0.0, 1.0):
            if se == 0:
                low, high = spreadless_interval(mean, n_clusters, low=0, high=1, confidence=confidence)
            low, high = (float(np.clip(end, 0, 1)) for end in (low, high))
    ends = {"mean": mean, "se": se, "ci_low": low, "ci_high": high}
    return {"n": n, "n_clusters": n_clusters, **ends, **counts}
