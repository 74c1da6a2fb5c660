"""Where spread comes from, and the means that figures show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from agentlab.experiments.statistics import means, variance_split
from tests.experiments.statistics.sweeps import sweep_frame


def _runs(questions, repeats, hardness_sd, repeat_sd, seed=0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    question, repeat = (index.ravel() for index in np.indices((questions, repeats)))
    value = rng.normal(0, hardness_sd, questions)[question] + rng.normal(0, repeat_sd, question.size)
    return pd.DataFrame({"sample_id": question, "repeat": repeat, "model": "a", "score_judge": 100 + value})


def test_the_two_parts_of_the_variance_are_recovered():
    row = variance_split(_runs(2000, 4, 2.0, 1.0), "score_judge").iloc[0]
    assert row["var_questions"] == pytest.approx(4, rel=0.1)
    assert row["var_repeats"] == pytest.approx(1, rel=0.1)
    assert row["share_repeats"] == pytest.approx(0.2, abs=0.02)
    assert row["gain_of_doubling"] == pytest.approx(1 - np.sqrt((4 + 1 / 8) / (4 + 1 / 4)), abs=0.005)


def test_without_repeats_the_split_is_not_known():
    row = variance_split(_runs(50, 1, 1, 1), "score_judge").iloc[0]
    assert (row["n"], row["repeats"]) == (50, 1)
    assert row[["var_questions", "var_repeats", "gain_of_doubling"]].isna().all()


def test_repeats_are_all_the_spread_where_questions_are_alike():
    assert variance_split(_runs(500, 5, 0, 1), "score_judge").iloc[0]["share_repeats"] > 0.95


def test_axes_that_vary_are_kept_apart_and_not_taken_for_repeats():
    one, two = _runs(100, 3, 1, 0.1), _runs(100, 3, 1, 0.1)
    two["score_judge"] += 50
    frame = pd.concat([one.assign(model="one"), two.assign(model="two")]).astype({"model": "category"})
    table = variance_split(frame, "score_judge")
    assert list(table["model"]) == ["one", "two"]
    assert (table["var_repeats"] < 0.02).all()


def test_means_are_over_questions_and_count_what_failed():
    frame = pd.DataFrame(
        {
            "arm": ["a"] * 5,
            "sample_id": [1, 1, 1, 2, 3],
            "repeat": [0, 1, 2, 0, 0],
            "status": ["ok", "ok", "ok", "ok", "error"],
            "score_exact": [1.0, 1.0, 1.0, 0.0, 0.0],
        }
    )
    row = means(frame, "score_exact", "arm").iloc[0]
    assert row["mean"] == 0.5
    assert (row["n"], row["errors"], row["missing"]) == (2, 1, 0)
    assert (row["ci_low"], row["ci_high"]) == (0, 1)


def test_all_right_has_an_interval_that_still_has_a_lower_end():
    frame = pd.DataFrame({"arm": "a", "sample_id": range(30), "repeat": 0, "score_exact": 1.0})
    row = means(frame, "score_exact", "arm").iloc[0]
    assert (row["mean"], row["ci_high"]) == (1, 1)
    assert row["ci_low"] == pytest.approx(0.025 ** (1 / 30))  # Clopper-Pearson's lower end of 30 of 30


def test_the_means_of_a_sweep_differ_by_what_was_planted():
    table = means(sweep_frame(np.random.default_rng(0), effect=0.2, questions=400), "score_exact", "ordering")
    assert table["mean"].diff().iloc[1] == pytest.approx(0.2, abs=0.05)
