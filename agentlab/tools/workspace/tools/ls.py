"""The tool `ls`: what is in a folder."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agentlab.http import Clock
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.entries import BoundedWalk, canonical, kept, relative_to, written
from agentlab.tools.workspace.tools.limits import MOST_ENTRIES, Deadline
from agentlab.tools.workspace.workspace import FileInfo, Workspace

__all__ = ["EntryLimit", "ls_tool"]

EntryLimit = Annotated[int, Field(ge=0)]


def ls_tool(workspace: Workspace, clock: Clock) -> FunctionTool:
    """The tool that lists a folder."""

    @tool(effect="read", returns="untrusted")
    def ls(path: str = "/", recursive: bool = False, limit: EntryLimit = 50) -> dict[str, Any]:
        """List a folder: folders (with a "/" at the end) first, then files.

        Args:
            path: The folder.
            recursive: Whether to list what is in its folders too, as paths.
            limit: Entries to return at most; 0 for all (up to 2000).
        """
        most = kept(limit, MOST_ENTRIES)
        if recursive:
            return _tree(BoundedWalk(workspace, path, Deadline(clock)), most)
        listing = workspace.children(path, most)
        answer = _answer(canonical(path), listing.entries)
        if listing.left or not listing.is_complete:
            least = "" if listing.is_complete else "at least "
            answer["more"] = f"{least}{listing.left} more entries; {_advice(most)}"
        return answer

    return ls


def _tree(walk: BoundedWalk, most: int) -> dict[str, Any]:
    found: list[FileInfo] = []
    left = 0
    for info in walk:
        if len(found) < most:
            found.append(info)
        else:
            left += 1
    found.sort(key=lambda info: info.kind != "folder")
    answer = _answer(walk.base, found)
    if left:
        answer["more"] = f"{left} more entries; {_advice(most)}"
    if walk.not_searched:
        answer["not_searched"] = walk.not_searched
    return answer


def _answer(base: str, found: list[FileInfo] | tuple[FileInfo, ...]) -> dict[str, Any]:
    return {"path": f"/{base}", "entries": [written(info, relative_to(base, info.path)) for info in found]}


def _advice(most: int) -> str:
    if most < MOST_ENTRIES:
        return "a larger limit shows them, limit=0 all"
    return "list a folder in it, or use glob or find"
