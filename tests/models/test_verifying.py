"""Whether calls will get through: what proves it, and what is said where they will not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentlab.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    MissingKey,
    NotFound,
    RateLimited,
    ServerError,
    UsageError,
)
from agentlab.http import ManualClock
from agentlab.models.listing_table import listing_of
from agentlab.models.vendors import vendors
from agentlab.models.verifying import verify
from agentlab.simulator import Simulator, serve
from tests.http.loopback import Peer, answering, response, unused_port
from tests.http.loopback import serve as listen

pytestmark = pytest.mark.anyio

JSON = "content-type: application/json"
PROVEN = sorted(
    {
        (row.wire, repr(listing_of(row))): row.name
        for row in vendors().values()
        if (listing_of(row).path and not listing_of(row).public) or listing_of(row).check
    }.values()
)


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with serve() as simulator:
        yield simulator


@pytest.mark.parametrize("name", PROVEN)
async def test_a_key_is_proven_without_a_call(sim: Simulator, name: str) -> None:
    before = len(sim.requests)
    found = await verify(name, api_key=sim.token, base_url=sim.base_url(name))
    assert found.name == name
    assert found.by in {"list", "key"}
    assert len(sim.requests) == before + 1
    with pytest.raises(AuthenticationFailed, match=f"{name} could not be verified: HTTP"):
        await verify(name, api_key="wrong-key-123", base_url=sim.base_url(name))


@pytest.mark.parametrize(
    ("name", "by", "requests"),
    [
        ("openai:gpt-5", "model", 1),
        ("anthropic:claude-sonnet-5", "model", 1),
        ("gemini:gemini-2.5-flash", "model", 1),
        ("vertex:gemini-2.5-flash", "model", 1),
        ("ollama:sim-small", "list", 1),
        ("deepseek:sim-small", "list", 1),
        ("openrouter:sim-small", "list", 2),
        ("azure:my-deployment", "call", 1),
        ("perplexity:sim-small", "call", 2),
        ("snowflake:any", "call", 1),
    ],
)
async def test_a_model_is_proven_by_the_cheapest_that_does(
    sim: Simulator, name: str, by: str, requests: int
) -> None:
    base = sim.base_url(name.partition(":")[0])
    if name.startswith("perplexity"):  # its list is at /v1, its calls are not
        base = base.removesuffix("/v1")
    before = len(sim.requests)
    found = await verify(name, api_key=sim.token, base_url=base)
    assert (found.by, len(sim.requests) - before) == (by, requests)
    with pytest.raises(AuthenticationFailed, match="could not be verified"):
        await verify(name, api_key="wrong-key-123", base_url=base)


async def test_a_simulated_name_is_verified_too() -> None:
    assert (await verify("sim:openai")).by == "list"
    assert (await verify("sim:openai/gpt-5")).by == "model"


async def test_a_model_that_is_not_there_names_those_that_are_near(sim: Simulator) -> None:
    with pytest.raises(NotFound, match="lists no model `sim-smal`; did you mean `sim-small`"):
        await verify("deepseek:sim-smal", api_key=sim.token, base_url=sim.base_url("deepseek"))
    missing = response(
        b'{"error": {"message": "The model does not exist", "code": "model_not_found"}}', "404 No", JSON
    )
    async with listen(answering(missing)) as server:
        with pytest.raises(
            NotFound, match=r"openai:gpt-9 could not be verified: HTTP 404: The model does not exist"
        ):
            await verify("openai:gpt-9", api_key="k", base_url=server.url)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 No", AuthenticationFailed),
        ("403 No", AuthenticationFailed),
        ("429 Wait", RateLimited),
        ("500 Oh", ServerError),
    ],
)
async def test_the_vendors_refusal_is_told_by_its_class(status: str, kind: type[Exception]) -> None:
    async def script(peer: Peer) -> None:
        await peer.send(response(b'{"error": {"message": "sorry"}}', status, JSON))

    async with listen(script) as server:
        with pytest.raises(kind, match=r"openai could not be verified: HTTP .*: sorry"):
            await verify("openai", api_key="k", base_url=server.url, clock=ManualClock())


async def test_a_vendor_that_cannot_be_reached_is_a_connection_error() -> None:
    with pytest.raises(ConnectionFailed, match="openai could not be verified: No connection to 127"):
        await verify("openai", api_key="k", base_url=f"http://127.0.0.1:{unused_port()}", clock=ManualClock())


async def test_what_is_missing_is_told_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(MissingKey):
        await verify("openai")
    with pytest.raises(UsageError, match="there is no vendor"):
        await verify("opennai")
    with pytest.raises(UsageError, match="tells nothing of a key without a call"):
        await verify("huggingface", api_key="k", base_url="http://127.0.0.1:9")
