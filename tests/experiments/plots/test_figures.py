"""What each figure draws is what its frame says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from agentlab.errors import UsageError
from agentlab.experiments import plots
from agentlab.experiments.plots.cost_quality import pareto
from agentlab.experiments.plots.first_token import cache_outcome
from agentlab.experiments.plots.turn_tokens import token_parts
from agentlab.experiments.plots.win_tie_loss import outcomes
from agentlab.experiments.statistics import compare, means, variance_split
from tests.experiments.plots.frames import ORDERINGS, run_frame, turn_frame

RUNS = run_frame()
TURNS = turn_frame(RUNS)


def notes(ax) -> str:
    return "\n".join(text.get_text() for text in ax.texts if text.get_gid() == "note")


def words(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def marked(ax) -> dict[str, tuple[float, float]]:
    """Arm to the point that an error bar was drawn around."""
    return {
        bar.get_label(): (bar.lines[0].get_xdata()[0], bar.lines[0].get_ydata()[0])
        for bar in ax.containers
        if bar.lines[0] is not None
    }


def test_cost_quality_marks_each_arm_at_its_two_means():
    drawn = marked(plots.cost_quality(RUNS))
    cost = means(RUNS, "cost_usd", ["model", "ordering"])
    score = means(RUNS, "score_exact", ["model", "ordering"])
    assert len(drawn) == 6
    for place, row in cost.iterrows():
        assert drawn[f"{row['model']}, {row['ordering']}"] == (row["mean"], score["mean"][place])


def test_cost_quality_draws_both_intervals():
    ax = plots.cost_quality(RUNS, by="ordering")
    table = means(RUNS, "score_exact", "ordering")
    bars = ax.containers[0].lines[2]
    (across, up) = (np.array(each.get_segments()[0]) for each in bars)
    assert up[:, 1] == pytest.approx([table["ci_low"][0], table["ci_high"][0]])
    assert across[0, 0] < across[1, 0]


def test_the_line_joins_the_points_that_no_other_beats():
    cost, quality = np.array([3.0, 1.0, 2.0, 2.0, 4.0]), np.array([0.5, 0.2, 0.6, 0.6, 0.9])
    assert sorted((cost[place], quality[place]) for place in pareto(cost, quality)) == [
        (1, 0.2),
        (2, 0.6),
        (4, 0.9),
    ]


def test_an_arm_without_a_price_is_named_and_a_partly_priced_one_is_hollow():
    frame = RUNS.copy()
    frame.loc[frame["ordering"] == "user_first", "cost_usd"] = np.nan
    frame.loc[frame.index[(frame["ordering"] == "docs_last") & (frame["status"] == "ok")][0], "cost_usd"] = (
        np.nan
    )
    ax = plots.cost_quality(frame, by="ordering", theme="light")
    assert set(marked(ax)) == {"static_first", "docs_last"}
    assert "Not shown, price unknown: user_first" in notes(ax)
    assert "docs_last has no price for 1 of 144 runs" in notes(ax)
    hollow = {bar.get_label(): bar.lines[0].get_markerfacecolor() for bar in ax.containers}
    assert hollow["docs_last"] == "#ffffff"
    assert hollow["static_first"] != "#ffffff"


def test_cost_quality_without_any_price_is_an_error_and_not_an_empty_figure():
    with pytest.raises(UsageError, match="no arm has both a price"):
        plots.cost_quality(RUNS.assign(cost_usd=np.nan))


def test_cache_by_turn_draws_token_weighted_shares_solid_and_the_expected_ones_dotted():
    ax = plots.cache_by_turn(TURNS)
    observed = [line for line in ax.lines if line.get_gid() == "observed"]
    expected = [line for line in ax.lines if line.get_gid() == "expected"]
    assert [line.get_label() for line in observed] == list(ORDERINGS)
    assert all(line.get_linestyle() == "-" for line in observed)
    assert all(line.get_linestyle() != "-" for line in expected)
    for lines, column in ((observed, "cache_read_input_tokens"), (expected, "cache_expected_tokens")):
        for name, line in zip(ORDERINGS, lines, strict=True):
            sums = TURNS[TURNS["ordering"] == name].groupby("turn")[[column, "input_tokens"]].sum()
            np.testing.assert_allclose(line.get_ydata(), 100 * sums[column] / sums["input_tokens"])
    assert words(ax)[-2:] == ["observed", "expected"]


def test_the_hue_of_turns_is_looked_up_in_their_runs():
    bare = TURNS.drop(columns="ordering")
    looked_up = plots.cache_by_turn(bare, runs=RUNS)
    for one, two in zip(looked_up.lines, plots.cache_by_turn(TURNS).lines, strict=True):
        np.testing.assert_allclose(one.get_ydata(), two.get_ydata())
    with pytest.raises(UsageError, match=r"runs=res\.df"):
        plots.cache_by_turn(bare)


def test_turns_that_do_not_report_their_cache_are_counted_and_not_taken_for_zero():
    frame = TURNS.copy()
    frame.loc[frame["ordering"] == "docs_last", "cache_read_input_tokens"] = pd.NA
    ax = plots.cache_by_turn(frame)
    observed = {line.get_label(): line.get_ydata() for line in ax.lines if line.get_gid() == "observed"}
    assert len(observed["docs_last"]) == 0
    assert f"{(frame['ordering'] == 'docs_last').sum()} of {len(frame)} turns do not report" in notes(ax)
    with pytest.raises(UsageError, match="no turn reports"):
        plots.cache_by_turn(
            frame.assign(cache_read_input_tokens=pd.array([pd.NA] * len(frame), dtype="Int64"))
        )


def test_a_hit_needs_most_of_what_was_expected():
    frame = pd.DataFrame(
        {
            "cache_read_input_tokens": pd.array([800, 799, 0, 1, 0, None], dtype="Int64"),
            "cache_expected_tokens": pd.array([1000, 1000, 1000, None, 0, 1000], dtype="Int64"),
        }
    )
    assert list(cache_outcome(frame)) == ["hit", "miss", "miss", "hit", "miss", None]


def test_ttft_draws_the_share_of_calls_that_had_begun_by_then():
    ax = plots.ttft(TURNS)
    hits = TURNS[cache_outcome(TURNS) == "hit"]["time_to_first_chunk_s"].sort_values()
    line = ax.lines[0]
    np.testing.assert_allclose(line.get_xdata()[1:], hits)
    assert line.get_ydata()[0] == 0
    assert line.get_ydata()[-1] == 100
    assert line.get_ydata()[len(hits) // 2] == pytest.approx(50, abs=1)
    assert words(ax)[0] == f"hit ({len(hits)} calls, median {hits.median():.2g} s)"
    assert [line.get_linestyle() for line in ax.lines] == ["-", "--"]


def test_ttft_splits_by_hue_and_says_what_is_missing():
    frame = TURNS.copy()
    frame.loc[frame.index[:5], "time_to_first_chunk_s"] = np.nan
    ax = plots.ttft(frame, hue="ordering")
    assert len(ax.lines) == 6
    assert notes(ax) == f"5 of {len(frame)} calls lack a time or a cache count"


def test_the_parts_of_a_bar_add_up_to_input_and_output():
    ax = plots.turn_tokens(TURNS, run="run-7")
    chosen = (
        TURNS[TURNS["run_id"] == "run-7"]
        .set_index("turn")
        .astype({"input_tokens": int, "output_tokens": int})
    )
    tops = dict.fromkeys(chosen.index, 0.0)
    for bars in ax.containers:
        for turn, bar in zip(chosen.index, bars, strict=True):
            assert bar.get_y() == pytest.approx(tops[turn])
            tops[turn] += bar.get_height()
    assert tops == {turn: row["input_tokens"] + row["output_tokens"] for turn, row in chosen.iterrows()}
    assert words(ax) == ["cache read", "cache write", "uncached input", "reasoning", "output"]
    np.testing.assert_allclose(
        [bar.get_height() for bar in ax.containers[0]], chosen["cache_read_input_tokens"]
    )


def test_without_a_run_the_bars_are_means_over_runs():
    parts = token_parts(TURNS)
    known = TURNS.groupby("turn")["cache_read_input_tokens"].mean()
    np.testing.assert_allclose(parts["cache read"], known.astype(float))
    assert "mean of 432 runs" in plots.turn_tokens(TURNS).get_title(loc="left")


def test_tokens_that_are_not_reported_are_said():
    frame = TURNS.copy()
    frame.loc[0, "input_tokens"] = pd.NA
    frame.loc[1, "cache_read_input_tokens"] = pd.NA
    said = notes(plots.turn_tokens(frame))
    assert "1 of 1728 calls do not report their tokens" in said
    assert "1 calls do not report what was read; that part is shown as uncached" in said


def test_forest_draws_every_difference_with_its_interval():
    table = compare(RUNS, "ordering", "score_exact", by="model")
    ax = plots.forest(table)
    points = [line for line in ax.lines if line.get_gid() == "difference"]
    spans = [line for line in ax.lines if line.get_gid() == "interval"]
    assert [line.get_xdata()[0] for line in points] == list(table["delta"])
    assert [list(line.get_xdata()) for line in spans] == table[["ci_low", "ci_high"]].to_numpy().tolist()
    assert [line.get_marker() == "o" for line in points] == list(table["p_holm"] <= 0.05)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        f"{arm} ({model})" for arm, model in zip(table["arm"], table["model"], strict=True)
    ]


def test_a_difference_without_an_interval_is_a_point_that_says_so():
    ax = plots.forest(compare(RUNS.assign(cluster_id="one"), "ordering", "score_exact"))
    assert not [line for line in ax.lines if line.get_gid() == "interval"]
    assert all("no interval" in text.get_text() for text in ax.texts if text.get_gid() != "note")


def test_spend_adds_up_by_the_time_runs_end():
    frame = pd.DataFrame(
        {
            "started_at": pd.to_datetime([60, 0, 30], unit="s", utc=True),
            "duration_s": [6.0, 120.0, 6.0],
            "cost_spent_usd": [0.5, 1.0, 0.25],
        }
    )
    ax = plots.spend(frame, budget_usd=2)
    spent, budget = ax.lines
    np.testing.assert_allclose(spent.get_xdata(), [0, 0.6, 1.1, 2.0])
    np.testing.assert_allclose(spent.get_ydata(), [0, 0.25, 0.75, 1.75])
    assert set(budget.get_ydata()) == {2}
    unix = frame.assign(started_at=[60.0, 0.0, 30.0])
    np.testing.assert_allclose(plots.spend(unix).lines[0].get_xdata(), spent.get_xdata())


def test_spend_says_how_many_runs_have_no_price():
    frame = RUNS.copy()
    frame.loc[frame.index[:7], "cost_usd"] = np.nan
    ax = plots.spend(frame)
    assert ax.lines[0].get_ydata()[-1] == pytest.approx(frame["cost_usd"].sum())
    assert "7 of 432 runs have no price" in notes(ax)
    with pytest.raises(UsageError, match="no run has a price"):
        plots.spend(frame.assign(cost_usd=np.nan))


def test_the_strip_has_the_wins_ties_and_losses_of_the_comparison():
    table = compare(RUNS, "ordering", "score_exact")
    ax = plots.win_tie_loss(RUNS, "ordering", "score_exact")
    for kind, column in (("win", "wins"), ("tie", "ties"), ("loss", "losses")):
        drawn = [len(bars.get_paths()) for bars in ax.collections if bars.get_gid() == kind]
        assert drawn == list(table[column])


def test_a_question_without_a_pair_stays_in_the_strip():
    frame = RUNS[~((RUNS["ordering"] == "docs_last") & (RUNS["sample_id"] == "q3"))]
    table = outcomes(frame, "ordering", "score_exact")
    assert table.shape == (2, 24)
    assert np.isnan(table.loc["docs_last", "q3"])
    assert "1 pairs lack a value" in notes(plots.win_tie_loss(frame, "ordering", "score_exact"))


def test_less_money_is_a_win():
    assert (outcomes(RUNS, "ordering", "cost_usd", lower=True).loc["user_first"] == -1).mean() > 0.8
    ax = plots.win_tie_loss(RUNS, "ordering", "cost_usd")
    lost = [bars for bars in ax.collections if bars.get_gid() == "loss"]
    assert len(lost[1].get_paths()) > 18


def test_the_variance_bars_are_the_shares_of_the_split():
    ax = plots.variance_split(RUNS, "score_exact")
    between, repeats = ([bar.get_width() for bar in bars] for bars in ax.containers)
    table = variance_split(RUNS, "score_exact", by=["model", "ordering"])
    np.testing.assert_allclose(repeats, 100 * table["share_repeats"])
    np.testing.assert_allclose(np.add(between, repeats), 100)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        f"{model}, {ordering}" for model, ordering in zip(table["model"], table["ordering"], strict=True)
    ]


def test_arms_without_repeats_are_named_and_none_with_repeats_is_an_error():
    once = RUNS[(RUNS["ordering"] != "user_first") | (RUNS["repeat"] == 0)]
    said = notes(plots.variance_split(once, "score_exact"))
    assert "no repeats or no spread: sim:openai/gpt-5.6, user_first" in said
    with pytest.raises(UsageError, match="repeat the runs"):
        plots.variance_split(RUNS[RUNS["repeat"] == 0], "score_exact")
