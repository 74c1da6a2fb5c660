"""What comes of a sweep: frames, comparisons, traces; and orderings as they were foreseen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

import agentlab as al
from agentlab.errors import UsageError
from agentlab.experiments.results import Results
from agentlab.experiments.scoring import contains
from agentlab.experiments.sweep import sweep
from agentlab.messages import AssistantMessage, CacheOptions
from agentlab.simulator import Function, Simulator, call, reply
from tests.experiments.simulated import GUIDE, MARKED, at, questions

ORDERINGS = ["stable_first", "docs_last", "query_first", "volatile_first", "recency_edges"]
DOCUMENTS = [GUIDE[:4000], GUIDE[4000:]]


@al.tool
def houses(town: int) -> int:
    """Count the houses of a town.

    Args:
        town: Its number.
    """
    return town * 7


def looks_up(request: Any) -> Any:
    """Ask the tool twice, then answer."""
    turns = sum(isinstance(message, AssistantMessage) for message in request.messages)
    return call("houses", town=turns + 3) if turns < 2 else reply("There are 28 houses.")


def results_of(sim: Simulator, **options: Any) -> Results:
    given: dict[str, Any] = {
        "over": {"preamble": {"terse": "Be terse.", "chatty": "Be chatty."}},
        "score": contains("target"),
        "progress": False,
        **options,
    }
    return sweep(al.Agent(at(sim, "openai:gpt-5.6")), data=questions(4), **given).run_sync()


FAMILIES: dict[str, tuple[str, CacheOptions | None]] = {
    "openai": ("openai:gpt-5.6", None),
    "openai, marked": ("openai:gpt-5.6", MARKED),
    "openai before 5.6": ("openai:gpt-4.1", None),
    "anthropic": ("anthropic:claude-sonnet-5", CacheOptions(breakpoints=("preamble", "last"))),
    "gemini": ("gemini:gemini-2.5-flash", None),
    "deepseek": ("deepseek:deepseek-chat", None),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_orderings_differ_as_what_if_foresaw_call_for_call(sim: Simulator, family: str) -> None:
    name, cache = FAMILIES[family]
    sim.behaviour = Function(looks_up)
    base = al.Agent(
        at(sim, name),
        preamble=GUIDE[:5000],
        context=DOCUMENTS,
        tools=[houses],
        volatile="It is noon.",
        cache=cache,
    )
    results = sweep(
        base,
        over={"ordering": ORDERINGS},
        data=[{"sample_id": "a", "input": "How many houses do the towns have?"}],
        cache="off",  # every run begins with an empty cache, as `what_if` takes it
        concurrency=1,
        progress=False,
    ).run_sync()
    runs = results.df.set_index("ordering")
    baseline = results.trace(runs.loc["stable_first", "run_id"])
    for ordering in ORDERINGS:
        foreseen = baseline.what_if(ordering=ordering)
        found = results.turns[results.turns["ordering"] == ordering]
        for column, ours in (
            ("input_tokens", "input_tokens"),
            ("cache_read_tokens", "cache_read_input_tokens"),
            ("cost_usd", "cost_usd"),
        ):
            wanted, seen = foreseen[column].tolist(), found[ours].fillna(0).tolist()
            # An ordering may cut a prompt into other pieces, and providers round each: a token a block.
            assert seen == pytest.approx(wanted, abs=12 if column != "cost_usd" else 1e-4), (ordering, column)
            assert seen == pytest.approx(wanted, rel=0.01, abs=1e-9), (ordering, column)
        assert found["cache_expected_tokens"].tolist() == found["cache_read_input_tokens"].fillna(0).tolist()


def test_traces_rows_and_differences_are_found_by_name(sim: Simulator) -> None:
    results = results_of(sim)
    first = results.df["run_id"][0]
    assert results.trace(first).run_id == first
    assert results.trace(results.df["cell_key"][0]).run_id == first
    found = results.diff("q1", "terse", "chatty")
    assert len(found) == 1
    assert str(found).startswith("chatty against terse: the cached prefix moved at preamble")
    assert results.diff("q1", "terse", "terse") == []
    with pytest.raises(UsageError, match=f"did you mean '{first}'"):
        results.trace(first[:-1] + "x")
    with pytest.raises(UsageError, match="there is no run of sample 'q9'"):
        results.diff("q9", "terse", "chatty")
    assert results.worst().run_id in set(results.df["run_id"])
    assert results.worst("cost_usd").cost_usd == results.df["cost_usd"].min()


def test_the_one_axis_and_the_one_score_need_not_be_named(sim: Simulator) -> None:
    results = results_of(sim)
    table = results.compare()
    assert table["metric"].tolist() == ["score_contains"]
    assert (table["baseline"].iloc[0], table["arm"].iloc[0]) == ("terse", "chatty")
    assert table["delta"].iloc[0] == 0
    assert results.summary().shape[0] == 2
    two = results_of(sim, over={"preamble": ["a", "b"], "temperature": [0, 1]})
    with pytest.raises(UsageError, match="say which axis: preamble, temperature"):
        two.compare()


def test_an_empty_sweep_has_frames_with_all_columns(sim: Simulator) -> None:
    whole = results_of(sim)
    empty = Results(
        [], whole.axes, store=whole.store, sweep_id="x", fresh=frozenset(), planned=0, keeps=whole
    )
    assert len(empty.df) == len(empty.turns) == len(empty.messages) == 0
    assert [name for name in whole.df.columns if not name.startswith("score")] == list(empty.df.columns)
    assert empty.turns.dtypes.equals(whole.turns.dtypes)


def test_equal_prefixes_of_all_runs_stand_in_the_messages_once(sim: Simulator) -> None:
    messages = results_of(sim).messages
    assert messages["hash"].is_unique
    assert messages["segment"].value_counts()["preamble"] == 2
    assert messages["segment"].value_counts()["prompt"] == 8
    assert set(messages["parent_hash"].dropna()) <= set(messages["hash"])


def test_times_are_of_this_day_and_never_negative(sim: Simulator) -> None:
    results = results_of(sim)
    began = results.df["started_at"]
    assert (abs(began - pd.Timestamp(dt.datetime.now(dt.UTC))) < pd.Timedelta("1h")).all()
    for column in (
        "duration_s",
        "model_time_s",
        "queue_s",
        "retry_s",
        "tool_time_s",
        "time_to_first_chunk_s",
    ):
        assert (results.df[column] >= 0).all(), column
    assert (results.df["model_time_s"] <= results.df["duration_s"]).all()
    assert (results.df["time_to_first_text_s"] >= results.df["time_to_first_chunk_s"]).all()
