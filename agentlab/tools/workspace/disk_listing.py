"""What is in the folders of a disk, however much that is: bounded memory and time, and what was not looked at is told."""

from __future__ import annotations

import heapq
import stat
from collections.abc import Iterator
from itertools import islice
from os import stat_result
from typing import Final

from agentlab.errors import WorkspaceError
from agentlab.tools.workspace.folder import Folder, folder_at
from agentlab.tools.workspace.paths import components, is_own_name, joined, shown
from agentlab.tools.workspace.workspace import FileInfo, FileKind, Listing, Skipped

__all__ = ["described", "listing", "steps"]

MOST_COUNTED: Final = 50_000
MOST_WALKED: Final = 50_000
_AT_A_TIME: Final = 256


def described(path: tuple[str, ...], status: stat_result, digest: str | None = None) -> FileInfo:
    """What the system tells of an entry, as the workspace's own data.

    Args:
        path: Its names from the root down.
        status: What the system told.
        digest: The digest of its content, where it is known.
    """
    kind = _kind(status.st_mode)
    return FileInfo(
        path=joined(*path[:-1], *(shown(name) for name in path[-1:])),
        kind=kind,
        size=status.st_size if kind == "file" else 0,
        modified_at=status.st_mtime,
        digest=digest,
    )


def listing(folder: Folder, path: tuple[str, ...], most: int, *, most_counted: int = MOST_COUNTED) -> Listing:
    """The first entries of a folder, folders first, then by name.

    Args:
        folder: The folder.
        path: Its names from the root down.
        most: Entries to give.
        most_counted: Entries to look at.

    Raises:
        OSError: The folder cannot be read.
    """
    counted = 0

    def counting(entries: Iterator[tuple[str, bool]]) -> Iterator[tuple[bool, str]]:
        nonlocal counted
        for name, is_folder in entries:
            if not is_own_name(name):
                counted += 1
                yield (not is_folder, name)

    with folder.scan() as entries:
        first = heapq.nsmallest(most, counting(islice(entries, most_counted)))
        is_complete = next(entries, None) is None
    found = tuple(_told(folder, path, [name for _, name in first]))
    return Listing(entries=found, left=counted - len(first), is_complete=is_complete)


def steps(
    root: Folder, path: tuple[str, ...], *, most_walked: int = MOST_WALKED
) -> Iterator[FileInfo | Skipped]:
    """Everything below a folder, depth first in name order; a folder is held only while its entries are asked for.

    Args:
        root: The workspace's root.
        path: Where to begin, from the root down.
        most_walked: Entries of one folder to give, the first of those that were looked at.
    """
    waiting = [_entries(root, path, most_walked)]
    while waiting:
        step = next(waiting[-1], None)
        if step is None:
            waiting.pop()
            continue
        yield step
        if isinstance(step, FileInfo) and step.kind == "folder":
            below = _reachable(step.path)
            if below is None:
                yield Skipped(step.path, "its name cannot be written as a path")
            else:
                waiting.append(_entries(root, below, most_walked))


def _entries(root: Folder, path: tuple[str, ...], most_walked: int) -> Iterator[FileInfo | Skipped]:
    try:
        with folder_at(root, path) as folder:
            with folder.scan() as entries:
                names = sorted(islice((name for name, _ in entries if not is_own_name(name)), most_walked))
                is_complete = next(entries, None) is None
            told = _told(folder, path, names[:_AT_A_TIME])
        yield from told
        for start in range(_AT_A_TIME, len(names), _AT_A_TIME):
            with folder_at(root, path) as folder:
                told = _told(folder, path, names[start : start + _AT_A_TIME])
            yield from told
    except OSError as error:
        yield Skipped(joined(*path), (error.strerror or "the system refused").lower())
        return
    if not is_complete:
        yield Skipped(joined(*path), f"more than {most_walked:,} entries; the others were not looked at")


def _told(folder: Folder, path: tuple[str, ...], names: list[str]) -> list[FileInfo]:
    told = []
    for name in names:
        try:
            told.append(described((*path, name), folder.stat(name)))
        except OSError:
            continue  # it went away since it was listed
    return told


def _reachable(path: str) -> tuple[str, ...] | None:
    try:
        return components(path)
    except WorkspaceError:
        return None


def _kind(mode: int) -> FileKind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"
