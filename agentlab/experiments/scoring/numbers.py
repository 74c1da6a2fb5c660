"""Numbers as people and models write them, and the scorer that compares them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, get_args

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring.scorer import Rule, Verdict, named, value_of

__all__ = ["Numeric", "WrittenNumber", "numbers_in", "numeric"]

Percent = Literal["either", "value", "fraction"]
Which = Literal["last", "first", "only"]

_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_GAP: Final = "[,'\u2019_\u00a0\u2009\u202f]"  # what parts thousands; a plain space parts words
_PLAIN: Final = rf"(?:\d{{1,3}}(?:{_GAP}\d{{3}})+(?![\d])|\d+)(?:\.\d+)?|(?<!\.)\.\d+"
_NUMBER: Final = re.compile(
    rf"""
    (?<!\w)(?<!\w\.)(?<![A-Za-z]-)                  # not inside a word, a version or a name such as GPT-4
    (?P<sign>(?<![\w)])[-+\u2212\u2013])?
    (?P<currency>[$\u20ac\u00a3\u00a5]\s?)?
    (?:
        (?P<whole>\d{{1,3}})[ ](?P<mixed_over>\d+)\s?/\s?(?P<mixed_under>\d+)(?![\d/]|\.\d)
      | (?P<over>\d+)\s?/\s?(?P<under>\d+)(?![\d/]|\.\d)
      | (?P<number>{_PLAIN})
        (?:[eE](?P<e>[-+]?\d+)|\s?[x\u00d7*]\s?10\s?(?:\^|\*\*)\s?\{{?(?P<power>[-+]?\d+)\}}?
          |\s?\u00d7\s?10(?P<raised>[\u207b\u207a]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+))?
    )
    (?P<percent>\s?(?:%|percent\b|per\ cent\b))?
    """,
    re.VERBOSE,
)


class WrittenNumber(Struct, frozen=True):
    """A number found in a text.

    Attributes:
        value: The number, a percent sign not counted: 12 for `12%`.
        percent: Whether a percent sign follows it.
        text: As it was written.
    """

    value: float
    percent: bool
    text: str


def numbers_in(text: str) -> Iterator[WrittenNumber]:
    """The numbers in a text, in order.

    Read are thousands (`1,234.5`, `1'234`, not `1.234,5`), currencies, percent, fractions (`3/4`, `1 1/2`), scientific
    notation (`1.2e-3`, `1.2 x 10^-3`, `1.2 \u00d7 10\u207b\u00b3`) and typographic minus signs. Digits inside words and version names are
    left alone.
    """
    for found in _NUMBER.finditer(text):
        value = _value(found)
        if value is not None and math.isfinite(value):
            yield WrittenNumber(value, found["percent"] is not None, found[0].strip())


def _value(found: re.Match[str]) -> float | None:
    sign = -1 if found["sign"] in {"-", "\u2212", "\u2013"} else 1
    over, under = found["over"] or found["mixed_over"], found["under"] or found["mixed_under"]
    if over is not None:
        try:
            return float(sign * (int(found["whole"] or 0) + Fraction(int(over), int(under))))
        except (ZeroDivisionError, OverflowError, ValueError):  # ValueError: thousands of digits
            return None
    bare = re.sub(_GAP, "", found["number"])
    exponent = found["e"] or found["power"] or (found["raised"] or "").translate(_SUPERSCRIPTS)
    return sign * float(f"{bare}e{exponent}" if exponent else bare)


@dataclass(frozen=True, kw_only=True)
class Numeric(Rule):
    """Whether a number of the answer is near the target; see `numeric`."""

    absolute: float = 1e-9
    relative: float = 1e-9
    which: Which = "last"
    percent: Percent = "either"

    def verdict(self, output: str, sample: Sample) -> Verdict:
        """1 or 0."""
        wanted = self._target(sample)
        said = list(numbers_in(output))
        if not said:
            return Verdict(0.0, "the answer holds no number")
        if self.which == "only" and len(said) > 1:
            return Verdict(0.0, f"the answer holds {len(said)} numbers, not one")
        chosen = said[0] if self.which == "first" else said[-1]
        if any(self._near(*pair) for pair in self._readings(chosen, wanted)):
            return Verdict(1.0)
        return Verdict(0.0, f"{chosen.text} is not {wanted.text}")

    def _target(self, sample: Sample) -> WrittenNumber:
        value = value_of(sample, self.column)
        if isinstance(value, bool):
            raise UsageError(f"`{self.column}` is {value}, no number")
        if isinstance(value, int | float):
            if not math.isfinite(value):
                raise UsageError(f"`{self.column}` is {value}, no finite number")
            return WrittenNumber(
                float(value), percent=False, text=f"{value:g}" if value < 1e6 else str(value)
            )
        found = list(numbers_in(str(value)))
        if len(found) != 1:
            count = "several numbers" if found else "no number"
            raise UsageError(f"`{self.column}` is {value!r}, which holds {count}")
        return found[0]

    def _readings(self, said: WrittenNumber, wanted: WrittenNumber) -> list[tuple[float, float]]:
        """The pairs to compare: a percent sign that only one of the two has may mean a hundredth, or just the unit."""
        plain = (said.value, wanted.value)
        hundredths = (
            said.value / 100 if said.percent else said.value,
            wanted.value / 100 if wanted.percent else wanted.value,
        )
        if self.percent == "value":
            return [plain]
        return [hundredths] if self.percent == "fraction" else [plain, hundredths]

    def _near(self, said: float, wanted: float) -> bool:
        return abs(said - wanted) <= max(self.absolute, self.relative * abs(wanted))


def numeric(
    column: str = "target",
    *,
    absolute: float = 1e-9,
    relative: float = 1e-9,
    which: Which = "last",
    percent: Percent = "either",
    name: str | None = None,
) -> Numeric:
    """1 where a number in the answer is near the target, else 0.

    The answer may be a sentence: its last number counts, for models end with their result. An answer without a number
    is wrong, a target without one is an error.

    Args:
        column: The column of the dataset with the number.
        absolute: How far off it may be, in the target's unit.
        relative: How far off it may be, as a share of the target; the larger of the two allowances counts.
        which: Which number of the answer counts; `only` asks that it holds just one.
        percent: What `12%` is: `value` is 12, `fraction` 0.12, `either` whichever fits.
        name: Names the column of the score; `numeric`, or `numeric_<column>`, where None.

    Raises:
        UsageError: A tolerance is negative, or a choice is none of those above.
    """
    for what, tolerance in (("absolute", absolute), ("relative", relative)):
        if not _is_tolerance(tolerance):
            raise UsageError(f"`{what}` is a tolerance of 0 or more, not {tolerance!r}")
    for what, given, kind in (("which", which, Which), ("percent", percent, Percent)):
        if given not in get_args(kind):
            raise UsageError(f"`{what}` is one of {', '.join(get_args(kind))}, not {given!r}")
    return Numeric(
        column=column,
        absolute=float(absolute),
        relative=float(relative),
        which=which,
        percent=percent,
        name=named(name, "numeric", column),
    )


def _is_tolerance(given: object) -> bool:
    return isinstance(given, int | float) and math.isfinite(given) and given >= 0
