"""Writes a file so that at every moment the old content is there or the new, whole, even if the process is killed.

The new content goes to a file of its own in the same folder, is synced, and takes the name in one rename; then the folder
is synced. What a killed process leaves behind is found by a journal: before a writer makes its first file in a folder, it
notes the folder in a file of its own, which it holds locked while it lives.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from typing import Final

from agentlab.errors import LostUpdate, WorkspaceError
from agentlab.tools.workspace.folder import Folder, folder_at, only_regular
from agentlab.tools.workspace.paths import OWN_NAME, components, joined, named

__all__ = ["Writer", "clean_strays", "own_folder", "write_all"]

MOST_BYTES_COMPARED: Final = 256 * 1024 * 1024
_JOURNALS: Final = "writers"
_MOST_BYTES_OF_A_JOURNAL: Final = 16 * 1024 * 1024
_CHUNK: Final = 1024 * 1024


class Writer:
    """Replaces files below a root, and keeps the journal of where it does.

    Args:
        root: The workspace's root.
    """

    def __init__(self, root: Folder) -> None:
        self._root = root
        self._id = secrets.token_hex(8)
        self._journal: int | None = None
        self._noted: set[str] = set()

    def replace(
        self, folder: Folder, path: tuple[str, ...], data: bytes, expected: str | None
    ) -> os.stat_result:
        """Write a file whole; gives what it is now.

        Args:
            folder: The folder it is in.
            path: Its names from the root down.
            data: The new content.
            expected: The digest the old content must have; None for any.

        Raises:
            LostUpdate: The old content is another.
            FileNotFoundError: There is no old content, and one was expected.
            OSError: The system refused; nothing was changed.
        """
        name = path[-1]
        before = _replaceable(folder, name)
        if expected is not None:
            _compare(folder, name, before, expected, joined(*path))
        self._note(joined(*path[:-1]))
        new_name = f"{OWN_NAME}-{self._id}-{secrets.token_hex(4)}"
        descriptor = folder.create(new_name, 0o666)
        try:
            try:
                write_all(descriptor, data)
                if before is not None and hasattr(os, "fchmod"):
                    os.fchmod(descriptor, stat.S_IMODE(before.st_mode) & 0o777)
                os.fsync(descriptor)
                status = os.fstat(descriptor)
            finally:
                os.close(descriptor)
            _unchanged(before, _replaceable(folder, name), expected, joined(*path))
            folder.replace(new_name, name)
        except BaseException:
            with contextlib.suppress(OSError):
                folder.unlink(new_name)
            raise
        folder.sync()
        return status

    def close(self) -> None:
        """Take the journal away; nothing is left behind by this writer."""
        if self._journal is None:
            return
        journal, self._journal = self._journal, None
        os.close(journal)
        with contextlib.suppress(OSError), own_folder(self._root, _JOURNALS) as journals:
            journals.unlink(self._id)

    def _note(self, folder: str) -> None:
        if self._journal is None:
            with own_folder(self._root, _JOURNALS, make=True) as journals:
                self._journal = journals.create(self._id, 0o600)
            _lock(self._journal)
        if folder not in self._noted:
            write_all(self._journal, json.dumps(folder).encode() + b"\n")
            self._noted.add(folder)


@contextlib.contextmanager
def own_folder(root: Folder, name: str, *, make: bool = False) -> Iterator[Folder]:
    """Hold one of the workspace's own folders in the root.

    Args:
        root: The workspace's root.
        name: `trash` or the journals' folder.
        make: Whether it is made, out of the sight of git.

    Raises:
        OSError: It is missing, or a link.
    """
    with folder_at(root, (OWN_NAME,), make=make) as own:
        if make:
            with contextlib.suppress(OSError):
                descriptor = own.create(".gitignore", 0o666)
                try:
                    write_all(descriptor, b"*\n")
                finally:
                    os.close(descriptor)
        with folder_at(own, (name,), make=make) as held:
            yield held


def clean_strays(root: Folder) -> int:
    """Take away what killed writers left behind; gives how many files. What a living writer is at is left alone."""
    removed = 0
    with contextlib.suppress(OSError), own_folder(root, _JOURNALS) as journals:
        with journals.scan() as entries:
            names = [name for name, is_folder in entries if not is_folder]
        for name in names:
            with contextlib.suppress(OSError):
                removed += _clean_after(root, journals, name)
    return removed


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes, however many the system takes at a time."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _clean_after(root: Folder, journals: Folder, writer: str) -> int:
    descriptor = journals.open_regular(writer)
    try:
        if os.fstat(descriptor).st_size > _MOST_BYTES_OF_A_JOURNAL or not _lock(descriptor):
            return 0
        with os.fdopen(os.dup(descriptor), "rb") as journal:
            folders = {line for line in journal if line.endswith(b"\n")}
        removed = sum(_clean_folder(root, line, f"{OWN_NAME}-{writer}-") for line in folders)
    finally:
        os.close(descriptor)
    journals.unlink(writer)
    return removed


def _clean_folder(root: Folder, line: bytes, beginning: str) -> int:
    removed = 0
    try:
        names = components(json.loads(line))
        with folder_at(root, names) as folder, folder.scan() as entries:
            strays = [name for name, is_folder in entries if name.startswith(beginning) and not is_folder]
            for name in strays:
                folder.unlink(name)
                removed += 1
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, WorkspaceError):
        pass  # a folder that went away holds nothing to clean, and a damaged line names none
    return removed


def _lock(descriptor: int) -> bool:
    """Hold a journal for as long as it is open; False if another does."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - only there

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - not on Windows

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _replaceable(folder: Folder, name: str) -> os.stat_result | None:
    try:
        status = folder.stat(name)
    except FileNotFoundError:
        return None
    only_regular(status, name, with_one_name=True)
    return status


def _compare(folder: Folder, name: str, before: os.stat_result | None, expected: str, path: str) -> None:
    if before is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    if before.st_size > MOST_BYTES_COMPARED:
        raise OSError(
            errno.EFBIG, f"it is larger than {MOST_BYTES_COMPARED} bytes, too large to compare", name
        )
    descriptor = folder.open_regular(name)
    try:
        opened = os.fstat(descriptor)
        if _identity(opened) != _identity(before) or _digest_of(descriptor) != expected:
            raise _lost(path)
    finally:
        os.close(descriptor)


def _digest_of(descriptor: int) -> str:
    """SHA-256 of an open file in hexadecimal; one that grows for ever is read so far, and has another digest by then."""
    digest, left = hashlib.sha256(), MOST_BYTES_COMPARED + _CHUNK
    while left > 0 and (chunk := os.read(descriptor, _CHUNK)):
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest()


def _unchanged(
    before: os.stat_result | None, now: os.stat_result | None, expected: str | None, path: str
) -> None:
    if expected is not None and _identity(now) != _identity(before):
        raise _lost(path)


def _identity(status: os.stat_result | None) -> tuple[int, ...] | None:
    if status is None:
        return None
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _lost(path: str) -> LostUpdate:
    return LostUpdate(
        f"{named(path)} changed since it was read, so nothing was written. Read it again and redo the change on that"
    )
