"""Figures and statistics on the frames as a sweep makes them, from rows to Axes."""

from __future__ import annotations

import numpy as np
import pytest

from agentlab.experiments import plots
from agentlab.experiments.frames.runs import runs_frame
from agentlab.experiments.frames.turns import messages_frame, turns_frame
from agentlab.experiments.rows import MessageRow, RunRow, ScoreRow, TurnRow
from agentlab.experiments.statistics import compare

AXES = {"ordering": ("static_first", "docs_last")}


def _row(question: int, repeat: int, ordering: str) -> RunRow:
    late = ordering == "docs_last"
    end = f"question {question}"
    turn = TurnRow(
        turn=1,
        provider_name="sim",
        request_model="gpt-5.6",
        input_tokens=1000,
        cache_read_input_tokens=0 if late else 800,
        output_tokens=50,
        cost_usd=None if question == 0 else 0.002 if late else 0.001,
        cache_expected_tokens=800,
        time_to_first_chunk_s=0.9 if late else 0.3,
        prefix_hash=end,
    )
    blocks = (("tools", None, 800), (end, "tools", 200))
    failed = (question, repeat, late) == (1, 0, True)
    return RunRow(
        cell_key=f"{question}/{repeat}/{ordering}",
        run_id=f"{question}/{repeat}/{ordering}",
        levels={"ordering": ordering},
        sample_id=str(question),
        cluster_id=str(question // 2),
        repeat=repeat,
        status="error" if failed else "ok",
        started_at=1_790_000_000.0 + question,
        duration_s=1.0,
        turns=(turn,),
        scores=(
            ScoreRow(scorer="exact", error="failed")
            if failed
            else ScoreRow(scorer="exact", value=float((question + repeat + late) % 3 > 0)),
        ),
        messages=tuple(
            MessageRow(
                hash=name, parent_hash=parent, role="user", kind="message", text="", tokens=tokens, segment=""
            )
            for name, parent, tokens in blocks
        ),
    )


ROWS = [
    _row(question, repeat, each) for question in range(8) for repeat in range(2) for each in AXES["ordering"]
]
RUNS = runs_frame(ROWS, AXES, fresh=[row.cell_key for row in ROWS])
TURNS = turns_frame(ROWS, AXES)
MESSAGES = messages_frame(ROWS)


def test_a_comparison_reads_the_runs_as_they_are():
    row = compare(RUNS, "ordering", "score_exact").iloc[0]
    assert (row["n"], row["n_clusters"], row["repeats"], row["errors_arm"]) == (8, 4, 2, 1)
    assert np.isnan(row["cost_delta_usd"])
    prices = compare(RUNS[RUNS["sample_id"] != "0"], "ordering", "cost_usd").iloc[0]
    assert prices["delta"] == pytest.approx(0.001)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.cost_quality(RUNS),
        lambda: plots.cache_by_turn(TURNS),
        lambda: plots.ttft(TURNS),
        lambda: plots.turn_tokens(TURNS, run=RUNS["run_id"][3]),
        lambda: plots.forest(compare(RUNS, "ordering", "score_exact")),
        lambda: plots.prefix_tree(MESSAGES, turns=TURNS),
        lambda: plots.spend(RUNS, budget_usd=1),
        lambda: plots.variance_split(RUNS, "score_exact"),
        lambda: plots.win_tie_loss(RUNS, "ordering", "score_exact"),
    ],
    ids=[
        "cost_quality",
        "cache_by_turn",
        "ttft",
        "turn_tokens",
        "forest",
        "tree",
        "spend",
        "variance",
        "strip",
    ],
)
def test_every_figure_draws_the_frames_of_a_sweep(draw):
    ax = draw()
    ax.figure.draw_without_rendering()
    assert ax.has_data()


def test_the_tree_of_a_sweep_shows_what_its_calls_read():
    ax = plots.prefix_tree(MESSAGES, turns=TURNS[TURNS["ordering"] == "static_first"])
    heights = {patch.get_gid(): patch.get_height() for patch in ax.patches}
    assert heights["tools"] == 16
    assert heights["question 3"] == 2
