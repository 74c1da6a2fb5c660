"""Texts found again in sessions: in prompts, answers, tool results and what is kept of their whole texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, structs

from agentlab.errors import UsageError
from agentlab.sessions.database import Database
from agentlab.sessions.entries import AssistantSaid, Entry, ToolAnswered, Unknown, UserSaid
from agentlab.sessions.rows import Row, read_rows, read_text
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SearchHit", "SearchHits", "hits_in_file", "pattern_of"]

_AROUND: Final = 60
_LONGEST_NEEDLE: Final = 1_000


class SearchHit(ShortRepr, Struct, frozen=True):
    """An entry that holds what was searched for.

    Attributes:
        session: The session's id.
        entry: The entry's id, as `Session.branch_at` takes it.
        role: Who said it: `user`, `assistant` or `tool`.
        at: Unix time of the entry.
        excerpt: The first place where it stands, with some of the text around, on one line.
        title: The session's title.
    """

    session: str
    entry: int
    role: Literal["user", "assistant", "tool"]
    at: float
    excerpt: str
    title: str = ""


class SearchHits(ShortRepr, Struct, frozen=True):
    """What a search found, sessions changed last first, entries in order.

    Attributes:
        hits: The hits.
        is_cut: Whether there are more than were asked for.
        unread: Id to problem of the sessions that could not be read.
    """

    hits: tuple[SearchHit, ...]
    is_cut: bool = False
    unread: dict[str, str] = {}

    @property
    def df(self) -> pd.DataFrame:
        """One row a hit."""
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        return pd.DataFrame([structs.asdict(hit) for hit in self.hits], columns=SearchHit.__struct_fields__)

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[SearchHit]:
        return iter(self.hits)


def pattern_of(text: str) -> re.Pattern[str]:
    """What finds a text, in capital letters or small; white space of any kind and length is one space.

    Raises:
        UsageError: There is nothing to search for, or too much.
    """
    words = text.split()
    if not words:
        raise UsageError("there is nothing to search for; give some words that were said")
    if len(text) > _LONGEST_NEEDLE:
        raise UsageError(
            f"a text to search for has {_LONGEST_NEEDLE:,} characters at most, not {len(text):,}"
        )
    return re.compile(r"\s+".join(re.escape(word) for word in words), re.IGNORECASE)


def hits_in_file(path: Path, pattern: re.Pattern[str]) -> Iterator[SearchHit]:
    """The entries of a session's file in which a pattern is found, on any branch.

    Args:
        path: The file; it is opened to be read only.
        pattern: Made by `pattern_of`.

    Raises:
        SessionError: The file cannot be read.
    """
    with closing(Database(path, read_only=True)) as database, database.reading() as connection:
        for row in read_rows(connection, None):
            if row.kind not in {"user", "assistant", "tool"}:
                continue
            entry = row.stored().entry if _may_hold(row, pattern) else None
            if entry is None:
                continue
            for role, text in _texts(entry):
                if found := pattern.search(text):
                    yield _hit(path, row, role, text, found)
                    break
            else:
                whole = (
                    read_text(connection, entry.full)
                    if isinstance(entry, ToolAnswered) and entry.full
                    else None
                )
                if whole is not None and (found := pattern.search(whole)):
                    yield _hit(path, row, "tool", whole, found)


def _may_hold(row: Row, pattern: re.Pattern[str]) -> bool:
    """Whether reading an entry is worth it: JSON that escapes nothing holds its texts as they are."""
    return b"\\" in row.raw or b'"full"' in row.raw or pattern.search(row.raw.decode()) is not None


def _texts(entry: Entry | Unknown) -> Iterator[tuple[Literal["user", "assistant", "tool"], str]]:
    match entry:
        case UserSaid():
            yield "user", entry.text or entry.message.text
        case AssistantSaid():
            yield "assistant", entry.message.text
        case ToolAnswered():
            yield "tool", entry.result.text
            yield "tool", entry.summary
        case _:
            pass


def _hit(
    path: Path, row: Row, role: Literal["user", "assistant", "tool"], text: str, found: re.Match[str]
) -> SearchHit:
    return SearchHit(path.stem, row.id, role, row.at, _excerpt(text, found.start(), found.end()))


def _excerpt(text: str, start: int, end: int) -> str:
    begin, stop = max(0, start - _AROUND), min(len(text), end + _AROUND)
    shown = " ".join(text[begin:stop].split())
    return f"{'…' if begin else ''}{shown}{'…' if stop < len(text) else ''}"
