"""The tools of the dataset `lookup_tools`, and the table they look things up in."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, Literal

import msgspec

from agentlab.errors import ToolError
from agentlab.experiments.datasets.arithmetic import subtract
from agentlab.experiments.datasets.built_in import folder_of
from agentlab.tools import Tool, tool

__all__ = ["TOOLS", "list_towns", "look_up_town", "towns"]

Fact = Literal["population", "founded", "elevation", "river", "mayor"]


@cache
def towns() -> dict[str, dict[str, Any]]:
    """The table: what is known of each town, by its name in lower case."""
    lines = (folder_of("lookup_tools") / "towns.jsonl").read_bytes().splitlines()
    return {row["town"].lower(): row for row in map(msgspec.json.decode, lines)}


@tool
def look_up_town(town: str, fact: Fact) -> str:
    """Look up one fact about a town.

    Args:
        town: Name of the town.
        fact: The population, the year it was founded, the elevation in metres, the river it lies on, or the mayor.
    """
    row = towns().get(town.strip().lower())
    if row is None:
        raise ToolError(f"there is no town called {town!r}; `list_towns` names those there are")
    return str(row[fact])


@tool
def list_towns() -> str:
    """List the names of all towns in the table."""
    return ", ".join(row["town"] for row in towns().values())


TOOLS: Final[tuple[Tool, ...]] = (look_up_town, list_towns, subtract)
