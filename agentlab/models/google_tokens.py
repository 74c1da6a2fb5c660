"""Google's login: access tokens of Application Default Credentials, by `google-auth`.

The library reads the credentials and signs; what it sends goes through our own HTTP client, like everything else.

Source: https://google-auth.readthedocs.io
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from agentlab.errors import MissingExtra, ModelError
from agentlab.http import AccessToken, Clock, HttpClient, HttpRequest, RenewedToken, Secret, Timeouts

__all__ = ["google_tokens"]

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_PATIENCE_S: Final = 60.0


def google_tokens(credentials: Any = None, *, clock: Clock | None = None) -> RenewedToken:
    """Tokens for Google Cloud, for `api_key=`; `vertex:` models take them by themselves where no token is given.

    Args:
        credentials: Those of `google-auth`; None finds the machine's own when the first token is needed: the file that
            `GOOGLE_APPLICATION_CREDENTIALS` names, what `gcloud auth application-default login` left, or the metadata
            server of a machine in the cloud.
        clock: Time; for tests.

    Raises:
        MissingExtra: `google-auth` is not installed.
    """
    try:
        import google.auth  # noqa: PLC0415 - optional
        import google.auth.exceptions  # noqa: PLC0415 - optional
    except ImportError:
        raise MissingExtra("Google's login needs `google-auth`: pip install 'agentlab[vertex]'") from None
    kept = credentials

    def refreshed(request: Any) -> AccessToken:
        nonlocal kept
        if kept is None:
            kept, _ = google.auth.default(scopes=[_SCOPE], request=request)
        kept.refresh(request)
        ends = kept.expiry.replace(tzinfo=UTC).timestamp() if kept.expiry is not None else None
        return AccessToken(Secret(kept.token), ends)

    async def token() -> AccessToken:
        http = HttpClient(timeouts=Timeouts(wall_clock=_PATIENCE_S))
        sender = _Sender(http, asyncio.get_running_loop(), google.auth.exceptions.TransportError)
        return await asyncio.to_thread(refreshed, sender)

    return RenewedToken(token, name="Google's login", clock=clock)


@dataclass(frozen=True)
class _Answer:
    """What `google-auth` reads of a response."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Sender:
    """The transport of `google-auth`: called in its thread, it sends on the loop of the call that needs the token."""

    def __init__(self, http: HttpClient, loop: asyncio.AbstractEventLoop, failure: type[Exception]) -> None:
        self._http = http
        self._loop = loop
        self._failure = failure

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> _Answer:
        sent = body.encode() if isinstance(body, str) else body or b""
        future = asyncio.run_coroutine_threadsafe(
            self._send(HttpRequest(method, url, dict(headers or {}), sent)), self._loop
        )
        try:
            return future.result(timeout)
        except (ModelError, TimeoutError) as error:
            future.cancel()
            raise self._failure(str(error) or f"no answer within {timeout:g} s") from None

    async def _send(self, request: HttpRequest) -> _Answer:
        async with self._http.open(request) as response:
            return _Answer(response.status, response.headers, await response.read())
