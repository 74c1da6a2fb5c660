"""What a list of sessions tells of each: read from its file in a moment, and from a damaged one as far as can be."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from agentlab.errors import SessionError
from agentlab.sessions.session import Session
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SessionInfo", "info_of", "infos_frame"]


class SessionInfo(ShortRepr, Struct, frozen=True):
    """A session in a list.

    Attributes:
        id: Its id.
        title: Its title; empty where it has none.
        tags: Its tags.
        model: The model its configuration names; empty where it names none.
        entries: How many entries it has, on all branches.
        created_at: Unix time of its first entry.
        updated_at: Unix time of its last entry.
        size_bytes: Size of its file.
        problem: Why it cannot be read; None where it can.
    """

    id: str
    title: str = ""
    tags: tuple[str, ...] = ()
    model: str = ""
    entries: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0
    size_bytes: int = 0
    problem: str | None = None


def info_of(path: Path) -> SessionInfo | None:
    """What a session's file tells; None where it has just gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    try:
        with Session(path, read_only=True) as session:
            model = session.config.get("model")
            return SessionInfo(
                session.id,
                session.title,
                session.tags,
                model if isinstance(model, str) else "",
                len(session),
                session.created_at,
                session.updated_at,
                found.st_size,
            )
    except SessionError as error:
        return SessionInfo(path.stem, updated_at=found.st_mtime, size_bytes=found.st_size, problem=str(error))


def infos_frame(infos: Iterable[SessionInfo]) -> pd.DataFrame:
    """One row a session; times are in UTC."""
    import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

    told = list(infos)
    columns: dict[str, object] = {
        name: pd.array([getattr(info, name) or None for info in told], dtype="string")
        for name in ("id", "title", "model", "problem")
    }
    columns["tags"] = pd.Series([list(info.tags) for info in told], dtype=object)
    for name in ("entries", "size_bytes"):
        columns[name] = pd.array([getattr(info, name) for info in told], dtype="Int64")
    for name in ("created_at", "updated_at"):
        seconds = [getattr(info, name) or None for info in told]
        columns[name] = pd.to_datetime(pd.Series(seconds, dtype="float64"), unit="s", utc=True)
    order = ["id", "title", "tags", "model", "entries", "created_at", "updated_at", "size_bytes", "problem"]
    return pd.DataFrame(columns)[order]
