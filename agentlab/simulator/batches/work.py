"""The work of one batch: requests that are answered one after the other as the server's time passes.

Nothing runs in the background. Whoever looks at a batch lets it catch up with the clock first: the requests whose turn
has come are answered then, in order, each accounted at the moment it was due.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.messages import Usage

__all__ = ["Answering", "BatchPace", "Item", "ItemAnswer", "Work"]

Leftover = Literal["expired", "cancelled"]


class BatchPace(Struct, frozen=True):
    """How long a batch takes, in seconds of the server's clock; all zero, it is done when it is next looked at.

    Attributes:
        validating_s: Until the first request begins; OpenAI checks the input file meanwhile.
        request_s: For each request.
        finalizing_s: From the last answer until the results can be fetched.
        cancelling_s: From a cancellation until the batch is over.
        window_s: After which requests that were not answered expire. OpenAI and Anthropic give a day.
    """

    validating_s: float = 0.0
    request_s: float = 0.0
    finalizing_s: float = 0.0
    cancelling_s: float = 0.0
    window_s: float = 86_400.0

    def __post_init__(self) -> None:
        spans = (self.validating_s, self.request_s, self.finalizing_s, self.cancelling_s, self.window_s)
        if min(spans) < 0:
            raise UsageError(f"a batch cannot take negative time: {self}")


class Item(Struct, frozen=True):
    """One request of a batch.

    Attributes:
        custom_id: What its maker calls it.
        body: The request's body, as it would be sent alone.
    """

    custom_id: str
    body: bytes


class ItemAnswer(Struct, frozen=True):
    """What became of one request.

    Attributes:
        status: HTTP status it would have had alone.
        body: The body it would have had.
        usage: Tokens reported; None for an error.
    """

    status: int
    body: bytes
    usage: Usage | None = None

    @property
    def succeeded(self) -> bool:
        """Whether it is an answer and no error."""
        return self.status < 400


Answering = Callable[[bytes, float], ItemAnswer]
"""Answers the body of one request at a moment of the server's time, in seconds since 1970."""


class Work:
    """The requests of a batch and how far they are.

    Args:
        items: The requests, in order.
        answering: Answers one of them.
        created: When the batch was made, in seconds since 1970.
        pace: How long it takes.

    Attributes:
        answers: What is answered so far, by place.
        cancelled_at: When a cancellation was asked for; None where none was.
    """

    def __init__(self, items: Sequence[Item], answering: Answering, created: float, pace: BatchPace) -> None:
        self.items = tuple(items)
        self.created = created
        self.pace = pace
        self.answers: list[ItemAnswer] = []
        self.cancelled_at: float | None = None
        self._answering = answering

    @property
    def begins(self) -> float:
        """When the first request begins."""
        return self.created + self.pace.validating_s

    @property
    def expires(self) -> float:
        """When what is not answered expires."""
        return self.created + self.pace.window_s

    @property
    def answered_at(self) -> float:
        """When the last answer is due."""
        return self.begins + len(self.items) * self.pace.request_s

    @property
    def leftover(self) -> Leftover | None:
        """What becomes of the requests that are not answered; None where every one is or may still be."""
        if self.cancelled_at is not None and self.cancelled_at <= min(self.answered_at, self.expires):
            return "cancelled"
        return "expired" if self.expires < self.answered_at else None

    @property
    def stopped_at(self) -> float:
        """When the last request is answered, expired or cancelled."""
        cancelled = math.inf if self.cancelled_at is None else self.cancelled_at
        return min(self.answered_at, self.expires, cancelled)

    @property
    def ended_at(self) -> float:
        """When the results can be fetched."""
        closing = self.pace.cancelling_s if self.leftover == "cancelled" else self.pace.finalizing_s
        return self.stopped_at + closing

    def catch_up(self, now: float) -> None:
        """Answer the requests whose turn has come by `now`, in seconds since 1970."""
        until = min(now, self.stopped_at)
        while len(self.answers) < len(self.items):
            due = self.begins + (len(self.answers) + 1) * self.pace.request_s
            if due > until:
                return
            self.answers.append(self._answering(self.items[len(self.answers)].body, due))

    def cancel(self, now: float) -> None:
        """Stop: what is not answered by now never is."""
        self.catch_up(now)
        if self.cancelled_at is None:
            self.cancelled_at = now
