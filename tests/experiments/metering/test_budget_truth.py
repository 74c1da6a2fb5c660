"""A budget of $5 with 64 calls in flight, by the provider's own bill: the simulator's log, not our books."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from statistics import median

import pytest

from agentlab.errors import AgentlabError, BudgetSpent
from agentlab.experiments.metering import Budget, CallBounds, CallMeter, Limiters, MeteredModel
from agentlab.messages import CacheOptions, Request, ToolDefinition, UserMessage
from agentlab.simulator import Fault, Latency, Reply, SimRequest, call, reply
from tests.experiments.metering.in_process import InProcess
from tests.experiments.metering.virtual_time import LoopClock, run_virtually

GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"
LIMIT_USD = 5.0
IN_FLIGHT = 64
CHUNK_TOKENS = 4
MODELS = (
    "openai-chat:gpt-4.5-preview",
    "anthropic:claude-opus-4-1",
    "openai:o1-pro",
    "gemini:gemini-2.5-pro",
)
FAULTS = ("rst", "fin", "truncate", "corrupt", "error_event", "status")
WORDS = ("tide", "harbour", "lantern", "mossy", "of", "and", "seventeen", "quay", "slowly", "x", "rain", "42")


@dataclass
class Outcome:
    billed_usd: float
    booked_usd: float
    reserved_usd: float
    held_at_once_usd: float
    refused: int
    meters: list[CallMeter]


def said(rng: Random, words: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(words))


def behaviour(rng: Random, *, longest: int, faulty: float, pace: tuple[float, float]):
    def answer(_: SimRequest) -> Reply:
        fault = None
        if rng.random() < faulty:
            kind = rng.choice(FAULTS)
            early = kind in {"rst", "fin"} and rng.random() < 0.5
            fault = Fault(kind, status=rng.choice((429, 500, 503)), before_headers=early)
        return reply(
            said(rng, rng.randint(1, longest)),
            reasoning=said(rng, rng.randint(1, longest)) if rng.random() < 0.3 else None,
            calls=[call("look", at=said(rng, 20))] if rng.random() < 0.2 else (),
            latency=Latency(first_token_s=rng.uniform(0.01, pace[0]), tokens_per_s=rng.uniform(10, pace[1])),
            fault=fault,
            chunk_tokens=CHUNK_TOKENS,
        )

    return answer


async def spent_in_a_mix(seed: int, calls: int) -> Outcome:
    """Ask until the money is gone, some of it broken off, and see what the provider billed."""
    rng = Random(seed)
    faulty = rng.choice((0.0, 0.0, 0.1, 0.3))
    broken_off = rng.choice((0.0, 0.1))
    longest = rng.choice((60, 200))
    sim = InProcess(behaviour(rng, longest=longest, faulty=faulty, pace=(rng.choice((0.1, 5.0)), 400.0)))
    clock = LoopClock()
    budget, limiters, meters = Budget(LIMIT_USD), Limiters(IN_FLIGHT, clock=clock), []
    names = rng.sample(MODELS, rng.randint(1, 3))
    inner = [sim.model(name, seed=seed) for name in names]
    models = [
        MeteredModel(
            each,
            limiter=limiters.of(each),
            budget=budget,
            bounds=CallBounds(each.name),
            clock=clock,
            on_call=meters.append,
        )
        for each in inner
    ]
    tools = (ToolDefinition("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}}),)
    refused = 0
    held = 0.0

    async def ask(place: int) -> None:
        nonlocal refused, held
        model = rng.choice(models)
        request = Request(
            model=model.model_id,
            preamble=said(rng, rng.choice((5, 400))),
            tools=tools if rng.random() < 0.5 else (),
            messages=(UserMessage.of(f"{place} {said(rng, rng.randint(1, 300))}"),),
            max_tokens=rng.choice((None, None, 30, 200)),
            cache=rng.choice((None, CacheOptions(breakpoints=("preamble", "last")))),
        )
        try:
            async for _ in model.stream(request).events:
                assert budget.spent_usd + budget.reserved_usd <= LIMIT_USD
                held = max(held, budget.reserved_usd)
        except BudgetSpent:
            refused += 1
        except AgentlabError:
            pass

    async def broken(place: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(rng.uniform(0.0, 8.0) if rng.random() < broken_off else None):
                await ask(place)

    await asyncio.gather(*(broken(place) for place in range(calls)))
    assert limiters.in_flight == 0
    assert len(meters) == calls
    return Outcome(
        sim.billed_usd(chunk_tokens=CHUNK_TOKENS),
        budget.spent_usd,
        budget.reserved_usd,
        held,
        refused,
        meters,
    )


def check(seeds: range, calls: int) -> None:
    outcomes = [run_virtually(spent_in_a_mix(seed, calls)) for seed in seeds]
    for outcome in outcomes:
        assert outcome.billed_usd <= LIMIT_USD
        assert outcome.billed_usd <= outcome.booked_usd + 1e-9
        assert outcome.booked_usd <= LIMIT_USD
        assert outcome.reserved_usd == 0
        assert sum(meter.cost_usd for meter in outcome.meters) == pytest.approx(outcome.booked_usd)
    ended_for_money = [outcome for outcome in outcomes if outcome.refused]
    assert len(ended_for_money) >= len(outcomes) / 3  # else the mixes prove nothing
    assert median(outcome.booked_usd for outcome in ended_for_money) > 0.6 * LIMIT_USD


def test_the_provider_never_bills_more_than_the_budget_over_random_prices_and_latencies() -> None:
    check(range(8), calls=100)


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="the whole set runs in `make gauntlet`")
def test_the_provider_never_bills_more_than_the_budget_over_a_hundred_mixes() -> None:
    check(range(100), calls=300)
