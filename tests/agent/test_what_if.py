"""`what_if` on the trace of a real run: with nothing changed it tells what the provider reported, token by token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentlab.agent import Hook, HookContext
from agentlab.caching.profiles.registry import make_policy, profile_for
from agentlab.messages import CacheOptions, Message, Request
from agentlab.simulator import call, reply
from tests.agent.bench import Bench, add, bench_of

pytestmark = pytest.mark.anyio

TURNS = [reply(calls=[call("add", a=1, b=2)]), reply(calls=[call("add", a=3, b=3)]), "Six."]
WORDS = "The bench adds numbers and says what it did. " * 200


@pytest.fixture
def strict_bench() -> Iterator[Bench]:
    """A provider whose cache follows the documented rules, and for whom a second passes with every request."""
    with bench_of(
        policy=lambda request: make_policy(
            profile_for(request.vendor, request.model), model=request.model, strict=True
        )
    ) as made:
        yield made


class Ticking(Hook):
    """Lets a second pass before every model call, for the agent and the provider."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def on_completion_call(self, context: HookContext, request: Request) -> None:
        self._bench.clock.advance(1)
        self._bench.sim.advance(1)


async def test_nothing_changed_is_what_was_reported(strict_bench: Bench, vendor: str) -> None:
    cache = CacheOptions(breakpoints=("preamble", "last")) if vendor in {"anthropic", "bedrock"} else None
    agent = strict_bench.agent(
        vendor, TURNS, tools=[add], preamble=WORDS, cache=cache, hooks=[Ticking(strict_bench)]
    )
    run = await agent.prompt("1+2, and twice that?")
    frame = run.trace.what_if()
    assert len(frame) == 3
    tokens = [name for name in frame if name.startswith("delta_") and name.endswith("_tokens")]
    assert (frame[tokens].fillna(0) == 0).all().all(), frame[tokens]
    assert list(frame["input_tokens"]) == [turn.usage.input_tokens for turn in run.trace.turns]
    if vendor not in {"gemini", "ollama"}:
        assert frame["cache_read_tokens"].sum() > 2000


async def test_a_run_is_told_again_under_another_ordering_and_provider(
    strict_bench: Bench, vendor: str
) -> None:
    agent = strict_bench.agent(
        vendor,
        [*TURNS, "Nine."],
        hooks=[Ticking(strict_bench)],
        tools=[add],
        preamble=WORDS,
        volatile=["It is noon."],
        few_shots=[("1+1?", "2")],
    )
    history: list[Message] = []
    first = await agent.chat("1+2, and twice that?", history)
    second = await agent.chat("And three more?", history)
    calls = (*first.trace.calls, *second.trace.calls)
    assert len(calls) == 4
    frame = second.trace.what_if(ordering="volatile_first", provider="anthropic:claude-sonnet-4-5")
    assert frame.attrs["provider"] == "anthropic:claude-sonnet-4-5"
    assert frame.attrs["ordering"] == "volatile_first"
    assert (frame["input_tokens"] > 1000).all()
