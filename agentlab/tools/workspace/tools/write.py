"""The tool `write`: a whole file."""

from __future__ import annotations

from typing import Any

from agentlab.errors import WorkspaceError
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.guarding import Guard, writable
from agentlab.tools.workspace.tools.text_file import as_bytes, short_hash
from agentlab.tools.workspace.tools.text_lines import count_lines
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["put", "write_tool"]


def write_tool(workspace: Workspace, guard: Guard | None) -> FunctionTool:
    """The tool that creates and replaces files."""

    @tool(effect="write", returns="trusted", confined=True)
    def write(path: str, content: str) -> dict[str, Any]:
        """Create a file, or replace all of it; missing folders are made. To change a part, use `edit`.

        Args:
            path: The file.
            content: Everything that shall be in it, line ends as they shall be.
        """
        return put(workspace, writable(path, guard), content)

    return write


def put(workspace: Workspace, path: str, content: str) -> dict[str, Any]:
    """Write a file and say what is there now.

    Raises:
        ToolError: The content has no UTF-8 form, or the workspace refuses.
    """
    data = as_bytes(content, "content")
    is_new = not _exists(workspace, path)
    info = workspace.write(path, data)
    return {
        "path": path,
        "created" if is_new else "replaced": True,
        "bytes": len(data),
        "lines": count_lines(data),
        "hash": short_hash(info.digest),
    }


def _exists(workspace: Workspace, path: str) -> bool:
    try:
        workspace.info(path)
    except WorkspaceError:
        return False
    return True
