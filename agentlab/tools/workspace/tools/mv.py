"""The tool `mv`: a file or folder under another path."""

from __future__ import annotations

from typing import Any

from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.entries import canonical
from agentlab.tools.workspace.tools.guarding import Guard, writable
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["mv_tool"]


def mv_tool(workspace: Workspace, guard: Guard | None) -> FunctionTool:
    """The tool that moves and renames."""

    @tool(effect="write", returns="trusted", confined=True)
    def mv(source: str, destination: str) -> dict[str, Any]:
        """Move or rename a file or folder. Nothing is ever replaced; missing folders are made.

        Args:
            source: What to move.
            destination: Its new path; with "/" at the end, the folder it goes into under its own name.
        """
        old = writable(source, guard)
        into = canonical(destination)
        if destination.endswith("/"):
            name = old.rpartition("/")[2]
            into = f"{into}/{name}" if into else name
        moved = workspace.move(old, writable(into, guard))
        return {"moved": old, "to": moved.path}

    return mv
