"""What a memory is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from agentlab.agent.memory.remembered import Remembered
from agentlab.messages import Message, UserMessage

__all__ = ["Memory", "Trimming"]


@runtime_checkable
class Trimming(Protocol):
    """Decides how much of a history's beginning is left out. Pure: the same history gives the same answer."""

    @property
    def name(self) -> str:
        """What it is called in a trace."""
        ...

    def dropped(self, history: Sequence[Message]) -> int:
        """How many messages are left out, counted from behind the system messages at the start.

        A cut is made between exchanges alone, and what is left of a history that was cut is not cut again.

        Args:
            history: A valid history; the coming prompt is not in it.
        """
        ...


@runtime_checkable
class Memory(Trimming, Protocol):
    """Decides what of a history is sent with a prompt."""

    def foreseen(self, history: Sequence[Message]) -> Remembered:
        """What `remember` will give, as far as that is known before any model or index is asked. Pure.

        Of a summary that is not written yet it has the placeholder that `agentlab.agent.memory.plan` counts with.
        """
        ...

    async def remember(self, history: Sequence[Message], prompt: UserMessage) -> Remembered:
        """What is sent of a history with a prompt.

        Asked once a run, before its first model call. Asking again with the same history gives the same answer.

        Args:
            history: The whole history, valid.
            prompt: What is asked now; always sent.
        """
        ...
