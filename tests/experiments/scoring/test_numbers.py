"""Numbers in answers."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.experiments.scoring import Scorer, numeric
from agentlab.experiments.scoring.numbers import numbers_in
from tests.experiments.scoring.conftest import Score, sample


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It is 42.", [42]),
        ("1,234.5 or 1'234 or 1\u202f234", [1234.5, 1234, 1234]),
        ("1,000,000", [1_000_000]),
        ("-7 \u22127 \u20137 +7", [-7, -7, -7, 7]),
        ("3-5", [3, 5]),
        ("3/4, 1 1/2 and 5/8.", [0.75, 1.5, 0.625]),
        ("-1/2", [-0.5]),
        ("1/0", []),
        ("1e3 1.5E-2", [1000, 0.015]),
        ("1.2 x 10^3, 1.2 \u00d7 10\u207b\u00b3, 2*10**4", [1200, 0.0012, 20000]),
        ("$1,200.50 and \u20ac 3", [1200.5, 3]),
        ("12% and 7 percent", [12, 7]),
        (".5 and 0.25", [0.5, 0.25]),
        ("...42", [42]),
        ("GPT-4 and v2 and x3 and 1.2.3", [1.2]),
        ("10km, 3rd", [10, 3]),
        ("[simulated] add(a=1234, b=5678) returned 6912.", [1234, 5678, 6912]),
        ("none", []),
        ("9" * 400, []),
        (f"{'9' * 5000}/3 or 1e999 or {'9' * 400}/2", []),
    ],
)
def test_numbers_are_read_as_they_are_written(text: str, numbers: list[float]) -> None:
    assert [found.value for found in numbers_in(text)] == pytest.approx(numbers)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_back(value: float) -> None:
    assert [found.value for found in numbers_in(f"So it is {value!r}.")] == [value]


@given(st.integers(-(10**15), 10**15))
def test_every_integer_is_read_back_with_its_thousands(value: int) -> None:
    assert [found.value for found in numbers_in(f"{value:,}")] == [value]


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert all(math.isfinite(found.value) for found in numbers_in(text))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scorer", "output", "target", "value"),
    [
        (numeric(), "The sum is 6,912.", 6912, 1),
        (numeric(), "6912 apples and 3 pears", 6912, 0),
        (numeric(which="first"), "6912 apples and 3 pears", 6912, 1),
        (numeric(which="only"), "6912 apples and 3 pears", 3, 0),
        (numeric(which="only"), "3 pears", 3, 1),
        (numeric(), "about 0.333", "1/3", 0),
        (numeric(absolute=0.001), "about 0.333", "1/3", 1),
        (numeric(relative=0.01), "10050", 10000, 1),
        (numeric(relative=0.01), "10150", 10000, 0),
        (numeric(relative=0.1), "0.001", 0, 0),
        (numeric(), "12%", 0.12, 1),
        (numeric(), "12%", 12, 1),
        (numeric(), "0.12", "12%", 1),
        (numeric(percent="value"), "12%", 0.12, 0),
        (numeric(percent="fraction"), "12%", 12, 0),
        (numeric(percent="fraction"), "12%", "12 %", 1),
        (numeric(), "0.1 + 0.2 = 0.3", 0.1 + 0.2, 1),
        (numeric(), "no idea", 5, 0),
    ],
)
async def test_a_number_is_right_within_its_tolerance(
    score: Score, scorer: Scorer, output: str, target: Any, value: float
) -> None:
    row = await score(scorer, output, target)
    assert (row.value, row.error) == (value, None)


@pytest.mark.anyio
@pytest.mark.parametrize("target", ["many", "1 or 2", True, float("nan"), float("inf"), None])
async def test_a_target_that_is_no_number_is_an_error_and_found_before(score: Score, target: Any) -> None:
    row = await score(numeric(), "5", target)
    assert (row.value, row.error is None) == (None, False)
    with pytest.raises(UsageError, match="scorer `numeric` cannot score sample 's1'"):
        await numeric().check(sample(target))


@pytest.mark.parametrize(
    "options",
    [
        {"absolute": -1},
        {"absolute": "much"},
        {"relative": float("nan")},
        {"which": "best"},
        {"percent": "maybe"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(options))):
        numeric(**options)


def test_each_option_changes_the_fingerprint() -> None:
    scorers = [
        numeric(),
        numeric(absolute=1),
        numeric(relative=1),
        numeric(which="first"),
        numeric(percent="value"),
    ]
    assert len({scorer.fingerprint for scorer in scorers}) == len(scorers)
