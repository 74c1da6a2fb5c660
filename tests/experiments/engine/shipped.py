"""What tests send to workers by its import path; light, because every worker imports it."""

from __future__ import annotations

from agentlab.agent.hooks import Hook, HookContext
from agentlab.messages import TurnFinished
from agentlab.tools import tool

__all__ = ["Seeing", "add_one", "doubled"]


@tool
def add_one(number: int) -> int:
    """Add one to a number."""
    return number + 1


def doubled(number: int) -> int:
    """Double a number."""
    return 2 * number


class Seeing(Hook):
    """Looks on."""

    def on_completion_response(self, context: HookContext, turn: TurnFinished) -> None:
        """Keep what was said."""
        context.scratchpad.insert(turn.message)
