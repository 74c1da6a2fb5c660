"""The tool `read_multiple_files`: the beginnings of several files at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentlab.errors import WorkspaceError
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.limits import MOST_CHARACTERS
from agentlab.tools.workspace.tools.read import Limit, section
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["Paths", "read_multiple_files_tool"]

Paths = Annotated[list[str], Field(min_length=1, max_length=50)]


def read_multiple_files_tool(workspace: Workspace) -> FunctionTool:
    """The tool that reads several files."""

    @tool(effect="read", returns="untrusted")
    def read_multiple_files(paths: Paths, limit: Limit = 200) -> str:
        """Read several text files, each from its start.

        For each file a line `== path: ...` says whether it could be read, how many lines follow and what is left out
        (`read` shows that); then come its lines. One that fails does not stop the others.

        Args:
            paths: The files, at most 50.
            limit: Lines of each file at most.
        """
        share = MOST_CHARACTERS // len(paths)
        return "\n".join(_of_one(workspace, path, limit, share) for path in paths)

    return read_multiple_files


def _of_one(workspace: Workspace, path: str, limit: int, share: int) -> str:
    try:
        return "== " + section(workspace, path, limit=limit, most_characters=share)
    except WorkspaceError as error:
        return f"== {path!a}: failed: {error}"
