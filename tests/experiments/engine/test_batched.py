"""Sweeps through the providers' batch interfaces."""

from __future__ import annotations

from pathlib import Path

import pytest

import agentlab as al
from agentlab.errors import UnsupportedCapability, UsageError

DATA = [{"input": f"What is {number} + {number}?", "target": str(2 * number)} for number in range(4)]
MODELS = ["sim:openai/gpt-4o", "sim:anthropic/claude-sonnet-4-5"]


def plan(store: Path, **options: object) -> al.Plan:
    agent = al.Agent(MODELS[0], preamble="Be brief.", max_tokens=100)
    known = {"over": {"model": MODELS}, "data": DATA, "score": al.contains("target"), "progress": False}
    return al.sweep(agent, store=store, **{**known, **options})  # type: ignore[arg-type]


def test_a_batch_answers_as_calls_do_at_half_their_price_and_only_once(tmp_path: Path) -> None:
    alone = plan(tmp_path / "calls.db").run_sync().df
    store = tmp_path / "batch.db"
    batched = plan(store, executor=al.Batch(poll_s=0.01)).run_sync().df
    assert batched["batch_api"].all()
    assert batched["output"].tolist() == alone["output"].tolist()
    assert batched["cost_usd"].tolist() == pytest.approx((alone["cost_usd"] / 2).tolist())
    again = plan(store, executor=al.Batch(poll_s=0.01)).run_sync()
    assert again.fresh == frozenset()


def test_a_budget_bounds_a_batch_before_it_is_sent(tmp_path: Path) -> None:
    results = plan(tmp_path / "a.db", executor=al.Batch(poll_s=0.01), budget_usd=0.005).run_sync()
    assert 0 < len(results) < len(DATA) * len(MODELS)
    assert results.df["cost_usd"].sum() <= 0.005
    assert "budget" in (results.stopped or "")


def test_what_a_batch_cannot_do_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a batch has no order"):
        plan(tmp_path / "a.db", executor=al.Batch(poll_s=0.01), cache="warm").run_sync()

    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    with pytest.raises(UnsupportedCapability, match="has tools"):
        plan(tmp_path / "b.db", executor=al.Batch(poll_s=0.01), over={"tools": {"add": [add]}}).run_sync()
