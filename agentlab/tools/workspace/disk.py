"""A workspace in a folder of the disk."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
import time
import weakref
from collections.abc import Callable
from typing import Self

from agentlab.errors import LostUpdate, UsageError, WorkspaceError
from agentlab.tools.workspace.disk_listing import described, listing, steps
from agentlab.tools.workspace.disk_trash import put_back, removed_entries, throw_away
from agentlab.tools.workspace.disk_writing import Writer, clean_strays
from agentlab.tools.workspace.folder import Folder, folder_at, kind_refused
from agentlab.tools.workspace.held_folder import HeldFolder, can_hold_folders
from agentlab.tools.workspace.named_folder import NamedFolder
from agentlab.tools.workspace.paths import components, has_name, joined, named
from agentlab.tools.workspace.refusals import refusals_of
from agentlab.tools.workspace.workspace import FileContent, FileInfo, Listing, Removed, Walk

__all__ = ["DiskWorkspace"]

_CHUNK = 1024 * 1024


class DiskWorkspace:
    """A folder of the disk, from which no path, link or exchange of folders by another process leads out.

    The folder is opened once and everything is reached from there name by name, through real folders only; links are told
    and not followed. Files are replaced whole and synced, removed ones wait in a hidden folder. On a system that cannot
    hold folders by descriptors (Windows) paths are resolved and checked again instead: that is safe against paths and
    links, not against a process that exchanges folders in the very moment (see `NamedFolder`).

    What it does not keep when it replaces a file: its owner, extended attributes, and the other names of a hard link,
    which is why a file with two names is refused. Two processes that write the same file in the same instant both win once.

    Use it as a context manager, or close it; it closes when it is collected, too.

    Args:
        folder: An existing folder. If it is a link, that one is followed, once.
        by_name: Whether to take the weaker way of `NamedFolder`; None asks the system.
        now: Tells the time in seconds since the epoch, for the trash.

    Raises:
        UsageError: There is no such folder, or it cannot be opened.

    Source: https://man7.org/linux/man-pages/man2/open.2.html
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        by_name: bool | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.folder = os.fspath(folder)
        self._now = now
        held: type[HeldFolder | NamedFolder] = HeldFolder
        if by_name or (by_name is None and not can_hold_folders()):
            held = NamedFolder
        try:
            root: Folder = held.root(self.folder)
        except OSError as error:
            raise UsageError(
                f"the workspace's folder {named(self.folder)} cannot be opened: {error.strerror}. Make it first"
            ) from error
        self._root: Folder | None = root
        self._writer = Writer(root)
        self._changing = threading.Lock()
        self._finalizer = weakref.finalize(self, _let_go, root, self._writer)
        clean_strays(root)

    def __repr__(self) -> str:
        return f"DiskWorkspace({self.folder!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder; verbs are refused from then on."""
        self._root = None
        self._finalizer()

    def info(self, path: str) -> FileInfo:
        """Tell what is at a path (see `Workspace`)."""
        names = components(path)
        root = self._opened()
        with refusals_of("look at", path), folder_at(root, names[:-1]) as folder:
            return described(names, folder.stat(names[-1]) if names else folder.own_stat())

    def children(self, path: str, most: int) -> Listing:
        """List a folder (see `Workspace`); past 50,000 entries it stops counting and says so."""
        names = components(path)
        if most < 1:
            raise WorkspaceError(f"a listing of {most} entries was asked for; ask for 1 at least")
        root = self._opened()
        with refusals_of("list", path), folder_at(root, names) as folder:
            return listing(folder, names, most)

    def walk(self, path: str = "") -> Walk:
        """Go through everything below a folder (see `Workspace`); of a folder of more than 50,000 entries, so many."""
        names = components(path)
        root = self._opened()
        with refusals_of("list", path), folder_at(root, names):
            return Walk(steps(root, names))

    def read(self, path: str, most_bytes: int) -> FileContent:
        """Read a file (see `Workspace`)."""
        names = has_name(path)
        root = self._opened()
        with refusals_of("read", path), folder_at(root, names[:-1]) as folder:
            descriptor = folder.open_regular(names[-1])
            try:
                return _content(descriptor, most_bytes)
            finally:
                os.close(descriptor)

    def write(self, path: str, data: bytes, expected: str | None = None) -> FileInfo:
        """Create or replace a file, whole (see `Workspace`)."""
        names = has_name(path)
        root = self._opened()
        with refusals_of("write", path), self._changing:
            try:
                with folder_at(root, names[:-1], make=expected is None) as folder:
                    status = self._writer.replace(folder, names, data, expected)
            except FileNotFoundError as error:
                if expected is None:
                    raise
                raise LostUpdate(
                    f"{named(path)} is no longer there, so nothing was written. Look where it went"
                ) from error
        return described(names, status, hashlib.sha256(data).hexdigest())

    def make_folder(self, path: str) -> FileInfo:
        """Make a folder, with those above it (see `Workspace`)."""
        names = components(path)
        root = self._opened()
        with refusals_of("make the folder", path), folder_at(root, names, make=True) as folder:
            return described(names, folder.own_stat())

    def touch(self, path: str) -> FileInfo:
        """Set the time of a file or folder to now, or make an empty file (see `Workspace`)."""
        names = has_name(path)
        root = self._opened()
        with refusals_of("touch", path), folder_at(root, names[:-1], make=True) as folder:
            try:
                folder.set_time(names[-1])
            except FileNotFoundError:
                os.close(folder.create(names[-1], 0o666))
                folder.sync()
            return described(names, folder.stat(names[-1]))

    def move(self, source: str, destination: str, replace: bool = False) -> FileInfo:
        """Move or rename a file, a folder with all in it, or a link itself (see `Workspace`)."""
        names, goal = has_name(source), has_name(destination)
        if goal[: len(names)] == names:
            raise WorkspaceError(
                f"cannot move {named(source)} to {named(destination)}: it would lie in itself"
            )
        root = self._opened()
        with (
            refusals_of("move", source),
            self._changing,
            folder_at(root, names[:-1]) as folder,
        ):
            folder.stat(names[-1])
            with (
                refusals_of(f"move {named(source)} to", destination),
                folder_at(root, goal[:-1], make=True) as into,
            ):
                thrown = self._make_way(root, into, goal) if replace else None
                try:
                    folder.move(names[-1], into, goal[-1])
                except OSError:
                    if thrown is not None:
                        put_back(root, thrown.id)
                    raise
                into.sync()
                folder.sync()
                return described(goal, into.stat(goal[-1]))

    def remove(self, path: str) -> Removed:
        """Move a file, a folder with all in it, or a link itself to the trash (see `Workspace`)."""
        names = has_name(path)
        root = self._opened()
        with refusals_of("remove", path), self._changing, folder_at(root, names[:-1]) as folder:
            return throw_away(root, folder, names, self._now())

    def restore(self, removed_id: str) -> str:
        """Put back what was removed (see `Workspace`)."""
        root = self._opened()
        with refusals_of("restore", removed_id), self._changing:
            return put_back(root, removed_id)

    def trash(self) -> tuple[Removed, ...]:
        """List what was removed, the latest first (see `Workspace`)."""
        root = self._opened()
        with refusals_of("list the trash of", joined()):
            return removed_entries(root)

    def _make_way(self, root: Folder, into: Folder, goal: tuple[str, ...]) -> Removed | None:
        try:
            status = into.stat(goal[-1])
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(status.st_mode):
            raise kind_refused(status, goal[-1])
        return throw_away(root, into, goal, self._now())

    def _opened(self) -> Folder:
        if self._root is None:
            raise WorkspaceError(f"the workspace {named(self.folder)} was closed; open it anew")
        return self._root


def _content(descriptor: int, most_bytes: int) -> FileContent:
    """The beginning of an open file, with the digest of the whole where that is all of it."""
    data = bytearray()
    while len(data) <= most_bytes:
        chunk = os.read(descriptor, min(_CHUNK, most_bytes + 1 - len(data)))
        if not chunk:
            whole = bytes(data)
            return FileContent(data=whole, size=len(whole), digest=hashlib.sha256(whole).hexdigest())
        data += chunk
    size = max(os.fstat(descriptor).st_size, len(data))
    return FileContent(data=bytes(data[:most_bytes]), size=size, digest=None)


def _let_go(root: Folder, writer: Writer) -> None:
    writer.close()
    root.close()
