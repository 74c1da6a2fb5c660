"""A whole session against the simulated providers: what each builder reads from the cache.

`benchmarks/context_builder.py` does the same over 60 prompts.
"""

from __future__ import annotations

import pytest

from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.builders import AttachmentsFirst, SeedOrdering, Stable
from agentlab.messages import CacheOptions
from agentlab.sessions.history import history_of
from tests.chat.context.scripted_session import Script, drive

pytestmark = pytest.mark.anyio
CACHES = pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("sim:anthropic/claude-sonnet-4-6", CacheOptions(breakpoints=("preamble", "last"))),
        ("sim:openai/gpt-5.6", CacheOptions(key="session")),
    ],
    ids=["anthropic", "openai"],
)
SCRIPT = Script(turns=12)


@CACHES
async def test_the_default_reads_nine_tenths_from_the_cache_and_more_than_the_other_orders(
    name: str, cache: CacheOptions
) -> None:
    stable, first, seeds = [
        (await drive(builder, SCRIPT, name, cache)).bill
        for builder in (Stable(), AttachmentsFirst(), SeedOrdering())
    ]
    assert stable.read_share >= 0.9
    assert stable.read_share > first.read_share > seeds.read_share
    assert stable.cost_usd < first.cost_usd < seeds.cost_usd


async def test_the_report_says_of_each_request_what_the_provider_then_billed() -> None:
    found = await drive(SeedOrdering(), Script(turns=6), "sim:openai/gpt-5.1", CacheOptions(key="session"))
    for before, after, built in zip(found.runs, found.runs[1:], found.contexts[1:], strict=False):
        last, now = before[-1].usage, after[0].usage
        assert last is not None
        assert now is not None
        could_be_read = (last.input_tokens or 0) - built.parts[-1].lost_cache_tokens
        assert now.cache_read_tokens == pytest.approx(could_be_read, abs=256), (
            "two steps of the vendor's cache"
        )


async def test_a_budget_of_the_history_is_kept_and_moves_the_prefix_only_where_it_is_crossed() -> None:
    script = Script(turns=14, persona_tokens=4_000, result_tokens=200)
    budgets = Budgets(history=6_000)
    found = await drive(
        Stable(), script, "sim:anthropic/claude-sonnet-4-6", CacheOptions(automatic=True), budgets=budgets
    )
    moved = [built for built in found.contexts if built.parts[-1].moves_prefix_at]
    policies = [
        built
        for built in found.contexts
        if any(each.moves_prefix_at for each in built.parts if each.kind == "policy")
    ]
    assert moved == policies
    assert 1 <= len(moved) <= 4
    for built in found.contexts:
        kept = [each.tokens for each in built.parts if each.kind == "history" and each.is_kept]
        assert sum(kept) <= 6_000


async def test_what_is_kept_is_the_history_that_the_session_gives() -> None:
    found = await drive(
        Stable(), Script(turns=3, persona_tokens=100), "sim:openai/gpt-5.6", CacheOptions(), budgets=Budgets()
    )
    last = found.contexts[-1]
    assert history_of(found.entries)[: len(last.history) + 1] == [*last.history, last.prompt]
