"""The distributions agree with scipy's over everything an estimate can ask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from agentlab.experiments.statistics.distributions import normal_cdf, normal_quantile, t_cdf, t_quantile

DEGREES = st.floats(0.3, 1e5)


@given(st.lists(st.floats(-37, 37), min_size=1))
def test_the_normal_function_is_scipys(z: list[float]) -> None:
    np.testing.assert_allclose(normal_cdf(z), special.ndtr(z), rtol=1e-12)


@given(st.floats(1e-300, 1 - 1e-12))
def test_the_normal_quantile_is_scipys(chance: float) -> None:
    np.testing.assert_allclose(normal_quantile(chance), special.ndtri(chance), rtol=1e-9, atol=1e-12)


@given(DEGREES, st.floats(-60, 60))
def test_the_t_function_is_scipys(degrees: float, t: float) -> None:
    np.testing.assert_allclose(t_cdf(degrees, t), special.stdtr(degrees, t), rtol=1e-9, atol=1e-290)


@given(DEGREES, st.one_of(st.floats(1e-9, 1 - 1e-9), st.sampled_from([0.025, 0.2, 0.5, 0.8, 0.975, 0.9995])))
def test_the_t_quantile_is_scipys(degrees: float, chance: float) -> None:
    np.testing.assert_allclose(
        t_quantile(degrees, chance), special.stdtrit(degrees, chance), rtol=1e-8, atol=1e-9
    )


def test_arrays_are_taken_as_a_whole_and_keep_their_shape() -> None:
    degrees = np.array([[1.0, 2.5, np.nan], [30.0, 4e3, 9.0]])
    found = t_quantile(degrees, 0.975)
    np.testing.assert_allclose(found, special.stdtrit(degrees, 0.975), rtol=1e-10)
    np.testing.assert_allclose(t_cdf(degrees, found), [[0.975, 0.975, np.nan], [0.975] * 3], rtol=1e-12)


@pytest.mark.parametrize(("t", "wanted"), [(-np.inf, 0.0), (np.inf, 1.0), (0.0, 0.5), (np.nan, np.nan)])
def test_the_ends_and_the_middle_are_exact(t: float, wanted: float) -> None:
    np.testing.assert_equal(float(t_cdf(7.0, t)), wanted)
    np.testing.assert_equal(float(normal_cdf(t)), wanted)


def test_a_certain_chance_has_no_finite_quantile() -> None:
    assert t_quantile(3.0, 1.0) == normal_quantile(1.0) == np.inf
    assert t_quantile(3.0, 0.0) == normal_quantile(0.0) == -np.inf


def test_very_many_degrees_are_the_normal_distribution() -> None:
    np.testing.assert_allclose(t_quantile(1e12, 0.975), normal_quantile(0.975), rtol=1e-7)
