"""A folder known by its path, for systems that cannot hold one by a descriptor (Windows).

This is the weaker way. Before every operation the path is resolved and must still lead where it led, and what was opened
is compared with what the path names afterwards. Between the check and the operation another process may exchange a folder
for a link: against a process that races inside the workspace this does not protect, `HeldFolder` does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from agentlab.tools.workspace.folder import kind_refused, only_regular

__all__ = ["NamedFolder"]

_BINARY: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
_FILE: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
_NOT_IN_NAMES: Final = frozenset('<>:"|?*')
_REPLACED_AT_MOST: Final = 20


class _Exchanged(OSError):
    """What was opened is not what stands at its name any more."""


class NamedFolder:
    """A folder by path (see `Folder`).

    Args:
        path: A resolved path.
        strict_names: Whether to refuse what Windows takes for another name: a stream (`a:b`), a final dot or space.
    """

    def __init__(self, path: Path, *, strict_names: bool = os.name == "nt") -> None:
        self._path = path
        self._strict_names = strict_names

    @classmethod
    def root(cls, path: str) -> Self:
        """The folder at a path of the user's, whose links are followed this once."""
        resolved = Path(path).resolve(strict=True)
        if not resolved.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return cls(resolved)

    def child(self, name: str) -> Self:
        """A folder in it."""
        status = self.stat(name)
        if not stat.S_ISDIR(status.st_mode) or _is_junction(status):
            raise kind_refused(status, name)
        return type(self)(self._path / name, strict_names=self._strict_names)

    def open_regular(self, name: str) -> int:
        """Open a regular file to be read, and nothing else; gives a descriptor.

        A file that is replaced at that moment, as `write` does it, is opened anew.
        """
        for _ in range(_REPLACED_AT_MOST):
            with contextlib.suppress(_Exchanged):
                return self._opened_once(name)
        return self._opened_once(name)

    def _opened_once(self, name: str) -> int:
        only_regular(self.stat(name), name)
        descriptor = os.open(self._entry(name), _FILE)
        try:
            self._is_still(name, os.fstat(descriptor))
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def create(self, name: str, mode: int) -> int:
        """Make a new file and open it to be written; gives a descriptor."""
        return os.open(self._entry(name), _NEW, mode)

    def stat(self, name: str) -> os.stat_result:
        """What is at a name; a link is told as a link."""
        return self._entry(name).lstat()

    def own_stat(self) -> os.stat_result:
        """What the folder itself is."""
        self._check()
        return self._path.lstat()

    @contextlib.contextmanager
    def scan(self) -> Iterator[Iterator[tuple[str, bool]]]:
        """The names in it in no order, each with whether it is a folder."""
        self._check()
        with os.scandir(self._path) as entries:
            yield ((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)

    def make_folder(self, name: str) -> None:
        """Make a folder in it."""
        self._entry(name).mkdir()

    def unlink(self, name: str) -> None:
        """Take a name away that is no folder."""
        self._entry(name).unlink()

    def remove_folder(self, name: str) -> None:
        """Take an empty folder away."""
        self._entry(name).rmdir()

    def replace(self, name: str, new_name: str) -> None:
        """Rename a file in it over another."""
        self._entry(name).replace(self._entry(new_name))

    def move(self, name: str, into: Self, new_name: str) -> None:
        """Rename an entry into a folder where the new name is free."""
        source, destination = self._entry(name), into._entry(new_name)
        if os.path.lexists(destination):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new_name)
        source.rename(destination)

    def set_time(self, name: str) -> None:
        """Set the time of a regular file with one name, or of a folder, to now."""
        status = self.stat(name)
        if not stat.S_ISDIR(status.st_mode):
            only_regular(status, name, with_one_name=True)
        os.utime(self._entry(name))

    def sync(self) -> None:
        """Nothing to do: folders cannot be synced by name on the systems this is for."""

    def close(self) -> None:
        """Nothing is held."""

    def _entry(self, name: str) -> Path:
        if self._strict_names and (_NOT_IN_NAMES & set(name) or name.endswith((".", " "))):
            raise OSError(errno.EINVAL, "the name is not allowed on this system", name)
        self._check()
        return self._path / name

    def _is_still(self, name: str, opened: os.stat_result) -> None:
        only_regular(opened, name)
        if not os.path.samestat(opened, self.stat(name)):
            raise _Exchanged(errno.ELOOP, "it was exchanged while it was opened", name)

    def _check(self) -> None:
        if Path(os.path.realpath(self._path)) != self._path:
            raise OSError(errno.ELOOP, "the folder was exchanged for a link", str(self._path.name))


def _is_junction(status: os.stat_result) -> bool:
    """Whether it is one of Windows' links between folders, which `lstat` tells as a folder."""
    return bool(getattr(status, "st_reparse_tag", 0))
