"""One request, one JSON answer: what is sent again, what is not, and what is shown of it."""

from __future__ import annotations

import pytest

from agentlab.errors import AuthenticationFailed, ConnectionFailed, ProtocolError, ServerError
from agentlab.http import AccessToken, ManualClock, Secret
from agentlab.models import model
from agentlab.models.asking import Method, ask
from tests.http.loopback import Peer, answering, response, serve, unused_port

pytestmark = pytest.mark.anyio

KEY = "sk-CANARY-0123456789abcdef"
JSON = "content-type: application/json"


@pytest.mark.parametrize(("method", "sent"), [("GET", 2), ("DELETE", 2), ("PATCH", 2), ("POST", 1)])
async def test_what_may_have_been_made_is_not_asked_for_again(method: Method, sent: int) -> None:
    async def script(peer: Peer) -> None:
        first = len(server.peers) == 1
        await peer.send(response(b'{"ok": true}', "500 Oh" if first else "200 OK", JSON))

    async with serve(script) as server:
        made = model("openai:m", api_key=KEY, base_url=server.url, clock=ManualClock())
        if method == "POST":
            with pytest.raises(ServerError) as failed:
                await ask(made, "/things", method=method, body={})
            assert failed.value.attempts == 1
        else:
            assert await ask(made, "/things", method=method) == {"ok": True}
    assert len(server.peers) == sent


async def test_what_was_surely_not_made_is_asked_for_again() -> None:
    async def script(peer: Peer) -> None:
        busy = len(server.peers) < 3
        await peer.send(response(b'{"ok": true}', "429 Busy" if busy else "200 OK", JSON))

    async with serve(script) as server:
        made = model("openai:m", api_key=KEY, base_url=server.url, clock=ManualClock())
        assert await ask(made, "/things", method="POST", body={"a": 1}, query={"b": "2"}) == {"ok": True}
    assert len(server.peers) == 3
    assert server.peers[-1].body == b'{"a":1}'
    assert server.peers[-1].head.startswith(b"POST /things?b=2 ")


async def test_a_refused_token_is_renewed_and_a_refused_key_is_not() -> None:
    async def script(peer: Peer) -> None:
        fresh = b"Bearer fresh-token" in peer.head
        await peer.send(
            response(
                b'{"error": {"message": "no ' + KEY.encode() + b'"}}' if not fresh else b"{}",
                "200 OK" if fresh else "401 No",
                JSON,
            )
        )

    tokens = iter(["stale-token", "fresh-token"])
    async with serve(script) as server:
        by_token = model(
            "openai:m",
            api_key=lambda: AccessToken(Secret(next(tokens)), 4e9),
            base_url=server.url,
            clock=ManualClock(),
        )
        assert await ask(by_token, "/things") == {}
        by_key = model("openai:m", api_key=KEY, base_url=server.url)
        with pytest.raises(AuthenticationFailed) as refused:
            await ask(by_key, "/things")
    assert len(server.peers) == 3
    assert KEY not in f"{refused.value}{refused.value.body}"


async def test_an_answer_that_is_not_json_is_a_protocol_error() -> None:
    async with serve(answering(response(b"<html>"))) as server:
        with pytest.raises(ProtocolError, match="not JSON") as failed:
            await ask(model("openai:m", api_key=KEY, base_url=server.url), "/things")
    assert failed.value.body == "<html>"


async def test_a_server_that_is_not_there_is_a_connection_error() -> None:
    made = model("openai:m", api_key=KEY, base_url=f"http://127.0.0.1:{unused_port()}", clock=ManualClock())
    with pytest.raises(ConnectionFailed) as failed:
        await ask(made, "/things", method="POST", body={})
    assert failed.value.attempts > 1
