"""Which agents a batch can serve: those that ask a model once."""

from __future__ import annotations

from agentlab.agent.agent import Agent
from agentlab.errors import UnsupportedCapability
from agentlab.experiments.batch.vendors import batch_vendor

__all__ = ["check_single_turn"]


def check_single_turn(agent: Agent) -> None:
    """Refuse an agent whose run may need a second model call: its answer would be a day away.

    Args:
        agent: The agent of an arm.

    Raises:
        UnsupportedCapability: It has tools and may make more than one model call, or its vendor has no batch interface.
    """
    batch_vendor(agent.model)
    settings = agent.settings
    if settings.max_turns == 1:
        return
    names = [*settings.tool_names, *([settings.output_tool.name] if settings.output_tool else [])]
    if names:
        raise UnsupportedCapability(
            f"`Batch()` asks a model once, and the agent {agent.name!r} has tools ({', '.join(names)}) and may make "
            f"{settings.max_turns} model calls; set `max_turns=1`, take the tools away, or leave the executor out"
        )
