"""A model as a judge: a rubric, an answer as data, a score with its reason, and what the judging cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from agentlab.agent import Agent
from agentlab.errors import UsageError
from agentlab.experiments.fingerprint import fingerprint_of
from agentlab.experiments.scoring.model_judge import DATA_RULES, ModelJudge, check_model, shown_columns
from agentlab.experiments.scoring.scorer import Verdict
from agentlab.models import Model

__all__ = ["Judge", "JudgeAnswer", "judge"]

_ENDS: Final = 2
_INSTRUCTIONS: Final = (
    """You judge the answer that another system gave. Judge by this rubric and by nothing else:

{rubric}

Give a score from {low:g} to {high:g}: {high:g} is best, {low:g} is worst.

"""
    + DATA_RULES
    + " First write your reason in at most three sentences, then the score."
)


class JudgeAnswer(BaseModel):
    """What a judge says; the reason first, so that the score follows from it."""

    reason: str
    score: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Judge(ModelJudge):
    """Scores with a model; see `judge`."""

    rubric: str
    low: float = 1.0
    high: float = 5.0
    at_least: float | None = None

    @property
    def instructions(self) -> str:
        """The rubric and the scale."""
        return _INSTRUCTIONS.format(rubric=self.rubric.strip(), low=self.low, high=self.high)

    @property
    def answer_type(self) -> type[JudgeAnswer]:
        """A reason and a score."""
        return JudgeAnswer

    @property
    def fingerprint(self) -> str:
        """Hash of the model's name, what it is told, its scale, and, for an agent, its settings."""
        threshold = () if self.at_least is None else (self.at_least,)
        return fingerprint_of(
            "judge", self.model_parts, self.instructions, self.shows, self.temperature, *threshold
        )

    def misfit(self, said: JudgeAnswer) -> str | None:
        """A score off the scale."""
        if self.low <= said.score <= self.high:
            return None
        return f"`score` must be from {self.low:g} to {self.high:g}, not {said.score:g}"

    def verdict(self, said: JudgeAnswer) -> Verdict:
        """The score; with a threshold 1 or 0, and the score in the reason."""
        if self.at_least is None:
            return Verdict(said.score, said.reason)
        return Verdict(float(said.score >= self.at_least), f"score {said.score:g}: {said.reason}")


def judge(
    model: str | Model | Agent,
    *,
    rubric: str,
    shows: Sequence[str] = ("input", "target"),
    scale: tuple[float, float] = (1.0, 5.0),
    at_least: float | None = None,
    temperature: float | None = 0.0,
    name: str | None = None,
) -> Judge:
    """Score answers with a model, by a rubric.

    For what no rule can tell: tone, completeness, faithfulness to a source. Its cost is kept apart from that of the runs
    (`cost_scorer_usd`). Where the right answer can be computed, a rule is cheaper and not to be talked into anything. For
    a verdict without degrees take `llm_judge`.

    Args:
        model: `"vendor:model"`, a model, or an agent, whose preamble then goes before the judge's instructions.
        rubric: What makes an answer good, and what each end of the scale means.
        shows: The dataset's columns the judge sees beside the answer; `("input",)` where there is no target.
        scale: The worst and the best score.
        at_least: From which score on the answer passes: it then scores 1, below it 0, and the judge's score is told in the
            reason.
        temperature: 0 for verdicts that vary as little as the provider allows; a model that refuses one is asked again
            without. None leaves it to the provider. An agent's own comes first.
        name: Names the column of the score; `judge` where None.

    Raises:
        UsageError: The rubric is empty, the scale is no range or the threshold off it, or `model` is no model. That a named
            model exists is seen in the plan's check, before anything is sent.
    """
    if not (rubric and rubric.strip()):
        raise UsageError(
            "the rubric is empty; say what makes an answer good, and what each end of the scale means"
        )
    low, high = _ends(scale)
    check_model(model)
    if at_least is not None and not low <= at_least <= high:
        raise UsageError(f"`at_least` is a score from {low:g} to {high:g}, as `scale` says, not {at_least}")
    return Judge(
        model=model,
        rubric=rubric,
        shows=shown_columns(shows),
        low=low,
        high=high,
        at_least=at_least,
        temperature=temperature,
        name=name or "judge",
    )


def _ends(scale: object) -> tuple[float, float]:
    if isinstance(scale, tuple | list) and len(scale) == _ENDS:
        low, high = scale
        if (
            isinstance(low, int | float)
            and isinstance(high, int | float)
            and -math.inf < low < high < math.inf
        ):
            return float(low), float(high)
    raise UsageError(f"`scale` is the worst and the best score, such as (1, 5), not {scale!r}")
