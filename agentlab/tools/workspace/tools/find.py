"""The tool `find`: files and folders by name, kind and size."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from agentlab.errors import ToolError
from agentlab.http import Clock
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.entries import BoundedWalk, canonical, kept, relative_to, written
from agentlab.tools.workspace.tools.globbing import Glob
from agentlab.tools.workspace.tools.limits import MOST_ENTRIES, Deadline
from agentlab.tools.workspace.tools.ls import EntryLimit
from agentlab.tools.workspace.workspace import FileInfo, Listing, Workspace

__all__ = ["find_tool"]

_MOST_CHILDREN = 20_000

_Size = Annotated[int, Field(ge=0)]


def find_tool(workspace: Workspace, clock: Clock) -> FunctionTool:
    """The tool that finds entries by what is known of them without reading them."""

    @tool(effect="read", returns="untrusted")
    def find(
        name: str | None = None,
        path: str = "/",
        *,
        type: Literal["file", "folder", "link"] | None = None,  # noqa: A002 - the word a model knows from `find`
        min_size: _Size | None = None,
        max_size: _Size | None = None,
        recursive: bool = True,
        limit: EntryLimit = 200,
    ) -> dict[str, Any]:
        """Find files and folders by name, type and size. Files come as [path, bytes], folders as "path/".

        Args:
            name: Glob for the last name of the path ("*.py", "{README,LICENSE}*"); all names if left out.
            path: The folder to look in.
            type: Only these; all if left out.
            min_size: Bytes of a file at least.
            max_size: Bytes of a file at most.
            recursive: Whether to look in the folders below too.
            limit: Entries to return at most; 0 for all (up to 2000).
        """
        names = None if name is None else Glob.of(name)
        if names is not None and not names.is_name:
            raise ToolError(
                '`name` is for the last name of a path and holds no "/"; use `path`, or the tool glob'
            )
        has_size = min_size is not None or max_size is not None

        def fits(info: FileInfo) -> bool:
            return (
                (names is None or names.matches(info.name))
                and (type is None or info.kind == type)
                and (not has_size or info.kind == "file")
                and (min_size is None or info.size >= min_size)
                and (max_size is None or info.size <= max_size)
            )

        if recursive:
            walk = BoundedWalk(workspace, path, Deadline(clock))
            found = [info for info in walk if fits(info)]
            not_searched = walk.not_searched
        else:
            listing = workspace.children(path, _MOST_CHILDREN)
            found = [info for info in listing.entries if fits(info)]
            not_searched = _of_listing(listing)
        return _answer(canonical(path), found, kept(limit, MOST_ENTRIES), not_searched)

    return find


def _answer(base: str, found: list[FileInfo], most: int, not_searched: list[str]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "path": f"/{base}",
        "found": [written(info, relative_to(base, info.path), with_size=True) for info in found[:most]],
    }
    if len(found) > most:
        left = len(found) - most
        answer["more"] = f"{left} more; narrow name, type or path, or raise the limit (up to {MOST_ENTRIES})"
    if not_searched:
        answer["not_searched"] = not_searched
    return answer


def _of_listing(listing: Listing) -> list[str]:
    if not listing.left and listing.is_complete:
        return []
    return [f"{'' if listing.is_complete else 'at least '}{listing.left} more entries of the folder"]
