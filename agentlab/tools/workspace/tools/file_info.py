"""The tool `file_info`: what a file is, without its content."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.text_file import Binary, opened, short_hash
from agentlab.tools.workspace.workspace import FileInfo, Workspace

__all__ = ["file_info_tool"]


def file_info_tool(workspace: Workspace) -> FunctionTool:
    """The tool that describes."""

    @tool(effect="read", returns="untrusted")
    def file_info(path: str) -> dict[str, Any]:
        """Tell what is at a path: kind, size, time of the last change, and of a text file its lines and hash.

        Args:
            path: A file or folder.
        """
        info = workspace.info(path)
        answer = {"path": info.path or "/", "kind": info.kind, "modified": _time(info.modified_at)}
        if info.kind == "folder":
            return answer | _of_folder(workspace, info)
        return answer | _of_file(workspace, info) if info.kind == "file" else answer

    return file_info


def _of_folder(workspace: Workspace, info: FileInfo) -> dict[str, Any]:
    listing = workspace.children(info.path, 1)
    count = len(listing.entries) + listing.left
    return {"entries": count if listing.is_complete else f"more than {count}"}


def _of_file(workspace: Workspace, info: FileInfo) -> dict[str, Any]:
    file = opened(workspace, info.path)
    if isinstance(file, Binary):
        return {"bytes": file.size, "hash": short_hash(file.digest), "binary": file.what}
    known: dict[str, Any] = {"bytes": file.size, "hash": short_hash(file.digest), "lines": file.total_lines}
    return known | ({"remarks": file.remarks} if file.remarks else {})


def _time(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s since 1970"
