"""Files of sessions, read back: JSONL without loss, Markdown as far as it tells. Nothing in a file is run or followed."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from agentlab.errors import SessionCorrupt, SessionNotFound, SessionUnusable
from agentlab.sessions.exporting import JSONL_FORMAT, JSONL_VERSION, EntryLine, Header, TextLine
from agentlab.sessions.importing_markdown import read_markdown
from agentlab.sessions.read_session import ReadSession
from agentlab.sessions.rows import Row

__all__ = ["read_export"]

_DATABASE: Final = b"SQLite format 3\x00"
_MARK: Final = b"\xef\xbb\xbf"  # what some editors put before UTF-8
_FAULTS: Final = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)


def read_export(path: str | os.PathLike[str]) -> ReadSession:
    """Read a file that `export_session` wrote, or a transcript.

    Args:
        path: The file; what it holds says its format, not its name.

    Raises:
        SessionNotFound: There is no such file.
        SessionUnusable: It is something else, was written by a newer agentlab, or may not be read.
        SessionCorrupt: It is damaged; the message names the line.
    """
    source = Path(path)
    data = _bytes_of(source).removeprefix(_MARK)
    if data.startswith(_DATABASE):
        raise SessionUnusable(
            f"{source} is an SQLite file, not an export; a session's own file is put into the folder of a store "
            "under its id, and opened there"
        )
    if data.lstrip()[:1] == b"{":
        return read_jsonl(data, str(source))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise SessionUnusable(f"{source} is no export of a session: it is not text ({error})") from None
    return read_markdown(text, str(source))


def read_jsonl(data: bytes, name: str) -> ReadSession:
    """Read the JSONL form.

    Args:
        data: The file's bytes.
        name: What errors call it.

    Raises:
        SessionUnusable: It is something else, or of a newer version.
        SessionCorrupt: A line is damaged or missing.
    """
    lines = _lines(data)
    number, first = next(lines)
    header = _header(first, name)
    rows: list[Row] = []
    texts: dict[str, str] = {}
    for number, line in lines:
        if len(rows) < header.entries:
            rows.append(_row(line, name, number))
        elif len(texts) < header.texts:
            told = _text(line, name, number)
            texts[told.digest] = told.text
        else:
            _damaged(
                name,
                number,
                f"more lines follow than the first one tells of ({header.entries} entries, {header.texts} texts)",
            )
    if len(rows) < header.entries or len(texts) < header.texts:
        raise SessionCorrupt(
            f"{name} ends after line {number}, with {len(rows)} of {header.entries} entries and {len(texts)} of "
            f"{header.texts} texts: it was cut off; export the session again"
        )
    return ReadSession(id=header.id, rows=tuple(rows), texts=texts)


def _bytes_of(source: Path) -> bytes:
    try:
        descriptor = os.open(source, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as opened:  # noqa: PTH123 - of a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SessionUnusable(f"{source} is no file to import")
            return opened.read()
    except FileNotFoundError:
        raise SessionNotFound(f"there is no file {source} to import") from None
    except OSError as error:
        raise SessionUnusable(f"{source} cannot be read: {error.strerror or error}") from error


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, numbered from 1."""
    begin, number = 0, 0
    while begin < len(data):
        end = data.find(b"\n", begin)
        end = len(data) if end < 0 else end
        number += 1
        if line := data[begin:end].strip():
            yield number, line
        begin = end + 1


def _header(line: bytes, name: str) -> Header:
    try:
        header = msgspec.json.decode(line, type=Header)
    except _FAULTS:
        raise SessionUnusable(
            f"{name} is no export of a session: its first line does not say `{JSONL_FORMAT}`"
        ) from None
    if header.format != JSONL_FORMAT:
        raise SessionUnusable(f"{name} is JSON of another kind ({header.format!r}), no export of a session")
    if header.version > JSONL_VERSION:
        raise SessionUnusable(
            f"{name} was exported by a newer agentlab (version {header.version}; this one reads up to "
            f"{JSONL_VERSION}): upgrade agentlab"
        )
    return header


def _row(line: bytes, name: str, number: int) -> Row:
    try:
        told = msgspec.json.decode(line, type=EntryLine)
        row = Row(told.id, told.branch, told.at, told.kind, told.tokens, bytes(told.data))
        row.raw.decode()
        row.stored()
    except SessionCorrupt as error:
        _damaged(name, number, str(error))
    except _FAULTS as error:
        _damaged(name, number, str(error))
    return row


def _text(line: bytes, name: str, number: int) -> TextLine:
    try:
        return msgspec.json.decode(line, type=TextLine)
    except _FAULTS as error:
        fault = error
    try:  # half a surrogate pair, which only the standard library reads
        found: Any = json.loads(line)
        return msgspec.convert(found, TextLine)
    except _FAULTS:
        _damaged(name, number, str(fault))


def _damaged(name: str, number: int, why: str) -> NoReturn:
    raise SessionCorrupt(
        f"{name}, line {number}: {why}. Nothing was imported; mend the line, or export the session again"
    )
