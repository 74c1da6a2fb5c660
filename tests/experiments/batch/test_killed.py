"""SIGKILL between the submission of a batch and its results: the next process finishes with the same batch."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentlab.simulator import BatchPace, Simulator
from agentlab.simulator.behaviours import Function
from tests.experiments.batch.conftest import VENDORS, made

SCRIPT = Path(__file__).with_name("killed.py")
LIMIT_S = 60


def started(sim: Simulator, vendor: str, ledger: Path, how: str) -> subprocess.Popen[str]:
    arguments = [sim.base_url(vendor), sim.token, vendor, VENDORS[vendor], str(ledger), how]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("vendor", "how"),
    [("openai", "after the note"), ("openai", "before the note"), ("anthropic", "before the note")],
)
def test_a_killed_process_is_continued_with_one_submission_in_all(
    sim: Simulator, tmp_path: Path, vendor: str, how: str
) -> None:
    sim.behaviour = Function(lambda request: f"heard {request.messages[-1].text}")
    sim.batches.pace = BatchPace(request_s=10)
    ledger = tmp_path / "batches.json"
    with started(sim, vendor, ledger, how) as first:
        assert first.stdout is not None
        if how == "after the note":
            assert first.stdout.readline().startswith("made ")
            first.kill()
        assert first.wait(LIMIT_S) == -signal.SIGKILL
    assert made(sim) == 1

    sim.advance("1h")
    with started(sim, vendor, ledger, "to the end") as second:
        said, complained = second.communicate(timeout=LIMIT_S)
    assert second.returncode == 0, complained
    answers = [line for line in said.splitlines() if line.startswith("cell-")]
    assert answers == [f"cell-{number}: heard What is {number} + 1?" for number in range(20)]
    assert made(sim) == 1
