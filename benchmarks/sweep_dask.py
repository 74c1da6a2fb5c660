"""What a sweep on two Dask workers takes: against bare asyncio and httpx, and a sweep in one process, on the same calls.

    python -m benchmarks.sweep_dask

The load is the even one of `sweep_overhead.py`: 2,000 calls of 50 ms, 64 in flight, to a simulator in a process of its own.
The three take turns; the best round of each counts. The cluster is up before the first round: starting it is told apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from typing import Any

from distributed import Client, LocalCluster

from agentlab.experiments.sweep_plan import Plan
from benchmarks.sweep_overhead import CALLS, EVEN_S, IN_FLIGHT, ROUNDS, Round, bare, swept, timed, told

WORKERS = 2
MOST_WALL = 1.5


def on(client: Any, plan: Plan) -> Plan:
    """The same plan on a cluster."""
    plan.settings = replace(plan.settings, executor=client)
    return plan


def rounds(url: str, token: str, folder: str, client: Any) -> list[tuple[Round, Round, Round]]:
    """Httpx, a sweep here, a sweep on the cluster, in turn."""
    timed(swept(url, token, "What", folder).run)  # imports and prices are read once
    timed(on(client, swept(url, token, "What", folder)).run)
    found = []
    for number in range(ROUNDS):
        found.append(
            (
                timed(lambda: bare(url, token, "What")),
                timed(swept(url, token, "What", folder).run),
                timed(on(client, swept(url, token, "What", folder)).run),
            )
        )
        plain, here, there = (each.wall for each in found[-1])
        print(
            f"  round {number + 1}: httpx {plain:.2f} s, sweep {here:.2f} s, on Dask {there:.2f} s",
            flush=True,
        )
    return found


def main() -> int:
    """Measure, report, and fail where the bar is missed."""
    served = [sys.executable, "-m", "benchmarks.sweep_overhead", "--serve"]
    with (
        subprocess.Popen(served, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout is not None
        url, token = json.loads(server.stdout.readline())
        os.environ["OPENAI_API_KEY"] = token  # workers take keys from their environment
        began = time.perf_counter()
        with (
            LocalCluster(
                n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
            ) as cluster,
            Client(cluster) as client,
        ):
            print(f"{WORKERS} workers came up in {time.perf_counter() - began:.1f} s")
            print(f"{CALLS:,} calls of {EVEN_S * 1000:.0f} ms, {IN_FLIGHT} in flight")
            found = rounds(url, token, folder, client)
        assert server.stdin is not None
        server.stdin.close()
        server.wait()
    plain, here, there = (min(each[place] for each in found) for place in range(3))
    print(told("httpx", plain), told("sweep", here), told("Dask", there), sep="\n")
    ratio = there.wall / plain.wall
    print(
        f"  Dask: wall {ratio:.2f} of httpx (at most {MOST_WALL}), {there.wall / here.wall:.2f} of the sweep here"
    )
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return int(ratio > MOST_WALL)


if __name__ == "__main__":
    sys.exit(main())
