"""Where a key comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress

from agentlab.errors import MissingKey, UsageError
from agentlab.http.secret import Secret

__all__ = ["KEYRING_SERVICE", "resolve_key"]

KEYRING_SERVICE = "agentlab"


def resolve_key(
    explicit: str | Secret | None,
    env: Sequence[str],
    *,
    service: str,
    required: bool,
    environ: Mapping[str, str] | None = None,
) -> Secret | None:
    """Find the key of a vendor: the argument, then the environment, then the keyring of the operating system.

    Args:
        explicit: The key as the caller passed it, or None.
        env: Names of environment variables, tried in order; empty ones are passed over.
        service: The vendor's name, which is the user name in the keyring.
        required: Raise if there is none.
        environ: The environment to look in; the process's own by default.

    Returns:
        The key, or None where none was found and none is required.

    Raises:
        MissingKey: None was found and one is required; the message says which variable to set.
        UsageError: The key that was found cannot be one.
    """
    key: Secret | None = None
    refused: UsageError | None = None
    try:
        key = _find(explicit, env, service, os.environ if environ is None else environ)
    except UsageError as error:
        refused = error.with_traceback(None)
    del explicit, environ  # a traceback that shows locals would show the key
    if refused is not None:
        raise refused
    if key is not None or not required:
        return key
    where = f"set {' or '.join(env)}, " if env else ""
    raise MissingKey(
        f"No API key for {service!r}: {where}pass `api_key=`, or store it once with "
        f"`keyring.set_password({KEYRING_SERVICE!r}, {service!r}, key)`."
    )


def _find(
    explicit: str | Secret | None, env: Sequence[str], service: str, environ: Mapping[str, str]
) -> Secret | None:
    """Return the first key there is."""
    if explicit is not None:
        return explicit if isinstance(explicit, Secret) else Secret(explicit)
    for name in env:
        if environ.get(name, "").strip():
            return Secret(environ[name])
    return _from_keyring(service)


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
