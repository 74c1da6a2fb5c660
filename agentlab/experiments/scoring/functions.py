"""A function of one's own as a scorer."""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from agentlab.errors import UsageError
from agentlab.experiments.fingerprint import fingerprint_of
from agentlab.experiments.rows import ScoreRow
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring.scorer import (
    ScoredRun,
    Scorer,
    Verdict,
    failed,
    scored,
    told,
    value_of,
)
from agentlab.short_repr import ShortRepr
from agentlab.tools.thread import in_thread

__all__ = ["FunctionScorer", "scorer_of"]

ScoringFunction = Callable[..., Any]
_FACTORIES: Final = "agentlab.experiments.scoring."
_PAIR: Final = 2
_MOST: Final = 3
_BY_PLACE_OR_NAME: Final = frozenset(
    [
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    ]
)


@dataclass(frozen=True, kw_only=True, repr=False)
class FunctionScorer(ShortRepr):
    """Scores with a function `f(output, sample)` or `f(output, sample, run)`.

    Attributes:
        function: Plain or async; gives a number, a bool, or a pair of it and a reason. A plain one runs in a thread of
            its own: slow scoring must not disturb the times that are measured meanwhile.
        name: Names the column of the score.
        needs: The dataset's columns it reads; missing ones are refused before any money is spent.
    """

    function: ScoringFunction
    name: str
    needs: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hash of the function's source, its defaults and what it closes over."""
        return fingerprint_of(self.function)

    async def check(self, sample: Sample) -> None:
        """Score the target, as if it had been answered.

        Raises:
            UsageError: The function raises, or gives something that is no score.
        """
        for column in self.needs:
            value_of(sample, column)
        output = "" if sample.target is None else str(sample.target)
        try:
            verdict_of(await self._called(ScoredRun(sample=sample, output=output)))
        except Exception as error:
            raise UsageError(
                f"scorer `{self.name}` fails on sample {sample.sample_id!r}, asked for the score of its target "
                f"{output!r}: {told(error)}"
            ) from error

    async def score(self, run: ScoredRun) -> ScoreRow:
        """Score a run."""
        try:
            return scored(self.name, verdict_of(await self._called(run)))
        except Exception as error:  # noqa: BLE001 - a function that fails gives no verdict on the answer
            return failed(self.name, error)

    async def _called(self, run: ScoredRun) -> Any:
        given = (run.output, run.sample, run)[: _taken(self.function)]
        if inspect.iscoroutinefunction(self.function):
            return await self.function(*given)
        said = await in_thread(partial(self.function, *given), f"scorer {self.name}")
        return await said if isinstance(said, Awaitable) else said


def scorer_of(given: Scorer | ScoringFunction) -> Scorer:
    """A scorer as it is, a function as a scorer.

    Args:
        given: A scorer, or `f(output, sample)`, or `f(output, sample, run)`; a lambda is named `score`.

    Raises:
        UsageError: It is neither, or the function takes other arguments.
    """
    if isinstance(given, Scorer):
        return given
    if not callable(given):
        raise UsageError(
            f"{given!r} is no scorer; pass `agentlab.exact()` or another, or a function of (output, sample)"
        )
    name = getattr(given, "__name__", type(given).__name__)
    if getattr(given, "__module__", "").startswith(_FACTORIES):
        raise UsageError(f"`{name}` makes scorers and is none itself: call it, such as `{name}(...)`")
    if _taken(given) == 0:
        raise UsageError(f"`{name}` cannot score: it must take (output, sample), or (output, sample, run)")
    return FunctionScorer(function=given, name="score" if name == "<lambda>" else name)


def verdict_of(said: Any) -> Verdict:
    """What a scoring function gave, as a verdict.

    Raises:
        UsageError: It is no number, bool, `Verdict`, or pair of a number and a text.
    """
    if isinstance(said, Verdict):
        return said
    value, reason = said if isinstance(said, tuple) and len(said) == _PAIR else (said, None)
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if not isinstance(value, numbers.Real) or not (reason is None or isinstance(reason, str)):
        raise UsageError(
            f"a scoring function gives a number, True or False, or a pair of it and a reason, not {said!r}"
        )
    return Verdict(float(value), reason)


def _taken(function: ScoringFunction) -> int:
    """How many of (output, sample, run) a function takes; 0 where it can be called with none of these numbers."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C
        return _PAIR
    parameters = list(signature.parameters.values())
    places = [each for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    required = sum(1 for each in parameters if each.default is each.empty and each.kind in _BY_PLACE_OR_NAME)
    if required > min(len(places), _MOST):  # more than is given, or by keyword only
        return 0
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return max(_PAIR, required)
    wants_run = len(places) >= _MOST and (required == _MOST or places[_PAIR].name == "run")
    return _MOST if wants_run else min(_PAIR, len(places))
