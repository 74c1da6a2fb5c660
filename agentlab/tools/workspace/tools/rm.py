"""The tool `rm`: a file or folder, removed so that it can be put back."""

from __future__ import annotations

from typing import Any

from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.guarding import Guard, writable
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["rm_tool"]


def rm_tool(workspace: Workspace, guard: Guard | None) -> FunctionTool:
    """The tool that removes."""

    @tool(effect="write", returns="trusted", confined=True)
    def rm(path: str) -> dict[str, Any]:
        """Remove a file, or a folder with everything in it. It is kept in the trash: the user can put it back by its id.

        Args:
            path: What to remove.
        """
        removed = workspace.remove(writable(path, guard))
        return {"removed": removed.path, "restore_id": removed.id}

    return rm
