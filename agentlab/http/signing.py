"""Requests that are signed in the place of a key: AWS's Signature Version 4, made by botocore."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from agentlab.errors import AuthenticationFailed, MissingExtra, MissingKey
from agentlab.http.secret import Secret, redact

__all__ = ["AwsSigner", "RequestSigner", "aws_signer"]


class RequestSigner(Protocol):
    """Makes the headers that authenticate one request."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must be masked in every text that may show it."""
        ...

    async def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The headers to add to a request that is about to be sent.

        Args:
            method: The HTTP method.
            url: The whole URL, query included.
            headers: Those that are signed along.
            body: The body.

        Raises:
            AuthenticationFailed: The credentials cannot be had any more.
        """
        ...


class AwsSigner:
    """Signs requests to one AWS service in one region.

    Credentials that end (roles, single sign-on) are renewed by botocore when a request needs them, in a thread: renewing
    asks the network.

    Args:
        credentials: botocore's credentials.
        service: The name the service is signed under, such as `bedrock`.
        region: The region, such as `eu-central-1`.
    """

    def __init__(self, credentials: Any, *, service: str, region: str) -> None:
        self.service = service
        self.region = region
        self._credentials = credentials
        self._secrets: tuple[Secret, ...] = ()

    def __repr__(self) -> str:
        return f"AwsSigner(service={self.service!r}, region={self.region!r})"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secret key and the session token of the last request signed."""
        return self._secrets

    async def headers(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The signature, its date and, for credentials that end, the session token."""
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - optional, and there once credentials are

        failure: AuthenticationFailed
        try:
            frozen = await asyncio.to_thread(self._credentials.get_frozen_credentials)
            self._secrets = tuple(Secret(text) for text in (frozen.secret_key, frozen.token) if text)
            request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
            return _signed(self, frozen, request, headers)
        except Exception as error:  # noqa: BLE001 - botocore's errors show what the credentials came from
            said = redact(f"{type(error).__name__}: {error}", self._secrets)
            failure = AuthenticationFailed(f"the AWS credentials cannot be used: {said}")
        raise failure.with_traceback(None)


def aws_signer(service: str, region: str) -> AwsSigner | None:
    """A signer with the credentials AWS's own tools would take: environment, profile, single sign-on, role of the machine.

    Args:
        service: The name the service is signed under.
        region: The region.

    Returns:
        None where there are no credentials.

    Raises:
        MissingExtra: botocore is not installed.
        MissingKey: The profile that is named does not exist or cannot be read.
    """
    try:
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - optional, and slow to import
        from botocore.session import Session  # noqa: PLC0415 - likewise
    except ImportError:
        raise MissingExtra(
            "signing requests with AWS credentials needs botocore: pip install 'agentlab[bedrock]'"
        ) from None
    try:
        credentials = Session().get_credentials()
    except BotoCoreError as error:
        raise MissingKey(f"the AWS credentials cannot be read: {redact(str(error))}") from None
    return None if credentials is None else AwsSigner(credentials, service=service, region=region)


def _signed(signing: AwsSigner, credentials: Any, request: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Sign a request of botocore's; give the headers that were not there before."""
    from botocore.auth import SigV4Auth  # noqa: PLC0415 - optional, and there once credentials are

    SigV4Auth(credentials, signing.service, signing.region).add_auth(request)
    before = {name.lower() for name in given}
    return {name: str(value) for name, value in request.headers.items() if name.lower() not in before}
