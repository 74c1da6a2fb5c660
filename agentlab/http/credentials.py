"""Where a key comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from agentlab.errors import CredentialsUnusable, MissingExtra, MissingKey, UsageError
from agentlab.http.credential_file import credentials_path, stored_login
from agentlab.http.secret import Secret

__all__ = ["KEYRING_SERVICE", "FoundKey", "find_key", "forget_in_keyring", "resolve_key", "store_in_keyring"]

KEYRING_SERVICE = "agentlab"


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key, and where it was found.

    Attributes:
        secret: The key.
        source: Which of the places.
        where: The variable or the file, by name; empty for the others.
    """

    secret: Secret
    source: Literal["argument", "environment", "keyring", "file"]
    where: str = ""


def resolve_key(
    explicit: str | Secret | None,
    env: Sequence[str],
    *,
    service: str,
    required: bool,
    environ: Mapping[str, str] | None = None,
) -> Secret | None:
    """Find the key of a vendor, in the order of `find_key`.

    Args:
        explicit: The key as the caller passed it, or None.
        env: Names of environment variables, tried in order; empty ones are passed over.
        service: The vendor's name, which is the user name in the keyring and the table in the file.
        required: Raise if there is none.
        environ: The environment to look in; the process's own by default.

    Returns:
        The key, or None where none was found and none is required.

    Raises:
        MissingKey: None was found and one is required; the message says which variable to set.
        UsageError: The key that was found cannot be one.
        CredentialsUnusable: The file of stored keys was asked, and cannot be trusted or read.
    """
    found = _find(explicit, env, service, environ)
    del explicit, environ  # a traceback that shows locals would show the key
    if isinstance(found, UsageError):
        raise found
    if found is not None or not required:
        return found.secret if found is not None else None
    where = f"set {' or '.join(env)}, " if env else ""
    raise MissingKey(
        f"No API key for {service!r}: {where}pass `api_key=`, or store it once with `agentlab login {service}`."
    )


def find_key(
    explicit: str | Secret | None,
    env: Sequence[str],
    *,
    service: str,
    environ: Mapping[str, str] | None = None,
    ask_keyring: bool = True,
) -> FoundKey | None:
    """The first key there is: the argument, the environment, the operating system's keyring, the file of stored keys.

    Args:
        explicit: As in `resolve_key`; likewise the others.
        env: Names of environment variables.
        service: The vendor's name.
        environ: The environment to look in.
        ask_keyring: Whether the keyring is asked, which may ask the user for a password.

    Raises:
        UsageError: The key that was found cannot be one.
        CredentialsUnusable: The file of stored keys was asked, and cannot be trusted or read.
    """
    found = _find(explicit, env, service, environ, ask_keyring=ask_keyring)
    del explicit, environ  # as above
    if isinstance(found, UsageError):
        raise found
    return found


def _find(
    explicit: str | Secret | None,
    env: Sequence[str],
    service: str,
    environ: Mapping[str, str] | None,
    *,
    ask_keyring: bool = True,
) -> FoundKey | UsageError | None:
    """The first key there is, or the error to raise: a frame of this function shows the environment."""
    variables = os.environ if environ is None else environ
    try:
        if explicit is not None:
            return FoundKey(Secret(explicit), "argument")
        for name in env:
            if variables.get(name, "").strip():
                return FoundKey(Secret(variables[name]), "environment", name)
        in_keyring = _from_keyring(service) if ask_keyring else None
        if in_keyring is not None:
            return FoundKey(in_keyring, "keyring")
        stored = stored_login(service, environ).key
    except UsageError as error:
        return error.with_traceback(None)
    return FoundKey(stored, "file", str(credentials_path(environ))) if stored is not None else None


def _from_keyring(service: str) -> Secret | None:
    """Ask the operating system's keyring, if the optional package is there and has a working backend."""
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import
        from keyring.errors import KeyringError  # noqa: PLC0415 - optional
    except ImportError:
        return None
    with suppress(KeyringError):  # no backend, or a locked one: as if nothing were stored
        value = keyring.get_password(KEYRING_SERVICE, service)
        if value and value.strip():
            return Secret(value)
    return None


def store_in_keyring(service: str, key: Secret) -> None:
    """Store a key in the operating system's keyring.

    Raises:
        MissingExtra: The package `keyring` is not installed.
        CredentialsUnusable: There is no keyring, or it is locked.
    """
    try:
        import keyring  # noqa: PLC0415 - optional, and slow to import
        from keyring.errors import KeyringError  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtra(
            "the keyring needs the package `keyring`: `pip install agentlab[keyring]`; without it, keys are stored "
            "in a file that only you can read"
        ) from None
    try:
        keyring.set_password(KEYRING_SERVICE, service, key.reveal())
    except KeyringError as error:
        kind = type(error).__name__
    else:
        return
    raise CredentialsUnusable(
        f"the keyring of this system took no key ({kind}); store it in the file, without `--keyring`"
    )


def forget_in_keyring(service: str) -> bool:
    """Take a key out of the operating system's keyring; gives whether there was one."""
    if _from_keyring(service) is None:
        return False
    import keyring  # noqa: PLC0415 - optional, and slow to import
    from keyring.errors import KeyringError  # noqa: PLC0415 - optional

    try:
        keyring.delete_password(KEYRING_SERVICE, service)
    except KeyringError as error:
        kind = type(error).__name__
    else:
        return True
    raise CredentialsUnusable(f"the keyring of this system did not give up the key of `{service}` ({kind})")
