"""`compare`: hand-made frames with answers worked out by hand, and what a user gets wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from agentlab.errors import UsageError
from agentlab.experiments.statistics import compare, holm
from tests.experiments.statistics.sweeps import sweep_frame

SPEC_COLUMNS = [
    *("baseline", "arm", "metric", "n", "n_clusters", "repeats", "mean_base", "mean_arm", "delta", "se"),
    *("ci_low", "ci_high", "p", "p_holm", "wins", "ties", "losses", "mde80", "errors_base", "errors_arm"),
    "cost_delta_usd",
]


def runs(rows, **columns) -> pd.DataFrame:
    """Rows of (arm, question, repeat, score)."""
    frame = pd.DataFrame(rows, columns=["arm", "sample_id", "repeat", "score_exact"]).assign(**columns)
    return frame.astype({"arm": pd.CategoricalDtype(list(dict.fromkeys(frame["arm"])))})


def small() -> pd.DataFrame:
    """Three questions, two repeats: per-question differences 1, 0.5 and -0.5."""
    scores = {"base": [[0, 0], [0, 1], [1, 1]], "new": [[1, 1], [1, 1], [0, 1]]}
    return runs(
        [
            (arm, question, repeat, float(score))
            for arm, questions in scores.items()
            for question, repeats in enumerate(questions)
            for repeat, score in enumerate(repeats)
        ]
    )


def test_repeats_are_averaged_in_the_question_and_questions_are_paired():
    row = compare(small(), "arm", "score_exact").iloc[0]
    known = stats.ttest_1samp([1, 0.5, -0.5], 0)
    assert (row["baseline"], row["arm"], row["n"], row["n_clusters"], row["repeats"]) == (
        "base",
        "new",
        3,
        3,
        2,
    )
    assert row["delta"] == pytest.approx(1 / 3)
    assert row["mean_arm"] - row["mean_base"] == pytest.approx(row["delta"])
    assert row["p"] == pytest.approx(known.pvalue)
    assert row["ci_low"] == pytest.approx(known.confidence_interval().low)
    assert (row["wins"], row["ties"], row["losses"]) == (2, 0, 1)


def test_the_columns_are_the_documented_ones_with_the_by_columns_after_the_metric():
    frame = pd.concat([small().assign(model=name) for name in ("a", "b")]).astype({"model": "category"})
    columns = list(compare(frame, "arm", "score_exact", by="model").columns)
    assert [name for name in columns if name != "model"][: len(SPEC_COLUMNS)] == SPEC_COLUMNS
    assert columns[columns.index("metric") + 1] == "model"


def test_an_error_is_no_zero_and_is_counted():
    frame = small().assign(status="ok")
    failed = (frame["arm"] == "new") & (frame["sample_id"] == 1) & (frame["repeat"] == 0)
    frame.loc[failed, ["status", "score_exact"]] = ["error", 0.0]
    row = compare(frame, "arm", "score_exact").iloc[0]
    assert row["delta"] == pytest.approx(1 / 3)  # the other repeat was right as well
    assert (row["errors_base"], row["errors_arm"]) == (0, 1)
    assert row["delta_worst"] == pytest.approx((1 + 0 - 0.5) / 3)
    assert row["delta_best"] == pytest.approx(1 / 3)


def test_a_scorer_that_raised_is_an_error_of_its_arm():
    frame = small()
    frame["score_exact_error"] = None
    frame.loc[0, ["score_exact", "score_exact_error"]] = [np.nan, "ValueError: no number"]
    row = compare(frame, "arm", "score_exact").iloc[0]
    assert (row["errors_base"], row["missing_base"]) == (1, 0)


def test_a_question_that_one_arm_never_answered_is_reported_and_bounds_the_difference():
    frame = small()
    frame = frame[~((frame["arm"] == "new") & (frame["sample_id"] == 2))]
    table = compare(frame, "arm", "score_exact")
    row = table.iloc[0]
    assert (row["n"], row["unpaired"], row["missing_arm"], row["missing_base"]) == (2, 1, 2, 0)
    assert row["delta"] == pytest.approx(0.75)
    assert row["delta_worst"] == pytest.approx((1 + 0.5 - 1) / 3)
    assert row["delta_best"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert "1 questions could not be paired" in table.sentences()[0]


def test_an_arm_without_any_answer_has_a_row_that_says_so():
    frame = small()
    frame.loc[frame["arm"] == "new", "score_exact"] = np.nan
    table = compare(frame, "arm", "score_exact")
    assert table.iloc[0]["n"] == 0
    assert np.isnan(table.iloc[0]["delta"])
    assert "no question was answered in both arms" in table.sentences()[0]


def test_an_unknown_price_makes_the_cost_difference_unknown_and_not_smaller():
    frame = small().assign(cost_usd=0.01)
    frame.loc[frame["arm"] == "new", "cost_usd"] = 0.03
    assert compare(frame, "arm", "score_exact").iloc[0]["cost_delta_usd"] == pytest.approx(0.02)
    frame.loc[11, "cost_usd"] = np.nan
    assert np.isnan(compare(frame, "arm", "score_exact").iloc[0]["cost_delta_usd"])


def test_a_win_in_dollars_and_seconds_is_the_lower_value():
    frame = small().assign(cost_usd=[0.2] * 6 + [0.1] * 6, output_tokens_per_s=[10.0] * 6 + [20.0] * 6)
    assert compare(frame, "arm", "cost_usd").iloc[0]["wins"] == 3
    assert compare(frame, "arm", "output_tokens_per_s").iloc[0]["wins"] == 3
    assert compare(frame, "arm", "cost_usd", lower_is_better=False).iloc[0]["losses"] == 3


def test_holm_runs_over_every_arm_in_every_group():
    rng = np.random.default_rng(0)
    frame = pd.concat([sweep_frame(rng, effect=0.1).assign(model=name) for name in ("a", "b", "c")])
    table = compare(frame.astype({"model": "category"}), "ordering", "score_exact", by=["model"])
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))
    assert table["p_holm"].iloc[table["p"].argmin()] == pytest.approx(3 * table["p"].min())


def test_holm_agrees_with_its_definition_and_leaves_out_what_is_not_known():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04, 0.03]), [0.03, np.nan, 0.06, 0.06])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    assert holm([]).shape == (0,)


def test_an_axis_that_is_not_named_is_averaged_over_within_its_levels():
    easy, hard = small().assign(model="easy"), small().assign(model="hard")
    hard["score_exact"] -= 10
    frame = pd.concat([easy, hard], ignore_index=True).astype({"model": "category"})
    lost = (frame["model"] == "easy") & (frame["arm"] == "new") & (frame["sample_id"] == 0)
    row = compare(frame[~lost], "arm", "score_exact").iloc[0]
    assert row["delta"] == pytest.approx(1 / 3)  # question 0 is compared in `hard` alone, not across models
    assert row["n"] == 3


def test_axes_declared_by_the_frame_are_the_ones_averaged_over():
    frame = pd.concat([small().assign(model=name) for name in ("a", "b")], ignore_index=True)
    frame.attrs["agentlab_axes"] = ("arm", "model")
    assert compare(frame, "arm", "score_exact").attrs["averaged_over"] == ("model",)


def test_arms_and_baseline_come_in_the_order_of_the_axis():
    frame = pd.concat([small(), small().query("arm == 'new'").assign(arm="third")], ignore_index=True)
    frame["arm"] = pd.Categorical(frame["arm"], ["third", "base", "new"])
    assert list(compare(frame, "arm", "score_exact")["arm"]) == ["base", "new"]
    table = compare(frame, "arm", "score_exact", baseline="base")
    assert list(table["arm"]) == ["third", "new"]
    assert set(table["baseline"]) == {"base"}


def test_nullable_and_boolean_columns_are_numbers():
    frame = small()
    as_bool = frame.assign(score_exact=frame["score_exact"].astype(bool))
    as_nullable = frame.assign(score_exact=frame["score_exact"].astype("Int64"))
    known = compare(frame, "arm", "score_exact")
    pd.testing.assert_frame_equal(known, compare(as_bool, "arm", "score_exact"))
    pd.testing.assert_frame_equal(known, compare(as_nullable, "arm", "score_exact"))


def test_thirty_of_thirty_is_not_certainty():
    rows = [("base", question, 0, 1.0) for question in range(30)] + [
        ("new", question, 0, 1.0) for question in range(30)
    ]
    row = compare(runs(rows), "arm", "score_exact").iloc[0]
    assert (row["delta"], row["p"], row["ties"]) == (0, 1, 30)
    assert row["ci_high"] == pytest.approx(1 - 0.025 ** (1 / 30))
    assert row["ci_low"] == -row["ci_high"]


@pytest.mark.parametrize("questions", [4, 5, 6, 7, 8])
def test_without_spread_the_interval_and_p_agree_on_whether_0_is_left_out(questions):
    rows = [
        (arm, question, 0, score) for arm, score in (("a", 0.0), ("b", 1.0)) for question in range(questions)
    ]
    row = compare(runs(rows), "arm", "score_exact").iloc[0]
    assert row["p"] == pytest.approx(2 * 0.5**questions)
    assert (row["p"] < 0.05) == (row["ci_low"] > 0)


def test_one_cluster_gives_a_difference_without_an_interval():
    table = compare(small().assign(cluster_id="the same"), "arm", "score_exact")
    assert table.iloc[0]["delta"] == pytest.approx(1 / 3)
    assert table.iloc[0][["se", "ci_low", "ci_high", "p", "p_holm", "mde80"]].isna().all()
    assert "one cluster" in table.sentences()[0]


def test_a_table_shows_its_finding_in_words_and_a_part_of_it_is_a_plain_frame():
    table = compare(
        small().assign(arm=small()["arm"].cat.rename_categories({"new": "<b>"})), "arm", "score_exact"
    )
    html = table._repr_html_()
    assert "no difference found" in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert type(table[["arm"]]) is pd.DataFrame


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"axis": "amr"}, "no axis `amr`; did you mean `arm`?"),
        ({"metric": "score_exat"}, "no metric `score_exat`; did you mean `score_exact`"),
        ({"metric": "arm"}, "are not numbers"),
        ({"baseline": "bas"}, "no level `bas`; did you mean `base`?"),
        ({"by": "arm"}, "cannot be in `by`"),
        ({"by": "modell"}, "no axis `modell`"),
        ({"by": ["repeat", "repeat"]}, "named twice"),
        ({"df": [1, 2]}, "got list"),
        ({"confidence": 95}, "between 0 and 1"),
    ],
)
def test_a_wrong_argument_is_answered_with_what_there_is(asked, words):
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        compare(**{"df": small(), "axis": "arm", "metric": "score_exact", **asked})


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (small().iloc[:0], "no rows"),
        (small().drop(columns="sample_id"), "`sample_id`"),
        (small().query("arm == 'base'"), "two levels"),
        (small().assign(sample_id=[None, *range(11)]), "1 rows have no `sample_id`"),
        (small().assign(cluster_id=range(12)), "is in 4 clusters"),
        (pd.concat([small(), small()]), "drop the copies"),
        (pd.concat([small().assign(model=name) for name in "ab"]), "`model` tells them apart"),
    ],
    ids=["empty", "no-question", "one-arm", "nameless", "clusters", "copies", "axis-without-type"],
)
def test_a_frame_that_cannot_be_compared_says_why(frame, words):
    with pytest.raises(UsageError, match=words):
        compare(frame, "arm", "score_exact")
