"""One session: a log on the disk that only grows, read as entries, as a history and as a frame."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from agentlab.errors import SessionUnusable, UsageError
from agentlab.http import Clock, SystemClock
from agentlab.messages import Message
from agentlab.sessions.branches import Branch, Leg
from agentlab.sessions.creating import first_rows, ill_kept, make_file, row_of, session_path
from agentlab.sessions.database import Database
from agentlab.sessions.entries import Branched, Entry, Stored
from agentlab.sessions.frames import entries_frame
from agentlab.sessions.lock import WriterLock
from agentlab.sessions.log import Log
from agentlab.sessions.rows import LATEST, Row, read_text, read_texts
from agentlab.short_repr import one_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Follower", "Session"]

Follower = Callable[[tuple[Stored, ...]], None]
"""Is told what was appended, once it is on the disk. It must not raise: the entries are stored whatever it does."""


class Session:
    """A conversation that lasts: every entry is on the disk before `append` returns, and none is ever changed.

    One `Session` writes to a file; any number, in any process, may read it meanwhile with `read_only=True` and see
    what was acknowledged so far. All methods may be called from any thread, one at a time; they block.

    Args:
        path: The file, `<id>.sqlite`. `Session.create` makes one.
        read_only: Whether nothing may be written. The file is then not touched.
        clock: What says the time of entries.

    Raises:
        SessionNotFound: There is no such file.
        SessionLocked: Somebody else writes to it.
        SessionCorrupt: It is damaged, or no session.
        SessionUnusable: It cannot be opened so: no permission, or written by a newer agentlab.
        UsageError: The file's name does not end in `.sqlite`.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False, clock: Clock | None = None) -> None:
        self.path = session_path(path)
        self._clock = clock or SystemClock()
        self._mutex = threading.RLock()
        self._followers: list[Follower] = []
        self._lock: WriterLock | None = None
        if not read_only and os.path.isfile(self.path):  # noqa: PTH113 - False where it may not be looked at
            self._lock = WriterLock(self.path, self._clock.time())
        try:
            self._database = Database(self.path, read_only=read_only)
        except BaseException:
            self._release()
            raise
        try:
            self._log = Log(self._database)
            self._branch = self._log.newest_branch
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        title: str = "",
        tags: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
    ) -> Session:
        """Make a session and open it for writing.

        Args:
            path: The file to make, `<id>.sqlite`; its name without suffix is the session's id.
            title: Its title.
            tags: Its tags.
            config: The configuration it is worked with, as JSON.
            clock: What says the time of entries.

        Raises:
            SessionUnusable: There is something already, or the folder cannot be written.
            SessionLocked: Somebody makes it at this moment.
            SessionWriteFailed: The disk did not take it.
        """
        clock = clock or SystemClock()
        rows = first_rows(title, tags, config or {}, _now(clock, 0.0))
        return cls.restore(path, rows, clock=clock)

    @classmethod
    def restore(
        cls,
        path: str | Path,
        rows: Sequence[Row | Stored],
        texts: Mapping[str, str] | None = None,
        *,
        clock: Clock | None = None,
    ) -> Session:
        """Make a session of entries that were written elsewhere, as they are, and open it for writing.

        Args:
            path: The file to make.
            rows: All entries, with the ids 1, 2, 3, ...; `raw` is kept byte for byte.
            texts: Texts by their digests.
            clock: What says the time of later entries.

        Raises:
            SessionCorrupt: The entries do not follow each other, or a text does not fit its digest; nothing was made.
            SessionError: As for `create`.
        """
        clock = clock or SystemClock()
        make_file(session_path(path), rows, texts or {}, clock.time())
        return cls(path, clock=clock)

    @property
    def id(self) -> str:
        """Its id: the file's name without suffix."""
        return self.path.stem

    @property
    def title(self) -> str:
        """Its newest title; empty where it has none."""
        with self._fresh() as log:
            return log.title

    @property
    def tags(self) -> tuple[str, ...]:
        """Its newest tags."""
        with self._fresh() as log:
            return log.tags

    @property
    def config(self) -> dict[str, Any]:
        """Its newest configuration."""
        with self._fresh() as log:
            return dict(log.config)

    @property
    def branch(self) -> str:
        """The branch that is appended to and read: at first the one written to last."""
        with self._mutex:
            return self._log.tree.name_of(self._branch)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """All branches, in the order of making; the first is `main`."""
        with self._fresh() as log:
            return log.branches()

    @property
    def is_read_only(self) -> bool:
        """Whether it was opened to be read only."""
        return self._database.read_only

    @property
    def created_at(self) -> float:
        """Unix time of the first entry, in seconds; 0.0 where there is none."""
        with self._fresh() as log:
            return log.created_at

    @property
    def updated_at(self) -> float:
        """Unix time of the newest entry, in seconds; 0.0 where there is none."""
        with self._fresh() as log:
            return log.last_at

    def __len__(self) -> int:
        """How many entries there are, on all branches."""
        with self._fresh() as log:
            return log.last_id

    def append(self, *entries: Entry, texts: Mapping[str, str] | None = None) -> tuple[int, ...]:
        """Write entries to the current branch: all of them or none. When this returns they are on the disk.

        Args:
            entries: What happened, in order.
            texts: Texts to keep beside them, by digest (`digest_of`); those that are kept already are not kept twice.

        Returns:
            The ids of the entries.

        Raises:
            SessionWriteFailed: The disk did not take them; nothing was written.
            SessionUnusable: The session is read-only or closed.
            UsageError: An entry is no plain data, or is a `Branched`, which `branch_at` writes.
        """
        if any(isinstance(entry, Branched) for entry in entries):
            raise UsageError("a branch is made by branch_at, not by appending an entry")
        digest = ill_kept(texts or {})
        if digest is not None:
            raise UsageError(f"the text kept as {digest!r} has another digest; use digest_of(text)")
        with self._mutex:
            return self._append(entries, self._branch, texts or {})

    def entries(self, branch: str | None = None, *, after: int = 0) -> list[Stored]:
        """The entries of a branch in order: those it shares with the branch it left, then its own.

        Args:
            branch: Its name; None for the current one.
            after: Only entries with larger ids.

        Raises:
            UsageError: There is no such branch.
            SessionCorrupt: An entry is not what was written.
        """
        with self._fresh() as log:
            return log.entries(self._number(branch), after)

    def all_entries(self) -> list[Stored]:
        """Every entry of every branch, in the order of writing.

        Raises:
            SessionCorrupt: An entry is not what was written.
        """
        with self._fresh() as log:
            return log.all()

    def history(self, branch: str | None = None) -> list[Message]:
        """The messages of a branch, valid for every provider; see `history_of`.

        Args:
            branch: Its name; None for the current one.

        Raises:
            UsageError: There is no such branch.
            SessionCorrupt: An entry is not what was written.
        """
        with self._fresh() as log:
            return log.history(self._number(branch))

    def branch_at(self, entry_id: int, name: str | None = None) -> str:
        """Make a branch that shares everything up to and with an entry, and go on with it. Nothing is copied.

        Args:
            entry_id: The last entry that is shared; 0 shares nothing.
            name: Its name; None for one that is free.

        Returns:
            The name.

        Raises:
            UsageError: There is no such entry, or the name is taken.
            SessionError: As for `append`.
        """
        with self._mutex:
            if not 0 <= entry_id <= self._log.last_id:
                raise UsageError(
                    f"there is no entry {entry_id} to branch at; the last one is {self._log.last_id}"
                )
            tree = self._log.tree
            name = tree.free_name() if name is None else name
            if not name or name in tree.numbers:
                raise UsageError(f"a branch cannot be named {name!r}: it has to have a name of its own")
            leaves = self._log.branch_of(entry_id) if entry_id else 0
            number = tree.next_number
            self._append((Branched(name, leaves, entry_id),), number, {})
            self._branch = number
            return name

    def switch(self, name: str) -> None:
        """Go on with another branch.

        Raises:
            UsageError: There is no such branch.
        """
        with self._fresh():
            self._branch = self._number(name)
            for follower in self._followers:
                follower(())

    def legs(self, branch: str | None = None) -> tuple[Leg, ...]:
        """The pieces of other branches and of its own that a branch is made of, the oldest first.

        Raises:
            UsageError: There is no such branch.
        """
        with self._fresh() as log:
            return log.tree.path(self._number(branch))

    def texts(self) -> dict[str, str]:
        """All texts that are kept, by their digests.

        Raises:
            SessionCorrupt: One is not what was written.
        """
        with self._mutex, self._database.reading() as connection:
            return read_texts(connection)

    def text_of(self, digest: str) -> str | None:
        """A text that was kept by its digest; None where none was.

        Raises:
            SessionCorrupt: It is not what was written.
        """
        with self._mutex, self._database.reading() as connection:
            return read_text(connection, digest)

    @property
    def df(self) -> pd.DataFrame:
        """One row a part of what was said on the current branch; see `agentlab.sessions.frames`."""
        return entries_frame(self.entries())

    def check(self) -> None:
        """Read and decode everything, and let SQLite look through the whole file.

        Raises:
            SessionCorrupt: Something is not what was written.
        """
        with self._fresh() as log:
            log.check()

    def follow(self, follower: Follower) -> None:
        """Tell somebody of everything that is appended from now on, after it is on the disk.

        Where the session goes on with another branch, it is told of no entries.
        """
        with self._mutex:
            self._followers.append(follower)

    def close(self) -> None:
        """Close the file and let others write. Closing twice is no harm."""
        with self._mutex:
            self._database.close()
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        log, name = self._log, self._log.tree.name_of(self._branch)
        state = "closed" if self._database.closed else "read-only" if self.is_read_only else "writing"
        return one_line(
            f"Session({self.id!r}, {log.title!r}, {log.last_id} entries, branch={name!r}, {state})"
        )

    @contextmanager
    def _fresh(self) -> Iterator[Log]:
        """The log, with what others wrote since."""
        with self._mutex:
            if self.is_read_only or self._log.is_stale:
                self._log.refresh()
            yield self._log

    def _number(self, branch: str | None) -> int:
        if branch is None:
            return self._branch
        number = self._log.tree.numbers.get(branch)
        if number is None:
            names = ", ".join(self._log.tree.numbers)
            raise UsageError(f"the session has no branch {branch!r}; it has {names}")
        return number

    def _append(self, entries: Sequence[Entry], number: int, texts: Mapping[str, str]) -> tuple[int, ...]:
        if self.is_read_only:
            raise SessionUnusable(f"{self.path} was opened read-only; open it with read_only=False to write")
        if not entries:
            return ()
        if self._log.is_stale:
            self._log.refresh()
        log = self._log
        now = _now(self._clock, log.last_at)
        rows = [row_of(entry, place, number, now) for place, entry in enumerate(entries, log.last_id + 1)]
        log.append(rows, texts)
        if self._followers:
            stored = tuple(row.stored() for row in rows)
            for follower in self._followers:
                follower(stored)
        return tuple(row.id for row in rows)

    def _release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()


def _now(clock: Clock, earliest: float) -> float:
    """The time, or the earliest it may be: a clock that was set back does not turn the log around."""
    return min(max(clock.time(), earliest), LATEST)
