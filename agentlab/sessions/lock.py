"""One writer a session: a lock of the operating system, which ends with the process that holds it, however that ends."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct

from agentlab.errors import SessionLocked, SessionUnusable

__all__ = ["WriterLock", "lock_path", "writer_path"]


class _Writer(Struct, frozen=True):
    """Who writes: for whoever finds the session locked."""

    pid: int
    host: str
    since: float


def lock_path(path: Path) -> Path:
    """The file that is locked while somebody writes to a session; it stays when nobody does."""
    return path.with_suffix(".lock")


def writer_path(path: Path) -> Path:
    """The note of who writes to a session; it says nothing unless the lock is held."""
    return path.with_suffix(".writer")


class WriterLock:
    """Held by the one `Session` that writes to a file.

    Args:
        path: The session's file.
        now: Unix time, in seconds.

    Raises:
        SessionLocked: Somebody holds it; at once, without waiting.
        SessionUnusable: The folder does not let it be made.
    """

    def __init__(self, path: Path, now: float) -> None:
        self._note = writer_path(path)
        # The lock belongs to the session, not to a thread: whoever closes the session gives it back.
        self._lock = FileLock(lock_path(path), timeout=0, thread_local=False)
        self._process = os.getpid()
        try:
            self._lock.acquire()
        except Timeout:
            raise _locked(path) from None
        except OSError as error:
            raise SessionUnusable(
                f"{lock_path(path)} cannot be locked ({error.strerror or error}), so nothing can be written to the "
                "session; change the permissions of its folder, or open it with read_only=True"
            ) from error
        # Only a courtesy to others: the lock is what counts.
        with suppress(OSError):
            self._note.write_bytes(msgspec.json.encode(_Writer(self._process, socket.gethostname(), now)))

    def release(self) -> None:
        """Give it back. A forked child leaves it to the parent."""
        if self._process != os.getpid():
            return
        with suppress(OSError):
            self._note.unlink(missing_ok=True)
        self._lock.release()


def _locked(path: Path) -> SessionLocked:
    try:
        writer = msgspec.json.decode(writer_path(path).read_bytes(), type=_Writer)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return SessionLocked(
            f"somebody writes to {path}; open it with read_only=True, or end the other program"
        )
    mine = writer.pid == os.getpid() and writer.host == socket.gethostname()
    who = "this program" if mine else f"process {writer.pid} on {writer.host}"
    return SessionLocked(
        f"{who} writes to {path}; open it with read_only=True, or close it there first",
        pid=writer.pid,
        host=writer.host,
        since=writer.since,
    )
