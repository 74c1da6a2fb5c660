"""Likeness of answer and target."""

from __future__ import annotations

import pickle
from collections.abc import Awaitable, Sequence
from typing import Any

import numpy as np
import pytest

from agentlab.errors import MissingKey, UsageError
from agentlab.experiments.scoring import similarity
from agentlab.messages import Usage
from agentlab.models import Model
from agentlab.retrieval.embeddings import Embedding, EmbeddingModel, EmbeddingResponse, InputType
from tests.experiments.scoring.conftest import Score, sample

pytestmark = pytest.mark.anyio


def letters(texts: list[str]) -> list[list[float]]:
    return [[float(text.count(letter)) for letter in "abc"] for text in texts]


async def letters_later(texts: list[str]) -> list[list[float]]:
    return letters(texts)


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def embed(self, texts: list[str]) -> Awaitable[list[list[float]]]:
        return letters_later(texts)


@pytest.mark.parametrize("embed", [letters, letters_later, Named("m")])
async def test_the_score_is_the_cosine(score: Score, embed: Any) -> None:
    scorer = similarity(embed, call_usd=0.0)
    assert (await score(scorer, "aab", "aab")).value == pytest.approx(1)
    assert (await score(scorer, "aa", "bb")).value == 0
    half = await score(scorer, "ab", "aa")
    assert half.value == pytest.approx(0.5**0.5)
    assert (half.cost_usd, half.error) == (0, None)


async def test_a_threshold_makes_it_0_or_1(score: Score) -> None:
    scorer = similarity(letters, at_least=0.7)
    passed, failed = await score(scorer, "ab", "aa"), await score(scorer, "abb", "aa")
    assert (passed.value, passed.reason, failed.value) == (1, "cosine 0.707", 0)
    assert passed.cost_usd is None


async def test_an_empty_answer_is_unlike_everything_and_costs_nothing(score: Score) -> None:
    row = await score(similarity(letters), " ", "a")
    assert (row.value, row.cost_usd) == (0, 0)


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ([[0.0], [1.0]], "no direction"),
        ([[1.0]], r"shape \(1, 1\)"),
        ([[1.0], [float("inf")]], "no direction"),
        ("x", "Value"),
    ],
)
async def test_vectors_that_say_nothing_are_an_error(score: Score, vectors: Any, words: str) -> None:
    row = await score(similarity(lambda _: vectors), "a", "b")
    assert row.value is None
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(row.error)


async def test_its_check_embeds_nothing() -> None:
    def embed(texts: list[str]) -> list[list[float]]:
        raise AssertionError(texts)

    await similarity(embed).check(sample("a"))
    for target in (None, " "):
        with pytest.raises(UsageError, match="is empty"):
            await similarity(embed).check(sample(target))


def test_the_fingerprint_names_the_model_and_the_options() -> None:
    scorers = [
        similarity(Named("a")),
        similarity(Named("b")),
        similarity(letters),
        similarity(letters, at_least=0.5),
        similarity(letters, "answer"),
    ]
    assert len({scorer.fingerprint for scorer in scorers}) == len(scorers)
    assert similarity(Named("a"), call_usd=1).fingerprint == scorers[0].fingerprint


class Charging(EmbeddingModel):
    """An embedding model of the library that says what it cost."""

    name = "letters"
    dimensions = 3
    max_documents = 8
    max_request_bytes = None

    def __init__(self, cost_usd: float | None = 0.25) -> None:
        self.cost_usd = cost_usd

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:
        vectors = np.asarray(letters(list(texts)), dtype=np.float32)
        found = tuple(Embedding(text, vector) for text, vector in zip(texts, vectors, strict=True))
        return EmbeddingResponse(found, Usage(input_tokens=3), self.cost_usd, "letters")


async def test_an_embedding_model_of_the_library_says_what_it_cost(score: Score) -> None:
    row = await score(similarity(Charging()), "ab", "aa")
    assert (row.value, row.cost_usd) == (pytest.approx(0.5**0.5), 0.25)
    assert (await score(similarity(Charging(None)), "ab", "aa")).cost_usd is None
    assert (await score(similarity(Charging(None), call_usd=0.5), "ab", "aa")).cost_usd == 0.5


async def test_an_embedding_model_by_name_is_looked_for_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    scorer = similarity("openai:text-embedding-3-small")
    assert scorer.asks_model
    assert scorer.fingerprint == similarity(Named("openai:text-embedding-3-small")).fingerprint
    with pytest.raises(MissingKey):
        await scorer.check(sample("a"))
    with pytest.raises(UsageError, match="opnai"):
        await similarity("opnai:text-embedding-3-small").check(sample("a"))
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    await scorer.check(sample("a"))
    assert pickle.loads(pickle.dumps(scorer)) == scorer
    assert not similarity(letters).asks_model


async def test_a_metered_one_embeds_through_the_wrapped_model(score: Score) -> None:
    wrapped: list[str] = []

    class Counting:
        def model(self, inner: Model) -> Model:
            raise AssertionError(inner)

        def embedding(self, inner: EmbeddingModel) -> EmbeddingModel:
            wrapped.append(inner.name)
            return Charging(0.5)

    scorer = similarity(Charging())
    metered = scorer.metered(Counting())
    assert metered.fingerprint == scorer.fingerprint
    assert (await score(metered, "ab", "aa")).cost_usd == 0.5
    assert (await score(metered, "ab", "aa")).cost_usd == 0.5
    assert wrapped == ["letters"]
    assert (await score(similarity(letters).metered(Counting()), "a", "a")).value == 1


def test_what_embeds_nothing_and_no_cosine_are_refused() -> None:
    with pytest.raises(UsageError, match="embeds nothing"):
        similarity("text-embedding-3")
    with pytest.raises(UsageError, match="is a cosine"):
        similarity(letters, at_least=2)
