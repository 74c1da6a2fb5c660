"""Sweeps on a Dask cluster: the same rows, and a worker that is killed costs no more than what it had in flight."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import WorkersLost
from agentlab.experiments.store import Store
from agentlab.simulator import Simulator, serve
from tests.experiments.engine.on_workers import AtRequest, asked, plan_on, said

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with serve(log_size=10_000) as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", running.token)
        yield running


@pytest.fixture(scope="module")
def client(sim: Simulator) -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster) as connected,
    ):
        yield connected


@pytest.fixture
def clean(sim: Simulator) -> Iterator[Simulator]:
    before = sim.behaviour
    sim.requests.clear()
    yield sim
    sim.behaviour = before


def test_a_cluster_makes_the_same_rows_as_one_process(client: Any, clean: Simulator, tmp_path: Path) -> None:
    here = plan_on(None, clean, tmp_path / "here.agentlab.db", 20).run_sync()
    clean.requests.clear()
    there = plan_on(client, clean, tmp_path / "there.agentlab.db", 20).run_sync()
    assert said(there) == said(here)
    assert set(asked(clean).values()) == {1}


def test_a_killed_worker_costs_no_more_than_what_it_had_in_flight(
    client: Any, clean: Simulator, tmp_path: Path
) -> None:
    path, cells, concurrency = tmp_path / "killed.agentlab.db", 160, 8
    pids = list(client.run(os.getpid).values())
    clean.behaviour = AtRequest(clean.behaviour, cells // 2, lambda: os.kill(pids[0], signal.SIGKILL))
    results = plan_on(client, clean, path, cells // 2, concurrency=concurrency).run_sync()
    assert len(results) == len(results.fresh) == cells
    times = asked(clean)
    assert len(times) == cells
    assert sum(times.values()) - cells <= concurrency // 2
    assert all(row.status == "ok" for row in results.rows)


def test_a_budget_holds_though_a_worker_is_killed(client: Any, clean: Simulator, tmp_path: Path) -> None:
    path, budget = tmp_path / "budget.agentlab.db", 0.03
    pids = list(client.run(os.getpid).values())
    clean.behaviour = AtRequest(clean.behaviour, 20, lambda: os.kill(pids[0], signal.SIGKILL))
    results = plan_on(client, clean, path, 60, concurrency=8, budget_usd=budget).run_sync()
    each = max(row.cost_usd or 0.0 for row in results.rows)
    assert results.stopped == "the budget is spent"
    assert sum(asked(clean).values()) * each <= budget


def test_a_closed_client_is_refused_and_what_was_stored_is_kept(
    client: Any, clean: Simulator, tmp_path: Path
) -> None:
    path = tmp_path / "closed.agentlab.db"
    plan_on(client, clean, path, 2).run_sync()
    closed = distributed.Client(client.cluster)
    closed.close()
    clean.requests.clear()
    with pytest.raises(WorkersLost, match="Dask"):
        plan_on(closed, clean, path, 4).run_sync()
    assert len(clean.requests) == 0
    with Store.open(path, read_only=True) as store:
        assert len(store) == 4
