"""What the intervals promise, over thousands of simulated sweeps.

The shapes go from 10 clusters to 40, of one question or of many, of like size or not, with effects that are all of the
cluster's or all of the question's.
"""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from scipy import special

from agentlab.experiments.statistics import clustered_mean, compare
from tests.experiments.statistics.sweeps import (
    binary_differences,
    cluster_sizes,
    continuous_differences,
    sweep_frame,
)

SWEEPS = 2000
COMPARED = 200 if os.environ.get("AGENTLAB_GAUNTLET") == "1" else 80
"""Sweeps that go through `compare` itself; what is allowed for chance follows from their number."""
SHAPES = [
    ("single", 40),
    ("equal", 10),
    ("equal", 40),
    ("mixed", 10),
    ("mixed", 20),
    ("mixed", 40),
    ("skewed", 20),
]
METRICS = {"continuous": continuous_differences, "binary": binary_differences}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("icc", [0.0, 0.3, 0.6])
@pytest.mark.parametrize(("shape", "n_clusters"), SHAPES)
def test_the_95_percent_interval_holds_the_truth_in_93_to_97_percent_of_2000_sweeps(
    metric, icc, shape, n_clusters
):
    rng = np.random.default_rng([n_clusters, round(10 * icc), sorted(METRICS).index(metric)])
    values, clusters, truth = METRICS[metric](rng, cluster_sizes(shape, n_clusters), icc, SWEEPS)
    found = clustered_mean(values, clusters)
    covered = np.abs(found.mean - truth) <= found.half_width(0.95)
    assert 0.93 <= covered.mean() <= 0.97


def test_taking_questions_for_independent_would_break_that_promise():
    rng = np.random.default_rng(0)
    values, clusters, truth = continuous_differences(rng, cluster_sizes("mixed", 20), 0.3, SWEEPS)
    alone = clustered_mean(values, np.arange(values.shape[1]))
    assert np.mean(np.abs(alone.mean - truth) <= alone.half_width(0.95)) < 0.75
    assert np.mean(np.abs(alone.mean - truth) <= clustered_mean(values, clusters).half_width(0.95)) > 0.93


def test_g_minus_1_degrees_would_break_that_promise_with_few_clusters_of_unlike_size():
    rng = np.random.default_rng(1)
    values, clusters, truth = continuous_differences(rng, cluster_sizes("skewed", 20), 0.3, SWEEPS)
    found = clustered_mean(values, clusters)
    error = np.abs(found.mean - truth)
    assert np.mean(error <= special.stdtrit(19, 0.975) * found.se) < 0.93
    assert np.mean(error <= found.half_width(0.95)) >= 0.93


def test_a_planted_null_is_not_found_and_a_difference_of_the_promised_size_is_as_often_as_promised():
    rng = np.random.default_rng(5)

    def sweeps(effect: float) -> pd.DataFrame:
        frames = [sweep_frame(rng, effect=effect).assign(sweep=number) for number in range(COMPARED)]
        return compare(pd.concat(frames, ignore_index=True), "ordering", "score_exact", by="sweep")

    null = sweeps(0.0)
    promised = null["mde80"].mean()
    planted = sweeps(promised)
    slack = 3 * np.sqrt(0.05 * 0.95 / COMPARED)  # three standard errors of so many draws
    assert np.mean(null["p"] < 0.05) <= 0.05 + slack
    assert np.mean(planted["p"] < 0.05) == pytest.approx(0.8, abs=3 * np.sqrt(0.8 * 0.2 / COMPARED))
    for truth, found in ((0.0, null), (promised, planted)):
        assert np.mean((found["ci_low"] <= truth) & (truth <= found["ci_high"])) >= 0.95 - slack
