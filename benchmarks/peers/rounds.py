"""The driver: every way does a case in turn, A B A B, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

from msgspec import Struct, field

from benchmarks.peers.catalogue import Case
from benchmarks.peers.environments import Peer
from benchmarks.peers.server import ROOT
from benchmarks.peers.worker import BOOT

__all__ = ["Contestant", "Result", "Round", "contestants", "measured"]

ROUND_S: Final = 300.0
"""How long one round may take."""

_PIPE_BYTES: Final = 1 << 20
_QUIET: Final = {
    "AGNO_TELEMETRY": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OPENAI_API_KEY": "sk-benchmark",
    "ANTHROPIC_API_KEY": "sk-benchmark",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


class Contestant(Struct, frozen=True):
    """One way of one peer.

    Attributes:
        peer: Whose it is.
        way: Its name, empty where the peer cannot be run.
        wire: What it speaks.
        works: What it takes part in.
        versions: Of the peer and of what it stands on.
        failed: Why it cannot be run.
    """

    peer: Peer
    way: str = ""
    wire: str = ""
    works: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    failed: str = ""


class Round(Struct, frozen=True):
    """What one took, the mean of the repetitions in a round.

    Attributes:
        cpu_s: Seconds of processor, of all threads.
        wall_s: Seconds.
        grown_kb: By how much the peak of memory stood above what was resident before.
        peak_kb: The peak.
    """

    cpu_s: float
    wall_s: float
    grown_kb: float = 0
    peak_kb: float = 0


class Result(Struct, frozen=True):
    """What one way did with one case.

    Attributes:
        case: The case.
        peer: Whose way.
        kind: `sdk`, `agent`, `floor` or `ours`.
        way: The way.
        wire: What it speaks.
        rounds: What each round took.
        failed: Why there are none.
    """

    case: str
    peer: str
    kind: str
    way: str
    wire: str
    rounds: tuple[Round, ...] = ()
    failed: str = ""

    @property
    def cpu_s(self) -> float:
        """The median round."""
        return median(each.cpu_s for each in self.rounds)

    @property
    def wall_s(self) -> float:
        """The median round."""
        return median(each.wall_s for each in self.rounds)

    def times(self, other: Result) -> float:
        """The median, over the rounds, of this one's processor time as a multiple of another's."""
        return median(
            mine.cpu_s / theirs.cpu_s for mine, theirs in zip(self.rounds, other.rounds, strict=False)
        )


async def _started(peer: Peer, *arguments: str) -> Process:
    command = [peer.python, "-c", BOOT, peer.adapter, *arguments]
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env={**os.environ, **_QUIET},
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_PIPE_BYTES,
    )


async def contestants(peers: Sequence[Peer]) -> list[Contestant]:
    """The ways of the peers; a peer that cannot be run is one without a way, which says why."""
    found: list[Contestant] = []
    for peer in peers:
        told: dict[str, Any] = {"failed": peer.failed} if peer.failed else await _ways(peer)
        if "failed" in told:
            found.append(Contestant(peer, failed=told["failed"]))
            continue
        for way, row in told["ways"].items():
            found.append(Contestant(peer, way, row["wire"], tuple(row["works"]), told["versions"]))
    return found


async def _ways(peer: Peer) -> dict[str, Any]:
    names = [requirement.partition("==")[0].partition("[")[0] for requirement in peer.requirements]
    process = await _started(peer, "", *names, peer.name, "httpx", "httpx2", "aiohttp", "msgspec", "pydantic")
    told = await _line(process)
    await _ended(process)
    return told


async def measured(case: Case, entered: Sequence[Contestant], origin: str, *, rounds: int) -> list[Result]:
    """Let all who take part do a case, in turn.

    Args:
        case: What to do.
        entered: Who; those that do not take part are left out.
        origin: Where the server is.
        rounds: How often.

    Returns:
        A result each. One that fails in any round has no rounds, but says why.
    """
    partaking = [each for each in entered if each.failed or case.work in each.works]
    processes = {each.way: await _started(each.peer, each.way) for each in partaking if not each.failed}
    found: dict[str, list[Round]] = {way: [] for way in processes}
    failures: dict[str, str] = {}
    try:
        for number in range(rounds):
            for way, process in processes.items():
                if way in failures:
                    continue
                told = await _asked(process, case, origin, warm_ups=1 if number == 0 else 0)
                if "failed" in told:
                    failures[way] = told["failed"]
                else:
                    found[way].append(Round(**told))
    finally:
        for process in processes.values():
            await _ended(process)
    return [
        Result(
            case.name,
            each.peer.name,
            each.peer.kind,
            each.way or each.peer.name,
            each.wire,
            () if each.way in failures or each.failed else tuple(found[each.way]),
            each.failed or failures.get(each.way, ""),
        )
        for each in partaking
    ]


async def _asked(process: Process, case: Case, origin: str, *, warm_ups: int) -> dict[str, Any]:
    asked = {
        "work": case.work,
        "scenario": case.scenario,
        "url": f"{origin}/{case.scenario}",
        "size": case.size,
        "times": case.times,
        "warm_ups": warm_ups,
    }
    assert process.stdin is not None
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    return await _line(process)


async def _line(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), ROUND_S)
    except TimeoutError:
        return {"failed": f"took longer than {ROUND_S:.0f} s"}
    told: dict[str, Any] = json.loads(line) if line else {"failed": "its process ended"}
    return told


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
