"""A folder that tools may work in, whatever holds it: what every backend does, and the data it answers with.

Paths are relative POSIX texts: `notes/plan.md`. A leading "/" means the root of the workspace, "" and "/" are the root
itself. What `agentlab.tools.workspace.paths.components` refuses is refused by every verb before anything is looked at.

Every error is a `WorkspaceError` (a `ToolError`, so a model reads it) that says what, where and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from msgspec import Struct

from agentlab.short_repr import ShortRepr

__all__ = [
    "FileContent",
    "FileInfo",
    "FileKind",
    "Listing",
    "Removed",
    "Skipped",
    "Walk",
    "Workspace",
]

FileKind = Literal["file", "folder", "link", "other"]


class FileInfo(ShortRepr, Struct, frozen=True):
    """What is known of a path without reading it.

    Attributes:
        path: The path, without a leading "/"; "" for the root. A name that no path can hold (bytes that are not UTF-8,
            control characters, a backslash) is shown with backslash escapes, and cannot be opened under it.
        kind: `link` is a symbolic link, which is reported and never followed; `other` is a pipe, device or socket.
        size: Bytes of a file; 0 for all else.
        modified_at: Seconds since the epoch.
        digest: SHA-256 of the content in hexadecimal, where the verb knew the content (`write`); else None.
    """

    path: str
    kind: FileKind
    size: int
    modified_at: float
    digest: str | None = None

    @property
    def name(self) -> str:
        """The last component of the path; "" for the root."""
        return self.path.rpartition("/")[2]


class Listing(ShortRepr, Struct, frozen=True):
    """The entries of one folder, folders first, then by name (code points).

    Attributes:
        entries: The first of them.
        left: How many more were counted and are not in `entries`.
        is_complete: False if the folder holds so much that counting stopped: then there are more than `left` others, and
            `entries` are the first of those that were looked at.
    """

    entries: tuple[FileInfo, ...]
    left: int = 0
    is_complete: bool = True


class FileContent(ShortRepr, Struct, frozen=True):
    """What was read of a file.

    Attributes:
        data: Its bytes from the start, at most as many as were asked for.
        size: The bytes of the whole file.
        digest: SHA-256 of the whole file in hexadecimal; None where `data` is cut. It is what `write` takes as `expected`.
    """

    data: bytes
    size: int
    digest: str | None

    @property
    def is_cut(self) -> bool:
        """Whether there is more than was read."""
        return self.digest is None


class Removed(ShortRepr, Struct, frozen=True):
    """Something that was removed and can be put back.

    Attributes:
        id: What `restore` takes.
        path: Where it was.
        removed_at: Seconds since the epoch.
    """

    id: str
    path: str
    removed_at: float = 0.0


class Skipped(ShortRepr, Struct, frozen=True):
    """A folder that a walk could not look at, or not at all of it.

    Attributes:
        path: The folder.
        why: One clause for a reader: "permission denied", "more than 50,000 entries".
    """

    path: str
    why: str


class Walk(Iterator[FileInfo]):
    """All that is below a folder: iterate once. Nothing is held open between two steps, so it may be left at any point.

    Args:
        steps: The entries, and `Skipped` in between for what could not be looked at.

    Attributes:
        skipped: What was not looked at so far; complete when the iteration has ended.
    """

    def __init__(self, steps: Iterator[FileInfo | Skipped]) -> None:
        self._steps = steps
        self.skipped: list[Skipped] = []

    def __next__(self) -> FileInfo:
        """Give the next entry; what is skipped on the way is noted.

        Raises:
            StopIteration: Everything was seen.
        """
        for step in self._steps:
            if isinstance(step, FileInfo):
                return step
            self.skipped.append(step)
        raise StopIteration


class Workspace(Protocol):
    """Files and folders below one root, from which no path leads out. Every verb blocks and may be called from any thread."""

    def info(self, path: str) -> FileInfo:
        """Tell what is at a path; a link is told as a link.

        Raises:
            WorkspaceError: Nothing is there, or the path is refused.
        """
        ...

    def children(self, path: str, most: int) -> Listing:
        """List a folder.

        Args:
            path: The folder.
            most: Entries to give at most, at least 1; how many were left out is told.

        Raises:
            WorkspaceError: It is not there, or not a folder.
        """
        ...

    def walk(self, path: str = "") -> Walk:
        """Go through everything below a folder, depth first, each folder before its content, in name order, lazily.

        Links are given and not followed; what was removed is not shown. A folder that goes away meanwhile is skipped.

        Raises:
            WorkspaceError: It is not there, or not a folder (at once, not at the first step).
        """
        ...

    def read(self, path: str, most_bytes: int) -> FileContent:
        """Read a file.

        Args:
            path: The file.
            most_bytes: Bytes to give at most, so that memory is bounded whatever the size.

        Raises:
            WorkspaceError: It is not there, or not a regular file (a link, a folder, a pipe, a device).
        """
        ...

    def write(self, path: str, data: bytes, expected: str | None = None) -> FileInfo:
        """Create or replace a file: at every moment the old content or the new is there, whole. Makes missing folders.

        Args:
            path: The file.
            data: Its new content.
            expected: The digest of what was read before; None replaces whatever is there.

        Returns:
            The file as it is now, with its digest.

        Raises:
            LostUpdate: The file is another one than `expected`, or is gone; nothing was written.
            WorkspaceError: It is no regular file, or has a second name (a hard link), or could not be written.
        """
        ...

    def make_folder(self, path: str) -> FileInfo:
        """Make a folder, with those above it; one that is there is fine.

        Raises:
            WorkspaceError: Something that is no folder is in the way.
        """
        ...

    def touch(self, path: str) -> FileInfo:
        """Set the time of a file or folder to now; make an empty file (and missing folders) where nothing is.

        Raises:
            WorkspaceError: It is a link or something else that is neither file nor folder.
        """
        ...

    def move(self, source: str, destination: str, replace: bool = False) -> FileInfo:
        """Move or rename a file, a folder with all in it, or a link (itself). Makes the folders above the destination.

        Args:
            source: What to move.
            destination: Its new path, the last name included.
            replace: Whether a file that is there is replaced (it goes to the trash first). A folder never is.

        Returns:
            What is at the destination now.

        Raises:
            WorkspaceError: No source, a destination that is taken, or a folder that would go into itself.
        """
        ...

    def remove(self, path: str) -> Removed:
        """Remove a file, a folder with all in it, or a link (itself), so that `restore` can put it back.

        Raises:
            WorkspaceError: Nothing is there, or it is the root.
        """
        ...

    def restore(self, removed_id: str) -> str:
        """Put back what was removed, where it was; gives the path.

        Args:
            removed_id: The `id` of a `Removed`.

        Raises:
            WorkspaceError: No such id, or its place is taken; it stays in the trash.
        """
        ...

    def trash(self) -> tuple[Removed, ...]:
        """List what was removed and can be put back, the latest first."""
        ...
