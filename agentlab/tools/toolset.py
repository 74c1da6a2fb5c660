"""An ordered set of tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agentlab.errors import UsageError
from agentlab.messages import ToolDefinition
from agentlab.rich_display import html_of
from agentlab.short_repr import one_line
from agentlab.tools.tool import FunctionTool, Tool

__all__ = ["Toolset"]


class Toolset:
    """Tools by name, in the order they were added.

    The order is stable because the tools stand first in the cached prefix. A tool added under a name that is taken
    replaces the old one in its place.

    Args:
        tools: Tools, or plain functions to be made tools.
    """

    def __init__(self, tools: Iterable[Tool | Callable[..., Any]] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        for each in tools:
            made = _as_tool(each)
            self._tools[made.definition.name] = made

    @property
    def definitions(self) -> tuple[ToolDefinition, ...]:
        """The tools as the model sees them."""
        return tuple(each.definition for each in self._tools.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names."""
        return tuple(self._tools)

    def get(self, name: str) -> Tool | None:
        """The tool of a name, or None."""
        return self._tools.get(name)

    def with_tools(self, *tools: Tool | Callable[..., Any]) -> Toolset:
        """A new set with more tools at the end."""
        return Toolset((*self._tools.values(), *tools))

    def without(self, *names: str) -> Toolset:
        """A new set that lacks some tools.

        Raises:
            UsageError: A name is not in the set.
        """
        unknown = [name for name in names if name not in self._tools]
        if unknown:
            raise UsageError(
                f"no such tool: {', '.join(unknown)}; there are {', '.join(self._tools) or 'none'}"
            )
        return Toolset(each for name, each in self._tools.items() if name not in names)

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def _repr_html_(self) -> str:
        return html_of(self)

    def __repr__(self) -> str:
        return one_line(f"Toolset({', '.join(self._tools)})")


def _as_tool(candidate: Tool | Callable[..., Any]) -> Tool:
    if isinstance(candidate, Tool):
        return candidate
    if callable(candidate):
        return FunctionTool(candidate)
    raise UsageError(f"{candidate!r} is no tool; pass a function, or an object with `definition` and `call`")
