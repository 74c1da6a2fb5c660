"""What is asked of scorers before any money is spent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from agentlab.errors import UsageError
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring.functions import ScoringFunction, scorer_of
from agentlab.experiments.scoring.scorer import Rule, Scorer

__all__ = ["preflight", "scorers_of"]


def scorers_of(
    given: Scorer | ScoringFunction | Iterable[Scorer | ScoringFunction],
) -> tuple[Scorer, ...]:
    """Scorers and functions as scorers, each with a name of its own.

    Args:
        given: One, or several.

    Raises:
        UsageError: One is no scorer, or two have one name.
    """
    scorers = tuple(scorer_of(each) for each in _several(given))
    names = [scorer.name for scorer in scorers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"two scorers are named `{twice[0]}`, and each needs a column of its own: pass `name=` to one of them"
        )
    return scorers


async def preflight(scorers: Sequence[Scorer], samples: Sequence[Sample]) -> None:
    """Try every scorer on what is right, so that one that raises is found before the first request.

    Rules are cheap and tried on every sample: one bad target in a thousand is found. Other scorers are tried on the
    first sample alone. No model is called.

    Args:
        scorers: The scorers.
        samples: The dataset.

    Raises:
        UsageError: A scorer cannot score a sample; the message names both.
    """
    for scorer in scorers:
        for sample in samples if isinstance(scorer, Rule) else samples[:1]:
            await scorer.check(sample)


def _several(given: Any) -> Iterable[Any]:
    """What was given, as several; a text is one thing, to be refused as a whole."""
    return given if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
