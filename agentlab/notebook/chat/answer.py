"""One answer under way, whoever gives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from agentlab.agent import RunResult
from agentlab.agent.records import TurnRecord
from agentlab.agent.trace import TracedEvent
from agentlab.messages import Message

__all__ = ["Answer"]


class Answer(Protocol):
    """One answer under way."""

    def events(self) -> AsyncIterator[TracedEvent | str]:
        """What happens, with its time, and what changed beside it, in words.

        What went wrong is raised at the end, but not that it was stopped.
        """
        ...

    def stop(self) -> None:
        """End it, from any thread; what has arrived is kept."""
        ...

    def decide(self, call_id: str, approved: bool, note: str = "") -> bool:
        """Say whether a tool that asks may run, from any thread; whether it was waiting for that."""
        ...

    @property
    def stands_still(self) -> bool:
        """Whether it has no end yet, and waits for decisions that may be made another day."""
        ...

    @property
    def left(self) -> tuple[Iterable[Message], Iterable[TurnRecord]]:
        """The messages and records of the run."""
        ...

    @property
    def result(self) -> RunResult | None:
        """The run, once it has ended; None where there was none."""
        ...
