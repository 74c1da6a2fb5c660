"""Paired comparison of a sweep's arms: how much they differ, and how sure one can be."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from agentlab.errors import UsageError
from agentlab.experiments.statistics.checking import axis_levels, check_columns, chosen_baseline, other_axes
from agentlab.experiments.statistics.clustered import clustered_mean
from agentlab.experiments.statistics.comparison_frame import ComparisonFrame
from agentlab.experiments.statistics.multiplicity import holm
from agentlab.experiments.statistics.pairing import (
    ArmValues,
    PairedQuestions,
    arm_values,
    bounds_with_missing,
    pair_questions,
    run_values,
    side_by_side,
)
from agentlab.experiments.statistics.power import detectable
from agentlab.experiments.statistics.spreadless import spreadless_interval, spreadless_p

__all__ = ["Estimate", "better_when_lower", "compare", "difference_estimate", "value_range"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean difference and what is known of it; NaN where there is too little data."""

    delta: float
    se: float
    ci_low: float
    ci_high: float
    p: float
    mde80: float
    n: int
    n_clusters: int


def compare(
    df: pd.DataFrame,
    axis: str,
    metric: str,
    baseline: Hashable | None = None,
    by: str | Sequence[str] = (),
    *,
    confidence: float = 0.95,
    lower_is_better: bool | None = None,
) -> ComparisonFrame:
    """Compare every level of an axis with one of them, question by question.

    Repeats are averaged within the question, questions are paired between the arms, and the differences' standard
    error is clustered by `cluster_id` (see `clustered`). Axes that vary and are not named are averaged over. Use it for
    means: scores, dollars, tokens. Do not use it for the tails of a latency: compare quantiles of those.

    Args:
        df: One row a run: the axis, the metric and `sample_id`; `cluster_id`, `repeat`, `status`, `cost_usd` and
            `<metric>_error` are used where they are there. A row whose status is `error` has no value.
        axis: Column whose levels are the arms, such as `ordering`.
        metric: Numeric column to compare, such as `score_exact` or `cost_usd`.
        baseline: The level the others are compared with; without it, the first.
        by: Columns to compare within, such as `model`: one row for each arm in each of their combinations.
        confidence: Of the intervals.
        lower_is_better: Whether a win is a lower value; without it, it is for dollars and seconds.

    Returns:
        One row for each arm and combination of `by`: `baseline, arm, metric`, the `by` columns, `n` (questions
        compared), `n_clusters`, `repeats`, `mean_base`, `mean_arm` (both over the compared questions), `delta` (arm -
        baseline), `se`, `ci_low`, `ci_high`, `p`, `p_holm` (over all rows of this table), `wins`, `ties`, `losses`
        (questions), `mde80` (smallest difference that would be found with 80 % power, before Holm), `errors_base`,
        `errors_arm` (runs), `cost_delta_usd` (per run; NaN where a price is unknown). Then what fell out:
        `unpaired` (questions one arm has no value for), `missing_base`, `missing_arm` (runs without a value that are
        no errors), `delta_worst`, `delta_best` (had all runs without a value been the worst, the best for the arm).

    Raises:
        UsageError: If the frame lacks a column, a level or a second arm; the sentence says what there is.
    """
    groups = [by] if isinstance(by, str) else list(by)
    if axis in groups:
        raise UsageError(f"`{axis}` is compared, so it cannot be in `by` as well")
    check_columns(df, [axis, *groups], metric)
    if not 0 < confidence < 1:
        raise UsageError(f"`confidence` is a share between 0 and 1, such as 0.95; got {confidence}")
    levels = axis_levels(df, axis)
    chosen = chosen_baseline(levels, axis, baseline)
    others = other_axes(df, [axis, *groups])
    runs = pd.concat([run_values(df, metric), df[[axis, *groups, *others]].reset_index(drop=True)], axis=1)
    lower = better_when_lower(metric) if lower_is_better is None else lower_is_better
    span = value_range(runs["value"].to_numpy(), metric)
    rows: list[dict[str, Any]] = []
    for labels, part in _groups(runs, df, groups):
        base = arm_values(part[part[axis] == chosen], others)
        for level in levels:
            if level != chosen:
                arm = arm_values(part[part[axis] == level], others)
                numbers = _compare_arms(base, arm, part["repeat"].nunique(), span, confidence, lower=lower)
                rows.append({"baseline": chosen, "arm": level, "metric": metric, **labels, **numbers})
    table = pd.DataFrame(rows)
    table.insert(list(table.columns).index("p") + 1, "p_holm", holm(table["p"].to_numpy()))
    result = ComparisonFrame(table)
    result.attrs = {
        "axis": axis,
        "by": tuple(groups),
        "confidence": confidence,
        "averaged_over": tuple(others),
    }
    return result


