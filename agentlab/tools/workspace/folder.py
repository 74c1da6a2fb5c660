"""One folder of the disk as the backend holds it: the few operations that everything else is put together from.

Two kinds do them: `HeldFolder` by descriptors, where the system has them, and `NamedFolder` by names.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Protocol, Self

__all__ = ["Folder", "folder_at", "kind_refused", "only_regular"]


class Folder(Protocol):
    """A folder; every `name` is the name of an entry in it, and a link is never followed. All raise `OSError`."""

    def child(self, name: str) -> Self:
        """Hold a folder in it; close it."""
        ...

    def open_regular(self, name: str) -> int:
        """Open a regular file to be read, and nothing else; gives a descriptor. Never waits for a pipe or a device."""
        ...

    def create(self, name: str, mode: int) -> int:
        """Make a new file and open it to be written; gives a descriptor."""
        ...

    def stat(self, name: str) -> os.stat_result:
        """What is at a name; a link is told as a link."""
        ...

    def own_stat(self) -> os.stat_result:
        """What the folder itself is."""
        ...

    def scan(self) -> contextlib.AbstractContextManager[Iterator[tuple[str, bool]]]:
        """The names in it in no order, each with whether it is a folder."""
        ...

    def make_folder(self, name: str) -> None:
        """Make a folder in it."""
        ...

    def unlink(self, name: str) -> None:
        """Take a name away that is no folder."""
        ...

    def remove_folder(self, name: str) -> None:
        """Take an empty folder away."""
        ...

    def replace(self, name: str, new_name: str) -> None:
        """Rename a file in it over another."""
        ...

    def move(self, name: str, into: Self, new_name: str) -> None:
        """Rename an entry into a folder where the new name is free."""
        ...

    def set_time(self, name: str) -> None:
        """Set the time of a regular file with one name, or of a folder, to now."""
        ...

    def sync(self) -> None:
        """Bring its entries to the disk, where the system can."""
        ...

    def close(self) -> None:
        """Let go of it; may be called twice."""
        ...


@contextlib.contextmanager
def folder_at(root: Folder, names: Iterable[str], *, make: bool = False) -> Iterator[Folder]:
    """Hold the folder that is reached from a root name by name, through real folders only.

    Args:
        root: Where to begin; it stays open.
        names: From the root down; none for the root itself.
        make: Whether missing folders are made.

    Raises:
        OSError: One of them is missing or no folder (`ENOTDIR`; a link is none).
    """
    here = root
    try:
        for name in names:
            following = _child(here, name, make=make)
            if here is not root:
                here.close()
            here = following
        yield here
    finally:
        if here is not root:
            here.close()


def _child(folder: Folder, name: str, *, make: bool) -> Folder:
    try:
        return folder.child(name)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        folder.make_folder(name)
        folder.sync()
    return folder.child(name)


def only_regular(status: os.stat_result, name: str, *, with_one_name: bool = False) -> None:
    """Refuse what is no regular file, and where wanted a file that has a second name (a hard link).

    Raises:
        OSError: It is not; its text says what it is.
    """
    if not stat.S_ISREG(status.st_mode):
        raise kind_refused(status, name)
    if with_one_name and status.st_nlink != 1:
        raise OSError(errno.EMLINK, "it has a second name elsewhere (a hard link)", name)


def kind_refused(status: os.stat_result, name: str) -> OSError:
    """The error for an entry that is not the kind that was wanted."""
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return OSError(errno.ELOOP, "it is a symbolic link, and links are not followed", name)
    if stat.S_ISDIR(mode):
        return IsADirectoryError(errno.EISDIR, "it is a folder", name)
    if stat.S_ISREG(mode):
        return NotADirectoryError(errno.ENOTDIR, "it is a file, not a folder", name)
    return OSError(
        errno.EFTYPE if hasattr(errno, "EFTYPE") else errno.EINVAL, "it is a pipe, device or socket", name
    )
