"""A workspace in memory: for experiments and tests, which need no disk and start from the same files every time."""

from __future__ import annotations

import hashlib
import heapq
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from agentlab.errors import LostUpdate, WorkspaceError
from agentlab.tools.workspace.paths import components, has_name, joined, named
from agentlab.tools.workspace.workspace import (
    FileContent,
    FileInfo,
    Listing,
    Removed,
    Skipped,
    Walk,
)

__all__ = ["MemoryWorkspace"]


class _File:
    def __init__(self, data: bytes, modified_at: float) -> None:
        self.data = data
        self.modified_at = modified_at


class _Folder:
    def __init__(self, modified_at: float) -> None:
        self.entries: dict[str, _File | _Folder] = {}
        self.modified_at = modified_at


class MemoryWorkspace:
    """Files and folders in memory; it does what `DiskWorkspace` does, and holds neither links nor special files.

    Removed entries have the ids `removed-1`, `removed-2`..., so that the same calls give the same answers every time.

    Args:
        files: The files it begins with: texts (as UTF-8) or bytes by path. Folders are made as needed.
        now: Tells the time in seconds since the epoch.

    Raises:
        WorkspaceError: A path of `files` is refused, or leads through a file.
    """

    def __init__(
        self, files: Mapping[str, str | bytes] | None = None, *, now: Callable[[], float] = time.time
    ) -> None:
        self._now = now
        self._changing = threading.RLock()
        self._root = _Folder(now())
        self._trash: dict[str, tuple[Removed, _File | _Folder]] = {}
        self._thrown = 0
        for path, content in (files or {}).items():
            self.write(path, content.encode() if isinstance(content, str) else content)

    def __repr__(self) -> str:
        files = sum(info.kind == "file" for info in self.walk())
        return f"MemoryWorkspace({files} file{'s' * (files != 1)})"

    def info(self, path: str) -> FileInfo:
        """Tell what is at a path (see `Workspace`)."""
        names = components(path)
        with self._changing:
            return _described(names, self._at(names, "look at"))

    def children(self, path: str, most: int) -> Listing:
        """List a folder (see `Workspace`)."""
        names = components(path)
        if most < 1:
            raise WorkspaceError(f"a listing of {most} entries was asked for; ask for 1 at least")
        with self._changing:
            folder = self._folder(names, "list")
            keys = ((isinstance(entry, _File), name) for name, entry in folder.entries.items())
            first = heapq.nsmallest(most, keys)
            found = tuple(_described((*names, name), folder.entries[name]) for _, name in first)
            return Listing(entries=found, left=len(folder.entries) - len(found))

    def walk(self, path: str = "") -> Walk:
        """Go through everything below a folder (see `Workspace`)."""
        names = components(path)
        with self._changing:
            self._folder(names, "list")
        return Walk(self._steps(names))

    def read(self, path: str, most_bytes: int) -> FileContent:
        """Read a file (see `Workspace`)."""
        names = has_name(path)
        with self._changing:
            data = self._file(names, "read").data
        if len(data) > most_bytes:
            return FileContent(data=data[:most_bytes], size=len(data), digest=None)
        return FileContent(data=data, size=len(data), digest=hashlib.sha256(data).hexdigest())

    def write(self, path: str, data: bytes, expected: str | None = None) -> FileInfo:
        """Create or replace a file, whole (see `Workspace`)."""
        names = has_name(path)
        with self._changing:
            if expected is not None:
                self._compare(names, expected)
            folder = self._made(names[:-1], "write", path)
            if isinstance(folder.entries.get(names[-1]), _Folder):
                raise _refused("write", path, "it is a folder")
            file = folder.entries[names[-1]] = _File(bytes(data), self._now())
            return _described(names, file, hashlib.sha256(data).hexdigest())

    def make_folder(self, path: str) -> FileInfo:
        """Make a folder, with those above it (see `Workspace`)."""
        names = components(path)
        with self._changing:
            return _described(names, self._made(names, "make the folder", path))

    def touch(self, path: str) -> FileInfo:
        """Set the time of a file or folder to now, or make an empty file (see `Workspace`)."""
        names = has_name(path)
        with self._changing:
            folder = self._made(names[:-1], "touch", path)
            entry = folder.entries.setdefault(names[-1], _File(b"", 0.0))
            entry.modified_at = self._now()
            return _described(names, entry)

    def move(self, source: str, destination: str, replace: bool = False) -> FileInfo:
        """Move or rename a file, or a folder with all in it (see `Workspace`)."""
        names, goal = has_name(source), has_name(destination)
        if goal[: len(names)] == names:
            raise WorkspaceError(
                f"cannot move {named(source)} to {named(destination)}: it would lie in itself"
            )
        with self._changing:
            entry = self._at(names, "move")
            into = self._made(goal[:-1], f"move {named(source)} to", destination)
            there = into.entries.get(goal[-1])
            if isinstance(there, _Folder) and replace:
                raise _refused(f"move {named(source)} to", destination, "it is a folder")
            if there is not None and not replace:
                raise _refused(f"move {named(source)} to", destination, _TAKEN)
            if there is not None:
                self._throw_away(goal)
            del self._folder(names[:-1], "move").entries[names[-1]]
            into.entries[goal[-1]] = entry
            return _described(goal, entry)

    def remove(self, path: str) -> Removed:
        """Move a file, or a folder with all in it, to the trash (see `Workspace`)."""
        names = has_name(path)
        with self._changing:
            self._at(names, "remove")
            return self._throw_away(names)

    def restore(self, removed_id: str) -> str:
        """Put back what was removed (see `Workspace`)."""
        with self._changing:
            if removed_id not in self._trash:
                raise WorkspaceError(
                    f"nothing with the id {named(removed_id)} waits in the trash. "
                    "List the trash to see what can be put back"
                )
            removed, entry = self._trash[removed_id]
            names = has_name(removed.path)
            folder = self._made(names[:-1], "put back", removed.path)
            if names[-1] in folder.entries:
                raise _refused("put back", removed.path, _TAKEN)
            folder.entries[names[-1]] = entry
            del self._trash[removed_id]
            return removed.path

    def trash(self) -> tuple[Removed, ...]:
        """List what was removed, the latest first (see `Workspace`)."""
        with self._changing:
            return tuple(removed for removed, _ in reversed(self._trash.values()))

    def _throw_away(self, names: tuple[str, ...]) -> Removed:
        self._thrown += 1
        removed = Removed(id=f"removed-{self._thrown}", path=joined(*names), removed_at=self._now())
        entry = self._folder(names[:-1], "remove").entries.pop(names[-1])
        self._trash[removed.id] = (removed, entry)
        return removed

    def _steps(self, names: tuple[str, ...]) -> Iterator[FileInfo | Skipped]:
        waiting = [iter(self._infos(names))]
        while waiting:
            info = next(waiting[-1], None)
            if info is None:
                waiting.pop()
                continue
            yield info
            if info.kind == "folder":
                below = components(info.path)
                try:
                    waiting.append(iter(self._infos(below)))
                except WorkspaceError:
                    yield Skipped(info.path, "no such file or directory")

    def _infos(self, names: tuple[str, ...]) -> list[FileInfo]:
        with self._changing:
            entries = self._folder(names, "list").entries
            return [_described((*names, name), entries[name]) for name in sorted(entries)]

    def _compare(self, names: tuple[str, ...], expected: str) -> None:
        try:
            data = self._file(names, "write").data
        except WorkspaceError as error:
            if isinstance(error.__cause__, KeyError):
                raise LostUpdate(
                    f"{named(joined(*names))} is no longer there, so nothing was written. Look where it went"
                ) from None
            raise
        if hashlib.sha256(data).hexdigest() != expected:
            raise LostUpdate(
                f"{named(joined(*names))} changed since it was read, so nothing was written. "
                "Read it again and redo the change on that"
            )

    def _file(self, names: tuple[str, ...], doing: str) -> _File:
        entry = self._at(names, doing)
        if isinstance(entry, _Folder):
            raise _refused(doing, joined(*names), "it is a folder. List it, or name a file in it")
        return entry

    def _folder(self, names: tuple[str, ...], doing: str) -> _Folder:
        entry = self._at(names, doing)
        if isinstance(entry, _File):
            raise _refused(doing, joined(*names), "it is a file, not a folder")
        return entry

    def _at(self, names: tuple[str, ...], doing: str) -> _File | _Folder:
        here: _File | _Folder = self._root
        for name in names:
            if isinstance(here, _File):
                raise _refused(doing, joined(*names), "it leads through a file")
            try:
                here = here.entries[name]
            except KeyError as error:
                raise _refused(doing, joined(*names), _NOTHING) from error
        return here

    def _made(self, names: tuple[str, ...], doing: str, path: str) -> _Folder:
        here = self._root
        for name in names:
            following = here.entries.get(name)
            if following is None:
                following = here.entries[name] = _Folder(self._now())
            if isinstance(following, _File):
                raise _refused(doing, path, f"`{name}` is a file, not a folder")
            here = following
        return here


_NOTHING = "there is nothing at that path. List the folder above it to see what is there"
_TAKEN = "something is there already. Take another name, or remove it first"


def _described(names: tuple[str, ...], entry: _File | _Folder, digest: str | None = None) -> FileInfo:
    if isinstance(entry, _Folder):
        return FileInfo(joined(*names), "folder", 0, entry.modified_at)
    return FileInfo(joined(*names), "file", len(entry.data), entry.modified_at, digest)


def _refused(doing: str, path: str, why: str) -> WorkspaceError:
    return WorkspaceError(f"cannot {doing} {named(path)}: {why}")
