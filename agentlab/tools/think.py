"""A tool that does nothing: a place for a model to think between two calls of other tools.

Source: https://www.anthropic.com/engineering/claude-think-tool
"""

from __future__ import annotations

from agentlab.tools.tool import tool

__all__ = ["think"]


@tool(effect="read", returns="trusted")
def think(thought: str) -> str:
    """Think about what you know so far and what to do next.

    It finds nothing out and changes nothing: the thought is only written down. Use it where several tool results have to be
    weighed, or rules have to be checked before you act.

    Args:
        thought: What you think.
    """
    return thought
