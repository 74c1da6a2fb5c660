"""A batch that is run again: what was written is not paid for again, and what nobody knows is not spent twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from agentlab.experiments.engine.agent_spec import packed_for_worker
from agentlab.experiments.engine.cache_state import prefix_of
from agentlab.experiments.engine.orders import BatchFiles, BatchOrder, BatchReport, SweepOrder
from agentlab.experiments.engine.run_row import Circumstances
from agentlab.experiments.engine.running_file import KeptFresh, RunningFile
from agentlab.experiments.engine.schedule import PlannedCell
from agentlab.experiments.engine.worker import run_batch
from agentlab.experiments.engine.worker_batches import rebatched
from agentlab.experiments.store import Store
from agentlab.simulator import Simulator, serve
from tests.experiments.engine.on_workers import asked, plan_on


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with serve() as running:
        monkeypatch.setenv("OPENAI_API_KEY", running.token)
        yield running


class Ordered:
    """A batch of two arms and so many questions, and its files."""

    def __init__(self, sim: Simulator, store: Path, *, count: int = 3) -> None:
        plan = plan_on(None, sim, store, count)
        self.sweep = SweepOrder(
            execution_id="x",
            store=store,
            settings=plan.settings,
            arms=plan.arms,
            prefixes=tuple(prefix_of(arm.agent) for arm in plan.arms),
            scorers=(),
            circumstances=Circumstances(duration_s=0.0),
        )
        arms = {id(arm): place for place, arm in enumerate(plan.arms)}
        cells = rebatched("lane", [PlannedCell(cell) for cell in plan.cells])
        self.batch = BatchOrder.of("x-00000", cells, arms, {}, None)
        self.files = BatchFiles(store, self.batch.name)

    def run(self, batch: BatchOrder | None = None) -> BatchReport:
        return run_batch(packed_for_worker(self.sweep), packed_for_worker(batch or self.batch))


@pytest.fixture
def ordered(sim: Simulator, tmp_path: Path) -> Iterator[Ordered]:
    made = Ordered(sim, tmp_path / "a.agentlab.db")
    with KeptFresh(RunningFile(made.sweep.store, "x")):
        yield made


def test_a_batch_that_ended_is_not_run_again_though_its_report_was_lost(
    ordered: Ordered, sim: Simulator
) -> None:
    first = ordered.run()
    assert len(first.keys) == 6
    with Store.open(ordered.sweep.store) as store:
        assert store.ingest_segments().stored == 6
    assert ordered.files.segments == []
    assert ordered.run() == first
    assert sum(asked(sim).values()) == 6


def test_a_batch_whose_worker_died_runs_only_what_was_not_written(ordered: Ordered, sim: Simulator) -> None:
    some = structs.replace(ordered.batch, cells=ordered.batch.cells[:2])
    ordered.run(some)
    died = ordered.files.segments[0]
    died.write_bytes(
        b"".join(died.read_bytes().splitlines(keepends=True)[:-1]) + b'{"line":"run","row":{"cut'
    )
    (died.parent / "x-00000.report").unlink()
    sim.requests.clear()
    report = ordered.run()
    assert len(set(report.keys)) == 6
    assert len(asked(sim)) == 4
    with Store.open(ordered.sweep.store) as store:
        store.ingest_segments()
        assert set(store.statuses()) == set(report.keys)
    ordered.files.remove()
    assert ordered.files.segments == []


def test_with_a_budget_a_batch_whose_worker_died_is_handed_back(ordered: Ordered, sim: Simulator) -> None:
    some = structs.replace(ordered.batch, cells=ordered.batch.cells[:2])
    ordered.run(some)
    (ordered.files.segments[0].parent / "x-00000.report").unlink()
    sim.requests.clear()
    report = ordered.run(structs.replace(ordered.batch, budget_usd=1.0))
    assert (len(report.keys), report.spent_usd) == (2, None)
    assert len(sim.requests) == 0


def test_a_share_that_is_too_small_is_said_and_nothing_is_sent(ordered: Ordered, sim: Simulator) -> None:
    report = ordered.run(structs.replace(ordered.batch, budget_usd=1e-9))
    assert (report.keys, report.refused, report.spent_usd) == ((), True, 0.0)
    assert len(sim.requests) == 0


def test_nothing_is_run_once_the_drivers_file_is_gone(ordered: Ordered, sim: Simulator) -> None:
    RunningFile(ordered.sweep.store, "x").path.unlink()
    assert not ordered.run().found
    assert len(sim.requests) == 0
