"""The frames' columns, their order and types, and what they do not know."""

from __future__ import annotations

import pandas as pd
import pytest
from msgspec import structs

from agentlab.experiments.engine.progress import Tally
from agentlab.experiments.frames.otel import to_otel
from agentlab.experiments.frames.runs import runs_frame
from agentlab.experiments.frames.turns import turns_frame
from agentlab.experiments.rows import RunRow, ScoreRow, TurnRow

RUN_COLUMNS = [
    "sweep_id",
    "run_id",
    "cell_key",
    "sample_id",
    "cluster_id",
    "repeat",
    "seed",
    "attempt",
    "status",
    "error_type",
    "error_message",
    "started_at",
    "model",
    "ordering",
    "provider_name",
    "request_model",
    "response_model",
    "prompt_hash",
    "prefix_hash",
    "agent_hash",
    "code_version",
    "output",
    "target",
    "finish_reason",
    "n_turns",
    "n_tool_calls",
    "score_exact",
    "score_exact_reason",
    "score_exact_error",
    "input_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "cost_usd",
    "cost_spent_usd",
    "cost_nocache_usd",
    "cost_input_usd",
    "cost_cache_read_usd",
    "cost_cache_write_usd",
    "cost_output_usd",
    "cost_scorer_usd",
    "price_source",
    "price_as_of",
    "duration_s",
    "model_time_s",
    "queue_s",
    "retry_s",
    "tool_time_s",
    "time_to_first_chunk_s",
    "time_to_first_text_s",
    "output_tokens_per_s",
    "cache_hit_ratio",
    "cache_expected_tokens",
    "cache_state",
    "cache_contaminated",
    "since_prefix_s",
    "replayed",
    "store",
    "batch_api",
    "n_retries",
    "n_429",
]
TURN_COLUMNS = [
    "run_id",
    "cell_key",
    "sample_id",
    "repeat",
    "turn",
    "model",
    "ordering",
    "provider_name",
    "request_model",
    "response_model",
    "response_id",
    "finish_reason",
    "tool_names",
    "input_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
    "cost_usd",
    "cost_spent_usd",
    "cost_nocache_usd",
    "cost_input_usd",
    "cost_cache_read_usd",
    "cost_cache_write_usd",
    "cost_output_usd",
    "started_at",
    "duration_s",
    "queue_s",
    "retry_s",
    "time_to_first_chunk_s",
    "time_to_first_text_s",
    "output_tokens_per_s",
    "prefix_hash",
    "parent_hash",
    "shared_prefix_tokens",
    "cache_hit_ratio",
    "cache_expected_tokens",
    "cache_gap_tokens",
    "cache_miss_reason",
    "cache_missed_tokens",
    "diverged_at",
    "n_retries",
    "n_429",
]
AXES = {"model": ("small", "large"), "ordering": ("stable_first", "docs_last")}


def turn(number: int, **options: object) -> TurnRow:
    given = {
        "provider_name": "openai",
        "request_model": "gpt-5.6",
        "input_tokens": 100,
        "output_tokens": 20,
        "cost_usd": 0.5,
        "duration_s": 2.0,
    }
    return TurnRow(turn=number, **{**given, **options})  # type: ignore[arg-type]


def run(key: str, *turns: TurnRow, **options: object) -> RunRow:
    given = {
        "cell_key": key,
        "run_id": f"run-{key}",
        "levels": {"model": "large", "ordering": "docs_last"},
        "sample_id": "q1",
        "cluster_id": "c1",
        "repeat": 0,
        "started_at": 1_700_000_000.25,
        "scores": (ScoreRow(scorer="exact", value=1.0, reason="equal"),),
        "turns": turns,
        "model_time_s": 4.0,
    }
    return RunRow(**{**given, **options})  # type: ignore[arg-type]


def test_runs_have_these_columns_in_this_order_and_of_these_types() -> None:
    frame = runs_frame([run("a", turn(1), turn(2))], AXES, sweep_id="s", fresh={"a"}, store="x.db")
    assert list(frame.columns) == RUN_COLUMNS
    types = {str(kind): set() for kind in frame.dtypes}
    for name, kind in frame.dtypes.items():
        types[str(kind)].add(name)
    assert types["Int64"] == {
        name
        for name in RUN_COLUMNS
        if (name.endswith("_tokens") or name.startswith("n_")) or name in {"repeat", "seed", "attempt"}
    }
    assert types["bool"] == {"cache_contaminated", "replayed", "batch_api"}
    assert types["category"] == {"model", "ordering"}
    assert types["datetime64[us, UTC]"] == {"started_at"}
    assert types["object"] == {"target"}
    assert types["float64"] == {
        name for name in RUN_COLUMNS if name.endswith(("_usd", "_s", "_ratio")) or name == "score_exact"
    } - {"n_s"}
    assert frame.attrs["agentlab_schema"] == 1
    assert frame["started_at"][0] == pd.Timestamp("2023-11-14T22:13:20.250000Z")


