"""A run put away at any step goes on to the same end, in this process or another."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import anyio.to_thread
import pytest

from agentlab.agent import CallModel, CallTools, Done, Run
from agentlab.simulator import Function
from tests.agent.bench import VENDORS, Bench, results_of
from tests.agent.resuming import agent_at, contents, says

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


async def snapshots(bench: Bench, vendor: str, *, stream: bool = True) -> tuple[Run, list[str]]:
    """A whole run, and its state at every step, each once."""
    bench.sim.behaviour = Function(says)
    agent = agent_at(vendor, bench.sim.base_url(vendor), bench.sim.token, stream=stream)
    running = agent.stream_prompt("Add for me.")
    states = [running.run.to_json()]
    async for _ in running:
        state = running.run.to_json()
        if state != states[-1]:
            states.append(state)
    return running.run, states


async def test_every_step_is_put_away_and_goes_on_to_the_same_end(
    bench: Bench, vendor: str, stream: bool
) -> None:
    whole, states = await snapshots(bench, vendor, stream=stream)
    steps = [Run.from_json(state).next_step() for state in states]
    assert [type(step) for step in steps] == [
        CallModel,
        CallTools,
        CallTools,
        CallTools,
        CallModel,
        CallTools,
        CallModel,
        Done,
    ]
    pending = [len(step.calls) for step in steps if isinstance(step, CallTools)]
    assert pending == [3, 2, 1, 1]
    agent = agent_at(vendor, bench.sim.base_url(vendor), bench.sim.token, stream=stream)
    for state in states:
        run = Run.from_json(state)
        assert run.to_json() == state
        resumed = agent.resume(run)
        async for _ in resumed:
            assert Run.from_json(run.to_json()) == run
        assert contents(run) == contents(whole)
        assert (run.text, run.stop_reason, run.turns_made) == ("It is ten.", "done", 3)
        assert [record.finish_reason for record in run.records] == [
            record.finish_reason for record in whole.records
        ]
    assert bench.refused == []


def in_another_process(lines: list[str]) -> list[str]:
    """What `tests.agent.resuming` writes of these lines."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.agent.resuming"],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("step", [2, 4])
async def test_a_run_of_each_wire_goes_on_in_another_process(bench: Bench, step: int) -> None:
    wholes, lines = [], []
    for vendor in VENDORS:
        whole, states = await snapshots(bench, vendor)
        wholes.append(whole)
        lines.append(f"{vendor} {bench.sim.base_url(vendor)} {bench.sim.token}\t{states[step]}")
    asked = len(bench.requests)
    finished = await anyio.to_thread.run_sync(in_another_process, lines)
    for whole, text in zip(wholes, finished, strict=True):
        run = Run.from_json(text)
        assert contents(run) == contents(whole)
        assert (run.text, run.turns_made) == ("It is ten.", 3)
        assert run.id == whole.id
    assert Counter(request.vendor for request in bench.requests[asked:]) == dict.fromkeys(VENDORS, 2)
    assert bench.refused == []


async def test_results_that_were_in_are_not_made_again(bench: Bench) -> None:
    _, states = await snapshots(bench, "openai")
    halfway = Run.from_json(states[2])
    (kept,) = halfway.results
    agent = agent_at("openai", bench.sim.base_url("openai"), bench.sim.token)
    started: list[str] = []
    async for event in agent.resume(halfway):
        if type(event).__name__ == "ToolStarted":
            started.append(event.call_id)  # type: ignore[union-attr]
    assert kept.call_id not in started
    assert kept in results_of(halfway.messages)
