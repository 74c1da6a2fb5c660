"""The tool `read`: a window of a file's lines."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentlab.errors import ToolError
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.limits import MOST_BYTES, MOST_CHARACTERS
from agentlab.tools.workspace.tools.text_file import Binary, opened
from agentlab.tools.workspace.tools.window import window_of
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["Column", "Limit", "read_tool", "section"]

Limit = Annotated[int, Field(ge=1, le=5000)]
Column = Annotated[int, Field(ge=0)]


def read_tool(workspace: Workspace) -> FunctionTool:
    """The tool that reads one file."""

    @tool(effect="read", returns="untrusted")
    def read(path: str, offset: int = 0, limit: Limit = 500, column: Column = 0) -> str:
        """Read a text file.

        The first line of the answer says which lines follow, the file's hash (`edit` takes it) and what is left out; then
        come the lines as they are. Other files are described.

        Args:
            path: The file.
            offset: Lines to skip; negative counts from the end (-20: the last 20 lines).
            limit: Lines to return at most.
            column: Characters to skip in each line, to see more of very long ones.
        """
        return section(
            workspace, path, offset=offset, limit=limit, column=column, most_characters=MOST_CHARACTERS
        )

    return read


def section(
    workspace: Workspace, path: str, *, limit: int, most_characters: int, offset: int = 0, column: int = 0
) -> str:
    """A file's header and lines, or its description.

    Raises:
        ToolError: It is not there, no regular file, or its end is asked for and it is too large.
    """
    file = opened(workspace, path)
    if isinstance(file, Binary):
        return f"{path}: {file.description}"
    if offset < 0 and file.digest is None:
        raise ToolError(
            f"`{path}` has {file.size} bytes, of which the first {MOST_BYTES} can be read: its end cannot be; use an "
            "offset of 0 or more"
        )
    window = window_of(file, offset, limit, column, most_characters)
    return "\n".join((window.header(path, file, column), *window.lines))
