"""A small copy of a store to commit beside a notebook: no keys, nothing of the machine, the same bytes each time."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from socket import gethostname
from typing import Final

from agentlab.errors import StoreUnusable, StoreWriteFailed
from agentlab.experiments.store.packing import packed
from agentlab.experiments.store.reading import select_blob
from agentlab.experiments.store.schema import migrate
from agentlab.experiments.store.writing import insert_blob
from agentlab.http import Secret, redact

__all__ = ["Machine", "copy_tables", "scrub"]

_SHORTEST_HOST: Final = 5  # a shorter host name may be a word
_HOME_SHAPES: Final = re.compile(r"(?:/home|/Users)/[^/\s\"'\\]+|\b[A-Za-z]:\\+Users\\+[^\\\s\"']+")


@dataclass(frozen=True)
class Machine:
    """What would tell whose machine a store was made on.

    Attributes:
        folders: Folders to hide, each with what it is called instead.
        host: Name of the machine.
    """

    folders: tuple[tuple[str, str], ...] = ()
    host: str = ""

    @classmethod
    def this(cls) -> Machine:
        """The machine this runs on."""
        named = ((Path.cwd(), "."), (Path(tempfile.gettempdir()), "<tmp>"), (Path.home(), "~"))
        folders = [(str(folder), name) for folder, name in named if len(folder.parts) > 1]
        return cls(tuple(sorted(folders, key=lambda pair: -len(pair[0]))), gethostname())


def scrub(text: str, machine: Machine, secrets: Iterable[Secret] = ()) -> str:
    """A text without keys, home folders and the machine's name.

    Args:
        text: Plain text, or JSON: what replaces a piece needs no escape.
        machine: What to hide.
        secrets: Keys in use; others are found by their shape.
    """
    text = redact(text, secrets)
    for folder, name in machine.folders:
        text = re.sub(re.escape(folder) + r"(?![\w.-])", name, text)
    text = _HOME_SHAPES.sub("~", text)
    if len(machine.host) >= _SHORTEST_HOST:
        text = re.sub(rf"(?<![\w.-]){re.escape(machine.host)}(?![\w-])", "<host>", text)
    return text


def copy_tables(
    source: sqlite3.Connection,
    path: str | PathLike[str],
    *,
    machine: Machine,
    secrets: Iterable[Secret] = (),
    traces: bool = False,
) -> Path:
    """Write a store's runs to a new file: one file without a log, in the order of the keys, nothing left of old rows.

    Args:
        source: The store, in a transaction.
        path: The new file; one that is there is replaced once the copy is whole.
        machine: What to hide.
        secrets: Keys in use.
        traces: Whether to copy traces too; they hold whole requests.

    Returns:
        The file.

    Raises:
        StoreUnusable: The folder does not exist.
        StoreWriteFailed: The file cannot be written.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise StoreUnusable(f"there is no folder {target.parent}; make it, or put the copy elsewhere")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = MEMORY")
            copy.execute("BEGIN IMMEDIATE")
            migrate(copy, str(target))
            known = tuple(secrets)
            _fill(source, copy, lambda text: scrub(text, machine, known), traces=traces)
            copy.execute("COMMIT")
        unfinished.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise StoreWriteFailed(f"the copy {target} could not be written: {error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return target


_RUN: Final = (
    "cell_key, n_turns, input_tokens, cache_read_input_tokens, cache_write_input_tokens, output_tokens, "
    "reasoning_output_tokens, cost_usd, cost_nocache_usd, places, key_parts, payload"
)


def _fill(
    source: sqlite3.Connection, copy: sqlite3.Connection, clean: Callable[[str], str], *, traces: bool
) -> None:
    """Copy the rows in an order that does not depend on when they were stored."""
    for name, value in source.execute("SELECT name, value FROM meta WHERE name != 'probe' ORDER BY name"):
        copy.execute("INSERT INTO meta VALUES (?, ?)", (name, clean(value)))
    for *columns, payload in source.execute(f"SELECT {_RUN} FROM runs ORDER BY cell_key"):  # noqa: S608 - our own names
        copy.execute(
            f"INSERT INTO runs ({_RUN}) VALUES ({', '.join('?' * (len(columns) + 1))})",  # noqa: S608 - our own names
            (*columns, clean(payload)),
        )
    said = "SELECT hash, parent_hash, payload FROM messages WHERE hash IN (SELECT hash FROM run_messages) ORDER BY hash"
    for hashed, parent, payload in source.execute(said):
        copy.execute(
            "INSERT INTO messages (hash, parent_hash, payload) VALUES (?, ?, ?)",
            (hashed, parent, clean(payload)),
        )
    parts = """SELECT hash, readable FROM part_texts
        WHERE hash IN (SELECT value FROM runs, json_each(runs.key_parts)) ORDER BY hash"""
    for hashed, readable in source.execute(parts):
        copy.execute("INSERT INTO part_texts VALUES (?, ?)", (hashed, clean(readable)))
    if traces:
        _copy_traces(source, copy, clean)


def _copy_traces(source: sqlite3.Connection, copy: sqlite3.Connection, clean: Callable[[str], str]) -> None:
    for (key,) in source.execute("SELECT cell_key FROM runs ORDER BY cell_key"):
        trace = select_blob(source, key, "trace", "the store")
        if trace is not None:
            insert_blob(copy, key, "trace", packed(clean(trace)))
