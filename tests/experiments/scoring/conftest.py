"""Samples and runs for scorers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agentlab.experiments.rows import ScoreRow
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring import ScoredRun, Scorer

Score = Callable[..., Awaitable[ScoreRow]]


def sample(target: Any = None, **columns: Any) -> Sample:
    filled = {"sample_id": "s1", "input": "Question?", "target": target, "cluster_id": "c", **columns}
    return Sample(sample_id="s1", input=filled["input"], target=target, cluster_id="c", columns=filled)


@pytest.fixture
def score() -> Score:
    """Scores one answer against one target."""

    async def scored(scorer: Scorer, output: str, target: Any = None, **columns: Any) -> ScoreRow:
        return await scorer.score(ScoredRun(sample=sample(target, **columns), output=output))

    return scored
