"""Certificates are checked over either transport, and what is offered on one connection is not offered on another."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from agentlab.errors import ConnectionFailed
from agentlab.http import Failure, HttpClient, Secret
from agentlab.http.own_client import Transport, _ssl_context
from tests.http.loopback import answering, response, serve
from tests.http.sending import post, read

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_remains")]

KEY = "sk-not-to-be-seen-0123456789"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the servers' certificates."""
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine trusts the authority."""
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    _ssl_context.cache_clear()
    yield
    _ssl_context.cache_clear()


def of_a_server(authority: trustme.CA, name: str = "127.0.0.1", *offered: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    if offered:
        context.set_alpn_protocols(offered)
    return context


@pytest.mark.usefixtures("trusted")
async def test_a_trusted_certificate_is_taken_and_its_connection_used_again(
    authority: trustme.CA, transport: Transport
) -> None:
    async with (
        serve(answering(response(b"ok")), of_a_server(authority)) as server,
        HttpClient(transport=transport) as client,
    ):
        assert [await read(client, post(server.url)) for _ in range(2)] == [b"ok", b"ok"]
        assert server.connections == 1


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_of_another_name_is_refused(authority: trustme.CA, transport: Transport) -> None:
    async with serve(answering(response(b"")), of_a_server(authority, "another.invalid")) as server:
        with pytest.raises(ConnectionFailed, match=r"(?i)certificate.*127\.0\.0\.1") as refused:
            await read(HttpClient(transport=transport), post(server.url, auth=("x-api-key", "", Secret(KEY))))
    assert Failure.of(refused.value) is Failure.CONNECT
    assert KEY not in str(refused.value)


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    authority: trustme.CA, transport: Transport
) -> None:
    async with serve(answering(response(b"")), of_a_server(authority)) as server:
        with pytest.raises(ConnectionFailed, match=r"(?i)certificate verify failed") as refused:
            await read(HttpClient(transport=transport), post(server.url))
        assert server.peers == []
    assert Failure.of(refused.value) is Failure.CONNECT


@pytest.mark.usefixtures("trusted")
async def test_beside_a_client_of_http2_another_offers_http1_alone(
    authority: trustme.CA, transport: Transport
) -> None:
    async with serve(answering(response(b"ok")), of_a_server(authority)) as old:
        assert await read(HttpClient(http2=True), post(old.url)) == b"ok"
    async with serve(
        answering(response(b"ok")), of_a_server(authority, "127.0.0.1", "h2", "http/1.1")
    ) as server:
        assert await read(HttpClient(transport=transport), post(server.url)) == b"ok"
        spoken = server.peers[0].writer.get_extra_info("ssl_object").selected_alpn_protocol()
        assert spoken == "http/1.1"
