"""What a server offers, what of it may be called, and why the rest may not. Decides, and does no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from agentlab.errors import ToolError, UsageError
from agentlab.tools.mcp.naming import offered_names
from agentlab.tools.mcp.pinning import ListedTool, difference, pin_of, read_pins

__all__ = ["Catalog"]

_LARGEST_SCHEMA: Final = 100_000


class Catalog:
    """The tools of one server, as listed last and as pinned first.

    Args:
        server: Name of the server, for messages.
        pins: Pins of earlier sessions, by tool.
        prefix: Put before the names that a model sees.
    """

    def __init__(self, server: str, pins: Mapping[str, str] | None = None, prefix: str = "") -> None:
        self._server = server
        self._prefix = prefix
        self._pins = read_pins(pins or {})
        self._pinned: dict[str, ListedTool] = {}
        self._listed: dict[str, ListedTool] = {}
        self._changed: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._tickets = 0
        self._applied = 0
        self._changes = 0
        self._heeded = -1

    # ------------------------------------------------------------- listings

    @property
    def stale(self) -> bool:
        """Whether the server may have changed its tools since they were listed."""
        return self._heeded != self._changes

    def announce_change(self) -> None:
        """Note that the server says its tools changed."""
        self._changes += 1

    def begin(self) -> tuple[int, int]:
        """A ticket for a listing that is about to be asked for."""
        self._tickets += 1
        return self._tickets, self._changes

    def apply(self, ticket: tuple[int, int], tools: Iterable[ListedTool]) -> bool:
        """Take over a listing; of two tools with one name the later counts.

        Args:
            ticket: What `begin` gave before it was asked for. A listing older than the one in force is dropped, and one that
                a change has overtaken leaves the catalog stale.
            tools: The tools.

        Returns:
            Whether the listing is in force now.
        """
        number, changes = ticket
        if number < self._applied:
            return False
        self._applied = number
        self._heeded = changes
        listed = {tool.name: tool for tool in tools}
        new = [name for name in listed if name not in self._names]
        self._names.update(offered_names(new, self._prefix, self._names.values()))
        changed: dict[str, str] = {}
        for name, tool in listed.items():
            if name in self._pins:
                told = difference(self._pinned.get(name), self._pins[name], tool)
                if told:
                    changed[name] = told
                    continue
            self._pins[name] = pin_of(tool)
            self._pinned[name] = tool
        # Last, and what forbids first: other threads read these.
        self._changed = changed
        self._listed = listed
        return True

    # ------------------------------------------------------------ questions

    @property
    def pins(self) -> dict[str, str]:
        """The pins of all tools seen, to be saved."""
        return dict(sorted(self._pins.items()))

    @property
    def changed(self) -> dict[str, str]:
        """The disabled tools, each with what changed."""
        return dict(self._changed)

    @property
    def offered(self) -> dict[str, ListedTool]:
        """The tools that may be called, in the server's order, by the names a model sees; a name, once given, is kept."""
        return {
            self._names[name]: tool
            for name, tool in self._listed.items()
            if name not in self._changed and not self.unfit(tool)
        }

    def definition(self, name: str) -> ListedTool | None:
        """The pinned definition of a tool, also where it is no longer offered; None where it was never seen."""
        return self._pinned.get(name)

    def check(self, name: str) -> ListedTool:
        """The definition by which a tool may be called now; refuses a call that may not be sent.

        Raises:
            ToolError: The tool is not offered any more, or its definition changed; the text says which and what to do.
        """
        if name in self._changed:
            raise ToolError(
                f"the tool `{name}` of the MCP server `{self._server}` is disabled: its definition changed since it was "
                f"first seen ({self._changed[name]}); a person must accept the new one with `accept({name!r})`"
            )
        if name not in self._listed:
            raise ToolError(f"the MCP server `{self._server}` no longer offers the tool `{name}`")
        return self._listed[name]

    def accept(self, name: str) -> ListedTool:
        """Pin the definition that a tool has now.

        Raises:
            UsageError: The server lists no such tool.
        """
        tool = self._listed.get(name)
        if tool is None:
            known = ", ".join(self._listed) or "none"
            raise UsageError(f"the MCP server `{self._server}` lists no tool `{name}`; it lists {known}")
        self._pins[name] = pin_of(tool)
        self._pinned[name] = tool
        self._changed.pop(name, None)
        return tool

    def unfit(self, tool: ListedTool) -> str:
        """Why a tool can be shown to no model; empty where it can."""
        if tool.input_schema.get("type", "object") != "object":
            return "its schema is not one of an object"
        if len(str(tool.input_schema)) > _LARGEST_SCHEMA:
            return f"its schema has more than {_LARGEST_SCHEMA:,} characters"
        return ""

    @property
    def left_out(self) -> dict[str, str]:
        """Listed tools that can be shown to no model, each with the reason."""
        return {name: why for name, tool in self._listed.items() if (why := self.unfit(tool))}
