"""The transport of a server at an address: streamable HTTP, by the SDK, over a bounded client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agentlab.http import Secret

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

__all__ = ["ServerEndpoint"]


class ServerEndpoint:
    """One address, and the transport to it.

    Args:
        url: Address of the server's endpoint.
        headers: Sent with every request.
        auth: An `httpx2.Auth` such as the SDK's OAuth providers, or None.
        timeout_s: Seconds to connect and to send; None for no limit.
        max_message_bytes: Longest message it may send.

    Attributes:
        failure: Why the connection ended; empty where only its ending is known.
        stderr: Empty: a server elsewhere shows none.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str | Secret],
        *,
        auth: Any,
        timeout_s: float | None,
        max_message_bytes: int,
    ) -> None:
        self._url = url
        self._headers = dict(headers)
        self._auth = auth
        self._timeout_s = timeout_s
        self._limit = max_message_bytes
        self._status = 0
        self.failure = ""
        self.stderr = ""

    def ending(self) -> str:
        """Its last answer, where that was an error."""
        return f"its last answer was HTTP {self._status}" if self._status >= 400 else ""

    async def settled(self, within_s: float) -> None:
        """Nothing is left to wait for."""

    @asynccontextmanager
    async def transport(self) -> AsyncGenerator[TransportStreams]:
        """The SDK's streams to it."""
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - the extra is optional

        from agentlab.http.bounded_client import bounded_client  # noqa: PLC0415 - as the extra brings its library

        client = bounded_client(
            self._headers,
            timeout_s=self._timeout_s,
            max_bytes=self._limit,
            auth=self._auth,
            seen=self._saw,
        )
        async with (
            client,
            streamable_http_client(self._url, http_client=client, max_sse_event_size=self._limit) as streams,
        ):
            yield streams

    def _saw(self, status: int) -> None:
        self._status = status
