"""The tool `edit`: a part of a file, replaced or inserted, unless the file is no longer what was read."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agentlab.errors import LostUpdate, ToolError
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.editing import Edited, inserted, replaced
from agentlab.tools.workspace.tools.guarding import Guard, writable
from agentlab.tools.workspace.tools.limits import MOST_EDITED
from agentlab.tools.workspace.tools.text_file import Binary, TextFile, as_bytes, opened, short_hash
from agentlab.tools.workspace.tools.text_lines import count_lines
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["edit_tool"]

_Line = Annotated[int, Field(ge=0)]
_Hash = Annotated[str, Field(pattern="^[0-9a-fA-F]{12,64}$")]


def edit_tool(workspace: Workspace, guard: Guard | None) -> FunctionTool:
    """The tool that changes a part of a file."""

    @tool(effect="write", returns="trusted", confined=True)
    def edit(
        path: str,
        *,
        old_string: str | None = None,
        new_string: str | None = None,
        replace_all: bool = False,
        insert_line: _Line | None = None,
        insert_content: str | None = None,
        last_read_hash: _Hash | None = None,
    ) -> dict[str, Any]:
        r"""Change a part of a text file: give `old_string` and `new_string`, or `insert_line` and `insert_content`.

        The file's own line ends are kept; write "\n" for all of them. The answer has the new hash.

        Args:
            path: The file.
            old_string: Exact text to replace, spaces and line ends included; it must occur once, or set replace_all.
            new_string: What stands there instead; "" deletes.
            replace_all: Whether every occurrence is replaced.
            insert_line: Number of the line after which insert_content goes; 0 for the start of the file.
            insert_content: Whole lines to insert.
            last_read_hash: Hash from the last `read`; if the file has changed since, nothing is written.
        """
        plain = writable(path, guard)
        change = _one_change(old_string, new_string, insert_line, insert_content)
        file = _readable(workspace, plain)
        _check_unchanged(plain, file.digest, last_read_hash)
        text = file.data.decode()
        if isinstance(change, tuple):
            edited = replaced(plain, text, change[0], change[1], replace_all=replace_all)
        else:
            edited = inserted(plain, text, insert_line or 0, change)
        return _kept(workspace, plain, file, edited)

    return edit


def _one_change(
    old: str | None, new: str | None, line: int | None, content: str | None
) -> tuple[str, str] | str:
    """The old and the new text, or the text to insert."""
    replaces, inserts = old is not None or new is not None, line is not None or content is not None
    if replaces and not inserts and old is not None and new is not None:
        return old, new
    if inserts and not replaces and line is not None and content is not None:
        return content
    raise ToolError("give either old_string and new_string, or insert_line and insert_content, both of them")


def _readable(workspace: Workspace, path: str) -> TextFile:
    file = opened(workspace, path)
    if isinstance(file, Binary):
        raise ToolError(f"`{path}` cannot be edited: {file.description}")
    if file.size > MOST_EDITED:
        raise ToolError(f"`{path}` has {file.size} bytes; a file of more than {MOST_EDITED} cannot be edited")
    return file


def _check_unchanged(path: str, digest: str | None, last_read_hash: str | None) -> None:
    if last_read_hash is not None and not str(digest).startswith(last_read_hash.lower()):
        raise LostUpdate(
            f"`{path}` is not what was read: its hash is now {short_hash(digest)}, not {last_read_hash}; nothing was "
            "written. Read it again, then edit"
        )


def _kept(workspace: Workspace, path: str, file: TextFile, edited: Edited) -> dict[str, Any]:
    data = as_bytes("\ufeff" * file.has_bom + edited.text, "the edited file")
    info = workspace.write(path, data, expected=file.digest)
    return {
        "path": path,
        "changes": edited.changes,
        "first_line": edited.first_line,
        "lines": count_lines(data),
        "hash": short_hash(info.digest),
    }
