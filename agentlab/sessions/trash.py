"""Deleted sessions, which can come back: a folder beside the others, and moves that lose nothing if they are cut off."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from agentlab.errors import SessionCorrupt, SessionNotFound, SessionUnusable, UsageError
from agentlab.sessions.database import Database
from agentlab.sessions.lock import WriterLock
from agentlab.sessions.transcript import transcript_path
from agentlab.short_repr import ShortRepr

__all__ = ["Trash", "TrashedSession"]

_FOLDER: Final = "trash"
_LOGS: Final = ("-wal", "-shm")


class TrashedSession(ShortRepr, Struct, frozen=True):
    """A deleted session: its id, and the file that holds it now."""

    id: str
    path: Path


class Trash:
    """The folder of deleted sessions. Each deletion has a folder of its own, `<id>.<number>`.

    Args:
        folder: The folder of the sessions.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._trash = folder / _FOLDER

    def held(self) -> tuple[TrashedSession, ...]:
        """What is in it, each id in the order of deletion."""
        found = ((path, _numbered(path.parent.name)) for path in self._trash.glob("*.*/*.sqlite"))
        named = sorted((*name, path) for path, name in found if name is not None and name[0] == path.stem)
        return tuple(TrashedSession(id_, path) for id_, _, path in named)

    def take(self, path: Path) -> Path:
        """Move a session into it.

        Args:
            path: The session's file.

        Returns:
            Where it is now.

        Raises:
            SessionLocked: Somebody writes to it.
            SessionUnusable: A folder may not be written.
        """
        lock = WriterLock(path, time.time())
        try:
            # What the log still holds beside the file goes into it; a damaged session keeps the pieces it has.
            with suppress(SessionCorrupt), closing(Database(path, read_only=False)):
                pass
            taken = [named[1] for one in self._of(path.stem) if (named := _numbered(one.path.parent.name))]
            target = self._trash / f"{path.stem}.{max(taken, default=0) + 1}" / path.name
            _move(path, target)
        finally:
            lock.release()
        return target

    def give_back(self, session_id: str) -> Path:
        """Move the session of an id that was deleted last back to the others.

        Raises:
            SessionNotFound: No such session was deleted.
            UsageError: There is a session of that id again.
            SessionUnusable: A folder may not be written.
        """
        held = self._of(session_id)
        if not held:
            raise SessionNotFound(f"no session {session_id} was deleted; {self._trash} has none")
        source = held[-1].path
        target = self._folder / source.name
        lock = WriterLock(target, time.time())
        try:
            if target.exists():
                raise UsageError(
                    f"there is a session {session_id} again; delete that one first, or rename its files"
                )
            _move(source, target)
        finally:
            lock.release()
        with suppress(OSError):
            source.parent.rmdir()
        return target

    def _of(self, session_id: str) -> list[TrashedSession]:
        return [one for one in self.held() if one.id == session_id]


def _move(source: Path, target: Path) -> None:
    """Move a session's files, the log itself first: what is left behind by a crash is found again under its name."""
    pairs = [(source, target), (transcript_path(source), transcript_path(target))]
    pairs += [
        (source.with_name(f"{source.name}{log}"), target.with_name(f"{target.name}{log}")) for log in _LOGS
    ]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
        for old, new in pairs[1:]:
            with suppress(FileNotFoundError):
                old.replace(new)
    except OSError as error:
        raise SessionUnusable(
            f"{source} cannot be moved to {target.parent}: {error.strerror or error}"
        ) from error


def _numbered(name: str) -> tuple[str, int] | None:
    """Id and number of a deletion's folder."""
    session_id, _, number = name.rpartition(".")
    return (session_id, int(number)) if session_id and number.isdecimal() and number.isascii() else None
