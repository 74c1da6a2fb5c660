"""A sweep that is killed again and again: what it acknowledged is there once, and is never paid for again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Self

import pytest

from agentlab.experiments.store import Store
from agentlab.simulator import Simulator, serve
from tests.experiments.killed_sweep import ARMS, CONCURRENCY, plan_of

ROOT = Path(__file__).parents[2]
GAUNTLET = os.environ.get("AGENTLAB_GAUNTLET") == "1"


class Sweeping:
    """Processes that run one sweep, one after the other."""

    def __init__(self, sim: Simulator, store: Path, samples: int, repeats: int) -> None:
        arguments = [sim.url, sim.token, str(store), str(samples), str(repeats)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.experiments.killed_sweep", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            bufsize=1,
        )

    def killed_after(self, rows: int | None) -> list[str]:
        """Run the sweep and kill it after so many rows, not at all where None; what it acknowledged."""
        process, acknowledged = self._process, []
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        pid = int(process.stdout.readline().removeprefix("began "))
        for line in process.stdout:
            if line.startswith("ended"):
                assert int(line.split()[1]) == (0 if rows is None else -signal.SIGKILL)
                return acknowledged
            acknowledged.append(line.strip())
            if len(acknowledged) == rows:
                os.kill(pid, signal.SIGKILL)
        raise AssertionError("the process ended")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:
            process.kill()


def drain(sim: Simulator) -> None:
    """Wait until the server has read all that a dead process had sent: it is logged late, and is no new request."""
    with urllib.request.urlopen(sim.url) as answer:  # accepted behind every connection that was opened before
        answer.read()

    async def ended() -> None:
        await asyncio.gather(*sim._connections, return_exceptions=True)

    assert sim._loop is not None
    asyncio.run_coroutine_threadsafe(ended(), sim._loop).result(timeout=60)


def asked(sim: Simulator) -> Counter[tuple[str, str]]:
    """How often each arm asked each question since the log was cleared."""
    drain(sim)
    sim.requests.wait_idle()
    found: Counter[tuple[str, str]] = Counter()
    for entry in sim.requests:
        if entry.method == "GET":
            continue  # `drain`'s
        assert entry.json is not None
        text = str(entry.json["input"])
        number = text.partition("What is ")[2].partition(" +")[0]
        arm = next(arm for arm in ARMS if f"Be {arm}." in str(entry.json))
        found[f"q{number}", arm] += 1
    return found


def check_kills(tmp_path: Path, *, samples: int, repeats: int, kills: int, seed: int) -> None:
    store, chance = tmp_path / "killed.agentlab.db", random.Random(seed)
    cells = samples * repeats * len(ARMS)
    acknowledged: list[str] = []
    requests = 0
    with serve(log_size=4 * cells) as sim, Sweeping(sim, store, samples, repeats) as sweeping:
        for kill in range(kills + 1):
            done = Counter((line.split()[0], line.split()[1]) for line in acknowledged)
            left = cells - len(acknowledged)
            rows = chance.randrange(1, max(2, 2 * left // (kills - kill + 2))) if kill < kills else None
            acknowledged += sweeping.killed_after(rows)
            counted = asked(sim)
            for run, count in counted.items():  # what was acknowledged before is not asked again
                assert count <= repeats - done[run], run
            requests += counted.total()
            sim.requests.clear()

        with closing(sqlite3.connect(store)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with Store.open(store, read_only=True) as opened:
            rows_there = opened.get(messages=False).values()
        stored = [f"{row.sample_id} {row.levels['preamble']} {row.repeat}" for row in rows_there]
        assert len(stored) == len(set(stored)) == cells
        assert len(acknowledged) == len(set(acknowledged))
        assert set(acknowledged) <= set(stored)
        assert all(row.status == "ok" for row in rows_there)
        assert cells <= requests <= cells + kills * CONCURRENCY

        finished = plan_of(sim.url, sim.token, store, samples, repeats).run_sync()
        assert len(sim.requests) == 0
        assert (len(finished), finished.fresh) == (cells, frozenset())


def test_a_sweep_killed_at_random_points_loses_no_row_and_pays_for_none_twice(tmp_path: Path) -> None:
    check_kills(tmp_path, samples=36, repeats=4, kills=4, seed=1)


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="the whole sweep runs in `make gauntlet`")
def test_4800_cells_killed_20_times_lose_no_row_and_pay_for_none_twice(tmp_path: Path) -> None:
    check_kills(tmp_path, samples=480, repeats=5, kills=20, seed=2)
