"""A folder held by its descriptor: what is done in it is done in that very folder, wherever names lead meanwhile.

Every name is a single component and is never followed if it is a link (`O_NOFOLLOW`), so that no exchange of folders and
links by another process leads out of the root. What is opened is asked what it is after it was opened.

Source: https://man7.org/linux/man-pages/man2/open.2.html ("Rationale for openat() and other directory file descriptor APIs")
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import Final, Self

from agentlab.tools.workspace.folder import kind_refused, only_regular
from agentlab.tools.workspace.renaming import rename_into_free_name

__all__ = ["HeldFolder", "can_hold_folders"]

_NEVER_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NEVER_FOLLOW
_FILE: Final = os.O_RDONLY | _NEVER_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_CANNOT_SYNC: Final = {errno.EINVAL, errno.ENOTSUP}
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NEVER_FOLLOW


def can_hold_folders() -> bool:
    """Whether this system has all that `HeldFolder` needs: Linux and macOS do, Windows does not."""
    needed = (os.open, os.stat, os.mkdir, os.unlink, os.rmdir, os.rename)
    return (
        all(call in os.supports_dir_fd for call in needed)
        and os.scandir in os.supports_fd
        and os.utime in os.supports_fd
        and all(hasattr(os, flag) for flag in ("O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK"))
    )


class HeldFolder:
    """A folder by descriptor (see `Folder`).

    Args:
        descriptor: Of an open folder; closed with this.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def root(cls, path: str) -> Self:
        """Hold the folder at a path of the user's, whose links are followed this once."""
        return cls(os.open(path, os.O_RDONLY | os.O_DIRECTORY))

    def child(self, name: str) -> Self:
        """Hold a folder in it; close it."""
        try:
            return type(self)(os.open(name, _FOLDER, dir_fd=self._descriptor))
        except NotADirectoryError:
            status = self.stat(name)
            if stat.S_ISDIR(status.st_mode):  # exchanged meanwhile
                raise
            raise kind_refused(status, name) from None

    def open_regular(self, name: str) -> int:
        """Open a regular file to be read, and nothing else; gives a descriptor."""
        only_regular(self.stat(name), name)  # opening a device may already act on it
        descriptor = os.open(name, _FILE, dir_fd=self._descriptor)
        try:
            only_regular(os.fstat(descriptor), name)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def create(self, name: str, mode: int) -> int:
        """Make a new file and open it to be written; gives a descriptor."""
        return os.open(name, _NEW, mode, dir_fd=self._descriptor)

    def stat(self, name: str) -> os.stat_result:
        """What is at a name; a link is told as a link."""
        return os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)

    def own_stat(self) -> os.stat_result:
        """What the folder itself is."""
        return os.fstat(self._descriptor)

    @contextlib.contextmanager
    def scan(self) -> Iterator[Iterator[tuple[str, bool]]]:
        """The names in it in no order, each with whether it is a folder."""
        # A descriptor of its own: the place reached in a listing is kept with the open folder, and threads share this one.
        fresh = os.open(".", _FOLDER, dir_fd=self._descriptor)
        try:
            with os.scandir(fresh) as entries:
                yield ((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
        finally:
            os.close(fresh)

    def make_folder(self, name: str) -> None:
        """Make a folder in it."""
        os.mkdir(name, dir_fd=self._descriptor)

    def unlink(self, name: str) -> None:
        """Take a name away that is no folder."""
        os.unlink(name, dir_fd=self._descriptor)

    def remove_folder(self, name: str) -> None:
        """Take an empty folder away."""
        os.rmdir(name, dir_fd=self._descriptor)

    def replace(self, name: str, new_name: str) -> None:
        """Rename a file in it over another."""
        os.replace(name, new_name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def move(self, name: str, into: Self, new_name: str) -> None:
        """Rename an entry into a folder where the new name is free."""
        rename_into_free_name(self._descriptor, name, into._descriptor, new_name)

    def set_time(self, name: str) -> None:
        """Set the time of a regular file with one name, or of a folder, to now."""
        if stat.S_ISDIR(self.stat(name).st_mode):
            descriptor = os.open(name, _FOLDER, dir_fd=self._descriptor)
        else:
            descriptor = self.open_regular(name)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISDIR(status.st_mode):
                only_regular(status, name, with_one_name=True)
            os.utime(descriptor)
        finally:
            os.close(descriptor)

    def sync(self) -> None:
        """Bring its entries to the disk, where the file system can sync folders."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                raise

    def close(self) -> None:
        """Let go of it; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
