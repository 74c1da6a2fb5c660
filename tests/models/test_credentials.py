"""Keys and tokens on their way to a vendor, over real sockets and with the clouds' own login libraries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from agentlab.errors import AuthenticationFailed, MissingExtra, UsageError
from agentlab.http import AccessToken, ManualClock, Retry, Secret
from agentlab.messages import Request, Retrying, UserMessage
from agentlab.models import WireModel, model
from agentlab.models.credentials import credential_for
from agentlab.models.entra_tokens import entra_tokens
from agentlab.models.google_tokens import google_tokens
from agentlab.models.vendors import vendor
from agentlab.simulator import Simulator, serve
from tests.http.loopback import Peer, response
from tests.http.loopback import serve as listen

pytestmark = pytest.mark.anyio

CHAT = json.dumps(
    {
        "id": "1",
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "ok"}}],
    }
).encode()
JSON = "content-type: application/json"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with serve() as simulator:
        yield simulator


def asked(made: WireModel) -> Request:
    return Request(model=made.model_id, messages=(UserMessage.of("hi"),), stream=False)


def sent(peer: Peer, header: str) -> str | None:
    lines = peer.head.decode().split("\r\n")[1:]
    found = [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{header}:")]
    return found[0] if found else None


async def test_a_token_goes_as_a_bearer_and_a_key_in_the_vendors_own_header() -> None:
    async def script(peer: Peer) -> None:
        await peer.send(response(CHAT, "200 OK", JSON))

    async with listen(script) as server:
        for key in ("key-12345678", lambda: "token-12345678"):
            made = model("azure:gpt-5", api_key=key, base_url=server.url)
            await made.complete(asked(made))
    with_key, with_token = server.peers
    assert (sent(with_key, "api-key"), sent(with_key, "authorization")) == ("key-12345678", None)
    assert (sent(with_token, "api-key"), sent(with_token, "authorization")) == (None, "Bearer token-12345678")


async def test_a_refused_token_is_renewed_once_and_the_call_goes_on() -> None:
    tokens = iter(["stale-token-1", "fresh-token-2", "never-token-3"])

    async def script(peer: Peer) -> None:
        if sent(peer, "authorization") == "Bearer fresh-token-2":
            await peer.send(response(CHAT, "200 OK", JSON))
        else:
            await peer.send(response(b'{"error": {"message": "expired"}}', "401 Unauthorized", JSON))

    clock = ManualClock()
    async with listen(script) as server:
        made = model(
            "azure:gpt-5",
            api_key=lambda: AccessToken(Secret(next(tokens)), clock.time() + 3600),
            base_url=server.url,
            clock=clock,
        )
        events = [event async for event in made.stream(asked(made)).events]
    assert [sent(peer, "authorization") for peer in server.peers] == [
        "Bearer stale-token-1",
        "Bearer fresh-token-2",
    ]
    assert [event.delay_s for event in events if isinstance(event, Retrying)] == [0.0]
    assert clock.slept == [0.0]


@pytest.mark.parametrize("tokens", [["same-token-1"] * 9, ["token-a-1234", "token-b-1234", "token-c-1234"]])
async def test_a_token_refused_twice_or_without_another_is_an_error(tokens: list[str]) -> None:
    async def script(peer: Peer) -> None:
        said = f'{{"error": {{"message": "no {sent(peer, "authorization")}"}}}}'.encode()
        await peer.send(response(said, "401 Unauthorized", JSON))

    left = iter(tokens)
    async with listen(script) as server:
        made = model("azure:gpt-5", api_key=lambda: next(left), base_url=server.url, retry=Retry())
        with pytest.raises(AuthenticationFailed) as refused:
            await made.complete(asked(made))
    assert len(server.peers) == len(set(tokens[:2]))
    assert not any(each in f"{refused.value}{refused.value.body}" for each in tokens)


async def test_a_key_that_is_refused_is_not_tried_again() -> None:
    async def script(peer: Peer) -> None:
        await peer.send(response(b"{}", "401 Unauthorized", JSON))

    async with listen(script) as server:
        made = model("azure:gpt-5", api_key="key-12345678", base_url=server.url)
        with pytest.raises(AuthenticationFailed):
            await made.complete(asked(made))
    assert len(server.peers) == 1


async def test_a_login_that_fails_is_an_authentication_error_and_nothing_is_sent(sim: Simulator) -> None:
    def login() -> str:
        raise OSError("not logged in")

    made = model("azure:gpt-5", api_key=login, base_url=sim.base_url("azure"))
    with pytest.raises(AuthenticationFailed, match=r"login gave no token: OSError: not logged in"):
        await made.complete(asked(made))
    assert len(sim.requests) == 0


# ------------------------------------------------------------------------------------------------------- Google


@pytest.fixture
def service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A service account's file for a token endpoint, and the public key its requests are signed for."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

    def file_for(token_uri: str) -> bytes:
        path = tmp_path / "account.json"
        path.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "project_id": "lab",
                    "private_key_id": "1",
                    "private_key": pem.decode(),
                    "client_email": "lab.test",
                    "client_id": "1",
                    "token_uri": token_uri,
                }
            )
        )
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        for name in ("VERTEX_ACCESS_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        return private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    return file_for


async def test_vertex_logs_in_by_application_default_credentials(
    service_account: Any, sim: Simulator
) -> None:
    async def token_endpoint(peer: Peer) -> None:
        given = json.dumps({"access_token": sim.token, "expires_in": 3600, "token_type": "Bearer"}).encode()
        await peer.send(response(given, "200 OK", JSON))

    async with listen(token_endpoint) as login:
        public = service_account(f"{login.url}/token")
        made = model("vertex:gemini-2.5-flash", base_url=sim.base_url("vertex"))
        for _ in range(2):
            assert (await made.complete(asked(made))).message.text
        assert len(login.peers) == 1
        assertion = login.peers[0].body.decode().partition("assertion=")[2].partition("&")[0]
        claims = jwt.decode(unquote(assertion), certs=public)
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert sim.requests[-1].path == (
        "/vertex/v1beta1/projects/sim/locations/global/publishers/google/models/gemini-2.5-flash:generateContent"
    )


async def test_a_login_that_google_refuses_says_why(service_account: Any) -> None:
    async def token_endpoint(peer: Peer) -> None:
        await peer.send(response(b'{"error": "invalid_grant"}', "400 Bad Request", JSON))

    async with listen(token_endpoint) as login:
        service_account(f"{login.url}/token")
        with pytest.raises(
            AuthenticationFailed, match=r"Google's login gave no token: RefreshError.*invalid_grant"
        ):
            await google_tokens().secret()
    service_account(f"{login.url}/token")
    with pytest.raises(
        AuthenticationFailed, match=r"Google's login gave no token: TransportError.*No connection"
    ):
        await google_tokens().secret()


async def test_a_token_in_the_environment_wins_over_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERTEX_ACCESS_TOKEN", "ya29.from-the-environment")
    assert credential_for(None, vendor("vertex")) == Secret("ya29.from-the-environment")


# -------------------------------------------------------------------------------------------------------- Azure


async def test_azure_logs_in_by_the_managed_identity_of_its_host(
    monkeypatch: pytest.MonkeyPatch, sim: Simulator
) -> None:
    identity = pytest.importorskip("azure.identity")

    async def token_endpoint(peer: Peer) -> None:
        given = {
            "access_token": sim.token,
            "expires_on": "4102444800",
            "token_type": "Bearer",
            "resource": "r",
        }
        await peer.send(response(json.dumps(given).encode(), "200 OK", JSON))

    async with listen(token_endpoint) as login:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{login.url}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "secret")
        with identity.ManagedIdentityCredential() as credential:
            made = model("azure:gpt-5", api_key=entra_tokens(credential), base_url=sim.base_url("azure"))
            for _ in range(2):
                assert (await made.complete(asked(made))).message.text
        assert len(login.peers) == 1
        assert b"resource=https://cognitiveservices.azure.com" in login.peers[0].head


@pytest.mark.parametrize(
    ("module", "login", "extra"),
    [("azure.identity", entra_tokens, "azure"), ("google.auth", google_tokens, "vertex")],
)
def test_a_login_whose_package_is_missing_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, login: Any, extra: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(MissingExtra, match=rf"agentlab\[{extra}\]"):
        login()


def test_what_is_neither_key_nor_function_is_refused() -> None:
    with pytest.raises(UsageError):
        credential_for(7, vendor("azure"))  # type: ignore[arg-type]
