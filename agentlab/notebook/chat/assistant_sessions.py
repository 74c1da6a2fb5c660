"""The sessions of an assistant's store as conversations: listed, opened, begun. A session keeps itself."""

from __future__ import annotations

from collections.abc import Sequence

from agentlab.chat import Chat
from agentlab.notebook.chat.assistant_answerer import AssistantAnswerer
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.sessions import SessionEntry

__all__ = ["AssistantSessions"]

UNREADABLE = "cannot be read"


class AssistantSessions:
    """See `Sessions`. A session that was opened here is closed again when nobody looks at it and nothing goes on in it.

    Args:
        chat: The assistant; the sessions are those of the folder its own is in.
    """

    def __init__(self, chat: Chat) -> None:
        self._first = chat
        self._open: dict[str, AssistantAnswerer] = {}
        self._take(chat)

    def answerer(self, conversation: Conversation) -> AssistantAnswerer:
        """Who answers in a conversation of these."""
        return self._open[conversation.id]

    def list(self) -> Sequence[SessionEntry]:
        """See `Sessions.list`."""
        return [
            SessionEntry(
                info.id, f"{info.title or info.id} ({UNREADABLE})" if info.problem else info.title or info.id
            )
            for info in self._first.store.list()
        ]

    def new(self) -> Conversation:
        """See `Sessions.new`; the session is there from now on. One that was begun here and has nothing yet is given again."""
        empty = (each for each in self._open.values() if each.chat is not self._first)
        for each in empty:
            if not each.conversation.exchanges and each.conversation.line.current is None:
                return each.conversation
        return self._take(self._first.with_session(None))

    def open(self, session_id: str) -> Conversation:
        """See `Sessions.open`.

        Raises:
            SessionLocked: Another process writes to it.
            SessionError: It is not there, or cannot be opened.
        """
        if session_id in self._open:
            return self._open[session_id].conversation
        return self._take(self._first.with_session(session_id))

    def save(self, conversation: Conversation) -> None:
        """The session has everything; see `Sessions.save`."""

    def leave(self, conversation: Conversation) -> None:
        """Nobody looks at a conversation any more: let others write to its session, if nothing goes on in it."""
        left = self._open.get(conversation.id)
        if left is None or left.chat is self._first:
            return
        with conversation.lock:
            is_busy = (
                conversation.line.current is not None or conversation.line.waiting or left.chat.is_running
            )
            if not is_busy:
                del self._open[conversation.id]
        if not is_busy:
            left.chat.close()

    def _take(self, chat: Chat) -> Conversation:
        try:
            answerer = AssistantAnswerer(chat)
        except BaseException:
            if chat is not self._first:
                chat.close()
            raise
        self._open[chat.session.id] = answerer
        return answerer.conversation

    def __repr__(self) -> str:
        return f"AssistantSessions({str(self._first.store.folder)!r}, {len(self._open)} open)"
