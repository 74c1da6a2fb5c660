"""Searches the contents of a workspace's files, and keeps account of what was not searched."""

from __future__ import annotations

from agentlab.errors import WorkspaceError
from agentlab.tools.workspace.tools.entries import BoundedWalk
from agentlab.tools.workspace.tools.globbing import Glob
from agentlab.tools.workspace.tools.limits import MOST_BYTES, Deadline
from agentlab.tools.workspace.tools.matches import Matches
from agentlab.tools.workspace.tools.patterns import Searcher
from agentlab.tools.workspace.tools.patterns_process import TimeIsUp
from agentlab.tools.workspace.tools.text_file import Binary, opened
from agentlab.tools.workspace.workspace import FileInfo, Workspace

__all__ = ["search_files"]


def search_files(
    workspace: Workspace, wanted: Glob | None, searcher: Searcher, deadline: Deadline, matches: Matches
) -> None:
    """Search every wanted file below the root, in the order of the walk, until the deadline.

    Args:
        workspace: Where the files are.
        wanted: Which files; one that names a folder means all in it. None for all.
        searcher: The pattern.
        deadline: When to give up.
        matches: Takes what is found, and what was not searched.

    Raises:
        WorkspaceError: What the pattern begins with is not there.
    """
    start = "" if wanted is None else wanted.start
    at_start = workspace.info(start)
    walk = BoundedWalk(workspace, start, deadline) if at_start.kind == "folder" else None
    binaries, unread = 0, []
    for info in walk or [at_start]:
        if info.kind != "file" or not (wanted is None or wanted.matches_above(info.path)):
            continue
        try:
            is_text = _search_one(workspace, info, searcher, matches)
        except WorkspaceError as error:
            unread.append(str(error))
            continue
        except TimeIsUp:
            matches.not_searched.append(
                f"{info.path} and all files after it: the time was up; narrow path_pattern or simplify the pattern"
            )
            break
        binaries += not is_text
    if binaries:
        matches.not_searched.append(f"{binaries} binary file{'s' * (binaries > 1)}")
    matches.not_searched += unread[:3]
    if len(unread) > 3:
        matches.not_searched.append(f"{len(unread) - 3} more files that could not be read")
    if walk is not None:
        matches.not_searched += walk.not_searched


def _search_one(workspace: Workspace, info: FileInfo, searcher: Searcher, matches: Matches) -> bool:
    """Search a file; says whether it is text."""
    file = opened(workspace, info.path)
    if isinstance(file, Binary):
        return False
    found = searcher.search(file.data)
    matches.searched += 1
    if file.digest is None:
        matches.not_searched.append(f"{info.path} after its first {MOST_BYTES} bytes")
    if found.longest is not None:
        matches.not_searched.append(f"long lines of {info.path} after their first {found.longest} bytes")
    if found.count:
        matches.add(info.path, file.data, found)
    return True
