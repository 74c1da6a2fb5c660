"""Scorers that ask a model, in a sweep: their money, their columns, and what a replay needs of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import agentlab as al
from agentlab.experiments.metering.metered_embedding import MeteredEmbedding
from agentlab.experiments.scoring import judge, llm_judge, similarity
from agentlab.experiments.sweep import sweep
from agentlab.messages import Usage
from agentlab.retrieval.embeddings import Embedding, EmbeddingModel, EmbeddingResponse, InputType
from agentlab.simulator import Simulator
from tests.experiments.simulated import at, questions

NAMES = ("llm_judge", "share", "similarity")


class Digits(EmbeddingModel):
    """Embeds a text as the digits in it, for a tenth of a cent."""

    name = "digits"
    dimensions = 11
    max_documents = 8
    max_request_bytes = None

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:
        counted = [[1.0, *(text.count(digit) for digit in "0123456789")] for text in texts]
        found = (
            Embedding(text, np.asarray(vector, dtype=np.float32))
            for text, vector in zip(texts, counted, strict=True)
        )
        return EmbeddingResponse(tuple(found), Usage(), 0.001, "digits")


def plan(sim: Simulator, store: Path | None = None, count: int = 4, **options: Any) -> Any:
    judging = at(sim, "openai:gpt-5-mini")
    scorers = [
        llm_judge(judging, criteria="It is the sum."),
        judge(judging, rubric="Is it the sum?", scale=(0, 1), at_least=0.5, name="share"),
        similarity(Digits()),
    ]
    agent = al.Agent(at(sim, "openai:gpt-5.6"), max_tokens=60)
    return sweep(agent, data=questions(count), score=scorers, store=store, progress=False, **options)


def scores(frame: pd.DataFrame) -> list[Any]:
    columns = [f"score_{name}{end}" for name in NAMES for end in ("", "_reason", "_error")]
    return frame[columns].astype(str).to_numpy().tolist()


def test_their_verdicts_are_columns_and_their_cost_stands_apart(sim: Simulator) -> None:
    results = plan(sim).run_sync()
    frame = results.df
    assert set(frame["score_llm_judge"]) | set(frame["score_share"]) <= {0.0, 1.0}
    assert frame["score_llm_judge_reason"].str.startswith("[simulated]").all()
    assert frame["score_share_reason"].str.startswith("score ").all()
    assert (frame["cost_scorer_usd"] > 0.001).all()
    assert (frame["cost_scorer_usd"] < 0.003).all()
    assert scores(plan(sim).run_sync().df) == scores(frame)


def test_a_sweeps_budget_holds_their_calls_too(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[float] = []
    original = MeteredEmbedding.embed

    async def counted(self: MeteredEmbedding, *args: Any) -> Any:
        response = await original(self, *args)
        assert self._budget is not None
        spent.append(self._budget.spent_usd)
        return response

    monkeypatch.setattr(MeteredEmbedding, "embed", counted)
    results = plan(sim, budget_usd=0.5).run_sync()
    total = results.df["cost_usd"].sum() + results.df["cost_scorer_usd"].sum()
    assert len(spent) == 4
    assert spent[-1] == pytest.approx(total, rel=1e-6)


def test_a_score_that_there_is_no_money_for_is_an_error_and_no_score(sim: Simulator) -> None:
    alone = plan(sim, count=1).run_sync().df
    asked = len(sim.requests)
    spent = float(alone["cost_usd"][0])
    broke = sweep(
        al.Agent(at(sim, "openai:gpt-5.6"), max_tokens=60),
        data=questions(1),
        score=[judge(at(sim, "openai:gpt-5.6"), rubric="Is it the sum?\n" * 2000)],
        budget_usd=20 * spent,
        progress=False,
    ).run_sync()
    assert len(sim.requests) == asked + 1
    assert "BudgetSpent" in broke.df["score_judge_error"][0]
    assert broke.df["score_judge"].isna().all()


def test_a_replay_without_network_takes_what_is_stored_and_makes_nothing_anew(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "a.agentlab.db"
    before = scores(plan(sim, store).run_sync().df)
    asked = len(sim.requests)
    monkeypatch.setenv("AGENTLAB_REPLAY", "strict")
    assert scores(plan(sim, store).run_sync().df) == before
    assert len(sim.requests) == asked
