"""The driver with stand-ins for peers: one that answers, one that fails, one that hangs, one that ends."""

from __future__ import annotations

import sys

import anyio
import pytest

from benchmarks.peers import rounds
from benchmarks.peers.catalogue import BENCHMARKS, Case
from benchmarks.peers.environments import Peer
from benchmarks.peers.results import Result
from benchmarks.peers.rounds import Contestant, expected_s, measured
from tests.benchmarks.peers.made import result

PEER = Peer("stand-in", "sdk", sys.executable)
STAND_INS = {
    "answers": 'say({"ready": True})\nfor _ in sys.stdin: say({"cpu_s": 1.0, "wall_s": 2.0})',
    "fails": 'say({"ready": True})\nfor _ in sys.stdin: say({"failed": "no"})',
    "hangs": 'say({"ready": True})\nsys.stdin.readline()\nsys.stdin.readline()',
    "ends": 'say({"ready": True})\nsys.stdin.readline()',
    "cannot be imported": 'say({"failed": "ImportError"})',
}


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process runs is the stand-in of its way's name."""
    say = "import json, sys\ndef say(told): print(json.dumps(told), flush=True)\n"
    branches = "".join(
        f"if sys.argv[-1] == {way!r}:\n" + "".join(f"    {line}\n" for line in code.splitlines())
        for way, code in STAND_INS.items()
    )
    monkeypatch.setattr(rounds, "BOOT", say + branches)


def run(entered: list[Contestant], told: list[str]) -> dict[str, Result]:
    """Two rounds."""

    async def measuring() -> list[Result]:
        case = Case("c", "text", "text-1")
        return await measured(case, entered, "http://127.0.0.1", rounds=2, tell=told.append)

    return {each.way: each for each in anyio.run(measuring, backend="asyncio")}


def test_one_that_fails_or_ends_breaks_no_run() -> None:
    able = ("answers", "fails", "ends", "cannot be imported")
    others = [Contestant(PEER, "other work", "chat", ("run",)), Contestant(PEER, failed="not installed")]
    told: list[str] = []
    found = run([*(Contestant(PEER, way, "chat", ("text",)) for way in able), *others], told)
    assert {way: each.failed for way, each in found.items()} == {
        "answers": "",
        "fails": "no",
        "ends": "its process ended",
        "cannot be imported": "ImportError",
        "stand-in": "not installed",
    }
    assert [len(each.rounds) for each in found.values()] == [2, 0, 0, 0, 0]
    assert [line.partition(":")[2].partition(",")[0] for line in told] == [" round 1 of 2", " round 2 of 2"]


def test_one_that_hangs_is_ended_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "ROUND_S", 0.05)
    found = run([Contestant(PEER, "hangs", "chat", ("text",))], [])["hangs"]
    assert (found.rounds, found.failed) == ((), "took longer than 0 s")


def test_an_earlier_run_tells_how_long_one_takes() -> None:
    runs = BENCHMARKS[2]
    case = runs.cases[1]
    earlier = {runs.name: [result(case.name, "x", 1.0), result(case.name, "y"), result("gone", "x", 9.0)]}
    assert expected_s(runs, earlier, rounds=5) == 2.0 * case.times * 6
    assert expected_s(BENCHMARKS[0], earlier, rounds=5) == 0