def test_turns_have_these_columns_in_this_order() -> None:
    frame = turns_frame([run("a", turn(1), turn(2, tool_names=("add", "look")))], AXES, fresh={"a"})
    assert list(frame.columns) == TURN_COLUMNS
    assert frame["tool_names"].tolist() == ["", "add,look"]
    assert frame["turn"].dtype == "Int64"


def test_levels_stand_in_the_order_they_were_given() -> None:
    frame = runs_frame([run("a", turn(1))], AXES)
    assert frame["model"].cat.categories.tolist() == ["small", "large"]
    assert frame["model"].tolist() == ["large"]


def test_what_was_not_reported_is_missing_and_not_0() -> None:
    silent = turn(1, input_tokens=None, output_tokens=None, cost_usd=None)
    frame = runs_frame([run("a", silent), run("b")], AXES)
    for name in ("input_tokens", "cache_read_input_tokens", "output_tokens", "cost_usd", "cache_hit_ratio"):
        assert frame[name].isna().all(), name
    assert frame["n_turns"].tolist() == [1, 0]


def test_tokens_and_prices_of_a_run_are_those_of_its_calls() -> None:
    frame = runs_frame(
        [
            run("a", turn(1, cache_read_input_tokens=40), turn(2, cache_read_input_tokens=None, n_retries=2)),
            run("b", turn(1), turn(2, cost_usd=None)),
        ],
        AXES,
        fresh={"a", "b"},
    )
    assert frame["input_tokens"].tolist() == [200, 200]
    assert frame.loc[0, "cache_read_input_tokens"] == 40
    assert frame.loc[0, "cache_hit_ratio"] == pytest.approx(0.2)
    assert frame.loc[0, "output_tokens_per_s"] == 10
    assert frame.loc[0, "n_retries"] == 2
    assert frame.loc[0, "cost_usd"] == 1.0
    assert pd.isna(frame.loc[1, "cost_usd"])  # one unknown part: an unknown whole, and no small one
    assert pd.isna(frame["cost_usd"].sum(skipna=False))


def test_what_was_replayed_cost_nothing_now() -> None:
    frame = runs_frame([run("a", turn(1)), run("b", turn(1))], AXES, fresh={"a"})
    assert frame["replayed"].tolist() == [False, True]
    assert frame["cost_usd"].tolist() == [0.5, 0.5]
    assert frame["cost_spent_usd"].tolist() == [0.5, 0.0]
    turns = turns_frame([run("a", turn(1)), run("b", turn(1))], AXES, fresh={"a"})
    assert turns["cost_spent_usd"].tolist() == [0.5, 0.0]


def test_an_error_of_a_scorer_is_no_score() -> None:
    broken = ScoreRow(scorer="exact", error="KeyError: 'answer'")
    frame = runs_frame([run("a", turn(1), scores=(broken,)), run("b", turn(1))], AXES)
    assert pd.isna(frame.loc[0, "score_exact"])
    assert frame.loc[0, "score_exact_error"] == "KeyError: 'answer'"
    assert frame["score_exact"].mean() == 1.0


def test_a_run_without_a_known_price_is_counted_once() -> None:
    tally = Tally()
    free = ScoreRow(scorer="judge", value=1.0, cost_usd=None)
    for row in (
        run("a", turn(1)),
        run("b", turn(1, cost_usd=None)),
        run("c", turn(1, cost_usd=None), scores=(free,)),
    ):
        tally.add(row)
    assert (tally.cells, tally.unpriced, tally.usd) == (3, 2, 0.5)


def test_frames_take_opentelemetrys_names() -> None:
    runs = to_otel(runs_frame([run("a", turn(1), finish_reason="stop"), run("b")], AXES))
    assert runs["gen_ai.response.finish_reasons"].tolist() == [["stop"], []]
    for name in (
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.duration",
    ):
        assert name in runs
    assert runs.attrs["agentlab_schema"] == 1
    assert "ordering" in runs
    assert "input_tokens" not in runs


def test_a_frame_does_not_change_its_rows() -> None:
    row = run("a", turn(1))
    runs_frame([row], AXES)
    assert row == structs.replace(row)