def better_when_lower(metric: str) -> bool:
    """Whether a metric is dollars or seconds, of which less is better."""
    return metric.endswith("_usd") or (metric.endswith("_s") and not metric.endswith("_per_s"))


def value_range(values: Floats, metric: str) -> tuple[float, float]:
    """Least and largest value a metric can take: 0 and 1 for a score that keeps inside them, else what was seen."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.nan, np.nan
    low, high = float(known.min()), float(known.max())
    bounded = low >= 0 and high <= 1 and (metric.startswith("score_") or set(np.unique(known)) <= {0.0, 1.0})
    return (0.0, 1.0) if bounded else (low, high)


def _groups(
    runs: pd.DataFrame, df: pd.DataFrame, by: Sequence[str]
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    if not by:
        yield {}, runs
        return
    orders = [{level: place for place, level in enumerate(axis_levels(df, name))} for name in by]
    parts = dict(iter(runs.groupby(list(by), observed=True, sort=False)))
    for labels in sorted(
        parts, key=lambda each: [order[level] for order, level in zip(orders, each, strict=True)]
    ):
        yield dict(zip(by, labels, strict=True)), parts[labels]


def _compare_arms(
    base: ArmValues,
    arm: ArmValues,
    repeats: int,
    span: tuple[float, float],
    confidence: float,
    *,
    lower: bool,
) -> dict[str, Any]:
    both = side_by_side(base, arm)
    pairs = pair_questions(both)
    found = difference_estimate(pairs, span, confidence)
    wins, ties, losses = _outcomes(pairs, lower=lower)
    planned = len(both) * repeats
    values = [int(side.frame["values"].sum()) for side in (base, arm)]
    missing = [
        max(planned - count - side.errors, 0) for count, side in zip(values, (base, arm), strict=True)
    ]  # neither a value nor an error
    worst = best = found.delta
    if min(values) < planned:
        worst, best = bounds_with_missing(both, repeats=repeats, low=span[0], high=span[1])
    return {
        "n": found.n,
        "n_clusters": found.n_clusters,
        "repeats": repeats,
        "mean_base": _mean(pairs.base),
        "mean_arm": _mean(pairs.arm),
        "delta": found.delta,
        "se": found.se,
        "ci_low": found.ci_low,
        "ci_high": found.ci_high,
        "p": found.p,
        "wins": wins,
        "ties": ties,
        "losses": losses,
        "mde80": found.mde80,
        "errors_base": base.errors,
        "errors_arm": arm.errors,
        "cost_delta_usd": _mean(pairs.cost_difference),
        "unpaired": pairs.unpaired,
        "missing_base": missing[0],
        "missing_arm": missing[1],
        "delta_worst": best if lower else worst,
        "delta_best": worst if lower else best,
    }


def difference_estimate(
    pairs: PairedQuestions, span: tuple[float, float], confidence: float = 0.95
) -> Estimate:
    """The mean difference with its interval.

    Args:
        pairs: Questions that both arms answered.
        span: Least and largest value of the metric; (0, 1) bounds the interval where no pair differs from another.
        confidence: Of the interval.
    """
    n, nan = len(pairs.differences), float("nan")
    n_clusters = len(set(pairs.clusters))
    if n_clusters < 2:
        return Estimate(_mean(pairs.differences), nan, nan, nan, nan, nan, n, n_clusters)
    found = clustered_mean(pairs.differences, pairs.clusters)
    delta, se = float(found.mean), float(found.se)
    if se == 0:
        bound = 1.0 if span == (0.0, 1.0) else None
        low, high = (
            (delta, delta)
            if bound is None
            else spreadless_interval(delta, n_clusters, low=-bound, high=bound, confidence=confidence)
        )
        return Estimate(
            delta, se, low, high, spreadless_p(delta, n_clusters, bound=bound), nan, n, n_clusters
        )
    half = float(found.half_width(confidence))
    mde = detectable(se, float(found.degrees))
    return Estimate(delta, se, delta - half, delta + half, float(found.p_value()), mde, n, n_clusters)


def _outcomes(pairs: PairedQuestions, *, lower: bool) -> tuple[int, int, int]:
    """Questions the arm won, tied and lost; what differs by rounding alone is a tie."""
    equal = np.isclose(pairs.arm, pairs.base, rtol=1e-9, atol=1e-15)
    better = pairs.arm < pairs.base if lower else pairs.arm > pairs.base
    wins, ties = int((better & ~equal).sum()), int(equal.sum())
    return wins, ties, len(equal) - wins - ties


def _mean(values: Floats) -> float:
    """The mean; NaN of nothing, and NaN where one is unknown."""
    return float(values.mean()) if len(values) else float("nan")
