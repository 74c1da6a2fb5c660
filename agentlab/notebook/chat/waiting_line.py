"""Who is answered now, and who waits: one conversation answers one prompt at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from agentlab.agent.result import RunResult
from agentlab.messages import UserMessage
from agentlab.notebook.chat.answer import Answer

__all__ = ["Waiting", "WaitingLine"]


@dataclass(eq=False)
class Waiting:
    """A prompt in line.

    Attributes:
        prompt: What the user says.
        after: The exchange after which it was written; it is asked at the end of the branch that goes on from there.
            None at the beginning of the conversation.
        begin: Begins to answer it, and returns at once.
        instead_of: The exchange in whose place it is asked, as a branch right after `after`; None where it is none.
        waits_for_nobody: Whether a stopped or failed answer before it leaves it in line as it was.
        is_held: Whether it waits for the reader's word.
        id: Its name in the line; 0 before it is in one.
        exchange_id: The exchange that it became, once it has begun.
        result: What came of it.
        answer: Its answer, once it has begun.
    """

    prompt: UserMessage
    after: int | None
    begin: Callable[[Waiting], None]
    instead_of: int | None = None
    waits_for_nobody: bool = False
    is_held: bool = False
    id: int = 0
    exchange_id: int | None = None
    result: Future[RunResult] = field(default_factory=Future)
    answer: Answer | None = None


class WaitingLine:
    """The prompts of one conversation that are to be answered. Whoever uses it holds the conversation's lock.

    An answer that was stopped or that failed holds those that were typed behind it: what they follow is not what the
    reader thought it would be. They go on when the reader says so.

    Attributes:
        current: The prompt being answered.
        waiting: Those behind it, in order.
    """

    def __init__(self) -> None:
        self.current: Waiting | None = None
        self.waiting: list[Waiting] = []
        self._last_id = 0

    def enter(self, entry: Waiting, *, first: bool = False) -> Waiting | None:
        """Join the line; the entry to begin now, if it is its turn."""
        self._last_id += 1
        entry.id = self._last_id
        self.waiting.insert(0 if first else len(self.waiting), entry)
        return self._next()

    def leave(self, *, hold: bool) -> Waiting | None:
        """The current prompt is answered; the entry to begin now.

        Args:
            hold: Whether the answer ended in a way that holds what was typed behind it.
        """
        self.current = None
        for entry in self.waiting:
            entry.is_held = entry.is_held or (hold and not entry.waits_for_nobody)
        return self._next()

    def remove(self, entry_id: int) -> Waiting | None:
        """Take a waiting entry out; None where it waits no more."""
        found = next((entry for entry in self.waiting if entry.id == entry_id), None)
        if found is not None:
            self.waiting.remove(found)
        return found

    def move_to_front(self, entry_id: int) -> Waiting | None:
        """Let a waiting entry be the next whatever becomes of the current; the entry to begin now.

        Returns:
            The entry to begin; None where something is being answered, or it waits no more.
        """
        found = self.remove(entry_id)
        if found is None:
            return None
        found.is_held, found.waits_for_nobody = False, True
        self.waiting.insert(0, found)
        return self._next()

    def _next(self) -> Waiting | None:
        if self.current is not None:
            return None
        ready = next((entry for entry in self.waiting if not entry.is_held), None)
        if ready is not None:
            self.waiting.remove(ready)
            self.current = ready
        return ready
