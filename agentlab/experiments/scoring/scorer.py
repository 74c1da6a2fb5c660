"""What a scorer is, and the base of those that judge by a rule."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.experiments.fingerprint import fingerprint_of
from agentlab.experiments.rows import RunRow, ScoreRow
from agentlab.experiments.sample import Sample
from agentlab.messages import Message
from agentlab.models import Model
from agentlab.retrieval.embeddings.model import EmbeddingModel

__all__ = [
    "AsksModel",
    "Meter",
    "PinnedScorer",
    "Rule",
    "ScoredRun",
    "Scorer",
    "Verdict",
    "failed",
    "named",
    "scored",
    "told",
    "value_of",
]


class ScoredRun(Struct, frozen=True, kw_only=True):
    """A finished run as a scorer sees it.

    Attributes:
        sample: The question.
        output: The answer's text.
        messages: Everything that was said, tool calls and results included.
        row: The run's figures; None where a scorer is tried without a run.
    """

    sample: Sample
    output: str
    messages: tuple[Message, ...] = ()
    row: RunRow | None = None


class Verdict(Struct, frozen=True):
    """A score and, where there is something to say, why.

    Attributes:
        value: The score.
        reason: Why, in words.
    """

    value: float
    reason: str | None = None


@runtime_checkable
class Scorer(Protocol):
    """What a sweep needs of a scorer. Implement it for scorers of your own that a function cannot be."""

    @property
    def name(self) -> str:
        """Names the column: `score_<name>`."""
        ...

    @property
    def fingerprint(self) -> str:
        """Hash of what determines its verdict; a stored score with another one is made anew."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """The dataset's columns it reads."""
        ...

    async def check(self, sample: Sample) -> None:
        """Try the scorer on a sample before any money is spent; calls no model.

        Raises:
            UsageError: It cannot score the sample.
        """
        ...

    async def score(self, run: ScoredRun) -> ScoreRow:
        """Score a run. An error is told in the row, never raised and never a score of 0."""
        ...


class Meter(Protocol):
    """Puts models in front of what limits a sweep: slots, rates and money."""

    def model(self, inner: Model) -> Model:
        """A model whose calls wait for a slot and for money."""
        ...

    def embedding(self, inner: EmbeddingModel) -> EmbeddingModel:
        """An embedding model whose requests wait for money."""
        ...


@runtime_checkable
class AsksModel(Protocol):
    """A scorer that may ask a model: its calls are then metered with the sweep's own."""

    @property
    def asks_model(self) -> bool:
        """Whether something is sent for a score: without network, only stored scores can be had then."""
        ...

    def metered(self, meter: Meter) -> Scorer:
        """The same scorer, its calls metered."""
        ...


class PinnedScorer:
    """A scorer as it is now: its fingerprint is taken once, and not anew for every answer it scores.

    Args:
        scorer: The scorer.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.name = scorer.name
        self.fingerprint = scorer.fingerprint
        self.needs = scorer.needs

    async def check(self, sample: Sample) -> None:
        """Try the scorer on a sample.

        Raises:
            UsageError: It cannot score the sample.
        """
        await self._scorer.check(sample)

    async def score(self, run: ScoredRun) -> ScoreRow:
        """Score a run."""
        return await self._scorer.score(run)


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """A scorer that compares an answer with a column of the dataset by a rule, without a model.

    Attributes:
        column: The column of the dataset that says what is right.
        name: Names the column of the score.
    """

    column: str = "target"
    name: str = ""

    @abstractmethod
    def verdict(self, output: str, sample: Sample) -> Verdict:
        """The score of one answer; an exception means that it cannot be scored."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The dataset's columns it reads."""
        return (self.column,)

    @property
    def fingerprint(self) -> str:
        """Hash of the rule and its options; its name is none of them."""
        options = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "name"}
        return fingerprint_of(type(self).__qualname__, options)

    async def check(self, sample: Sample) -> None:
        """Score what the dataset says is right.

        Raises:
            UsageError: The rule cannot be used on the sample.
        """
        try:
            self.verdict(str(value_of(sample, self.column)), sample)
        except Exception as error:
            raise UsageError(
                f"scorer `{self.name}` cannot score sample {sample.sample_id!r}: {told(error)}"
            ) from error

    async def score(self, run: ScoredRun) -> ScoreRow:
        """Score a run."""
        try:
            return scored(self.name, self.verdict(run.output, run.sample))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is no verdict on the answer
            return failed(self.name, error)


def value_of(sample: Sample, column: str) -> object:
    """What a sample's row holds in a column.

    Raises:
        UsageError: The dataset has no such column, or the row has nothing in it.
    """
    if column == "target":
        value = sample.columns.get("target", sample.target)
    elif column == "input":
        value = sample.input
    elif column in sample.columns:
        value = sample.columns[column]
    else:
        there = ", ".join(f"`{name}`" for name in sample.columns) or "none"
        raise UsageError(f"there is no column `{column}`; there are: {there}")
    if value is None:
        raise UsageError(f"`{column}` is empty in sample {sample.sample_id!r}")
    return value


def named(given: str | None, kind: str, column: str) -> str:
    """The name of a scorer: the given one, else its kind, with the column where that is not the usual one."""
    return given or (kind if column == "target" else f"{kind}_{column}")


def scored(name: str, verdict: Verdict, *, cost_usd: float | None = 0.0) -> ScoreRow:
    """The row of a verdict; one that is no finite number is an error."""
    if not math.isfinite(verdict.value):
        return ScoreRow(
            scorer=name, error=f"the score is {verdict.value}, no finite number", cost_usd=cost_usd
        )
    return ScoreRow(scorer=name, value=float(verdict.value), reason=verdict.reason, cost_usd=cost_usd)


def failed(name: str, error: Exception, *, cost_usd: float | None = 0.0) -> ScoreRow:
    """The row of a scorer that could not tell."""
    return ScoreRow(scorer=name, error=told(error), cost_usd=cost_usd)


def told(error: Exception) -> str:
    """An error in one line: our own by their sentence, others with their type."""
    return str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
