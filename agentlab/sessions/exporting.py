"""A session as a file for elsewhere: JSONL, which holds all of it, or Markdown, which people read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.errors import SessionWriteFailed, UsageError
from agentlab.sessions.entries import Stored
from agentlab.sessions.front_matter import front_matter_text
from agentlab.sessions.session import Session
from agentlab.sessions.transcript_checks import FORMAT_VERSION, models_after
from agentlab.sessions.transcript_markdown import parts_text
from agentlab.sessions.transcript_parts import parts_of

__all__ = [
    "JSONL_FORMAT",
    "JSONL_VERSION",
    "EntryLine",
    "ExportFormat",
    "Header",
    "TextLine",
    "export_session",
]

ExportFormat = Literal["jsonl", "markdown"]

JSONL_FORMAT: Final = "agentlab-session"
JSONL_VERSION: Final = 1

_SUFFIXES: Final[Mapping[str, ExportFormat]] = {".jsonl": "jsonl", ".md": "markdown", ".markdown": "markdown"}


class Header(Struct, frozen=True):
    """The first line of a JSONL file.

    Attributes:
        format: `agentlab-session`.
        version: Of the format.
        id: The session's.
        title: The session's, for whoever looks into the file.
        entries: How many lines of entries follow.
        texts: How many lines of texts follow those.
    """

    format: str
    version: int
    id: str = ""
    title: str = ""
    entries: int = 0
    texts: int = 0


class EntryLine(Struct, frozen=True):
    """An entry as a line; members as in `Stored`, the JSON verbatim under `data`."""

    id: int
    branch: int
    at: float
    kind: str
    tokens: int
    data: msgspec.Raw


class TextLine(Struct, frozen=True):
    """A text that the log keeps beside its entries, as a line."""

    digest: str
    text: str


def export_session(
    session: Session,
    path: str | os.PathLike[str],
    *,
    format: ExportFormat | None = None,  # noqa: A002 - the field's word
    branch: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a session to a file, whole or not at all.

    JSONL holds every entry of every branch as it was written, and the texts kept beside them. Markdown tells one branch:
    prompts, answers, calls and results as the model saw them; no reasoning, no costs.

    Args:
        session: The session, open for reading or writing.
        path: The file; `.jsonl` or `.md` says the format where `format` does not.
        format: `jsonl` or `markdown`.
        branch: For Markdown; the current one where None.
        overwrite: Whether a file that is there may be replaced.

    Returns:
        The file.

    Raises:
        UsageError: The format is not known, there is such a file already, or no such branch.
        SessionCorrupt: An entry cannot be read.
        SessionWriteFailed: The file cannot be written.
    """
    target = Path(path)
    form = format or _SUFFIXES.get(target.suffix.lower())
    if form not in {"jsonl", "markdown"}:
        raise UsageError(f"{target} says no format; end its name with .jsonl or .md, or name the format")
    if form == "jsonl" and branch is not None:
        raise UsageError("JSONL holds all branches; name a branch for Markdown alone")
    if target.is_dir():
        raise UsageError(f"{target} is a folder; name a file in it, such as {target / f'{session.id}.jsonl'}")
    if not overwrite and os.path.lexists(target):
        raise UsageError(f"there is a file {target} already; name another, or allow it to be overwritten")
    _write(target, jsonl_lines(session) if form == "jsonl" else [markdown_text(session, branch).encode()])
    return target


def jsonl_lines(session: Session) -> Iterator[bytes]:
    """The lines of a session's JSONL form."""
    entries = session.all_entries()
    texts = session.texts()  # read later, so that none of an entry's is missing
    header = Header(JSONL_FORMAT, JSONL_VERSION, session.id, session.title, len(entries), len(texts))
    yield msgspec.json.encode(header) + b"\n"
    for stored in entries:
        yield _entry_line(stored)
    for digest, text in texts.items():
        yield _text_line(TextLine(digest, text))


def markdown_text(session: Session, branch: str | None = None) -> str:
    """A branch of a session as Markdown under a front matter.

    Raises:
        UsageError: There is no such branch.
    """
    entries = session.entries(branch)
    models = models_after((), entries)
    fields: dict[str, Any] = {
        "agentlab_transcript": FORMAT_VERSION,
        "session": session.id,
        "title": session.title,
        "tags": list(session.tags),
        "model": models[-1][1] if models else "",
        "branch": session.branch if branch is None else branch,
        "config": session.config,
    }
    return front_matter_text(fields) + body_text(entries)


def body_text(entries: Iterable[Stored]) -> str:
    """What a reader is told of entries, as Markdown, nothing in it cut."""
    return parts_text([part for stored in entries for part in parts_of(stored, whole=True)])


def _entry_line(stored: Stored) -> bytes:
    # JSON may be laid out over several lines; its texts hold none.
    data = stored.raw.replace(b"\r", b" ").replace(b"\n", b" ")
    line = EntryLine(stored.id, stored.branch, stored.at, stored.kind, stored.tokens, msgspec.Raw(data))
    return msgspec.json.encode(line) + b"\n"


def _text_line(line: TextLine) -> bytes:
    try:
        return msgspec.json.encode(line) + b"\n"
    except UnicodeEncodeError:  # half a surrogate pair, which the log keeps
        return json.dumps(msgspec.to_builtins(line)).encode() + b"\n"


def _write(target: Path, lines: Iterable[bytes]) -> None:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as opened:
            opened.writelines(lines)
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise SessionWriteFailed(f"{target} could not be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
