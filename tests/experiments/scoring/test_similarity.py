"""Likeness of answer and target."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from agentlab.errors import UsageError
from agentlab.experiments.scoring import similarity
from tests.experiments.scoring.conftest import Score, sample

pytestmark = pytest.mark.anyio


def letters(texts: list[str]) -> list[list[float]]:
    return [[float(text.count(letter)) for letter in "abc"] for text in texts]


async def letters_later(texts: list[str]) -> list[list[float]]:
    return letters(texts)


class Model:
    def __init__(self, name: str) -> None:
        self.name = name

    def embed(self, texts: list[str]) -> Awaitable[list[list[float]]]:
        return letters_later(texts)


@pytest.mark.parametrize("embed", [letters, letters_later, Model("m")])
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
        similarity(Model("a")),
        similarity(Model("b")),
        similarity(letters),
        similarity(letters, at_least=0.5),
        similarity(letters, "answer"),
    ]
    assert len({scorer.fingerprint for scorer in scorers}) == len(scorers)
    assert similarity(Model("a"), call_usd=1).fingerprint == scorers[0].fingerprint


def test_what_embeds_nothing_and_no_cosine_are_refused() -> None:
    with pytest.raises(UsageError, match="embeds nothing"):
        similarity("text-embedding-3")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="is a cosine"):
        similarity(letters, at_least=2)
