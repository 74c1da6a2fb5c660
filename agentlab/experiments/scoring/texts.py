"""Scorers of texts: equal, contained, of a form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agentlab.errors import UsageError
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring.normalising import Normal
from agentlab.experiments.scoring.scorer import Rule, Verdict, named, value_of

__all__ = ["Contains", "Exact", "Regex", "contains", "exact", "regex"]


@dataclass(frozen=True, kw_only=True)
class Exact(Rule):
    """Whether the answer is the target, or one of several; see `exact`."""

    normal: Normal = field(default_factory=Normal)

    def verdict(self, output: str, sample: Sample) -> Verdict:
        """1 or 0."""
        answer = self.normal(output)
        wanted = [self.normal(target) for target in _alternatives(sample, self.column)]
        if answer in wanted:
            return Verdict(1.0)
        return Verdict(0.0, f"{_shown(answer)} is not {' or '.join(map(_shown, wanted))}")


@dataclass(frozen=True, kw_only=True)
class Contains(Rule):
    """Whether the answer holds the target; see `contains`."""

    every: bool = False
    whole_words: bool = True
    normal: Normal = field(default_factory=Normal)

    def verdict(self, output: str, sample: Sample) -> Verdict:
        """1 or 0; with `every`, the share of the targets that are there."""
        answer = self.normal(output)
        wanted = [self.normal(target) for target in _alternatives(sample, self.column)]
        empty = [target for target in wanted if not target]
        if empty:
            raise UsageError(
                f"`{self.column}` of sample {sample.sample_id!r} holds an empty text: all contain it"
            )
        missing = [target for target in wanted if not self._holds(answer, target)]
        if self.every:
            share = 1 - len(missing) / len(wanted)
            return Verdict(share, f"missing: {', '.join(map(_shown, missing))}" if missing else None)
        if len(missing) < len(wanted):
            return Verdict(1.0)
        return Verdict(0.0, f"does not hold {' or '.join(map(_shown, wanted))}")

    def _holds(self, answer: str, target: str) -> bool:
        if not self.whole_words:
            return target in answer
        # A target that stands inside a longer word or number is not there: 5 is not in 15, 5.3 or 1,500.
        pattern = rf"(?<!\w)(?<!\d[.,]){re.escape(target)}(?!\w)(?![.,]\d)"
        return re.search(pattern, answer) is not None


@dataclass(frozen=True, kw_only=True)
class Regex(Rule):
    """Whether the answer has a form; see `regex`."""

    pattern: str | None = None
    equals: str | None = None
    flags: int = 0
    normal: Normal = field(default_factory=Normal)

    @property
    def needs(self) -> tuple[str, ...]:
        """The column of the pattern, where it is not given, and of what its group must equal."""
        own = () if self.pattern is not None else (self.column,)
        return own if self.equals is None else (*own, self.equals)

    def verdict(self, output: str, sample: Sample) -> Verdict:
        """1 or 0."""
        written = self.pattern if self.pattern is not None else str(value_of(sample, self.column))
        try:
            found = re.search(written, output, self.flags)
        except re.error as error:
            raise UsageError(
                f"`{self.column}` is no regular expression: {error} in {_shown(written)}"
            ) from None
        if found is None:
            return Verdict(0.0, f"nothing in the answer fits {_shown(written)}")
        if self.equals is None:
            return Verdict(1.0)
        said = self.normal(found[1] if found.re.groups else found[0])
        wanted = [self.normal(target) for target in _alternatives(sample, self.equals)]
        if said in wanted:
            return Verdict(1.0)
        return Verdict(0.0, f"{_shown(said)} is not {' or '.join(map(_shown, wanted))}")

    async def check(self, sample: Sample) -> None:
        """See `Rule.check`; where the pattern is given, an empty answer is tried.

        Raises:
            UsageError: The pattern or a column cannot be used.
        """
        try:
            self.verdict("", sample)
            for column in self.needs:
                value_of(sample, column)
        except UsageError as error:
            raise UsageError(
                f"scorer `{self.name}` cannot score sample {sample.sample_id!r}: {error}"
            ) from None


def exact(
    column: str = "target",
    *,
    ignore_case: bool = False,
    ignore_space: bool = True,
    ignore_punctuation: bool = False,
    name: str | None = None,
) -> Exact:
    """1 where the answer equals the target, else 0.

    For short answers of a fixed form. Where a model may add words, take `contains` or `numeric`.

    Args:
        column: The column of the dataset with the right answer, or with a list of right answers.
        ignore_case: Whether case does not count.
        ignore_space: Whether white space at the ends and its amount between words do not count.
        ignore_punctuation: Whether punctuation and symbols do not count.
        name: Names the column of the score; `exact`, or `exact_<column>`, where None.
    """
    normal = _normal(ignore_case, ignore_space, ignore_punctuation)
    return Exact(column=column, normal=normal, name=named(name, "exact", column))


def contains(
    column: str = "target",
    *,
    every: bool = False,
    whole_words: bool = True,
    ignore_case: bool = False,
    ignore_space: bool = True,
    ignore_punctuation: bool = False,
    name: str | None = None,
) -> Contains:
    """1 where the answer holds the target, else 0.

    An answer that holds the target and its opposite passes too: for judgements of meaning take `judge`.

    Args:
        column: The column of the dataset with the text, or with a list of texts of which one is enough.
        every: Whether all texts of the list must be there; the score is then the share that is.
        whole_words: Whether the text must not stand inside a longer word or number.
        ignore_case: Whether case does not count.
        ignore_space: Whether the amount of white space does not count.
        ignore_punctuation: Whether punctuation and symbols do not count.
        name: Names the column of the score; `contains`, or `contains_<column>`, where None.
    """
    normal = _normal(ignore_case, ignore_space, ignore_punctuation)
    return Contains(
        column=column,
        every=every,
        whole_words=whole_words,
        normal=normal,
        name=named(name, "contains", column),
    )


def regex(
    pattern: str | None = None,
    *,
    column: str | None = None,
    equals: str | None = None,
    flags: int = 0,
    ignore_case: bool = False,
    name: str | None = None,
) -> Regex:
    """1 where a regular expression is found in the answer, else 0.

    A pattern that backtracks without end holds the sweep up: Python cannot stop it.

    Args:
        pattern: The expression, as `re.search` takes it.
        column: The column of the dataset with the expression, where each row has its own.
        equals: A column that the first group (or the whole match) must equal: `regex(r"Answer: (.*)", equals="target")`.
        flags: Flags of `re`, such as `re.MULTILINE`.
        ignore_case: Whether case counts neither in the expression nor in the comparison.
        name: Names the column of the score; `regex` where None.

    Raises:
        UsageError: Not exactly one of `pattern` and `column` is given, or the pattern is no regular expression.
    """
    if (pattern is None) == (column is None):
        raise UsageError("`regex` takes a pattern or a column that holds patterns: give one of the two")
    flags = int(flags) | (re.IGNORECASE if ignore_case else 0)
    try:
        re.compile(pattern or "", flags)
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}") from None
    return Regex(
        pattern=pattern,
        column=column or "",
        equals=equals,
        flags=int(flags),
        normal=Normal(ignore_case=ignore_case),
        name=name or "regex",
    )


def _normal(ignore_case: bool, ignore_space: bool, ignore_punctuation: bool) -> Normal:
    return Normal(ignore_case=ignore_case, ignore_space=ignore_space, ignore_punctuation=ignore_punctuation)


def _alternatives(sample: Sample, column: str) -> Sequence[object]:
    """The right answers: a list holds several."""
    value = value_of(sample, column)
    if not isinstance(value, list | tuple):
        return (value,)
    if not value:
        raise UsageError(f"`{column}` of sample {sample.sample_id!r} is an empty list")
    return value


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
