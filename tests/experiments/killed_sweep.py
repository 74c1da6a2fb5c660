"""Processes that run a sweep and tell each row they have stored, until they are killed; run by `test_killed_sweep.py`.

Usage: killed_sweep.py URL TOKEN STORE SAMPLES REPEATS; each line on stdin starts such a process, forked so that importing is
paid for once. On stdout come `began <pid>`, then `sample_id preamble repeat` for each row, then `ended <exit code>`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from agentlab.agent.agent import Agent
from agentlab.caching.prices import rates
from agentlab.experiments.rows import RunRow
from agentlab.experiments.store import Store
from agentlab.experiments.sweep import sweep
from agentlab.experiments.sweep_plan import Plan
from agentlab.models import model

__all__ = ["ARMS", "CONCURRENCY", "plan_of"]

CONCURRENCY = 16
ARMS = ("terse", "chatty")

_put = Store.put


def plan_of(url: str, token: str, store: Path, samples: int, repeats: int) -> Plan:
    """The same plan in every process."""
    asked = model("openai:gpt-5.6", base_url=f"{url}/openai/v1", api_key=token)
    return sweep(
        Agent(asked),
        over={"preamble": {arm: f"Be {arm}." for arm in ARMS}},
        data=[{"sample_id": f"q{number}", "input": f"What is {number} + 1?"} for number in range(samples)],
        repeats=repeats,
        concurrency=CONCURRENCY,
        store=store,
        progress=False,
    )


def put_and_tell(store: Store, row: RunRow, *rest: Any, **options: Any) -> bool:
    """Store a row, and say so when it is stored."""
    stored = _put(store, row, *rest, **options)
    os.write(1, f"{row.sample_id} {row.levels['preamble']} {row.repeat}\n".encode())
    return stored


def run_forked() -> int:
    """Run the sweep in a process of its own, and wait for its end."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.write(1, f"began {os.getpid()}\n".encode())
    plan_of(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])).run_sync()
    os._exit(0)


if __name__ == "__main__":
    Store.put = put_and_tell  # type: ignore[method-assign]
    rates("openai", "gpt-5.6")  # reads the price table
    for _ in sys.stdin:
        os.write(1, f"ended {run_forked()}\n".encode())
