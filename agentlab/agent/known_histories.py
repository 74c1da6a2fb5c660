"""What an agent knows of the histories it was given, so that a chat which grew is not looked through again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agentlab.agent.approving.taint import taints_in
from agentlab.messages import Message, UserMessage
from agentlab.messages.known import Findings, GoodHistories

__all__ = ["KnownHistories"]


class KnownHistories:
    """Prepares histories for runs. What it knows of a history lives as long as the history's first message."""

    def __init__(self) -> None:
        self._good = GoodHistories()
        self._taints = Findings(taints_in)

    def mended(self, history: Iterable[Message], prompt: UserMessage) -> list[Message]:
        """The history, its unanswered calls answered as interrupted.

        Raises:
            InvalidHistory: History and prompt together cannot be sent.
        """
        return self._good.mended(history, prompt)

    def taints(self, history: Sequence[Message]) -> tuple[str, ...]:
        """As `taints_of`."""
        return tuple(dict.fromkeys(self._taints.of(history)))
