"""Sweeps on executors: the same rows as in one process, kept whatever happens to the workers."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agentlab.agent.agent import Agent
from agentlab.errors import StoreUnusable, UsageError, WorkersLost
from agentlab.experiments.plan.stopping import Stopping
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring import judge
from agentlab.experiments.statistics import SequentialStop
from agentlab.experiments.store import Store
from agentlab.experiments.store.segment import segments_folder
from agentlab.simulator import SimRequest, Simulator, reply, serve
from agentlab.simulator.exchange import Reply
from tests.experiments.engine.on_workers import AtRequest, agent_at, asked, plan_on, said
from tests.experiments.engine.shipped import Seeing, add_one
from tests.experiments.simulated import GUIDE, at

COUNT = 20


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    """One simulator, whose token every worker has in its environment."""
    with serve(log_size=10_000) as running, pytest.MonkeyPatch.context() as patch:
        for name in ("OPENAI_API_KEY", "DEEPSEEK_API_KEY"):
            patch.setenv(name, running.token)
        yield running


@pytest.fixture
def clean(sim: Simulator) -> Iterator[Simulator]:
    before = sim.behaviour
    sim.requests.clear()
    yield sim
    sim.behaviour = before


@pytest.fixture(scope="module")
def processes(sim: Simulator) -> Iterator[ProcessPoolExecutor]:
    with spawned() as pool:
        yield pool


@pytest.fixture(scope="module")
def threads(sim: Simulator) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(params=["threads", "processes"])
def pool(request: pytest.FixtureRequest) -> Executor:
    found: Executor = request.getfixturevalue(request.param)
    return found


def spawned() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def leftovers(store: Path) -> list[str]:
    folder = segments_folder(store)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_pool_makes_the_same_rows_as_one_process(pool: Executor, clean: Simulator, tmp_path: Path) -> None:
    here = plan_on(None, clean, tmp_path / "here.agentlab.db", COUNT).run_sync()
    clean.requests.clear()
    plan = plan_on(pool, clean, tmp_path / "there.agentlab.db", COUNT)
    there = plan.run_sync()
    assert said(there) == said(here)
    assert set(asked(clean).values()) == {1}
    assert (len(there), len(there.fresh), there.stopped) == (2 * COUNT, 2 * COUNT, None)
    assert there.trace(there.rows[0].run_id).calls[0]
    assert leftovers(plan.store_path) == []
    with Store.open(plan.store_path, read_only=True) as store:
        assert all(cell.key is not None for cell in store.cells())
    again = plan.run_sync()
    assert again.fresh == frozenset()
    assert len(asked(clean)) == 2 * COUNT


def test_tools_hooks_and_a_judge_travel(processes: Executor, clean: Simulator, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "base": agent_at(clean, tools=[add_one], hooks=[Seeing()], max_tokens=60),
        "score": [lambda output, sample: len(output), judge(agent_at(clean), rubric="Is it right?")],
    }
    here = plan_on(None, clean, tmp_path / "here.agentlab.db", 4, **options).run_sync()
    there = plan_on(processes, clean, tmp_path / "there.agentlab.db", 4, **options).run_sync()
    assert said(there) == said(here)
    assert {row.n_tool_calls for row in there.rows} == {1}
    assert all(score.value is not None for row in there.rows for score in row.scores)


@pytest.mark.parametrize("cache", ["natural", "warm", "controlled", "off"])
def test_a_cache_mode_means_the_same_on_workers(
    cache: str, processes: Executor, clean: Simulator, tmp_path: Path
) -> None:
    preambles = {arm: f"Be {arm} in the mode {cache}.\n{GUIDE}" for arm in ("terse", "chatty")}
    options: dict[str, Any] = {"cache": cache, "preambles": preambles, "repeats": 2, "concurrency": 4}
    options["base"] = agent_at(clean, "deepseek:deepseek-chat", max_tokens=60)
    with serve(seed=1) as other:  # a provider whose cache has seen nothing
        elsewhere = Agent(at(other, "deepseek:deepseek-chat"), max_tokens=60)
        here = plan_on(
            None, other, tmp_path / "here.agentlab.db", 3, **{**options, "base": elsewhere}
        ).run_sync()
        asked_here = len(other.requests)
    there = plan_on(processes, clean, tmp_path / "there.agentlab.db", 3, **options).run_sync()
    states = [(row.cache_state, row.cache_contaminated) for row in there.rows]
    assert states == [(row.cache_state, row.cache_contaminated) for row in here.rows]
    assert len(clean.requests) == asked_here
    assert there.primed_usd == pytest.approx(here.primed_usd, rel=0.01)
    assert (there.primed_usd > 0) == (cache in {"warm", "controlled"})
    read = [
        sum(bool(turn.cache_read_input_tokens) for row in each.rows for turn in row.turns)
        for each in (here, there)
    ]
    assert read[0] == read[1]


def test_a_killed_process_is_an_error_that_says_so_and_every_finished_row_is_kept(
    clean: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "killed.agentlab.db"
    with spawned() as pool:
        kill = AtRequest(clean.behaviour, COUNT, lambda: os.kill(next(iter(pool._processes)), signal.SIGKILL))
        clean.behaviour = kill
        with pytest.raises(WorkersLost, match=r"a worker went away.*Finished rows are stored"):
            plan_on(pool, clean, path, COUNT, concurrency=8).run_sync()
        with pytest.raises(WorkersLost, match="takes no more work"):
            plan_on(pool, clean, path, COUNT, concurrency=8).run_sync()
    before = sum(asked(clean).values())
    with Store.open(path) as store:
        store.ingest_segments()
        kept = len(store)
    assert before - 8 <= kept < 2 * COUNT
    results = plan_on(None, clean, path, COUNT).run_sync()
    assert (len(results), len(results.fresh)) == (2 * COUNT, 2 * COUNT - kept)
    assert sum(asked(clean).values()) == before + 2 * COUNT - kept


@pytest.mark.anyio
async def test_an_interrupt_starts_nothing_more_and_keeps_every_finished_row(
    threads: Executor, clean: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "stopped.agentlab.db"
    loop, come = asyncio.get_running_loop(), asyncio.Event()
    clean.behaviour = AtRequest(clean.behaviour, 10, lambda: loop.call_soon_threadsafe(come.set))
    running = asyncio.create_task(plan_on(threads, clean, path, 60, concurrency=4).run())
    await come.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    requests = sum(asked(clean).values())
    assert 10 <= requests < 120
    with Store.open(path) as store:
        assert len(store) == requests
    assert leftovers(path) == []


def test_a_budget_is_kept_over_processes(pool: Executor, clean: Simulator, tmp_path: Path) -> None:
    budget = 0.02
    plan = plan_on(pool, clean, tmp_path / "some.agentlab.db", 50, budget_usd=budget)
    some = plan.run_sync()
    spent = sum(row.cost_usd or 0.0 for row in some.rows)
    assert 0.75 * budget < spent <= budget
    assert some.stopped == "the budget is spent"
    assert len(asked(clean)) == len(some) < 100
    assert leftovers(plan.store_path) == []


def test_a_sequential_rule_stops_the_workers(threads: Executor, clean: Simulator, tmp_path: Path) -> None:
    def answer(request: SimRequest) -> Reply:
        return reply(
            "yes" if "terse" in (request.preamble or "") or len(request.messages[-1].text) % 7 else "no"
        )

    clean.behaviour = answer
    plan = plan_on(
        threads,
        clean,
        tmp_path / "sequential.agentlab.db",
        200,
        score=[is_yes],
        concurrency=4,
        stopping=Stopping(rule=SequentialStop(negligible=0.5), axis="preamble", metric="score_is_yes"),
    )
    results = plan.run_sync()
    assert results.stopped is not None
    assert "terse" in results.stopped
    assert len(results) < 400
    assert len(results) == sum(asked(clean).values())


def is_yes(output: str, sample: Sample) -> bool:
    """Whether the answer is yes."""
    return output == "yes"


def test_a_pool_that_was_shut_down_is_refused(clean: Simulator, tmp_path: Path) -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(WorkersLost, match="shutdown"):
        plan_on(pool, clean, tmp_path / "shut.agentlab.db", 2).run_sync()
    assert len(clean.requests) == 0
    assert leftovers(tmp_path / "shut.agentlab.db") == []


class Elsewhere(ThreadPoolExecutor):
    """Workers that do not see the driver's files."""

    def submit(self, task: Any, /, *arguments: Any, **options: Any) -> Any:
        for path in self.folder.glob("*.running"):
            path.unlink()
        return super().submit(task, *arguments, **options)

    folder: Path


def test_workers_that_do_not_share_the_stores_folder_are_told_before_a_request(
    clean: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "elsewhere.agentlab.db"
    with Elsewhere(1) as pool:
        pool.folder = segments_folder(path)
        with pytest.raises(StoreUnusable, match="put the store in a folder that all workers share"):
            plan_on(pool, clean, path, 2).run_sync()
    assert len(clean.requests) == 0


def test_what_is_no_executor_is_refused_before_any_work(clean: Simulator, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`executor` is a .*agentlab\[dask\]"):
        plan_on("tcp://127.0.0.1:8786", clean, tmp_path / "none.agentlab.db", 2).run_sync()
    assert len(clean.requests) == 0
