"""How near an answer is to the target in an embedding's space."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from agentlab.errors import UsageError
from agentlab.experiments.fingerprint import fingerprint_of
from agentlab.experiments.rows import ScoreRow
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring.scorer import Meter, ScoredRun, Verdict, failed, named, scored, value_of
from agentlab.retrieval.embeddings import (
    EmbeddingModel,
    EmbeddingResponse,
    RemoteEmbeddingModel,
    embedding_model,
)
from agentlab.short_repr import ShortRepr
from agentlab.tools.thread import in_thread

__all__ = ["Embeds", "NamedEmbeds", "Similarity", "similarity"]

Vectors = Sequence[Sequence[float]]
Embeds = Callable[[list[str]], Vectors | Awaitable[Vectors]]
"""A function from texts to one vector each, plain or async."""


@runtime_checkable
class NamedEmbeds(Protocol):
    """An object that embeds: its `name` says which model it is."""

    @property
    def name(self) -> str:
        """Names the model, version included: another name is another score."""
        ...

    def embed(self, texts: list[str]) -> Any:
        """One vector for each text, in order: plain or async, or as an `EmbeddingResponse`, which tells the cost."""
        ...


@dataclass(frozen=True, kw_only=True, repr=False)
class Similarity(ShortRepr):
    """Cosine of the answer's and the target's embeddings; see `similarity`."""

    embed: str | NamedEmbeds | Embeds
    column: str = "target"
    at_least: float | None = None
    call_usd: float | None = None
    name: str = "similarity"
    wrap: Callable[[EmbeddingModel], EmbeddingModel] | None = field(default=None, compare=False, repr=False)

    @property
    def needs(self) -> tuple[str, ...]:
        """The column of the text to compare with."""
        return (self.column,)

    @property
    def fingerprint(self) -> str:
        """Hash of the model's name, or the function's source, and the options."""
        which = self.embed.name if isinstance(self.embed, NamedEmbeds) else self.embed
        return fingerprint_of("similarity", which, self.column, self.at_least)

    @property
    def asks_model(self) -> bool:
        """Whether the model is one behind a network, as far as the library knows it."""
        return isinstance(self.embed, str | RemoteEmbeddingModel)

    def metered(self, meter: Meter) -> Similarity:
        """The same scorer, the requests of an embedding model of the library metered.

        Raises:
            UsageError: There is a budget, and no price for the model.
        """
        metered = replace(self, wrap=meter.embedding)
        metered.embedder  # noqa: B018 - what is wrong with it is said now, and not at the first score
        return metered

    async def check(self, sample: Sample) -> None:
        """Whether the model can be had, and the sample has a text to compare with; nothing is embedded: it may cost.

        Raises:
            UsageError: No vendor has that name, or the sample has no such text.
            MissingKey: The vendor needs a key and there is none.
        """
        self.embedder  # noqa: B018 - making it is the test
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
            vectors = await self._embedded(texts)
            if isinstance(vectors, EmbeddingResponse):
                paid = vectors.cost_usd if self.call_usd is None else self.call_usd
                vectors = vectors.vectors
            cosine = _cosine(np.asarray(vectors, dtype=float))
        except Exception as error:  # noqa: BLE001 - a failed embedding says nothing of the answer
            return failed(self.name, error, cost_usd=paid)
        if self.at_least is None:
            return scored(self.name, Verdict(cosine), cost_usd=paid)
        verdict = Verdict(float(cosine >= self.at_least), f"cosine {cosine:.3f}")
        return scored(self.name, verdict, cost_usd=paid)

    async def _embedded(self, texts: list[str]) -> Any:
        embed = self.embedder.embed if isinstance(self.embedder, NamedEmbeds) else self.embedder
        if inspect.iscoroutinefunction(embed):
            return await embed(texts)
        said = await in_thread(partial(embed, texts), f"scorer {self.name}")
        return await said if isinstance(said, Awaitable) else said

    @cached_property
    def embedder(self) -> NamedEmbeds | Embeds:
        """What embeds: a model by name is made when it is first needed, and one of the library is metered."""
        embed = embedding_model(self.embed) if isinstance(self.embed, str) else self.embed
        if self.wrap is not None and isinstance(embed, EmbeddingModel):
            return self.wrap(embed)
        return embed

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "embedder"}


def similarity(
    embed: str | NamedEmbeds | Embeds,
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
        embed: `"vendor:model"` of an embedding model, such a model, any object with `name` and `embed`, or a function from
            a list of texts to one vector each, plain or async.
        column: The column of the dataset with the text to compare with.
        at_least: From which cosine on the score is 1, below it 0; the cosine is then the reason.
        call_usd: What one call costs, in US dollars: 0 for a model on this machine. None is what the model says its call
            cost; where it says nothing that is not known, and then the costs of the sweep are not known either.
        name: Names the column of the score; `similarity`, or `similarity_<column>`, where None.

    Raises:
        UsageError: `embed` cannot be called, or the threshold is no cosine.
    """
    is_name = isinstance(embed, str) and ":" in embed
    if not is_name and not callable(embed) and not isinstance(embed, NamedEmbeds):
        raise UsageError(
            f'{embed!r} embeds nothing; pass "vendor:model", a function of a list of texts, or an object with `name` and '
            "`embed`"
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
