"""Two requests that follow each other, and what the later one can read of the earlier one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeGuard

from agentlab.agent import RunResult
from agentlab.caching.blocks.sent_blocks import SentBlocks
from agentlab.caching.blocks.splitting import Block
from agentlab.caching.calls import Calls, RecordedCall, Recording, calls_of
from agentlab.caching.explaining.compared_request import ComparedRequest, Explainable, as_request, compared
from agentlab.caching.explaining.explain import explain, explain_calls
from agentlab.caching.explaining.explanation import Explanation, Explanations
from agentlab.errors import UsageError
from agentlab.notebook.cache.opened_change import shown_characters

__all__ = ["Comparable", "RequestPair", "pairs_of"]

_MOST_LETTERS: Final = 60

Comparable = Calls | RunResult | Explanation | Explanations
"""What already holds several requests: a run, its trace, recorded calls, or what `explain` gave."""


@dataclass(frozen=True, slots=True)
class RequestPair:
    """Two requests, the later one made after the earlier.

    Attributes:
        earlier: What a reader calls the earlier request.
        later: What a reader calls the later one.
        previous: Blocks of the earlier request, in render order, their tokens estimated.
        current: Blocks of the later one.
        kept_tokens: Tokens of the earlier request that the later one can read from a cache.
        lost_tokens: Tokens of the earlier request that it no longer can.
        is_estimated: Whether these are estimated from the texts; else they are scaled to what the provider reported.
        lost_usd: What the lost tokens cost more, in US dollars; None where no price is known, or nothing is lost.
        explanation: Why the prefix moved; None where the earlier request is still the start of the later one.
    """

    earlier: str
    later: str
    previous: tuple[Block, ...]
    current: tuple[Block, ...]
    kept_tokens: int
    lost_tokens: int
    is_estimated: bool
    lost_usd: float | None = None
    explanation: Explanation | None = None

    @property
    def first_moved(self) -> int:
        """Index of the block at which reading the cache ends; the number of earlier blocks where it does not."""
        return len(self.previous) if self.explanation is None else self.explanation.cause.block

    @property
    def scale(self) -> float:
        """Tokens as the numbers of this pair count them for each estimated token of a block."""
        estimated = sum(block.tokens for block in self.previous)
        return (self.kept_tokens + self.lost_tokens) / estimated if estimated else 1.0

    @property
    def has_moved(self) -> bool:
        """Whether the later request no longer begins with the earlier one."""
        return self.explanation is not None


def pairs_of(
    subject: Comparable | Explainable,
    current: Explainable | None = None,
    *,
    provider: str | None = None,
    model: str | None = None,
) -> tuple[RequestPair, ...]:
    """The pairs of requests that are to be compared.

    Args:
        subject: The earlier request; or, alone, what holds several: a run, a trace, recorded calls, explanations.
        current: The later request.
        provider: Vendor, for its words and prices; what the requests say where None.
        model: Model, for prices; what the requests say where None.

    Raises:
        UsageError: These are no requests, or they cannot be read; the message says why.
    """
    if current is not None:
        return (_pair_of(as_request(subject), as_request(current), provider, model),)
    if isinstance(subject, Explanation):
        return (_explained(subject),)
    if isinstance(subject, Explanations):
        return tuple(_explained(each) for each in subject)
    if isinstance(subject, RunResult):
        return _pairs_in(subject.trace, provider, model)
    if isinstance(subject, Recording) or _are_calls(subject):
        return _pairs_in(subject, provider, model)
    raise UsageError(
        "the cache view takes two requests (recorded calls, blocks, or wire and body), or alone a run, a trace, a list "
        f"of recorded calls or what `explain` gave, not {type(subject).__name__}"
    )


def _are_calls(subject: object) -> TypeGuard[Sequence[RecordedCall]]:
    return isinstance(subject, Sequence) and all(isinstance(each, RecordedCall) for each in subject)


def _explained(explanation: Explanation) -> RequestPair:
    turn = explanation.turn
    if explanation.names is not None:
        names = explanation.names
    elif turn is not None:
        names = (f"turn {turn - 1}", f"turn {turn}")
    else:
        names = ("earlier request", "later request")
    return _moved(explanation, *(shown_characters(name)[:_MOST_LETTERS] for name in names))


def _moved(explanation: Explanation, earlier: str, later: str) -> RequestPair:
    dollars = explanation.dollars_lost
    return RequestPair(
        earlier,
        later,
        explanation.previous,
        explanation.current,
        explanation.tokens_kept,
        explanation.tokens_lost,
        explanation.estimated,
        None if math.isnan(dollars) else dollars,
        explanation,
    )


def _kept(before: ComparedRequest, after: ComparedRequest, earlier: str, later: str) -> RequestPair:
    """A pair of which the earlier request is still the start of the later one."""
    reported = before.input_tokens
    tokens = sum(block.tokens for block in before.blocks) if reported is None else reported
    return RequestPair(earlier, later, before.blocks, after.blocks, tokens, 0, is_estimated=reported is None)


def _pair_of(
    previous: Explainable, current: Explainable, provider: str | None, model: str | None
) -> RequestPair:
    found = explain(previous, current, provider=provider, model=model)
    if found is not None:
        return _explained(found)
    cut = SentBlocks()
    before, after = (compared(each, provider, model, cut) for each in (previous, current))
    return _kept(before, after, "earlier request", "later request")


def _pairs_in(subject: Calls, provider: str | None, model: str | None) -> tuple[RequestPair, ...]:
    calls = calls_of(subject)
    moved = {each.turn: each for each in explain_calls(calls, provider=provider, model=model)}
    cut = SentBlocks()
    requests = [compared(call, provider, model, cut) for call in calls]
    pairs: list[RequestPair] = []
    for number, (before, after) in enumerate(pairwise(requests), 2):
        found = moved.get(number)
        names = (f"turn {number - 1}", f"turn {number}")
        pairs.append(_kept(before, after, *names) if found is None else _moved(found, *names))
    return tuple(pairs)
