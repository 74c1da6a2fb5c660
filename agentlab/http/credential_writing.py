"""Changing the file of stored keys: one at a time, whole or not at all, and never readable by others.

The new file is written beside the old one and then takes its place, so that a crash leaves the one or the other. Only
the table of the vendor is rewritten; comments and what a newer version has stored stay as they are.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import Final

from agentlab.errors import CredentialsUnusable, UsageError
from agentlab.http.credential_file import StoredLogin, checked_address, read_logins, read_private, tables_of

__all__ = ["change_login"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_HEADER: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)
_OURS: Final = ("key", "base_url")
_OUR_LINE: Final = re.compile(r"[ \t]*(key|base_url)[ \t]*=")
_PATIENCE_S: Final = 10.0


def change_login(path: Path, service: str, change: Callable[[StoredLogin], StoredLogin]) -> StoredLogin:
    """Store what is to be known of a vendor in place of what was; an empty login takes its table away.

    Args:
        path: The file; made, with its folder, where it is not there.
        service: The vendor's name.
        change: From what is stored to what is to be stored; called while no other process can write.

    Returns:
        What was stored before.

    Raises:
        UsageError: The name or the address is not one that can stand in the file.
        CredentialsUnusable: The file cannot be trusted, read or written, or another process is writing it.
    """
    if not _NAME.fullmatch(service):
        raise UsageError(f"`{service:.60}` is no name of a vendor")
    before, problem = StoredLogin(), ""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(path):
            before = read_logins(path).get(service, StoredLogin())
            after = change(before)
            if after.base_url is not None:
                after = replace(after, base_url=checked_address(after.base_url))
            if after != before:
                problem = _rewritten(path, service, after)
    except OSError as error:
        problem = f"the file of stored keys cannot be written: {error.strerror}"
    if problem:
        raise CredentialsUnusable(f"{path}: {problem}")
    return before


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other writers out."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only a login needs it

    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_PATIENCE_S, mode=0o600):
            yield
    except Timeout:
        raise CredentialsUnusable(
            f"{path}: another process has been writing it for {_PATIENCE_S:g} s; try again"
        ) from None


def _rewritten(path: Path, service: str, login: StoredLogin) -> str:
    """Put the changed text in the file's place; gives what kept it from that, and raises nothing that shows it."""
    before, problem = read_private(path)
    if problem:
        return problem
    after = changed_text(before, service, login)
    if after is None:
        return (
            f"its table `[{service}]` is written in a way that cannot be changed here; change it in an editor"
        )
    for left_by_a_crash in path.parent.glob(f".{escape(path.name)}.*.new"):
        left_by_a_crash.unlink(missing_ok=True)
    try:
        _replace(path, after.encode("utf-8"))
    except OSError as error:
        return f"the file of stored keys cannot be written: {error.strerror}"
    return ""


def _replace(path: Path, data: bytes) -> None:
    """Write beside the file and rename, each safe on the disk before the next step."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        os.replace(name, path)  # noqa: PTH105 - `Path.replace` says the same of a `Path`
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - as above
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def changed_text(before: str, service: str, login: StoredLogin) -> str | None:
    """The file's text with a vendor's table replaced, all else as it is; None where that cannot be done line by line.

    Args:
        before: The text; TOML.
        service: The vendor's name.
        login: What its table is to say.
    """
    tables, _ = tables_of(before)
    old = tables.get(service, {})
    kept = {name: value for name, value in old.items() if name not in _OURS} if isinstance(old, dict) else {}
    said = _said(login)
    start, end = _table_span(before, service)
    rest = [line for line in before[start:end].split("\n")[1:] if not _OUR_LINE.match(line)]
    table = [f"[{service}]", *(f"{name} = {_quoted(value)}" for name, value in said.items())]
    section = "\n".join([*table, *rest] if said or kept else rest).strip("\n")
    head, tail = before[:start].rstrip("\n"), before[end:].lstrip("\n")
    after = "\n\n".join(part for part in (head, section, tail.rstrip("\n")) if part) + "\n"
    wanted: dict[str, object] = {name: value for name, value in tables.items() if name != service}
    if said or kept:
        wanted[service] = {**kept, **said}
    found, problem = tables_of(after)
    return after if not problem and found == wanted else None


def _table_span(text: str, service: str) -> tuple[int, int]:
    """Where a vendor's table begins and ends; an empty span at the end of the text where there is none."""
    header = re.search(rf'^[ \t]*\[[ \t]*"?{re.escape(service)}"?[ \t]*\]', text, re.MULTILINE)
    if header is None:
        return len(text), len(text)
    following = _HEADER.search(text, header.end())
    return header.start(), following.start() if following else len(text)


def _said(login: StoredLogin) -> dict[str, str]:
    said: dict[str, str] = {}
    if login.key is not None:
        said["key"] = login.key.reveal()
    if login.base_url is not None:
        said["base_url"] = login.base_url
    return said


def _quoted(value: str) -> str:
    """A TOML string: as JSON writes it, which differs only for characters that are refused here."""
    return json.dumps(value, ensure_ascii=False)
