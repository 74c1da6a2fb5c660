"""Where conversations are kept: what the session picker lists, opens and saves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from agentlab.errors import UsageError
from agentlab.notebook.chat.conversation import Conversation

__all__ = ["InMemorySessions", "SessionEntry", "Sessions"]


class SessionEntry(NamedTuple):
    """A line of the session picker.

    Attributes:
        id: The conversation's.
        title: The conversation's.
    """

    id: str
    title: str


@runtime_checkable
class Sessions(Protocol):
    """A store of conversations. Called from any thread, and never waited for in a hurry: once an answer, not once a token.

    While a conversation is open somewhere, `open` gives that object and no copy, so that all views of it stay equal.
    """

    def list(self) -> Sequence[SessionEntry]:
        """The conversations there are, the one saved last first."""

    def new(self) -> Conversation:
        """An empty conversation; listed once it is saved."""

    def open(self, session_id: str) -> Conversation:
        """The conversation of an id.

        Raises:
            UsageError: There is none.
        """

    def save(self, conversation: Conversation) -> None:
        """Keep a conversation as it is now."""


class InMemorySessions:
    """Conversations kept for as long as this process runs."""

    def __init__(self) -> None:
        self._conversations: dict[str, Conversation] = {}

    def list(self) -> Sequence[SessionEntry]:
        """See `Sessions.list`."""
        kept = reversed(list(self._conversations.values()))
        return [SessionEntry(one.id, one.title) for one in kept]

    def new(self) -> Conversation:
        """See `Sessions.new`."""
        return Conversation()

    def open(self, session_id: str) -> Conversation:
        """See `Sessions.open`."""
        if session_id not in self._conversations:
            raise UsageError(
                f"there is no session {session_id!r}; there are {len(self._conversations)}, see `list()`"
            )
        return self._conversations[session_id]

    def save(self, conversation: Conversation) -> None:
        """See `Sessions.save`."""
        self._conversations.pop(conversation.id, None)
        self._conversations[conversation.id] = conversation

    def __repr__(self) -> str:
        return f"InMemorySessions({len(self._conversations)} conversations)"
