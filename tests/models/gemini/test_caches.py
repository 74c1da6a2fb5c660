"""Gemini's cache resources: made, used and ended, against the simulator, Google's SDK and recorded answers."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google import genai
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from agentlab.agent import Agent
from agentlab.errors import AuthenticationFailed, BadRequest, ProtocolError, UsageError
from agentlab.messages import Request, UserMessage
from agentlab.models import model
from agentlab.models.gemini.caches import CachedContent, GeminiCaches, _lifetime, _read
from agentlab.models.gemini.static_part import StaticPart
from agentlab.models.registry import wire_for
from agentlab.models.vendors import vendor
from agentlab.simulator import Simulator, serve
from agentlab.tools import tool
from tests.corpus.recordings import corpus_folder

pytestmark = pytest.mark.anyio

BOOK = "hello " * 6_000


@tool
def look(at: str) -> str:
    """Looks."""
    return f"nothing at {at}"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with serve() as simulator:
        yield simulator


def agent_on(sim: Simulator, vendor_name: str = "gemini", **options: Any) -> Agent:
    named = model(f"{vendor_name}:gemini-2.5-flash", api_key=sim.token, base_url=sim.base_url(vendor_name))
    return Agent(named, **{"preamble": "You are terse.", "context": [BOOK], "tools": [look], **options})


@pytest.mark.parametrize("vendor_name", ["gemini", "vertex"])
async def test_an_agent_uses_its_cache_for_the_length_of_a_block(sim: Simulator, vendor_name: str) -> None:
    agent = agent_on(sim, vendor_name)
    caches = GeminiCaches(agent.model)
    async with caches.holding(agent, ttl_s=600, display_name="book") as cache:
        assert [each.name for each in await caches.list()] == [cache.name]
        assert (cache.model, cache.display_name) == ("gemini-2.5-flash", "book")
        assert cache.expires - cache.created == 600
        run = await agent.with_(cache=cache.options).prompt("What is at home?")
        assert run.usage.cache_read_tokens == cache.tokens
        sent = sim.requests[-1].json
        assert set(sent) == {"contents", "cachedContent"}
        assert len(sent["contents"]) == 1
    assert await caches.list() == ()


async def test_what_is_read_is_what_the_same_agent_sends_without_a_cache(sim: Simulator) -> None:
    agent = agent_on(sim)
    plain = await agent.prompt("hi")
    async with GeminiCaches(agent.model).holding(agent) as cache:
        cached = await agent.with_(cache=cache.options).prompt("hi")
    assert cached.usage.input_tokens == pytest.approx(plain.usage.input_tokens, abs=8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"preamble": "You are wordy."}, r"\(a system prompt\)"),
        ({"preamble": None}, r"\(a system prompt\)"),
        ({"tools": []}, r"\(tools\)"),
        ({"tool_choice": "required"}, r"\(`tool_choice`\)"),
        ({"context": ["another book"], "preamble": "x"}, r"\(a system prompt, static context\)"),
    ],
)
async def test_an_agent_that_changed_since_is_refused_before_anything_is_sent(
    sim: Simulator, change: dict[str, Any], said: str
) -> None:
    agent = agent_on(sim)
    async with GeminiCaches(agent.model).holding(agent) as cache:
        before = len(sim.requests)
        with pytest.raises(UsageError, match=said):
            await agent.with_(cache=cache.options, **change).prompt("hi")
        assert len(sim.requests) == before


def test_context_goes_beside_a_cache_that_has_none() -> None:
    wire, row = wire_for("gemini"), vendor("gemini")
    base = Request(model="gemini-2.5-flash", preamble="x", messages=(UserMessage.of("hi"),))
    agent = Agent(model("gemini:m", api_key="k"), preamble="x", context=["late"])
    options = CachedContent(
        name="cachedContents/a",
        model="m",
        tokens=1,
        created=0,
        updated=0,
        expires=0,
        parts=StaticPart.of(base).parts,
    ).options
    body = json.loads(wire.encode(agent.with_(cache=options).completion("hi"), row).body)
    assert set(body) == {"contents", "cachedContent"}
    assert "late" in body["contents"][0]["parts"][0]["text"]


async def test_one_is_prolonged_read_and_deleted(sim: Simulator) -> None:
    agent = agent_on(sim)
    caches = GeminiCaches(agent.model)
    cache = await caches.create(agent, expires=datetime.now(UTC) + timedelta(days=9_999))
    changed = await caches.update(cache, ttl_s=60.5)
    assert changed.parts == cache.parts
    assert changed.expires - changed.updated == pytest.approx(60.5)
    assert (await caches.get(cache.name)).expires == changed.expires
    sim.advance("2m")
    with pytest.raises(AuthenticationFailed, match="not found"):
        await caches.get(cache.name)
    with pytest.raises(AuthenticationFailed, match="not found"):
        await caches.delete(cache)


async def test_a_long_list_comes_whole(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentlab.models.gemini.caches._PAGE", 2)
    agent = agent_on(sim)
    caches = GeminiCaches(agent.model)
    names = [(await caches.create(agent)).name for _ in range(5)]
    assert [each.name for each in await caches.list()] == names[::-1]


async def test_it_is_deleted_when_the_block_is_cancelled_or_fails(sim: Simulator) -> None:
    agent = agent_on(sim)
    caches = GeminiCaches(agent.model)
    inside = asyncio.Event()

    async def held() -> None:
        async with caches.holding(agent):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(held())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ValueError, match="mine"):
        async with caches.holding(agent):
            raise ValueError("mine")
    assert await caches.list() == ()


async def test_one_that_ended_by_itself_is_no_error(sim: Simulator) -> None:
    agent = agent_on(sim)
    caches = GeminiCaches(agent.model)
    async with caches.holding(agent, ttl_s=60):
        assert len(await caches.list()) == 1
        sim.advance("2m")
    assert await caches.list() == ()


async def test_what_the_api_refuses_is_told(sim: Simulator) -> None:
    agent = agent_on(sim, context=[])
    caches = GeminiCaches(agent.model)
    with pytest.raises(BadRequest, match="Cached content is too small"):
        await caches.create(agent)
    for wrong, said in (
        ({"ttl_s": 1.0, "expires": datetime.now(UTC)}, "not both"),
        ({"expires": datetime(2030, 1, 1)}, "time zone"),  # noqa: DTZ001 - what is refused
    ):
        with pytest.raises(UsageError, match=said):
            await caches.create(agent, **wrong)
    with pytest.raises(UsageError, match="nothing to cache"):
        await caches.create(agent.with_(preamble=None, tools=[]))
    with pytest.raises(UsageError, match="when the cache is to end"):
        await caches.update("cachedContents/x")
    with pytest.raises(UsageError, match="another wire"):
        GeminiCaches(model("openai:gpt-5", api_key="k"))


# --------------------------------------------------------------------------------------------- Google's own SDK


async def test_googles_sdk_reads_what_we_make_and_we_what_it_makes(sim: Simulator) -> None:
    agent = agent_on(sim)
    caches = GeminiCaches(agent.model)
    options = types.HttpOptions(base_url=sim.base_url("gemini", ""), api_version="v1beta")
    with genai.Client(api_key=sim.token, http_options=options) as client:
        ours = await caches.create(agent, ttl_s=600, display_name="ours")
        seen = client.caches.get(name=ours.name)
        assert (seen.display_name, seen.model) == ("ours", "models/gemini-2.5-flash")
        assert seen.usage_metadata is not None
        assert seen.usage_metadata.total_token_count == ours.tokens
        assert seen.expire_time is not None
        assert seen.expire_time.timestamp() == ours.expires
        config = types.CreateCachedContentConfig(system_instruction=BOOK, ttl="60s")
        theirs = client.caches.create(model="gemini-2.5-flash", config=config)
        assert theirs.name is not None
        assert (await caches.get(theirs.name)).tokens == theirs.usage_metadata.total_token_count  # type: ignore[union-attr]
        await caches.delete(theirs.name)
        assert [each.name for each in client.caches.list()] == [ours.name]


def test_recorded_resources_are_read() -> None:
    path = corpus_folder() / "gemini.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no recordings: {path} does not exist; name their folder with AGENTLAB_CORPUS")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [record for record in map(json.loads, lines) if record["api"] == "gemini-cached-contents"]
    seen = 0
    for record in records:
        body = json.loads(record["response_body"])
        if record["status"] >= 400:
            error = wire_for("gemini").error(record["status"], record["response_body"].encode())
            assert isinstance(error, BadRequest)
            assert "too small" in str(error)
            continue
        for described in body.get("cachedContents", [body] if body else []):
            cache = _read(described)
            assert cache.tokens == described["usageMetadata"]["totalTokenCount"]
            assert cache.model in described["model"]
            assert cache.created <= cache.updated
            seen += 1
    assert seen >= 20


def test_what_is_no_resource_is_a_protocol_error() -> None:
    for wrong in ({}, {"name": "a"}, {"name": "a", "model": "m", "createTime": "x"}):
        with pytest.raises(ProtocolError, match="no cache resource"):
            _read(wrong)


# --------------------------------------------------------------------------------------------------- the plan


async def test_a_plan_foretells_what_the_simulator_bills(sim: Simulator) -> None:
    agent = agent_on(sim)
    caches = GeminiCaches(agent.model)
    plan = caches.plan(agent, requests=10, ttl_s=1800)
    cache = await caches.create(agent, ttl_s=1800)
    assert plan.tokens == cache.tokens
    assert plan.fits
    sim.advance("1h")
    assert sim.cached_contents.storage_usd("gemini") == pytest.approx(plan.storage_usd)


def test_a_plan_says_from_how_many_requests_it_pays() -> None:
    agent = Agent(model("gemini:gemini-2.5-flash", api_key="k"), context=[BOOK])
    caches = GeminiCaches(agent.model)
    least = int(caches.plan(agent, requests=1, ttl_s=3600).break_even_requests)
    assert caches.plan(agent, requests=least, ttl_s=3600).saved_usd >= 0
    assert caches.plan(agent, requests=least - 1, ttl_s=3600).saved_usd < 0
    assert not caches.plan(agent.with_(context=["short"]), requests=1).fits
    unknown = GeminiCaches(model("gemini:no-such-model", api_key="k")).plan(agent, requests=3)
    assert math.isnan(unknown.saved_usd)
    assert math.isnan(unknown.break_even_requests)
    with pytest.raises(UsageError, match="1 request or more"):
        caches.plan(agent, requests=0)


@given(st.floats(0, 1e9, allow_nan=False))
def test_a_lifetime_is_written_as_a_duration_of_protocol_buffers(ttl_s: float) -> None:
    written = _lifetime(ttl_s, None)["ttl"]
    digits, _, fraction = written.removesuffix("s").partition(".")
    assert digits.isdecimal()
    assert len(fraction) <= 9
    assert float(written.removesuffix("s")) == pytest.approx(ttl_s, abs=1e-9)
