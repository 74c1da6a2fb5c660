"""The recorded sweep answers its plan, and no other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import agentlab as al
from agentlab.errors import CellsNotStored
from agentlab.experiments.datasets import recorded_sweep_path

MAKING = Path(__file__).parents[3] / "datasets" / "making"


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> al.Plan:
    monkeypatch.syspath_prepend(str(MAKING))
    monkeypatch.setenv("AGENTLAB_REPLAY", "strict")
    module = __import__("recorded_sweep")
    monkeypatch.delitem(sys.modules, "recorded_sweep")
    plan: al.Plan = module.recorded_plan(recorded_sweep_path())
    return plan


def test_it_is_replayed_whole_without_a_request(recorded: al.Plan) -> None:
    before = recorded_sweep_path().read_bytes()
    results = recorded.run_sync()
    assert (len(results), results.df["replayed"].all(), results.df["cost_spent_usd"].sum()) == (48, True, 0.0)
    assert set(results.df["status"]) == {"ok"}
    assert results.turns["cache_expected_tokens"].notna().all()
    assert recorded_sweep_path().read_bytes() == before


def test_two_replays_give_the_same_frames(recorded: al.Plan) -> None:
    one, other = recorded.run_sync(), recorded.run_sync()
    assert one.df.to_csv() == other.df.to_csv()
    assert one.turns.to_csv() == other.turns.to_csv()
    assert one.compare("model").to_csv() == other.compare("model").to_csv()


def test_a_changed_plan_is_told_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTLAB_REPLAY", "strict")
    plan = al.sweep(
        al.Agent("sim:openai/gpt-4o", preamble="Another one."),
        data=al.load_dataset("long_documents").head(2),
        score=al.contains("target"),
        store=recorded_sweep_path(),
    )
    with pytest.raises(CellsNotStored, match="preamble"):
        plan.run_sync()
