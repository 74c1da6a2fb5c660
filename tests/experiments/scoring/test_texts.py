"""Texts that are equal, contained, of a form."""

from __future__ import annotations

import pickle
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.experiments.scoring import Scorer, contains, exact, regex
from agentlab.experiments.scoring.normalising import Normal
from tests.experiments.scoring.conftest import Score, sample

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("scorer", "output", "target", "value"),
    [
        (exact(), "Paris", "Paris", 1),
        (exact(), "  Paris\n", "Paris", 1),
        (exact(), "New   York", "New York", 1),
        (exact(), "paris", "Paris", 0),
        (exact(ignore_case=True), "STRASSE", "straße", 1),
        (exact(ignore_punctuation=True), "Paris.", "Paris", 1),
        (exact(ignore_space=False), " Paris", "Paris", 0),
        (exact(), unicodedata.normalize("NFD", "São"), unicodedata.normalize("NFC", "São"), 1),
        (exact(), "42", 42, 1),
        (exact(), "b", ["a", "b"], 1),
        (exact(), "c", ["a", "b"], 0),
        (contains(), "It is Paris, of course.", "Paris", 1),
        (contains(), "Parisian", "Paris", 0),
        (contains(whole_words=False), "Parisian", "Paris", 1),
        (contains(), "15 or 5.3 or 1,500", "5", 0),
        (contains(), "It is 5.", "5", 1),
        (contains(), "(5)", 5, 1),
        (contains(), "a or b", ["b", "z"], 1),
        (contains(every=True), "a or b", ["a", "b", "z", "y"], 0.5),
        (contains(), "C++ it is", "C++", 1),
        (regex(r"\d{4}"), "in 1912", None, 1),
        (regex(r"^\d{4}$"), "in 1912", None, 0),
        (regex("PARIS", ignore_case=True), "paris", None, 1),
        (regex(r"Answer: (.*)", equals="target"), "So.\nAnswer:  42", "42", 1),
        (regex(r"Answer: (.*)", equals="target"), "Answer: 41", "42", 0),
        (regex(r"\d+", equals="target"), "it is 42", "42", 1),
    ],
)
async def test_answers_are_scored(
    score: Score, scorer: Scorer, output: str, target: Any, value: float
) -> None:
    row = await score(scorer, output, target)
    assert (row.value, row.error, row.scorer) == (value, None, scorer.name)
    assert (row.reason is None) == (value == 1)


async def test_a_pattern_may_come_from_a_column(score: Score) -> None:
    scorer = regex(column="form")
    assert scorer.needs == ("form",)
    assert (await score(scorer, "ab1", form=r"\d$")).value == 1
    assert (await score(scorer, "ab", form=r"\d$")).value == 0
    broken = await score(scorer, "ab", form="(")
    assert broken.value is None
    assert "no regular expression" in str(broken.error)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "one of the two"),
        ({"pattern": "a", "column": "b"}, "one of the two"),
        ({"pattern": "("}, "no regular"),
    ],
)
def test_a_regex_that_cannot_be_is_refused_at_once(arguments: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        regex(**arguments)


async def test_what_is_missing_is_an_error_and_never_a_score_of_0(score: Score) -> None:
    for scorer in (exact("answer"), contains("answer"), regex("a", equals="answer")):
        row = await score(scorer, "a")
        assert row.value is None
        assert "no column `answer`; there are: `sample_id`, `input`" in str(row.error)
    empty = await score(exact(), "a", None)
    assert (empty.value, empty.error) == (None, "`target` is empty in sample 's1'")
    assert (await score(contains(), "a", "")).value is None
    assert (await score(exact(), "a", [])).value is None


async def test_a_check_finds_what_a_score_would_fail_on() -> None:
    await exact().check(sample("a"))
    await regex("a").check(sample(None))
    for scorer in (exact(), contains(), exact("answer"), regex(column="form")):
        with pytest.raises(UsageError, match=f"scorer `{scorer.name}` cannot score sample 's1'"):
            await scorer.check(sample(None, form="("))


def test_a_name_tells_the_column_and_the_fingerprint_every_option_but_the_name() -> None:
    assert (exact().name, exact("answer").name, exact(name="own").name) == ("exact", "exact_answer", "own")
    scorers: list[Scorer] = [
        exact(),
        exact("answer"),
        exact(ignore_case=True),
        contains(),
        contains(every=True),
        contains(whole_words=False),
        regex("a"),
        regex("b"),
        regex("a", flags=re.DOTALL),
        regex("a", equals="target"),
        regex("a", ignore_case=True),
    ]
    assert len({scorer.fingerprint for scorer in scorers}) == len(scorers)
    assert exact(name="own").fingerprint == exact().fingerprint
    assert pickle.loads(pickle.dumps(scorers[0])) == scorers[0]


@given(st.text(), st.booleans(), st.booleans(), st.booleans())
def test_normalising_twice_changes_nothing(text: str, case: bool, space: bool, punctuation: bool) -> None:
    normal = Normal(ignore_case=case, ignore_space=space, ignore_punctuation=punctuation)
    assert normal(normal(text)) == normal(text)
