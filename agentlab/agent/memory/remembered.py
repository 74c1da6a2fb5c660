"""What of a conversation is sent with a prompt: how much of its beginning is left out, and what stands for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from agentlab.messages import Document, Message, SystemMessage, Text, UserMessage
from agentlab.short_repr import ShortRepr

__all__ = ["Remembered", "exchange_starts", "is_summary", "leading", "summary_message"]

_OPEN: Final = "<conversation_summary>\n"
_CLOSE: Final = "\n</conversation_summary>"


class Remembered(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """What a memory lets a run send of its history; the history itself stays whole.

    Attributes:
        policy: The memory's name.
        dropped: How many messages are left out, counted from behind the system messages at the very start.
        summary: What is told in their place, as one user message; empty for nothing.
        recalled: Exchanges that were left out and fit the prompt: they go with it, behind the history.
        warning: Why it is not what was planned; empty where it is.
    """

    policy: str
    dropped: int = 0
    summary: str = ""
    recalled: tuple[Document, ...] = ()
    warning: str = ""

    def view(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """The history as it is sent."""
        if not self.dropped and not self.summary:
            return tuple(history)
        first = leading(history)
        told = (summary_message(self.summary),) if self.summary else ()
        return (*history[:first], *told, *history[first + self.dropped :])

    @property
    def line(self) -> str:
        """What a reader is told of it; empty where everything is sent as it is."""
        said = []
        if self.dropped:
            messages = "message" if self.dropped == 1 else "messages"
            said.append(f"{self.dropped} earlier {messages} left out")
        if self.summary:
            said.append("a summary stands for them")
        if self.recalled:
            said.append(f"{len(self.recalled)} of their exchanges recalled")
        if self.warning:
            said.append(self.warning)
        return f"{self.policy}: {', '.join(said)}" if said else ""


def summary_message(summary: str) -> UserMessage:
    """A summary as the message that stands for what it sums up."""
    return UserMessage((Text(f"{_OPEN}{summary}{_CLOSE}"),))


def is_summary(message: Message) -> bool:
    """Whether a message is one that `summary_message` made."""
    return (
        isinstance(message, UserMessage) and message.text.startswith(_OPEN) and message.text.endswith(_CLOSE)
    )


def leading(history: Sequence[Message]) -> int:
    """How many system messages a history begins with: instructions, which no memory forgets."""
    return next(
        (place for place, message in enumerate(history) if not isinstance(message, SystemMessage)),
        len(history),
    )


def exchange_starts(history: Sequence[Message]) -> tuple[int, ...]:
    """Where the exchanges of a valid history begin: at each message of the user's that answers no tool call.

    What stands before the first (a greeting, an earlier summary) goes with the first. A cut at any of these places parts no
    call from its result.
    """
    return tuple(
        place
        for place, message in enumerate(history)
        if isinstance(message, UserMessage) and not message.tool_results and not is_summary(message)
    )
