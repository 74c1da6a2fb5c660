"""The file of stored keys and addresses, and who may read it.

A table for each vendor, by the name that stands before the colon in `"vendor:model"`:

    [openai]
    key = "sk-..."
    base_url = "https://gateway.example/v1"

What the file holds is in no error: texts of it stay inside functions that do not raise, and a key leaves them as a
`Secret`.
"""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agentlab.errors import CredentialsUnusable, UsageError
from agentlab.http.secret import Secret

__all__ = [
    "FILE_VARIABLE",
    "StoredLogin",
    "address_or_refusal",
    "checked_address",
    "credentials_path",
    "read_logins",
    "stored_login",
]

FILE_VARIABLE: Final = "AGENTLAB_CREDENTIALS"
_LARGEST: Final = 1024 * 1024
_PLACE: Final = re.compile(r"line (\d+)")
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_READ: Final = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class StoredLogin:
    """What is stored of a vendor.

    Attributes:
        key: Its key; None where none is stored.
        base_url: Where it is reached in place of its own address; None where that holds.
    """

    key: Secret | None = None
    base_url: str | None = None


def credentials_path(
    environ: Mapping[str, str] | None = None, *, platform: str = sys.platform
) -> Path | None:
    """Where keys are stored: in the file that `AGENTLAB_CREDENTIALS` names, else in the system's configuration folder.

    Args:
        environ: The environment to look in; the process's own by default.
        platform: As `sys.platform`.

    Returns:
        The path; None where the environment names neither a file nor a home.
    """
    env = os.environ if environ is None else environ
    if env.get(FILE_VARIABLE):
        return Path(env[FILE_VARIABLE]).expanduser()
    home = env.get("USERPROFILE" if platform == "win32" else "HOME") or ""
    if platform == "win32":
        folder = Path(env.get("APPDATA") or (Path(home) / "AppData" / "Roaming" if home else ""))
    elif platform == "darwin":
        folder = Path(home) / "Library" / "Application Support"
    else:
        # The XDG Base Directory specification: a relative path is to be ignored.
        given = Path(env.get("XDG_CONFIG_HOME") or "")
        folder = given if given.is_absolute() else Path(home) / ".config"
    return folder / "agentlab" / "credentials.toml" if folder.is_absolute() else None


def stored_login(service: str, environ: Mapping[str, str] | None = None) -> StoredLogin:
    """What is stored of a vendor; nothing where there is no file.

    Args:
        service: The vendor's name.
        environ: The environment that names the file; the process's own by default.

    Raises:
        CredentialsUnusable: The file is there and cannot be trusted or read.
    """
    path = credentials_path(environ)
    del environ  # a traceback that shows locals would show the keys in it
    return (read_logins(path) if path is not None else {}).get(service, StoredLogin())


def read_logins(path: Path) -> dict[str, StoredLogin]:
    """All that is stored, by vendor; empty where there is no file.

    Raises:
        CredentialsUnusable: It is a link, no plain file, of another user, readable by others, or damaged.
    """
    text, problem = read_private(path)
    logins, wrong = _logins(text)
    del text  # a traceback that shows locals would show the keys
    if problem or wrong:
        raise CredentialsUnusable(f"{path}: {problem or wrong}")
    return logins


def read_private(path: Path) -> tuple[str, str]:
    """The text of a file that nobody else can have read or written, and why there is none; never raises."""
    try:
        handle = os.open(path, _READ)
    except FileNotFoundError:
        return "", ""
    except OSError as error:
        if path.is_symlink():
            return "", "the file of stored keys is a link; put the file itself there"
        return "", f"the file of stored keys cannot be opened: {error.strerror}"
    problem = _untrusted(os.fstat(handle), path)
    if problem:
        os.close(handle)
        return "", problem
    with os.fdopen(handle, "rb") as file:
        try:
            return file.read(_LARGEST + 1).decode("utf-8"), ""
        except UnicodeDecodeError:
            return "", "the file of stored keys is not UTF-8; mend or delete it"
        except OSError as error:
            return "", f"the file of stored keys cannot be read: {error.strerror}"


def _untrusted(found: os.stat_result, path: Path) -> str:
    """Why the file cannot be trusted; empty where it can."""
    if not stat.S_ISREG(found.st_mode):
        return "there should be the file of stored keys, and it is no plain file"
    if found.st_size > _LARGEST:
        return f"the file of stored keys is larger than {_LARGEST:,} bytes; mend or delete it"
    if not hasattr(os, "geteuid"):  # Windows guards the folder of a user by access lists
        return ""
    if found.st_uid != os.geteuid():
        return "the file of stored keys belongs to another user"
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        return f"others can read or write the file of stored keys (mode {mode:04o}); `chmod 600 {path}`, and change the keys"
    return ""


def tables_of(text: str) -> tuple[dict[str, object], str]:
    """The tables of the file's text, and what is wrong with it; never raises."""
    try:
        return tomllib.loads(text), ""
    except tomllib.TOMLDecodeError as error:  # its message may quote the line
        place = _PLACE.search(str(error))
        where = f"line {place.group(1)}" if place else "its end"
    except RecursionError:
        where = "a nesting without end"
    return {}, f"the file of stored keys is no TOML, see {where}; mend or delete it"


def _logins(text: str) -> tuple[dict[str, StoredLogin], str]:
    """What the text says of each vendor, and what is wrong with it; never raises."""
    tables, problem = tables_of(text)
    logins: dict[str, StoredLogin] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            return {}, f"`{name:.60}` is no table; write `[{name:.60}]` and below it `key = ...`"
        key, base_url = table.get("key"), table.get("base_url")
        try:
            secret = None if key is None else Secret(key)
            address = None if base_url is None else checked_address(base_url)
        except UsageError as error:
            return {}, f"`[{name:.60}]`: {error}"
        logins[name] = StoredLogin(secret, address)
    return logins, problem


def checked_address(text: object) -> str:
    """An address that may be stored.

    Raises:
        UsageError: It is none, or holds a name and password, which would be shown with it; it is not quoted then.
    """
    found = address_or_refusal(text)
    del text  # a traceback that shows locals would show it
    if isinstance(found, UsageError):
        raise found
    return found


def address_or_refusal(text: object) -> str | UsageError:
    """An address that may be stored, or the error to raise, for who must let go of the text first."""
    problem = _problem_of(text)
    return UsageError(problem) if problem else str(text).strip().rstrip("/")


def _problem_of(text: object) -> str:
    if not isinstance(text, str):
        return f"`base_url` must be a text, not {type(text).__name__}."
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return "`base_url` is no address."
    if parts.scheme not in {"http", "https"} and not text.strip().startswith("{"):
        return "`base_url` must begin with `https://` or `http://`."
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "`base_url` must be without a user name, password or query; a key is stored as `key`."
    if not text.strip().isprintable() or " " in text.strip():
        return "`base_url` holds a space or a control character."
    return ""
