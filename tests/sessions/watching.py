"""Whether anything was run, loaded or opened for writing while something else was done."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

__all__ = ["nothing_is_run"]

_ACTS: Final = (
    "compile",
    "exec",
    "import",
    "ctypes.",
    "marshal.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "os.putenv",
    "pickle.find_class",
    "pty.spawn",
    "shutil.",
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "sqlite3.enable_load_extension",
    "sqlite3.load_extension",
    "subprocess.Popen",
    "urllib.Request",
)
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_seen: list[tuple[str, Any]] = []
_watched: list[Path] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watched:
        return
    is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
    if is_write and not str(arguments[0]).startswith(str(_watched[0])):
        _seen.append((event, arguments))
    if event.startswith(_ACTS):
        _seen.append((event, arguments))


@contextmanager
def nothing_is_run(folder: Path) -> Iterator[None]:
    """Check that inside it no code is compiled, loaded or started and no file is opened to be written but in a folder."""
    if not getattr(sys, "_sessions_are_watched", False):  # a hook stays for the life of the process
        sys._sessions_are_watched = True  # type: ignore[attr-defined]
        sys.addaudithook(_hook)
    _seen.clear()
    _watched.append(folder)
    try:
        yield
    finally:
        _watched.clear()
    seen = [f"{event} {arguments[:2]}" for event, arguments in _seen]
    assert not seen, seen[:5]
