"""The model calls of a conversation as a DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentlab.agent.frames import turns_frame
from agentlab.notebook.chat.conversation import Conversation

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["conversation_frame"]


def conversation_frame(conversation: Conversation) -> pd.DataFrame:
    """One row a model call, of all branches in the order they were begun.

    Before the columns of `turns_frame` stand `exchange` (which prompt it answered), `is_shown` (whether that is on the
    branch shown) and `turn`.
    """
    with conversation.lock:
        exchanges = [one for one in conversation.exchanges if one.records]
        shown = {one.id for one in conversation.path}
    frame = turns_frame([record for one in exchanges for record in one.records]).reset_index()
    owners = [one.id for one in exchanges for _ in one.records]
    frame.insert(0, "exchange", owners)
    frame.insert(1, "is_shown", [owner in shown for owner in owners])
    return frame
