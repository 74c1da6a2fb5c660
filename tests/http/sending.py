"""Requests as the tests of the client send them."""

from __future__ import annotations

from agentlab.http import HttpClient, HttpRequest


def post(url: str, **options: object) -> HttpRequest:
    """A request with a small body."""
    return HttpRequest("POST", url, body=b"{}", **options)  # type: ignore[arg-type]


async def read(client: HttpClient, request: HttpRequest) -> bytes:
    """The whole body of the response."""
    async with client.open(request) as answer:
        return await answer.read()
