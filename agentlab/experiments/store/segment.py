"""What a worker writes where it cannot open the store: one line a finished run, in a file of its own."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from os import PathLike
from pathlib import Path
from secrets import token_hex
from typing import Final, Self

import msgspec
from msgspec import Struct

from agentlab.errors import StoreUnusable, StoreWriteFailed
from agentlab.experiments.rows import RunRow
from agentlab.experiments.store.cell_key import CellKey
from agentlab.experiments.store.records import json_of

__all__ = ["End", "Header", "Line", "Segment", "line_from", "segments_folder"]

_LINE_END: Final = b"\n"


class Header(Struct, frozen=True, tag="segment", tag_field="line"):
    """The first line: which segment it is, whatever its file is called."""

    segment: str


class Line(Struct, frozen=True, tag="run", tag_field="line"):
    """A finished run.

    Attributes:
        row: The run as JSON; as it was written, so that fields of a newer agentlab survive.
        key: What its cell's key was made of.
        trace: Its trace as JSON.
    """

    row: msgspec.Raw
    key: CellKey | None = None
    trace: str | None = None


class End(Struct, frozen=True, tag="end", tag_field="line"):
    """The last line: the worker is done with the file."""


def segments_folder(store: str | PathLike[str]) -> Path:
    """Where the workers of a store write: a folder beside it."""
    path = Path(store)
    return path.with_name(f"{path.name}-segments")


class Segment:
    """An append-only file of finished runs, written through: a run that `put` returned for survives a killed worker.

    Each worker process has its own, `<store>-segments/<host>-<process>.jsonl`, so that none waits for another and a
    network file system is no danger. `Store.ingest_segments()` moves them into the store.

    Args:
        path: A file that does not exist yet; its folder is made.

    Raises:
        StoreUnusable: The file cannot be made.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._torn = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: int | None = os.open(
                self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666
            )
        except OSError as error:
            raise StoreUnusable(f"the segment {self.path} cannot be made: {error.strerror}") from error
        try:
            self._write(Header(token_hex(8)))
        except StoreWriteFailed:
            self._release()
            raise

    @classmethod
    def of(cls, store: str | PathLike[str]) -> Self:
        """Open the next segment of this process for a store.

        A segment is never opened again, since its file may have been ingested and removed meanwhile.

        Args:
            store: Path of the store; it need not be reachable from here.

        Raises:
            StoreUnusable: The file cannot be made.
        """
        host = re.sub(r"[^A-Za-z0-9_.]+", "-", socket.gethostname()) or "host"
        stem = f"{host}-{os.getpid()}"
        folder = segments_folder(store)
        number = 1
        while (path := folder / f"{stem}{f'-{number}' if number > 1 else ''}.jsonl").exists():
            number += 1
        return cls(path)

    def put(self, row: RunRow, key: CellKey | None = None, *, trace: str | None = None) -> None:
        """Write a finished run through to the file system.

        Args:
            row: The run.
            key: What its cell's key was made of.
            trace: Its `Trace.to_json()`, where that is to be kept.

        Raises:
            StoreWriteFailed: A full disk, a closed segment. What was written before is safe.
        """
        whole = None if trace is None else trace.encode("utf-8", "replace").decode()
        self._write(Line(msgspec.Raw(json_of(row).encode()), key, whole))

    def close(self) -> None:
        """Mark the segment as finished, so that its file is removed once ingested. Closing twice is no harm."""
        if self._file is not None:
            with contextlib.suppress(StoreWriteFailed):  # the mark only tidies up
                self._write(End())
            self._release()

    def _write(self, line: Struct) -> None:
        text = msgspec.json.encode(line) + _LINE_END
        with self._lock:
            rest = memoryview(_LINE_END + text if self._torn else text)
            if self._file is None:
                raise StoreWriteFailed(f"the segment {self.path} is closed; open another")
            try:
                while rest:
                    rest = rest[os.write(self._file, rest) :]
                self._torn = False
            except OSError as error:
                self._torn = True  # the next line begins a line of its own
                raise StoreWriteFailed(
                    f"the segment {self.path} could not be written: {error.strerror}"
                ) from error

    def _release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_LINES: Final[msgspec.json.Decoder[Header | Line | End]] = msgspec.json.Decoder(Header | Line | End)


def line_from(text: bytes) -> Header | Line | End | None:
    """A line of a segment; None for one that cannot be read.

    Such a line is what is left of a write that was cut, by a full disk for example, or of a newer agentlab.
    """
    try:
        return _LINES.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
