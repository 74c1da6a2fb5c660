"""All tools that calls of an agent may reach: its own, those that may be found for a prompt, those of agents among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agentlab.tools import Tool

if TYPE_CHECKING:
    from agentlab.agent.settings import AgentSettings

__all__ = ["all_tools"]


def all_tools(settings: AgentSettings, *, deeper: int = 8) -> Iterator[Tool]:
    """The tools, each agent's before those of the agents among them.

    Args:
        settings: The agent.
        deeper: How many agents inside one another are followed.
    """
    own = [*settings.tools, *(tool for entry in settings.dynamic_tools for tool in entry.toolset)]
    yield from own
    for tool in own:
        inner: Any = getattr(getattr(tool, "agent", None), "settings", None)
        if inner is not None and deeper:
            yield from all_tools(inner, deeper=deeper - 1)
