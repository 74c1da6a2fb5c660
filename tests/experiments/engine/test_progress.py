"""What a running sweep tells."""

from __future__ import annotations

import math

import pytest

import agentlab as al
from agentlab.experiments.engine.progress import Bar, Tally
from agentlab.experiments.rows import RunRow, ScoreRow, TurnRow


def row(**fields: object) -> RunRow:
    turn = TurnRow(
        turn=1,
        provider_name="p",
        request_model="m",
        input_tokens=100,
        cache_read_input_tokens=75,
        cost_usd=0.5,
    )
    known = {
        "cell_key": "k",
        "run_id": "r",
        "levels": {},
        "sample_id": "s",
        "cluster_id": "s",
        "repeat": 0,
        "turns": (turn,),
    }
    return RunRow(**{**known, **fields})  # type: ignore[arg-type]


def test_a_tally_adds_cost_cache_share_and_errors() -> None:
    tally = Tally()
    assert math.isnan(tally.hit_share)
    tally.add(row())
    tally.add(row(status="error"))
    assert (tally.cells, tally.errors, tally.usd, tally.hit_share) == (2, 1, 1.0, 0.75)
    assert str(tally) == "$1.0000, cache 75%, 1 failed"


def test_an_unknown_price_is_told_and_not_added() -> None:
    tally = Tally()
    tally.add(row(scores=(ScoreRow(scorer="judge", value=1.0, cost_usd=None),)))
    assert tally.unpriced
    assert "+?" in str(tally)


def test_a_bar_shows_what_is_stored_what_is_done_and_what_it_cost(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.start(total=4, stored=1)
    for _ in range(3):
        bar.done(row())
    bar.close()
    last = capsys.readouterr().err.split("\r")[-1]
    assert "4/4" in last
    assert "$1.5000" in last
    assert "cache 75%" in last


def test_a_bar_says_what_a_sweep_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar()
    bar.waiting("before it is shown")
    bar.start(total=4, stored=0)
    bar.waiting("batch at openai: in_progress, 1 of 4 answered")
    bar.close()
    said = capsys.readouterr().err
    assert "batch at openai: in_progress, 1 of 4 answered" in said
    assert "before" not in said


def test_a_sweep_shows_its_bar_where_asked(capsys: pytest.CaptureFixture[str]) -> None:
    data = [{"input": f"What is {number} + 1?"} for number in range(3)]
    al.sweep(al.Agent("sim:openai/gpt-4o"), data=data, progress=True).run_sync()
    assert "3/3" in capsys.readouterr().err.split("\r")[-1]
