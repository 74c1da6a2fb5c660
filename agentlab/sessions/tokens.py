"""How large an entry is in the history, estimated once, when it is written."""

from __future__ import annotations

from agentlab.caching.blocks.splitting import blocks_of
from agentlab.messages import Message, Request, UserMessage
from agentlab.sessions.entries import AssistantSaid, Entry, ToolAnswered, Unknown, UserSaid

__all__ = ["tokens_of"]


def tokens_of(entry: Entry | Unknown) -> int:
    """Estimated tokens of what an entry adds to the history, apart from any wire; 0 where it adds nothing.

    For the estimate see `agentlab.caching.estimate_tokens`.
    """
    match entry:
        case UserSaid() | AssistantSaid():
            return _estimated(entry.message)
        case ToolAnswered():
            return _estimated(UserMessage((entry.result,)))
        case _:
            return 0


def _estimated(message: Message) -> int:
    return sum(block.tokens for block in blocks_of(Request(model="", messages=(message,))))
