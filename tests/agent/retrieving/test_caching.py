"""Where retrieved documents stand decides whether a conversation keeps its cached prefix: read from reported usage."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import get_args

import pytest

from agentlab.agent import Agent
from agentlab.agent.retrieving.entries import DynamicContext, Placement
from agentlab.caching.explaining.explain import explain_calls
from agentlab.caching.profiles.registry import make_policy, profile_for
from agentlab.messages import CacheOptions, Message, Notice, Usage
from agentlab.retrieval.documents import Document
from agentlab.retrieval.lexical import LexicalIndex
from tests.agent.bench import Bench, bench_of

pytestmark = pytest.mark.anyio

TOPICS = ("refunds", "parcels", "customs", "warranties", "returns")
PREAMBLE = "You answer questions of customers from the handbook, and say where it stands there. " * 100
CACHE = {"openai-chat": None, "anthropic": CacheOptions(breakpoints=("preamble", "last"))}


@pytest.fixture
def strict_bench() -> Iterator[Bench]:
    """A provider whose cache follows the documented rules."""
    with bench_of(
        policy=lambda request: make_policy(
            profile_for(request.vendor, request.model), model=request.model, strict=True
        )
    ) as made:
        yield made


async def handbook() -> LexicalIndex:
    """Two long pages a topic."""
    index = LexicalIndex()
    await index.insert(
        Document(f"{topic}#{page}", f"What the handbook says of {topic}, page {page}. " * 40, {"page": page})
        for topic in TOPICS
        for page in (1, 2)
    )
    return index


async def talked(bench: Bench, agent: Agent) -> list[Usage]:
    """Five prompts of one conversation, each with documents of its own; the usage of each."""
    history: list[Message] = []
    usages: list[Usage] = []
    for topic in TOPICS:
        bench.sim.advance(1)
        run = await agent.chat(f"What does the handbook say of {topic}?", history)
        assert list(run.retrieved["id"]) == [f"{topic}#1", f"{topic}#2"]
        usages.append(run.usage)
    return usages


async def agent_of(bench: Bench, vendor: str, placement: Placement) -> Agent:
    answers = ["It says a good deal. " * 20] * len(TOPICS)
    return bench.agent(
        vendor,
        answers,
        preamble=PREAMBLE,
        cache=CACHE[vendor],
        dynamic_context=[DynamicContext(await handbook(), 2, placement=placement)],
    )


@pytest.mark.parametrize("vendor", list(CACHE))
async def test_documents_in_the_prompts_message_keep_the_prefix_and_reading_grows_by_what_went_before(
    strict_bench: Bench, vendor: str
) -> None:
    usages = await talked(strict_bench, await agent_of(strict_bench, vendor, "prompt"))
    reads = [usage.cache_read_tokens or 0 for usage in usages]
    prompts = [usage.input_tokens or 0 for usage in usages]
    assert reads[0] == 0
    for before, read in zip(prompts, reads[1:], strict=False):
        assert 0.99 * before <= read <= before
    assert all(later - earlier > 500 for earlier, later in pairwise(reads))
    assert strict_bench.refused == []


@pytest.mark.parametrize("vendor", list(CACHE))
async def test_documents_behind_the_preamble_lose_all_that_follows_them(
    strict_bench: Bench, vendor: str
) -> None:
    usages = await talked(strict_bench, await agent_of(strict_bench, vendor, "preamble"))
    reads = [usage.cache_read_tokens or 0 for usage in usages]
    assert len(set(reads[1:])) == 1, reads
    preamble = strict_bench.agent(vendor, ["Yes."], preamble=PREAMBLE, cache=CACHE[vendor])
    assert reads[-1] <= ((await preamble.prompt("?")).usage.input_tokens or 0)
    assert strict_bench.refused == []


async def test_the_trace_names_the_document_that_moved_the_prefix(strict_bench: Bench) -> None:
    moved = {}
    for placement in get_args(Placement):
        agent = await agent_of(strict_bench, "openai-chat", placement)
        history: list[Message] = []
        runs = [await agent.chat(f"What does the handbook say of {topic}?", history) for topic in TOPICS[:2]]
        moved[placement] = [each.line for each in explain_calls([c for run in runs for c in run.trace.calls])]
    assert moved["prompt"] == []
    [line] = moved["preamble"]
    assert "static document `refunds#1`" in line


@pytest.mark.parametrize("vendor", list(CACHE))
async def test_the_notice_of_a_moved_prefix_comes_within_a_run_for_neither(
    strict_bench: Bench, vendor: str
) -> None:
    for placement in get_args(Placement):
        agent = await agent_of(strict_bench, vendor, placement)
        run = await agent.prompt("What does the handbook say of refunds?")
        assert not list(run.trace.of(Notice))
