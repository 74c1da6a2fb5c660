"""The clustered mean against plain matrix algebra and the ordinary t test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats

from agentlab.experiments.statistics.clustered import clustered_mean, sum_by_cluster, variance_components

SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=8)


def _sample(sizes, seed):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    return rng.normal(size=len(codes)) + rng.normal(size=len(sizes))[codes], codes


@given(SIZES, st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_the_variance_is_cr2_as_matrix_algebra_writes_it(sizes, seed):
    values, codes = _sample(sizes, seed)
    n = len(values)
    residual = values - values.mean()
    variance = 0.0
    for code in np.unique(codes):
        inside = codes == code
        hat = np.full((inside.sum(), inside.sum()), 1 / n)
        adjust = np.real(linalg.inv(linalg.sqrtm(np.eye(inside.sum()) - hat)))
        variance += float(np.ones(inside.sum()) @ adjust @ residual[inside]) ** 2
    assert clustered_mean(values, codes).se == pytest.approx(np.sqrt(variance) / n)


@given(SIZES, st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_the_degrees_are_satterthwaites_for_the_variance_as_a_quadratic_form(sizes, seed):
    values, codes = _sample(sizes, seed)
    found = clustered_mean(values, codes)
    within, between = variance_components(sum_by_cluster(values, codes))
    members = (codes[:, None] == np.arange(len(sizes))).astype(float)
    n = len(values)
    centre = np.eye(n) - 1 / n
    weights = np.diag(1 / (1 - members.sum(0) / n) / n**2)
    form = centre @ members @ weights @ members.T @ centre
    working = within * np.eye(n) + between * members @ members.T
    product = form @ working
    assert found.degrees == pytest.approx(np.trace(product) ** 2 / np.trace(product @ product))
    assert found.degrees <= len(sizes) - 1 + 1e-9


@given(st.integers(2, 30), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_questions_that_stand_alone_give_the_ordinary_t_test(n, seed):
    values = np.random.default_rng(seed).normal(1, 2, n)
    found, known = clustered_mean(values, np.arange(n)), stats.ttest_1samp(values, 0)
    interval = known.confidence_interval(0.9)
    assert found.p_value() == pytest.approx(known.pvalue)
    assert found.degrees == pytest.approx(n - 1)
    assert found.mean - found.half_width(0.9) == pytest.approx(interval.low)
    assert found.mean + found.half_width(0.9) == pytest.approx(interval.high)


def test_clusters_of_one_answer_each_count_as_one_question():
    alone = clustered_mean([1.0, 4.0, 2.0, 7.0], ["a", "b", "c", "d"])
    copied = clustered_mean(np.repeat([1.0, 4.0, 2.0, 7.0], 5), np.repeat(["a", "b", "c", "d"], 5))
    assert copied.se == pytest.approx(alone.se)
    assert copied.degrees == pytest.approx(alone.degrees)
    assert (copied.n, copied.n_clusters) == (20, 4)
    assert copied.icc == pytest.approx(1)


def test_a_stack_of_samples_is_each_sample_by_itself():
    values, codes = _sample([2, 5, 1, 3], 7)
    stack = np.stack([values, values**2, -values])
    together = clustered_mean(stack, codes)
    for place, each in enumerate(stack):
        alone = clustered_mean(each, codes)
        assert together.se[place] == pytest.approx(alone.se)
        assert together.degrees[place] == pytest.approx(alone.degrees)


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_a_large_mean_does_not_hide_the_spread(offset):
    values, codes = _sample([2, 5, 1, 3], 3)
    assert clustered_mean(values + offset, codes).se == pytest.approx(
        clustered_mean(values, codes).se, rel=1e-6
    )


def test_one_cluster_shows_no_spread_that_could_be_judged():
    found = clustered_mean([1.0, 2.0, 3.0], ["a", "a", "a"])
    assert found.mean == 2
    assert np.isnan([found.se, found.degrees, found.p_value()]).all()


def test_rounding_is_not_taken_for_spread():
    third = 1 / 3
    found = clustered_mean([third, third, 3 * third / 3, 1 - 2 * third], ["a", "b", "c", "d"])
    assert found.se == 0
    assert np.isnan(found.degrees)
