"""What is known of a log: little after opening, all of it once somebody reads entries."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from agentlab.errors import SessionCorrupt
from agentlab.messages import Message
from agentlab.sessions.branches import Branch, BranchTree, on_path
from agentlab.sessions.creating import check_rows
from agentlab.sessions.database import Database, check_pages, explained
from agentlab.sessions.entries import Branched, Configured, Stored, Tagged, Titled
from agentlab.sessions.history import HistoryBuilder
from agentlab.sessions.rows import (
    Row,
    insert_rows,
    insert_texts,
    last_row,
    read_row,
    read_rows,
    read_texts,
    settings_rows,
)
from agentlab.sessions.schema import SETTINGS_KINDS

__all__ = ["Log"]


class Log:
    """The entries of one file: rows are read when they are asked for, and their JSON when an entry is.

    Not safe for threads by itself: `Session` lets in one at a time.

    Args:
        database: The open file.

    Raises:
        SessionCorrupt: What has to be known of it cannot be read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: list[Row] = []
        self._decoded: dict[int, Stored] = {}
        self._paths: dict[int, _Path] = {}
        self._settings: set[int] = set()
        self.tree = BranchTree()
        self.title = ""
        self.tags: tuple[str, ...] = ()
        self.config: dict[str, Any] = {}
        self.newest_branch = 0
        self.created_at = 0.0
        self.last_id = 0
        self.last_at = 0.0
        self.is_stale = False
        """Whether the file may hold more than is known: a write ended in an error that may have come too late."""
        self.refresh()

    def refresh(self) -> None:
        """Take what was written since."""
        with explained(self._database.path, "read"):
            with self._database.reading() as connection:
                newest = last_row(connection)
                if newest is None or newest.id < self.last_id:
                    raise SessionCorrupt(f"entry {self.last_id or 1} is missing")
                if not self.last_id:
                    self.created_at = read_row(connection, 1).at
                settings = settings_rows(connection, self.last_id) if newest.id > self.last_id else []
            self._move_to(newest, settings)
        self.is_stale = False

    def append(self, rows: Sequence[Row], texts: Mapping[str, str]) -> None:
        """Write rows that follow the last; when this returns they are on the disk."""
        self.is_stale = True
        with self._database.writing() as connection:
            insert_texts(connection, texts)
            insert_rows(connection, rows)
        if len(self._rows) == self.last_id:
            self._rows += rows
        self._move_to(rows[-1], [row for row in rows if row.kind in SETTINGS_KINDS])
        self.is_stale = False

    def entries(self, number: int, after: int = 0) -> list[Stored]:
        """The path of a branch, from the first entry with a larger id on."""
        return self._path(number).after(after)

    def history(self, number: int) -> list[Message]:
        """The messages on the path of a branch."""
        return self._path(number).history()

    def branches(self) -> tuple[Branch, ...]:
        """All branches, in the order of making."""
        self._load()
        return tuple(self._branch(name, number) for name, number in self.tree.numbers.items())

    def all(self) -> list[Stored]:
        """Every entry of every branch, in the order of writing."""
        self._load()
        with explained(self._database.path, "read"):
            return [self._stored(entry_id) for entry_id in range(1, len(self._rows) + 1)]

    def branch_of(self, entry_id: int) -> int:
        """The number of the branch that an entry was written on."""
        with explained(self._database.path, "read"):
            if entry_id <= len(self._rows):
                return self._rows[entry_id - 1].branch
            with self._database.reading() as connection:
                return read_row(connection, entry_id).branch

    def check(self) -> None:
        """Look through the whole file, and read every entry and text.

        Raises:
            SessionCorrupt: Something is not what was written.
        """
        with self._database.reading() as connection:
            check_pages(connection)
            check_rows(read_rows(connection, None))
            read_texts(connection)

    def _branch(self, name: str, number: int) -> Branch:
        made = self.tree.parent_of(number)
        since = self.tree.since(number)
        return Branch(
            name=name,
            from_branch=None if made is None else self.tree.name_of(made.from_branch),
            at=0 if made is None else made.at,
            entries=len(on_path(self.tree.path(number), self._rows, after=0)),
            number=number,
            created_at=self.created_at if since is None else since,
        )

    def _path(self, number: int) -> _Path:
        self._load()
        path = self._paths.setdefault(number, _Path())
        with explained(self._database.path, "read"):
            new = on_path(self.tree.path(number), self._rows, after=path.seen)
            path.take([self._stored(entry_id) for entry_id in new], len(self._rows))
        return path

    def _load(self) -> None:
        """Read the rows that are not known yet."""
        if len(self._rows) == self.last_id:
            return
        with explained(self._database.path, "read"):
            with self._database.reading() as connection:
                rows = read_rows(connection, self._rows[-1] if self._rows else None)
            rows = [row for row in rows if row.id <= self.last_id]
            for row in rows:
                self.tree.name_of(row.branch)
                # An index that leaves out an entry would hide a title or a branch.
                if row.kind in SETTINGS_KINDS and row.id not in self._settings:
                    raise SessionCorrupt(f"entry {row.id} is missing from the index of settings")
            if len(self._rows) + len(rows) != self.last_id:
                raise SessionCorrupt(f"entry {len(self._rows) + len(rows) + 1} is missing")
            self._rows += rows

    def _move_to(self, newest: Row, settings: Sequence[Row]) -> None:
        """Take the settings up to the newest row, and that row for the last."""
        for row in settings:
            if row.id not in self._settings:
                self._take_setting(row)
                self._settings.add(row.id)
        self.tree.name_of(newest.branch)
        self.newest_branch = newest.branch
        self.last_id = newest.id
        self.last_at = newest.at

    def _take_setting(self, row: Row) -> None:
        entry = row.stored().entry
        match entry:
            case Titled(title=title):
                self.title = title
            case Tagged(tags=tags):
                self.tags = tags
            case Configured(config=config):
                self.config = config
            case Branched():
                self.tree.add(row.branch, entry, row.id, row.at)
            case _:
                raise SessionCorrupt(f"entry {row.id} is no setting, but a {row.kind!r} entry")

    def _stored(self, entry_id: int) -> Stored:
        stored = self._decoded.get(entry_id)
        if stored is None:
            stored = self._decoded[entry_id] = self._rows[entry_id - 1].stored()
        return stored


class _Path:
    """The entries of one branch's path, and the history they add up to, both growing."""

    def __init__(self) -> None:
        self.seen = 0  # id up to which the log was looked through
        self._entries: list[Stored] = []
        self._builder = HistoryBuilder()
        self._built = 0

    def take(self, entries: Sequence[Stored], seen: int) -> None:
        """Take the entries that follow."""
        self._entries += entries
        self.seen = seen

    def after(self, entry_id: int) -> list[Stored]:
        """The entries with larger ids."""
        first = bisect_right(self._entries, entry_id, key=lambda stored: stored.id)
        return self._entries[first:]

    def history(self) -> list[Message]:
        """The messages so far."""
        for stored in self._entries[self._built :]:
            self._builder.add(stored)
        self._built = len(self._entries)
        return self._builder.messages()
