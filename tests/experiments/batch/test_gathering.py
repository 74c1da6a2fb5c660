"""Runs of agents through a batch: the same runs, records and rows as without one."""

from __future__ import annotations

from pathlib import Path

import pytest

import agentlab as al
from agentlab.errors import RateLimited, UnsupportedCapability, UsageError
from agentlab.experiments.batch import Batch, Gathering, JsonFileLedger
from agentlab.experiments.batch.ledger import Records
from agentlab.models.interface import wire_name
from agentlab.models.registry import model
from agentlab.simulator import ErrorReply, SimRequest, Simulator, Turn, call, reply
from agentlab.simulator.behaviours import Function
from tests.experiments.batch.conftest import VENDORS, SharedClock, made, model_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("vendor", list(VENDORS))
async def test_runs_end_as_they_would_without_a_batch(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger, vendor: str
) -> None:
    asked = model_of(sim, vendor, clock)
    agent = al.Agent(asked, preamble="Be terse.", max_turns=1)
    gathering = Gathering(Batch(clock=clock), ledger=ledger)
    traces = {}

    async def cell(question: str) -> None:
        stream = agent.with_(model=gathering.model(asked, question)).stream_prompt(question)
        async for _ in stream:
            pass
        traces[question] = (stream.run.text, stream.trace)

    questions = [f"What is {number} + 1?" for number in range(5)]
    await gathering.finish([cell(question) for question in questions])
    assert made(sim) == 1
    for question in questions:
        text, trace = traces[question]
        alone = agent.stream_prompt(question)
        async for _ in alone:
            pass
        assert text == alone.run.text
        (batched,), (live,) = trace.requests, alone.trace.requests
        assert batched.blocks == live.blocks
        (turn,) = trace.calls
        (live_turn,) = alone.trace.calls
        assert turn.usage.input_tokens == live_turn.usage.input_tokens
    assert Records(ledger).open() == []


async def test_an_outcome_counts_only_when_its_run_is_over(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    asked = model_of(sim, "openai", clock)
    gathering = Gathering(Batch(store=ledger, clock=clock))

    async def cell(question: str) -> None:
        await al.Agent(gathering.model(asked, question)).prompt(question)
        raise OSError("the row could not be kept")

    with pytest.raises(OSError, match="could not be kept"):
        await gathering.finish([cell("a")])
    (record,) = Records(ledger).open()
    assert record.custom_ids == ("a",)
    again = Gathering(Batch(store=ledger, clock=clock))
    kept: list[str] = []

    async def kept_cell(question: str) -> None:
        kept.append((await al.Agent(again.model(asked, question)).prompt(question)).text)

    await again.finish([kept_cell("a")])
    assert len(kept) == made(sim) == 1


async def test_an_error_of_one_call_is_the_error_of_its_run(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    def answers(request: SimRequest) -> Turn:
        return ErrorReply(429, "Slow down.") if request.messages[-1].text == "b" else reply("fine")

    sim.behaviour = Function(answers)
    asked = model_of(sim, "anthropic", clock)
    gathering = Gathering(Batch(store=ledger, clock=clock))
    ends: dict[str, str] = {}

    async def cell(question: str) -> None:
        try:
            ends[question] = (await al.Agent(gathering.model(asked, question)).prompt(question)).text
        except RateLimited as error:
            ends[question] = type(error).__name__

    await gathering.finish([cell("a"), cell("b")])
    assert ends == {"a": "fine", "b": "RateLimited"}


async def test_a_run_that_asks_twice_gets_a_second_batch(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    def answers(request: SimRequest) -> Turn:
        return call("add", a=1, b=2) if len(request.messages) == 1 else reply("three")

    @al.tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    sim.behaviour = Function(answers)
    asked = model_of(sim, "openai", clock)
    gathering = Gathering(Batch(store=ledger, clock=clock))
    said: list[str] = []

    async def cell(name: str) -> None:
        agent = al.Agent(gathering.model(asked, name), tools=[add])
        said.append((await agent.prompt("1 + 2")).text)

    await gathering.finish([cell("a"), cell("b")])
    assert said == ["three", "three"]
    assert made(sim) == 2


async def test_runs_that_ask_nothing_need_no_batch(
    sim: Simulator, clock: SharedClock, tmp_path: Path
) -> None:
    gathering = Gathering(Batch(clock=clock, store=tmp_path / "b.json"))

    async def cell() -> None:
        return None

    await gathering.finish([cell(), cell()])
    await gathering.finish([])
    assert made(sim) == 0


async def test_two_runs_of_one_name_are_refused(
    sim: Simulator, clock: SharedClock, ledger: JsonFileLedger
) -> None:
    asked = model_of(sim, "openai", clock)
    gathering = Gathering(Batch(store=ledger, clock=clock))

    async def cell() -> None:
        await al.Agent(gathering.model(asked, "same")).prompt("hi")

    with pytest.raises(UsageError, match="two runs have the name 'same'"):
        await gathering.finish([cell(), cell()])
    assert made(sim) == 0


async def test_what_wraps_a_model_says_what_the_model_says(sim: Simulator, clock: SharedClock) -> None:
    asked = model_of(sim, "openai-chat", clock)
    wrapped = Gathering(Batch(clock=clock)).model(asked, "a")
    assert (wrapped.name, wrapped.model_id, wire_name(wrapped)) == (asked.name, asked.model_id, "openai-chat")
    assert wrapped.supports("tools")
    assert not wrapped.supports("video")
    with pytest.raises(UnsupportedCapability):
        Gathering(Batch(clock=clock)).model(model("ollama:qwen3", base_url="http://127.0.0.1:1"), "a")
