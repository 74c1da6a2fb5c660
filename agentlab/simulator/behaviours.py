"""What answers: a function from a request to a reply. Scripts, plain functions and recordings; rules stand apart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from agentlab.errors import UsageError
from agentlab.messages import AssistantMessage, ToolCall
from agentlab.simulator.exchange import ErrorReply, Recorded, Reply, SimRequest, reply

__all__ = ["Behaviour", "Function", "Replay", "Scripted", "Turn"]

Answered = Reply | ErrorReply | Recorded
Behaviour = Callable[[SimRequest], Answered]
"""Called in the server's thread, one request at a time; it must not block."""

Turn = Reply | ErrorReply | ToolCall | str
"""A scripted turn: a text or a call stands for a reply of just that."""


def as_reply(turn: Turn) -> Reply | ErrorReply:
    """A scripted turn as a reply."""
    if isinstance(turn, str):
        return reply(turn)
    return reply(calls=[turn]) if isinstance(turn, ToolCall) else turn


class Scripted:
    """Answers from a list, in order; running out is a 500 that says so.

    Args:
        turns: What to say.
        order: `global`: the n-th request to the server gets the n-th turn, retries included. `conversation`: a request
            whose history holds n turns of the model gets turn n, so many conversations can run at once and a retry
            gets the same answer again.
    """

    def __init__(self, turns: Iterable[Turn], *, order: Literal["global", "conversation"] = "global") -> None:
        self._turns = tuple(map(as_reply, turns))
        self._order = order
        self._next = 0
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How many turns have not been used; all of them in `conversation` order."""
        return len(self._turns) - self._next

    def __call__(self, request: SimRequest) -> Reply | ErrorReply:
        """The next turn."""
        if self._order == "conversation":
            place = sum(isinstance(message, AssistantMessage) for message in request.messages)
        else:
            with self._lock:
                place, self._next = self._next, self._next + 1
        if place < len(self._turns):
            return self._turns[place]
        return ErrorReply(500, f"The script has {len(self._turns)} turns; turn {place + 1} was asked for.")


class Function:
    """Answers with a function of your own; it may return a text, a call, a reply or an error.

    Args:
        function: From the request to what is said.
    """

    def __init__(self, function: Callable[[SimRequest], Turn]) -> None:
        self._function = function

    def __call__(self, request: SimRequest) -> Reply | ErrorReply:
        """What the function says."""
        return as_reply(self._function(request))


class Replay:
    """Answers with recorded bytes, in order; a request that does not match the next recording is a 500 that says so.

    Args:
        records: Recorded answers; or pairs of the request body as parsed JSON, and its answer, which are compared.

    Raises:
        UsageError: There is nothing to replay.
    """

    def __init__(self, records: Sequence[Recorded | tuple[dict[str, object], Recorded]]) -> None:
        if not records:
            raise UsageError("there is nothing to replay")
        self._records = [record if isinstance(record, tuple) else (None, record) for record in records]
        self._next = 0
        self._lock = threading.Lock()

    def __call__(self, request: SimRequest) -> Recorded | ErrorReply:
        """The next recording, if the request is the one it answered."""
        with self._lock:
            place = self._next
            if place >= len(self._records):
                return ErrorReply(500, f"All {len(self._records)} recordings are used up.")
            expected, record = self._records[place]
            if expected is not None and expected != request.json:
                changed = sorted(
                    name
                    for name in expected.keys() | request.json.keys()
                    if expected.get(name) != request.json.get(name)
                )
                return ErrorReply(
                    500, f"Recording {place + 1} was of another request: {', '.join(changed)} differ."
                )
            self._next += 1
        return record
