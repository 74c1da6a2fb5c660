"""How near an answer is to the target in an embedding's space."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from agentlab.errors import UsageError
from agentlab.experiments.fingerprint import fingerprint_of
from agentlab.experiments.rows import ScoreRow
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring.scorer import ScoredRun, Verdict, failed, named, scored, value_of
from agentlab.short_repr import ShortRepr
from agentlab.tools.thread import in_thread

__all__ = ["EmbeddingModel", "Embeds", "Similarity", "similarity"]

Vectors = Sequence[Sequence[float]]
Embeds = Callable[[list[str]], Vectors | Awaitable[Vectors]]
"""A function from texts to one vector each, plain or async."""


@runtime_checkable
class EmbeddingModel(Protocol):
    """An object that embeds: its `name` says which model it is."""

    @property
    def name(self) -> str:
        """Names the model, version included: another name is another score."""
        ...

    def embed(self, texts: list[str]) -> Vectors | Awaitable[Vectors]:
        """One vector for each text, in order."""
        ...


@dataclass(frozen=True, kw_only=True, repr=False)
class Similarity(ShortRepr):
    """Cosine of the answer's and the target's embeddings; see `similarity`."""

    embed: EmbeddingModel | Embeds
    column: str = "target"
    at_least: float | None = None
    call_usd: float | None = None
    name: str = "similarity"

    @property
    def needs(self) -> tuple[str, ...]:
        """The column of the text to compare with."""
        return (self.column,)

    @property
    def fingerprint(self) -> str:
        """Hash of the model's name, or the function's source, and the options."""
        which = self.embed.name if isinstance(self.embed, EmbeddingModel) else self.embed
        return fingerprint_of("similarity", which, self.column, self.at_least)

    async def check(self, sample: Sample) -> None:
        """Whether the sample has a text to compare with; nothing is embedded, for that may cost.

        Raises:
            UsageError: It has none.
        """
        if not str(value_of(sample, self.column)).strip():
            raise UsageError(f"scorer `{self.name}`: `{self.column}` of sample {sample.sample_id!r} is empty")

    async def score(self, run: ScoredRun) -> ScoreRow:
        """Score a run."""
        paid: float | None = 0.0
        try:
            texts = [run.output, str(value_of(run.sample, self.column))]
            if not run.output.strip():
                return scored(self.name, Verdict(0.0, "the answer is empty"))
            paid = self.call_usd
            cosine = _cosine(np.asarray(await self._embedded(texts), dtype=float))
        except Exception as error:  # noqa: BLE001 - a failed embedding says nothing of the answer
            return failed(self.name, error, cost_usd=paid)
        if self.at_least is None:
            return scored(self.name, Verdict(cosine), cost_usd=paid)
        verdict = Verdict(float(cosine >= self.at_least), f"cosine {cosine:.3f}")
        return scored(self.name, verdict, cost_usd=paid)

    async def _embedded(self, texts: list[str]) -> Any:
        embed = self.embed.embed if isinstance(self.embed, EmbeddingModel) else self.embed
        if inspect.iscoroutinefunction(embed):
            return await embed(texts)
        said = await in_thread(partial(embed, texts), f"scorer {self.name}")
        return await said if isinstance(said, Awaitable) else said


def similarity(
    embed: EmbeddingModel | Embeds,
    column: str = "target",
    *,
    at_least: float | None = None,
    call_usd: float | None = None,
    name: str | None = None,
) -> Similarity:
    """Cosine of the embeddings of answer and target, -1 to 1; or 1 and 0 with a threshold.

    Embeddings rank paraphrases well and facts badly: "in 1912" and "in 1921" are near. Take it for free text, beside a
    scorer of facts.

    Args:
        embed: A function from a list of texts to one vector each, plain or async; or an object with `name` and `embed`.
        column: The column of the dataset with the text to compare with.
        at_least: From which cosine on the score is 1, below it 0; the cosine is then the reason.
        call_usd: What one call costs, in US dollars: 0 for a model on this machine. None is not known, and then the
            costs of the sweep are not known either.
        name: Names the column of the score; `similarity`, or `similarity_<column>`, where None.

    Raises:
        UsageError: `embed` cannot be called, or the threshold is no cosine.
    """
    if not callable(embed) and not isinstance(embed, EmbeddingModel):
        raise UsageError(
            f"{embed!r} embeds nothing; pass a function of a list of texts, or an object with `name` and `embed`"
        )
    if at_least is not None and not -1 <= at_least <= 1:
        raise UsageError(f"`at_least` is a cosine, -1 to 1, not {at_least}")
    return Similarity(
        embed=embed,
        column=column,
        at_least=at_least,
        call_usd=call_usd,
        name=named(name, "similarity", column),
    )


def _cosine(vectors: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    if vectors.ndim != 2 or len(vectors) != 2:
        raise UsageError(f"two texts were to be embedded, and the answer has the shape {vectors.shape}")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise UsageError("an embedding has no direction: it is zero or not finite")
    return float(np.clip(vectors[0] @ vectors[1] / (lengths[0] * lengths[1]), -1, 1))
