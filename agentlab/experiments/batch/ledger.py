"""What is known of the batches that were made: durable, so that a process that died is continued by the next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Protocol, TypeVar

import msgspec
from msgspec import Struct, structs

from agentlab.errors import UsageError

__all__ = ["BatchLedger", "BatchRecord", "JsonFileLedger", "Records"]

_Kept = TypeVar("_Kept")
_OPEN: Final = "batches"
"""The name under which the keys of the open records stand."""


class BatchLedger(Protocol):
    """Keeps texts by name. A store of results can be one: nothing else is asked of it.

    `put` returns only when the text would survive the death of the process. One process at a time uses a ledger.
    """

    def get(self, name: str) -> str | None:
        """The text kept under a name; None where there is none."""
        ...

    def put(self, name: str, text: str) -> None:
        """Keep a text under a name, in place of any other."""
        ...


class BatchRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One batch, from the moment before it is made.

    Attributes:
        key: Our name for it.
        vendor: The vendor's name.
        base_url: The vendor's address.
        count: Requests in it.
        custom_ids: Calls whose outcome has not been handed over yet.
        planned_at: Unix time at which it was about to be made.
        newest_before: Id of the newest batch of the account just before, for vendors whose batches cannot be labelled.
        batch_id: The provider's id; None while it is not known whether it was made.
        found: Whether the id was found in the provider's list and not told by the answer that made it.
        not_ours: Ids of batches that were taken for it and were not.
    """

    key: str
    vendor: str
    base_url: str
    count: int
    custom_ids: tuple[str, ...]
    planned_at: float
    newest_before: str | None = None
    batch_id: str | None = None
    found: bool = False
    not_ours: tuple[str, ...] = ()


class Records:
    """The records in a ledger. Those whose outcomes are all handed over stay in it, but are no longer open.

    Args:
        ledger: Where they are kept.
    """

    def __init__(self, ledger: BatchLedger) -> None:
        self._ledger = ledger

    def open(self) -> list[BatchRecord]:
        """The records with outcomes still to come, oldest first.

        Raises:
            UsageError: The ledger holds something else under their names.
        """
        records = []
        for key in self._keys():
            text = self._ledger.get(_name(key))
            if text is not None:
                records.append(_decoded(text, BatchRecord, _name(key)))
        return records

    def put(self, record: BatchRecord) -> None:
        """Keep a record."""
        self._ledger.put(_name(record.key), msgspec.json.encode(record).decode())
        keys = self._keys()
        if record.key not in keys:
            self._ledger.put(_OPEN, msgspec.json.encode([*keys, record.key]).decode())

    def hand_over(self, record: BatchRecord, custom_ids: set[str]) -> BatchRecord:
        """Note that outcomes were handed over; a record without any left is closed."""
        left = structs.replace(
            record, custom_ids=tuple(each for each in record.custom_ids if each not in custom_ids)
        )
        if left.custom_ids:
            self.put(left)
        else:
            self.close(left)
        return left

    def close(self, record: BatchRecord) -> None:
        """Note that a record needs no more work."""
        self._ledger.put(
            _OPEN, msgspec.json.encode([key for key in self._keys() if key != record.key]).decode()
        )
        self._ledger.put(_name(record.key), msgspec.json.encode(record).decode())

    def _keys(self) -> list[str]:
        text = self._ledger.get(_OPEN)
        return [] if text is None else _decoded(text, list[str], _OPEN)


class JsonFileLedger:
    """A ledger in a JSON file of its own, written whole and put in place at once.

    Args:
        path: The file; made with the first record.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def get(self, name: str) -> str | None:
        """The text kept under a name.

        Raises:
            UsageError: The file is no such ledger.
        """
        return self._read().get(name)

    def put(self, name: str, text: str) -> None:
        """Keep a text under a name.

        Raises:
            UsageError: The file is no such ledger.
            OSError: It cannot be written; what it held is unharmed.
        """
        kept = self._read()
        kept[name] = text
        draft = self.path.with_name(self.path.name + ".new")
        with draft.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(kept), indent=1))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _read(self) -> dict[str, str]:
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        return _decoded(text, dict[str, str], str(self.path))

    def __repr__(self) -> str:
        return f"JsonFileLedger({str(self.path)!r})"


def _name(key: str) -> str:
    return f"batch {key}"


def _decoded(text: str | bytes, kind: type[_Kept], name: str) -> _Kept:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageError(
            f"`{name}` does not hold what is known of batches ({error}); name another file, or move this one away"
        ) from None
