"""The tool `touch`: a new time, or an empty file."""

from __future__ import annotations

from typing import Any

from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.guarding import Guard, writable
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["touch_tool"]


def touch_tool(workspace: Workspace, guard: Guard | None) -> FunctionTool:
    """The tool that sets times and makes empty files."""

    @tool(effect="write", returns="trusted", confined=True)
    def touch(path: str) -> dict[str, Any]:
        """Set a file's time to now; where nothing is, make an empty file (and missing folders).

        Args:
            path: The file.
        """
        info = workspace.touch(writable(path, guard))
        return {"path": info.path, "kind": info.kind, "bytes": info.size}

    return touch
