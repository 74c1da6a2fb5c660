"""What goes out through the bare client is what goes out through httpx's own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.http.bare_client import BareClient

pytestmark = pytest.mark.anyio

TOKEN = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip)
OWN = st.sampled_from(["user-agent", "accept", "accept-encoding", "content-type", "cookie", "x-beta"])
COOKIES = st.sampled_from(
    [
        "a=1",
        "a=2; Path=/v1",
        "b=3; Path=/elsewhere",
        "a=; Max-Age=0",
        "c=4; Secure",
        "d=5; Domain=other.test",
        "d=6; Domain=provider.test; HttpOnly",
    ]
)
WAITS = (5.0, 30.0, 10.0, None)
CLIENTS = (httpx.AsyncClient, BareClient)


class Server(httpx.MockTransport):
    """Keeps what it is sent, and sets cookies in turn."""

    def __init__(self, cookies: list[str]) -> None:
        self.heads: list[tuple[str, str, dict[str, str], bytes]] = []
        self._cookies = cookies
        super().__init__(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """An answer with the next cookie, if there is one left."""
        self.heads.append((request.method, str(request.url), dict(request.headers), request.content))
        place = len(self.heads) - 1
        return httpx.Response(
            200, headers=[("set-cookie", each) for each in self._cookies[place : place + 1]], content=b"ok"
        )


async def seen_by_a_server(
    client_of: Any, urls: list[str], headers: Mapping[str, str], cookies: list[str]
) -> list[Any]:
    server = Server(cookies)
    client = client_of(transport=server)
    for url in urls:
        request = client.build_request("POST", url, content=b"{}", headers=headers, timeout=WAITS)
        assert request.extensions["timeout"] == {"connect": 5.0, "read": 30.0, "write": 10.0, "pool": None}
        answer = await client.send(request, stream=True, follow_redirects=False)
        assert await answer.aread() == b"ok"
        await answer.aclose()
    await client.aclose()
    return server.heads


@given(
    st.lists(
        st.sampled_from(
            ["https://provider.test/v1/chat", "http://provider.test/v1?a=%2F b", "https://other.test:8443/"]
        ),
        min_size=1,
        max_size=5,
    ),
    st.dictionaries(OWN | TOKEN, WORDS, max_size=4),
    st.lists(COOKIES, max_size=4),
)
async def test_requests_and_their_cookies_are_those_of_httpx(
    urls: list[str], headers: dict[str, str], cookies: list[str]
) -> None:
    seen = [await seen_by_a_server(client_of, urls, headers, cookies) for client_of in CLIENTS]
    assert seen[0] == seen[1]


async def test_what_authenticates_a_request_is_put_in_when_it_is_sent() -> None:
    server = Server([])
    client = BareClient(server)
    request = client.build_request("POST", "https://provider.test/", content=b"", headers={}, timeout=WAITS)

    def attach(outgoing: httpx.Request) -> httpx.Request:
        outgoing.headers["x-api-key"] = "secret"
        return outgoing

    assert "x-api-key" not in request.headers
    await client.send(request, stream=True, follow_redirects=False, auth=attach)
    assert server.heads[0][2]["x-api-key"] == "secret"


async def test_a_line_a_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    client = BareClient(Server([]))
    request = client.build_request("POST", "https://provider.test/v1", content=b"", headers={}, timeout=WAITS)
    with caplog.at_level(logging.INFO, "agentlab.http"):
        await client.send(request, stream=True, follow_redirects=False)
    assert caplog.messages == ["POST https://provider.test/v1: 200"]


@pytest.mark.parametrize("url", ["https://provider.test:port/", "https://[::1", "https://\x00/"])
async def test_an_address_that_is_none_is_refused_as_httpx_does(url: str) -> None:
    for client_of in CLIENTS:
        client: Any = client_of(transport=Server([]))
        with pytest.raises(httpx.InvalidURL):
            client.build_request("POST", url, content=b"", headers={}, timeout=WAITS)
