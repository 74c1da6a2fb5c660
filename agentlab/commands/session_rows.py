"""Sessions, hits and branches as rows of a table that is safe to print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct, structs

from agentlab.commands.table import print_table
from agentlab.plain_text import one_line, terminal_safe
from agentlab.sessions import Branch, SearchHits, SessionInfo

__all__ = [
    "BRANCH_HEADINGS",
    "HIT_HEADINGS",
    "SESSION_HEADINGS",
    "branch_rows",
    "hit_rows",
    "print_safe_table",
    "session_rows",
]

SESSION_HEADINGS: Final = ("id", "title", "tags", "model", "entries", "changed (UTC)", "problem")
HIT_HEADINGS: Final = ("session", "entry", "who", "title", "text")
BRANCH_HEADINGS: Final = ("branch", "from", "at entry", "entries", "made (UTC)")


class _SessionRow(Struct, frozen=True):
    id: str
    title: str
    tags: str
    model: str
    entries: int
    changed: str
    problem: str | None


class _HitRow(Struct, frozen=True):
    session: str
    entry: int
    who: str
    title: str
    text: str


class _BranchRow(Struct, frozen=True):
    branch: str
    from_branch: str | None
    at: int
    entries: int
    made: str


def session_rows(infos: Iterable[SessionInfo]) -> list[_SessionRow]:
    """A row a session."""
    return [
        _SessionRow(
            info.id,
            info.title,
            ", ".join(info.tags),
            info.model,
            info.entries,
            _time(info.updated_at),
            info.problem,
        )
        for info in infos
    ]


def hit_rows(hits: SearchHits) -> list[_HitRow]:
    """A row a hit."""
    return [_HitRow(hit.session, hit.entry, hit.role, hit.title, hit.excerpt) for hit in hits]


def branch_rows(branches: Iterable[Branch]) -> list[_BranchRow]:
    """A row a branch."""
    return [
        _BranchRow(one.name, one.from_branch, one.at, one.entries, _time(one.created_at)) for one in branches
    ]


def print_safe_table(rows: Sequence[Struct], headings: Sequence[str]) -> None:
    """Print rows whose texts are anybody's, each on one line and without what acts on a terminal."""
    print_table([_safe(row) for row in rows], headings)


def _safe(row: Struct) -> Struct:
    texts = {name: value for name, value in structs.asdict(row).items() if isinstance(value, str)}
    return structs.replace(row, **{name: one_line(terminal_safe(text), 160) for name, text in texts.items()})


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}" if at else ""
