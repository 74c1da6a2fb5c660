"""Functions as scorers, and what makes one another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agentlab.errors import UsageError
from agentlab.experiments.fingerprint import fingerprint_of
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring import (
    ScoredRun,
    Verdict,
    contains,
    exact,
    numeric,
    preflight,
    scorer_of,
    scorers_of,
)
from tests.experiments.scoring.conftest import Score, sample


def half(output: str, sample: Sample) -> float:
    return 0.5


async def later(output: str, sample: Sample) -> tuple[bool, str]:
    await asyncio.sleep(0)
    return output == sample.target, "compared"


def with_run(output: str, sample: Sample, run: ScoredRun) -> Verdict:
    return Verdict(float(len(run.messages)), "messages")


class Scores:
    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self, output: str, sample: Sample) -> float:
        return self.value


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("function", "value", "reason"),
    [
        (half, 0.5, None),
        (later, 1.0, "compared"),
        (with_run, 0.0, "messages"),
        (lambda output: 2 * len(output), 2.0, None),
        (lambda output, sample, weight=2: weight, 2.0, None),
        (lambda *given: len(given), 2.0, None),
        (lambda _, sample: np.float32(0.25), 0.25, None),
        (lambda _, sample: np.True_, 1.0, None),
        (lambda output, sample: (1, None), 1.0, None),
        (partial(lambda k, output, sample: k, 3), 3.0, None),
        (Scores(0.75), 0.75, None),
    ],
)
async def test_a_function_scores(
    score: Score, function: Callable[..., Any], value: float, reason: str
) -> None:
    row = await score(scorer_of(function), "a", "a")
    assert (row.value, row.reason, row.error) == (value, reason, None)


def raising(output: str, sample: Sample) -> float:
    raise KeyError("gone")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (raising, "KeyError: 'gone'"),
        (lambda o, s: "good", "gives a number, True or False, or a pair of it and a reason, not 'good'"),
        (lambda o, s: None, "not None"),
        (lambda o, s: (1, 2), r"not \(1, 2\)"),
        (lambda o, s: float("nan"), "the score is nan, no finite number"),
    ],
)
async def test_a_function_that_fails_gives_an_error_and_no_score(
    score: Score, function: Callable[..., Any], words: str
) -> None:
    row = await score(scorer_of(function), "a", "a")
    assert row.value is None
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(row.error)


@pytest.mark.anyio
async def test_a_plain_function_runs_beside_the_loop_and_an_async_one_on_it(score: Score) -> None:
    here = threading.get_ident()

    def plain(output: str, sample: Sample) -> bool:
        return threading.get_ident() != here

    async def on_loop(output: str, sample: Sample) -> bool:
        return threading.get_ident() == here

    assert (await score(scorer_of(plain), "a")).value == 1
    assert (await score(scorer_of(on_loop), "a")).value == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("exact", "'exact' is no scorer"),
        (None, "None is no scorer"),
        (exact, r"`exact` makes scorers and is none itself: call it"),
        (lambda: 1, r"must take \(output, sample\)"),
        (lambda a, b, c, d: 1, "must take"),
        (lambda output, sample, *, key: 1, "must take"),
    ],
)
def test_what_cannot_score_is_refused_at_once(given: Any, words: str) -> None:
    for take in (scorer_of, scorers_of):
        with pytest.raises(UsageError, match=words):
            take(given)


def test_two_scorers_need_two_names() -> None:
    assert [each.name for each in scorers_of([exact(), half, lambda o, s: 1])] == ["exact", "half", "score"]
    assert scorers_of(half)[0].name == "half"
    with pytest.raises(UsageError, match="two scorers are named `exact`"):
        scorers_of([exact(), exact(ignore_case=True)])


@pytest.mark.anyio
async def test_preflight_finds_the_one_bad_target_and_the_function_that_raises() -> None:
    good = [Sample(sample_id=str(number), input="q", target=number) for number in range(5)]
    await preflight(scorers_of([numeric(), contains(), half, later]), good)
    bad = [*good, Sample(sample_id="odd", input="q", target="many")]
    await preflight(scorers_of([exact()]), bad)
    with pytest.raises(UsageError, match="scorer `numeric` cannot score sample 'odd'"):
        await preflight(scorers_of([numeric()]), bad)
    with pytest.raises(
        UsageError, match="scorer `raising` fails on sample '0', asked for the score of its target '0'"
    ):
        await preflight(scorers_of([raising]), good)


@pytest.mark.anyio
async def test_preflight_asks_a_function_once() -> None:
    asked: list[str] = []

    def counting(output: str, sample: Sample) -> float:
        asked.append(sample.sample_id)
        return 1.0

    await preflight(scorers_of([counting]), [sample("a"), sample("b")])
    assert asked == ["s1"]


def made(constant: str, tmp_path: Path, *, helper: str = "1") -> Callable[..., Any]:
    """A function whose source is in a file of its own."""
    source = f"def helped(text):\n    return len(text) + {helper}\n\ndef scoring(output, sample):\n    return {constant}\n"
    path = tmp_path / f"m{abs(hash(source))}.py"
    path.write_text(source)
    names: dict[str, Any] = {"__name__": "made"}
    exec(compile(source, str(path), "exec"), names)
    scoring: Callable[..., Any] = names["scoring"]
    return scoring


def test_a_fingerprint_follows_the_source_and_what_the_source_uses(tmp_path: Path) -> None:
    same = {fingerprint_of(made("1", tmp_path)), fingerprint_of(made("1", tmp_path))}
    assert len(same) == 1
    assert fingerprint_of(made("2", tmp_path)) not in same
    uses = [fingerprint_of(made("helped(output)", tmp_path, helper=helper)) for helper in ("1", "1", "2")]
    assert uses[0] == uses[1] != uses[2]

    def closing(weight: float) -> Callable[[str, Sample], float]:
        return lambda _, sample: weight

    assert fingerprint_of(closing(1)) == fingerprint_of(closing(1)) != fingerprint_of(closing(2))
    assert fingerprint_of(partial(half, 1)) != fingerprint_of(partial(half, 2))
    assert fingerprint_of(Scores(1)) == fingerprint_of(Scores(1)) != fingerprint_of(Scores(2))
    assert fingerprint_of(Scores(1).__call__) != fingerprint_of(Scores(2).__call__)


def test_a_fingerprint_tells_values_apart_and_not_their_order() -> None:
    different = [1, 1.0, True, "1", b"1", None, [1], (1, 2), {"a": 1}, {"a": "1"}, {1, 2}, len, int]
    assert len({fingerprint_of(value) for value in different}) == len(different)
    assert fingerprint_of({"a": 1, "b": 2}) == fingerprint_of({"b": 2, "a": 1})
    assert fingerprint_of({"x", "y", "z"}) == fingerprint_of({"z", "y", "x"})


def test_a_thing_that_holds_itself_has_a_fingerprint() -> None:
    loop: list[Any] = []
    loop.append(loop)

    def recursive(count: int) -> int:
        return 0 if not count else recursive(count - 1)

    assert fingerprint_of(loop) == fingerprint_of(loop)
    assert fingerprint_of(recursive) == fingerprint_of(recursive)
