"""The tool `mkdir`: a folder."""

from __future__ import annotations

from typing import Any

from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.guarding import Guard, writable
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["mkdir_tool"]


def mkdir_tool(workspace: Workspace, guard: Guard | None) -> FunctionTool:
    """The tool that makes folders."""

    @tool(effect="write", returns="trusted", confined=True)
    def mkdir(path: str) -> dict[str, Any]:
        """Make a folder, with those above it. One that is there already is fine.

        Args:
            path: The folder.
        """
        return {"folder": f"{workspace.make_folder(writable(path, guard)).path}/"}

    return mkdir
