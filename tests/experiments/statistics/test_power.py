"""What a plan promises to detect, against simulated sweeps and published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agentlab.errors import UsageError
from agentlab.experiments.statistics import (
    Pilot,
    clustered_mean,
    clusters_needed,
    minimum_detectable_effect,
    pilot_spread,
)


def test_three_points_at_a_spread_of_31_need_the_841_questions_that_power_tables_give():
    assert clusters_needed(0.03, sd=0.31) == pytest.approx(841.7, abs=1)


@pytest.mark.parametrize(("clusters", "size", "icc"), [(12, 5, 0.4), (60, 1, 0.0), (40, 10, 0.1)])
def test_a_difference_of_the_promised_size_is_found_in_80_percent_of_sweeps(clusters, size, icc):
    effect = minimum_detectable_effect(clusters, sd=2.0, questions_per_cluster=size, icc=icc)
    rng = np.random.default_rng(3)
    shared = rng.normal(size=(3000, clusters, 1)) * np.sqrt(icc)
    values = effect + 2 * (shared + rng.normal(size=(3000, clusters, size)) * np.sqrt(1 - icc))
    found = clustered_mean(values.reshape(3000, -1), np.repeat(np.arange(clusters), size)).p_value() < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_before_any_data_the_promise_holds_for_any_pass_fail_arms_that_are_not_at_odds():
    effect = minimum_detectable_effect(400)
    rng = np.random.default_rng(4)
    base = rng.random((2000, 400)) < 0.5 - effect / 2
    arm = rng.random((2000, 400)) < 0.5 + effect / 2
    found = clustered_mean(arm.astype(float) - base, np.arange(400)).p_value() < 0.05
    assert found.mean() >= 0.78


def test_a_pilot_knows_its_spread_and_correlation():
    rng = np.random.default_rng(5)
    values = np.repeat(rng.normal(size=400), 5) * np.sqrt(0.3) + rng.normal(size=2000) * np.sqrt(0.7)
    found = pilot_spread(values, np.repeat(np.arange(400), 5))
    assert found.sd == pytest.approx(1, abs=0.05)
    assert found.icc == pytest.approx(0.3, abs=0.06)
    assert minimum_detectable_effect(400, pilot=found, questions_per_cluster=5) == pytest.approx(
        minimum_detectable_effect(400, sd=1, icc=0.3, questions_per_cluster=5), rel=0.1
    )


def test_more_arms_fewer_clusters_and_more_power_need_larger_differences():
    known = minimum_detectable_effect(50, sd=1)
    assert minimum_detectable_effect(50, sd=1, comparisons=5) > known
    assert minimum_detectable_effect(20, sd=1) > known
    assert minimum_detectable_effect(50, sd=1, power=0.95) > known
    assert minimum_detectable_effect(1, sd=1) == math.inf


@pytest.mark.parametrize("effect", [0.02, 0.1, 0.5, 3.0])
def test_the_clusters_needed_are_the_fewest_that_show_the_effect(effect):
    needed = clusters_needed(effect, sd=1)
    assert minimum_detectable_effect(needed, sd=1) <= effect
    assert minimum_detectable_effect(needed - 1, sd=1) > effect


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sd": 1, "pilot": Pilot(1, 0)}, "not both"),
        ({"alpha": 5}, "`alpha`"),
        ({"power": 80}, "`power`"),
        ({"icc": 2}, "`icc`"),
        ({"sd": -1}, "`sd`"),
        ({"questions_per_cluster": 0}, "at least 1"),
    ],
)
def test_an_argument_out_of_range_is_named(arguments, words):
    with pytest.raises(UsageError, match=words):
        minimum_detectable_effect(10, **arguments)


def test_an_effect_or_a_pilot_of_nothing_is_refused():
    with pytest.raises(UsageError, match="above 0"):
        clusters_needed(0)
    with pytest.raises(UsageError, match="two clusters"):
        pilot_spread([1.0, 2.0], ["a", "a"])
