"""Stopping early: the boundaries are the published ones, and repeated looks keep alpha."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from agentlab.errors import UsageError
from agentlab.experiments.statistics import SequentialStop, clustered_mean
from agentlab.experiments.statistics.spending import SPENDING, boundaries

LOOKS = (0.2, 0.4, 0.6, 0.8, 1.0)
SWEEPS = 4000


@pytest.mark.parametrize(
    ("spending", "published"),
    [
        ("obrien_fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
        ("pocock", [2.438, 2.427, 2.410, 2.397, 2.386]),
    ],
)
def test_five_even_looks_have_the_published_boundaries(spending, published):
    np.testing.assert_allclose(boundaries(LOOKS, 0.05, spending), published, atol=0.001)


@pytest.mark.parametrize("spending", SPENDING)
def test_one_look_at_everything_is_the_ordinary_test(spending):
    assert boundaries([1.0], 0.05, spending)[0] == pytest.approx(1.95996, abs=1e-4)
    assert SPENDING[spending](1.0, 0.05) == pytest.approx(0.05)
    assert SPENDING[spending](0.0, 0.05) == 0


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=5, unique=True), st.sampled_from(sorted(SPENDING)))
@settings(max_examples=30)
def test_no_look_is_easier_than_the_ordinary_test(shares, spending):
    assert min(boundaries(sorted(shares), 0.05, spending)) >= 1.9599


def _stopped(effect, icc, spending, *, clusters=30, size=4):
    """Whether each of many sweeps stops for a difference: clusters come in five batches."""
    rng = np.random.default_rng(11)
    shared = rng.normal(size=(SWEEPS, clusters, 1)) * np.sqrt(icc)
    values = effect + shared + rng.normal(size=(SWEEPS, clusters, size)) * np.sqrt(1 - icc)
    stopped = np.zeros(SWEEPS, dtype=bool)
    for share, edge in zip(LOOKS, boundaries(LOOKS, 0.05, spending), strict=True):
        seen = values[:, : round(clusters * share)].reshape(SWEEPS, -1)
        found = clustered_mean(seen, np.repeat(np.arange(round(clusters * share)), size))
        stopped |= found.p_value() < 2 * special.ndtr(-edge)
    return stopped.mean()


@pytest.mark.parametrize("spending", SPENDING)
@pytest.mark.parametrize("icc", [0.0, 0.5])
def test_five_looks_find_a_difference_that_is_not_there_in_at_most_5_percent(spending, icc):
    monte_carlo = 3 * np.sqrt(0.05 * 0.95 / SWEEPS)
    assert _stopped(0.0, icc, spending) <= 0.05 + monte_carlo


def test_five_looks_at_plain_p_values_would_find_it_in_more_than_10_percent():
    rng = np.random.default_rng(11)
    values = rng.normal(size=(SWEEPS, 30))
    looks = [clustered_mean(values[:, :n], np.arange(n)).p_value() < 0.05 for n in (6, 12, 18, 24, 30)]
    assert np.logical_or.reduce(looks).mean() > 0.10


@pytest.mark.parametrize("spending", SPENDING)
def test_a_difference_that_is_there_is_still_found(spending):
    assert _stopped(0.5, 0.2, spending) > 0.9


def _sweep(effect, spread, seed=0, clusters=40, size=3):
    rng = np.random.default_rng(seed)
    return {f"document {each}": list(rng.normal(effect, spread, size)) for each in range(clusters)}


def _first(sweep, count):
    return dict(list(sweep.items())[:count])


def test_the_rule_stops_at_the_look_whose_p_is_below_its_own_level_and_not_before():
    sweep, rule, edges = _sweep(0.3, 0.8), SequentialStop(), boundaries(LOOKS, 0.05, "obrien_fleming")
    for share, edge in zip(LOOKS, edges, strict=True):
        part = _first(sweep, round(40 * share))
        said = rule.decide(part, share)
        values, names = zip(*[(value, name) for name, each in part.items() for value in each], strict=True)
        crossed = clustered_mean(values, names).p_value() < said.nominal_alpha
        assert said.nominal_alpha == pytest.approx(2 * special.ndtr(-edge))
        assert (said.reason == "different") == crossed
        if said.action == "stop":
            break
        rule = said.after
    assert 0.2 < share < 1


def test_a_rule_does_not_change_when_it_is_asked():
    rule = SequentialStop()
    said = rule.decide(_first(_sweep(0, 1), 10), 0.25)
    assert rule == SequentialStop()
    assert said.after == SequentialStop(looks=(0.25,))
    assert said == rule.decide(_first(_sweep(0, 1), 10), 0.25)


def test_a_difference_that_would_not_matter_stops_as_well_when_asked():
    said = SequentialStop(negligible=0.5).decide(_first(_sweep(0.0, 0.3), 30), 0.75)
    assert (said.action, said.reason) == ("stop", "negligible")
    assert SequentialStop().decide(_first(_sweep(0.0, 0.3), 30), 0.75).action == "continue"


def test_the_end_stops_whatever_was_found():
    said = SequentialStop().decide(_sweep(0.0, 1.0), 1.0)
    assert (said.action, said.reason) == ("stop", "finished")


@pytest.mark.parametrize("early", [{}, {"a": []}, {"a": [0.5, 1.0]}])
def test_too_little_data_goes_on(early):
    said = SequentialStop(negligible=0.1).decide(early, 0.1)
    assert (said.action, said.reason) == ("continue", "unsure")
    assert "too little" in said.why


def test_differences_that_are_all_the_same_are_not_taken_for_certainty():
    same = {str(each): [0.0] for each in range(20)}
    assert SequentialStop(negligible=0.05).decide(same, 0.5).action == "continue"
    assert SequentialStop(negligible=0.05, largest_difference=1).decide(same, 0.5).action == "continue"
    assert SequentialStop(negligible=0.5, largest_difference=1).decide(same, 0.5).reason == "negligible"
    won = {str(each): [1.0] for each in range(20)}
    assert SequentialStop(largest_difference=1).decide(won, 0.5).reason == "different"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"spending": "pockok"}, "did you mean `pocock`"),
        ({"alpha": 5}, "between 0 and 1"),
        ({"negligible": 0}, "above 0"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        SequentialStop(**arguments)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.2, 1.1, float("nan")])
def test_a_share_that_does_not_rise_is_refused(share):
    with pytest.raises(UsageError, match="rises with each look"):
        SequentialStop(looks=(0.25,)).decide({}, share)


def test_a_difference_that_is_no_number_is_refused():
    with pytest.raises(UsageError, match="NaN"):
        SequentialStop().decide({"a": [1.0], "b": [float("nan")]}, 0.5)
