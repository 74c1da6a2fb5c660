"""`what_if` on the trace of a real run: with nothing changed it tells what the provider reported, token by token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import structs

from agentlab.agent import Hook, HookContext, Trace
from agentlab.caching.profiles.registry import make_policy, profile_for
from agentlab.messages import CacheOptions, Message, Request
from agentlab.simulator import Fault, call, reply
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


async def anthropic_run(bench: Bench) -> Trace:
    """A run of three calls, of which the later two read what the one before them left."""
    cache = CacheOptions(breakpoints=("preamble", "last"))
    agent = bench.agent("anthropic", TURNS, tools=[add], preamble=WORDS, cache=cache, hooks=[Ticking(bench)])
    run = await agent.prompt("1+2, and twice that?")
    assert all(turn.usage.cache_read_tokens for turn in run.trace.turns[1:])
    return run.trace


@pytest.mark.parametrize("step_s", [0.0, -1.0], ids=["stands still", "steps back"])
async def test_each_call_reads_what_the_one_before_left_whatever_the_clock_does(
    strict_bench: Bench, step_s: float
) -> None:
    trace = await anthropic_run(strict_bench)
    trace.events = [
        structs.replace(traced, at_s=number * step_s) for number, traced in enumerate(trace.events)
    ]
    foreseen = trace.what_if(ttl="5m")
    assert foreseen["cache_read_tokens"].tolist() == [turn.usage.cache_read_tokens for turn in trace.turns]
    times = [call.at for call in trace.calls]
    assert times[0] < times[1] < times[2] < times[0] + 1e-5


async def test_the_wait_for_a_second_attempt_is_no_part_of_the_time_to_the_first_token(
    strict_bench: Bench,
) -> None:
    strict_bench.sim.faults.add(Fault("status", status=503, retry_after=30))
    trace = await anthropic_run(strict_bench)
    measured = trace.turns[0].timing.time_to_first_token_s
    assert measured is not None
    assert measured >= 30
    assert all(call.ttft_s is not None and 0 <= call.ttft_s < 30 for call in trace.calls)
    foreseen = trace.what_if(ttl="5m")
    assert foreseen["cache_read_tokens"].tolist() == [turn.usage.cache_read_tokens for turn in trace.turns]
    assert trace.calls[1].at - trace.calls[0].at < 30
