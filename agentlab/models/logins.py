"""Storing the keys and addresses of vendors, and telling where they are: what `agentlab login` does.

A key enters as a `Secret`. What is told of one is where it was found.
"""

from __future__ import annotations

import getpass
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct, structs

from agentlab.errors import CredentialsUnusable, UsageError
from agentlab.http import Secret, StoredLogin, credentials_path, find_key, stored_login
from agentlab.http.credential_file import FILE_VARIABLE, address_or_refusal
from agentlab.http.credential_writing import change_login
from agentlab.http.credentials import forget_in_keyring, store_in_keyring
from agentlab.models.wire import Vendor
from agentlab.short_repr import ShortRepr

__all__ = ["KnownLogin", "LoggedIn", "asked_key", "forget_login", "known_logins", "store_login"]


class LoggedIn(ShortRepr, Struct, frozen=True, kw_only=True):
    """What was stored.

    Attributes:
        vendor: The vendor.
        key_in: Where its key is now: `"the keyring"`, or the file; empty where none was given.
        base_url: Its stored address; None where the vendor's own holds.
        comes_before: The environment variable whose key comes before the stored one; empty where none is set.
    """

    vendor: str
    key_in: str = ""
    base_url: str | None = None
    comes_before: str = ""


class KnownLogin(ShortRepr, Struct, frozen=True, kw_only=True):
    """Where the key and the address of a vendor come from; never the key.

    Attributes:
        vendor: The vendor.
        title: Its name for readers.
        key_needed: Whether a call needs a key.
        key_from: `environment`, `keyring` or `file`; None where there is no key.
        where: The variable or the file.
        base_url: An address in place of the vendor's own; None where that holds.
        base_url_from: The variable or the file of that address.
        problem: What is wrong with what was found; empty where nothing is.
    """

    vendor: str
    title: str
    key_needed: bool
    key_from: Literal["environment", "keyring", "file"] | None = None
    where: str = ""
    base_url: str | None = None
    base_url_from: str = ""
    problem: str = ""


def asked_key(row: Vendor) -> Secret | None:
    """Ask the user for a key that is not shown while it is typed; None where only Enter was pressed.

    Raises:
        UsageError: It cannot be a key, or nobody can be asked unseen; the message does not quote it.
    """
    problem = ""
    try:
        with warnings.catch_warnings():
            # Where the terminal cannot hide what is typed, getpass warns and shows it.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return _typed(f"Key of {row.title or row.name} (not shown): ")
    except (getpass.GetPassWarning, NotImplementedError):
        problem = "nothing here can take a key unseen; `agentlab login VENDOR --stdin` reads it from a pipe"
    except EOFError:
        problem = "no key was given"
    raise UsageError(problem)


def _typed(prompt: str) -> Secret | None:
    typed = getpass.getpass(prompt)
    given, typed = [typed] if typed.strip() else [], ""  # a frame that raises has no name for it
    return Secret(given.pop()) if given else None


def store_login(
    row: Vendor,
    key: Secret | None = None,
    *,
    base_url: str | None = None,
    in_keyring: bool = False,
    environ: Mapping[str, str] | None = None,
) -> LoggedIn:
    """Store the key or the address of a vendor, or both; what is not given stays.

    The key is then in one place: the keyring gives up its own where the file takes one, and the other way round.

    Args:
        row: The vendor.
        key: Its key.
        base_url: Where it is to be reached; `""` forgets a stored address.
        in_keyring: Store the key in the operating system's keyring in place of the file.
        environ: The environment that names the file; the process's own by default.

    Raises:
        UsageError: The address cannot be stored, or neither is given.
        MissingExtra: The keyring's package is not installed.
        CredentialsUnusable: The file or the keyring could not be used; nothing was changed there.
    """
    if key is None and base_url is None:
        raise UsageError(f"there is nothing to store of `{row.name}`: give a key or an address")
    path = _path(environ)
    address = address_or_refusal(base_url) if base_url else base_url
    del base_url  # a traceback that shows locals would show it
    if isinstance(address, UsageError):
        raise address
    if key is not None and in_keyring:
        store_in_keyring(row.name, key)
    stored: list[StoredLogin] = []

    def changed(before: StoredLogin) -> StoredLogin:
        kept = before.key if key is None else None if in_keyring else key
        stored.append(StoredLogin(kept, before.base_url if address is None else address or None))
        return stored[-1]

    change_login(path, row.name, changed)
    if key is not None and not in_keyring:
        forget_in_keyring(row.name)
    variables = os.environ if environ is None else environ
    return LoggedIn(
        vendor=row.name,
        key_in="" if key is None else "the keyring" if in_keyring else str(path),
        base_url=stored[-1].base_url,
        comes_before=next((name for name in row.key_env if variables.get(name, "").strip()), ""),
    )


def forget_login(row: Vendor, *, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Forget the stored key and address of a vendor.

    Returns:
        Where there was something: `"the keyring"`, the file.

    Raises:
        CredentialsUnusable: The file or the keyring could not be used.
    """
    path = credentials_path(environ)
    places: list[str] = []
    if path is not None and stored_login(row.name, environ) != StoredLogin():
        change_login(path, row.name, lambda _: StoredLogin())
        places.append(str(path))
    if forget_in_keyring(row.name):
        places.insert(0, "the keyring")
    return tuple(places)


def known_logins(
    rows: Iterable[Vendor], *, environ: Mapping[str, str] | None = None, ask_keyring: bool = True
) -> list[KnownLogin]:
    """Where the keys and addresses of vendors come from, in the order of the rows.

    Args:
        rows: The vendors.
        environ: The environment to look in; the process's own by default.
        ask_keyring: Whether the keyring is asked.

    Raises:
        CredentialsUnusable: The file of stored keys cannot be trusted or read.
    """
    return [_known(row, environ, ask_keyring) for row in rows]


def _known(row: Vendor, environ: Mapping[str, str] | None, ask_keyring: bool) -> KnownLogin:
    stored = stored_login(row.name, environ)
    variables = os.environ if environ is None else environ
    from_env = variables.get(row.base_url_env, "") if row.base_url_env else ""
    file = str(credentials_path(environ)) if stored.base_url else ""
    known = KnownLogin(
        vendor=row.name,
        title=row.title,
        key_needed=row.key_required,
        base_url=_without_login(from_env or stored.base_url or "") or None,
        base_url_from=(row.base_url_env or "") if from_env else file,
    )
    try:
        found = find_key(None, row.key_env, service=row.name, environ=environ, ask_keyring=ask_keyring)
    except UsageError as error:
        return structs.replace(known, problem=str(error))
    if found is None or found.source == "argument":
        return known
    return structs.replace(known, key_from=found.source, where=found.where)


def _without_login(address: str) -> str:
    """An address without the name and password or the query that one from the environment may hold."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "(no address)"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _path(environ: Mapping[str, str] | None) -> Path:
    path = credentials_path(environ)
    if path is None:
        raise CredentialsUnusable(
            f"there is no home folder to store a key in; name a file in the environment as {FILE_VARIABLE}"
        )
    return path
