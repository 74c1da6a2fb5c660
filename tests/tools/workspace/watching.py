"""Proves that nothing outside a folder is touched: canaries around it, and a watch on what Python asks of the system.

    tree = canary_tree(tmp_path)                  # tree.root is the workspace's folder
    workspace = DiskWorkspace(tree.root)
    with watched(tree.root) as watch:             # every thread of this process
        ...
    assert watch.touches == []                    # nothing outside was opened, listed, looked at or changed
    tree.check()                                  # every canary is as it was, and was not even read

The watch sees `open` and `os.*` by an audit hook, what is looked at (`os.stat`) by standing in front of it, and the one
rename by `ctypes`. It is for backends that hold folders; one that resolves paths looks at the folders above the root.
"""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import agentlab
from agentlab.tools.workspace.renaming import rename_into_free_name

# For each event the pairs of (its path, the descriptor of the folder that path starts from).
_PLACES = {
    "os.chdir": [(0, None)],
    "os.chmod": [(0, 2)],
    "os.chown": [(0, 3)],
    "os.getxattr": [(0, None)],
    "os.link": [(0, 2), (1, 3)],
    "os.listdir": [(0, None)],
    "os.listxattr": [(0, None)],
    "os.mkdir": [(0, 2)],
    "os.remove": [(0, 1)],
    "os.removexattr": [(0, None)],
    "os.rename": [(0, 2), (1, 3)],
    "os.rmdir": [(0, 1)],
    "os.scandir": [(0, None)],
    "os.setxattr": [(0, None)],
    "os.symlink": [(1, 2)],
    "os.truncate": [(0, None)],
    "os.utime": [(0, 3)],
}
_NEVER = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}
_OF_PYTHON = tuple(
    os.path.realpath(path)
    for path in (
        sys.prefix,
        sys.base_prefix,
        *sysconfig.get_paths().values(),
        *site.getsitepackages(),
        Path(agentlab.__file__).parent,
    )
)


@dataclass
class Watch:
    """What was touched outside a folder."""

    root: str
    allowed: tuple[str, ...]
    touches: list[str] = field(default_factory=list)
    seen: int = 0

    def note(self, event: str, path, folder: int | None) -> None:
        self.seen += 1
        try:
            place = _place(path, folder)
        except (OSError, ValueError) as error:
            self.touches.append(f"{event} {path!r}: {error}")
            return
        if not any(
            place == inside or place.startswith(inside + "/") for inside in (self.root, *self.allowed)
        ):
            self.touches.append(f"{event} {place}")


_watches: list[Watch] = []
_here = threading.local()


@contextmanager
def watched(root, allowed=()) -> Iterator[Watch]:
    """Note what is touched outside `root`; what Python itself imports late is no touch.

    Args:
        root: The folder.
        allowed: Other folders that may be touched.
    """
    _install()
    watch = Watch(os.path.realpath(root), (*_OF_PYTHON, *(os.path.realpath(path) for path in allowed)))
    with (
        mock.patch.multiple(os, open=_opening(os.open), stat=_looking(os.stat), lstat=_looking(os.lstat)),
        mock.patch("agentlab.tools.workspace.held_folder.rename_into_free_name", _renamed),
    ):
        _watches.append(watch)
        try:
            yield watch
        finally:
            _watches.remove(watch)


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)


def _hook(event, args) -> None:
    if not _watches or getattr(_here, "busy", False):
        return
    if event == "open" and not isinstance(args[0], int):
        _note(event, args[0], getattr(_here, "folder", None))
    elif event in _PLACES:
        for path, folder in _PLACES[event]:
            _note(event, args[path], None if folder is None else args[folder])
    elif event in _NEVER:
        for watch in _watches:
            watch.touches.append(event)


def _note(event, path, folder) -> None:
    if getattr(_here, "busy", False):
        return
    _here.busy = True
    try:
        for watch in _watches:
            watch.note(event, path, folder)
    finally:
        _here.busy = False


def _place(path, folder: int | None) -> str:
    """Where a path leads, links followed except by its last name (which `O_NOFOLLOW` and renames do not follow)."""
    if isinstance(path, int):
        return os.readlink(f"/proc/self/fd/{path}")
    start = os.getcwd() if folder is None or folder < 0 else os.readlink(f"/proc/self/fd/{folder}")
    full = os.path.join(start, os.fsdecode(path))
    above, name = os.path.split(full)
    if name in {"", ".", ".."}:
        return os.path.realpath(full)
    return os.path.join(os.path.realpath(above), name)


def _opening(real):
    def opened(path, flags, mode=0o777, *, dir_fd=None):
        follows = not flags & os.O_NOFOLLOW
        _here.folder = dir_fd
        try:
            if follows and _watches and not isinstance(path, int):
                _note("open and follow", os.path.realpath(_place(path, dir_fd)), None)
            return real(path, flags, mode, dir_fd=dir_fd)
        finally:
            _here.folder = None

    return opened


def _looking(real):
    def looked(path, *args, **options):
        if _watches and not isinstance(path, int):
            _note(real.__name__, path, options.get("dir_fd"))
        return real(path, *args, **options)

    return looked


def _renamed(from_folder, name, to_folder, new_name):
    _note("renameat2", name, from_folder)
    _note("renameat2", new_name, to_folder)
    rename_into_free_name(from_folder, name, to_folder, new_name)


CANARY = b"canary: this must not leave\n"
_CANARIES = (
    "secret.txt",
    "etc/passwd",
    "boot.ini",
    "windows/win.ini",
    "root_evil/secret.txt",
    "outside/secret.txt",
    "outside/a.txt",
    "outside/b.txt",
    "outside/docs/a.txt",
    "outside/trash/secret.txt",
    "outside/writers/secret.txt",
)


@dataclass(frozen=True)
class CanaryTree:
    """A folder to work in, and canaries around it that show a read (their access time), a change and a new neighbour."""

    around: Path
    root: Path
    before: dict

    def check(self) -> None:
        """Prove that nothing around the root was read or changed."""
        assert _look(self.around, self.root) == self.before
        for path in _CANARIES:
            assert (self.around / path).read_bytes() == CANARY


def canary_tree(folder: Path) -> CanaryTree:
    """Make the tree in an empty folder; `root` holds `docs/a.txt`, and links: `out` to a folder of canaries, `secret` to one."""
    around = folder / "around"
    for path in _CANARIES:
        (around / path).parent.mkdir(parents=True, exist_ok=True)
        (around / path).write_bytes(CANARY)
        # Read after its last change it would not show a second reading (relatime).
        os.utime(around / path, (1_000_000_000, 1_500_000_000))
    root = around / "one" / "two" / "root"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "a.txt").write_bytes(b"inside\n")
    (root / "out").symlink_to(around / "outside")
    (root / "secret").symlink_to(around / "secret.txt")
    return CanaryTree(around, root, _look(around, root))


def _look(around: Path, root: Path) -> dict:
    seen = {}
    for folder, folders, files in os.walk(around):
        if Path(folder) == root:
            folders.clear()
            continue
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            if path == str(root):
                continue
            status = os.lstat(path)
            times = (
                status.st_mtime_ns,
                status.st_ctime_ns,
                *((status.st_atime_ns,) if name in files else ()),
            )
            seen[path] = (status.st_ino, status.st_mode, status.st_nlink, status.st_size, times)
    return seen
