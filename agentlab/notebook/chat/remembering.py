"""From whom a chat is made with to where its conversations are: in memory, in a store of the user's, or in sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agentlab.agent import Agent
from agentlab.chat import Chat
from agentlab.errors import UsageError
from agentlab.notebook.chat.answerer import AgentAnswerer, Answerer
from agentlab.notebook.chat.assistant_sessions import AssistantSessions
from agentlab.notebook.chat.conversation import Conversation
from agentlab.notebook.chat.sessions import InMemorySessions, Sessions

__all__ = ["Remembering", "remembering"]


@dataclass(frozen=True)
class Remembering:
    """Where conversations are, and who answers in them.

    Attributes:
        sessions: The store.
        answerer: Gives who answers in a conversation of it.
        conversation: The one to begin with.
    """

    sessions: Sessions
    answerer: Callable[[Conversation], Answerer]
    conversation: Conversation


def remembering(
    agent: Agent | Chat, sessions: Sessions | None, conversation: Conversation | None
) -> Remembering:
    """Check what a chat is made with; arguments and errors as in `agentlab.notebook.Chat`."""
    if isinstance(agent, Chat):
        if sessions is not None or conversation is not None:
            raise UsageError(
                "an assistant remembers in its sessions: open another one with `agentlab.Chat(session=...)` or `chat.open`"
            )
        kept = AssistantSessions(agent)
        return Remembering(kept, kept.answerer, kept.open(agent.session.id))
    if not isinstance(agent, Agent):
        raise UsageError(
            f'a chat needs an agent, and {agent!r} is none; make one with `Agent("vendor:model")`'
        )
    if sessions is not None and not isinstance(sessions, Sessions):
        raise UsageError(f"`sessions` needs the methods of `Sessions`, and {sessions!r} lacks one")
    if conversation is not None and not isinstance(conversation, Conversation):
        raise UsageError(
            f"`conversation` is a `Conversation`, not {conversation!r}; a saved one is read with `from_json`"
        )
    store: Sessions = InMemorySessions() if sessions is None else sessions
    answerer = AgentAnswerer(agent)
    return Remembering(store, lambda _: answerer, store.new() if conversation is None else conversation)
