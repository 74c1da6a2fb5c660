"""With what a vendor is spoken to: a key, or a token that is renewed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Final

from agentlab.errors import ModelError
from agentlab.http import AwsSigner, Clock, RenewedToken, Secret, TokenSource, resolve_key
from agentlab.models.aws_login import login as aws_login
from agentlab.models.wire import Vendor

__all__ = ["Credential", "Key", "Secrets", "credential_for", "header_of", "secrets_of"]

Credential = Secret | RenewedToken | AwsSigner
Key = str | Secret | RenewedToken | TokenSource
"""What a caller may give as `api_key`."""

_TOKENS: Final = {"google": ("agentlab.models.google_tokens", "google_tokens")}


def credential_for(
    given: Key | None,
    row: Vendor,
    *,
    required: bool | None = None,
    clock: Clock | None = None,
    base_url: str = "",
) -> Credential | None:
    """Find what to show a vendor: the argument, its environment variable, the keyring, or its cloud's own login.

    Args:
        given: The key as the caller passed it: a text, or a function that gives tokens.
        row: The vendor.
        required: Whether to raise where there is none; the vendor's row tells where None.
        clock: Time; for tests.
        base_url: Where the vendor is reached; tells the region to sign for.

    Raises:
        MissingKey: There is none and one is required.
        MissingExtra: The login of its cloud needs a package that is not installed.
    """
    if isinstance(given, RenewedToken):
        return given
    if given is not None and not isinstance(given, str | Secret):
        return RenewedToken(given, name=getattr(given, "__name__", "the token function"), clock=clock)
    needed = row.key_required if required is None else required
    login = row.tokens or row.signed_as
    key = resolve_key(given, row.key_env, service=row.name, required=needed and login is None)
    if key is not None or login is None or not needed:
        return key
    if row.tokens is None:
        return aws_login(row, base_url)
    module, attribute = _TOKENS[row.tokens]
    made: Callable[..., RenewedToken] = getattr(import_module(module), attribute)
    return made(clock=clock)


class Secrets:
    """The secrets of one call: that of each attempt, and once another in the place of one that was refused."""

    def __init__(self, credential: Credential | None) -> None:
        self._credential = credential
        self._sent: Secret | None = None
        self._replaced = False

    async def current(self) -> Secret | None:
        """The key or the token to send now; None where none is needed.

        Raises:
            AuthenticationFailed: A token was needed, and its source gave none.
        """
        credential = self._credential
        if isinstance(credential, AwsSigner):
            return None  # each request is signed when it is sent
        self._sent = await credential.secret() if isinstance(credential, RenewedToken) else credential
        return self._sent

    async def replaced(self, error: ModelError) -> bool:
        """Whether the call failed for its token (401), and now there is another one; true at most once."""
        credential, refused = self._credential, self._sent
        if (
            self._replaced
            or error.status != 401
            or refused is None
            or not isinstance(credential, RenewedToken)
        ):
            return False
        self._replaced = True
        with suppress(ModelError):  # there is no other one: what the vendor said of the first tells more
            return await credential.replaces(refused)
        return False


def header_of(
    row: Vendor, credential: Credential | None, secret: Secret | None
) -> tuple[str, str, Secret] | None:
    """The header that carries a secret: the vendor's own for a key, `authorization: Bearer` for a token (RFC 6750)."""
    if secret is None:
        return None
    if isinstance(credential, RenewedToken):
        return "authorization", "Bearer ", secret
    return row.key_header, row.key_prefix, secret


def secrets_of(credential: Credential | None) -> tuple[Secret, ...]:
    """What must be masked in every text that may show it."""
    if isinstance(credential, RenewedToken):
        return credential.seen
    if isinstance(credential, AwsSigner):
        return credential.secrets
    return (credential,) if credential is not None else ()
