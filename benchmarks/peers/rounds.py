"""The driver: every way does a case in turn, A B A B, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from msgspec import Struct, field

from benchmarks.peers.catalogue import Benchmark, Case
from benchmarks.peers.environments import Peer, child_environment
from benchmarks.peers.results import Result, Round
from benchmarks.peers.server import ROOT
from benchmarks.peers.worker import BOOT

__all__ = ["Contestant", "Running", "contestants", "expected_s", "measured", "running"]

ROUND_S: Final = 30.0
"""How long one round may take: what is slower is tens of times slower than we are, and would only delay the others."""

START_S: Final = 300.0
"""How long a library may take to be imported."""

_PIPE_BYTES: Final = 1 << 20
_AT_ONCE: Final = 3
"""How many processes import their library at once; more would only wait for each other."""


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


async def _started(peer: Peer, *arguments: str) -> Process:
    command = [peer.python, "-c", BOOT, peer.adapter, *arguments]
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        env=child_environment(),
        stdin=PIPE,
        stdout=PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_PIPE_BYTES,
    )


async def contestants(peers: Sequence[Peer]) -> list[Contestant]:
    """The ways of the peers; a peer that cannot be run is one without a way, which says why."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def told_by(peer: Peer) -> dict[str, Any]:
        async with places:
            return {"failed": peer.failed} if peer.failed else await _ways(peer)

    found: list[Contestant] = []
    for peer, told in zip(peers, await asyncio.gather(*map(told_by, peers)), strict=True):
        if "failed" in told:
            found.append(Contestant(peer, failed=told["failed"]))
            continue
        for way, row in told["ways"].items():
            found.append(Contestant(peer, way, row["wire"], tuple(row["works"]), told["versions"]))
    return found


async def _ways(peer: Peer) -> dict[str, Any]:
    names = [requirement.partition("==")[0].partition("[")[0] for requirement in peer.requirements]
    process = await _started(peer, "", *names, peer.name, "httpx", "httpx2", "aiohttp", "msgspec", "pydantic")
    told = await _line(process, START_S)
    await _ended(process)
    return told


def expected_s(benchmark: Benchmark, earlier: Mapping[str, Sequence[Result]], rounds: int) -> float:
    """How long a benchmark takes by the wall clock, as far as earlier results tell: 0 where there are none."""
    cases = {case.name: case for case in benchmark.cases}
    return sum(
        each.wall_s * cases[each.case].times * (rounds + 1)
        for each in earlier.get(benchmark.name, ())
        if each.rounds and each.case in cases
    )


class Running(Struct, frozen=True):
    """Processes at work.

    Attributes:
        processes: One a way.
        failures: Why a way has none any more.
    """

    processes: dict[str, Process]
    failures: dict[str, str]


@asynccontextmanager
async def running(entered: Sequence[Contestant]) -> AsyncIterator[Running]:
    """A process a way, its library imported: no import may stand beside the first round of another."""
    able = [each for each in entered if not each.failed]
    run = Running({}, {})
    places = asyncio.Semaphore(_AT_ONCE)

    async def start(each: Contestant) -> None:
        async with places:
            run.processes[each.way] = process = await _started(each.peer, each.way)
            told = await _line(process, START_S)
        if "failed" in told:
            await _give_up(run, each.way, told["failed"])

    try:
        await asyncio.gather(*(start(each) for each in able))
        yield run
    finally:
        for process in run.processes.values():
            await _ended(process)


async def _give_up(run: Running, way: str, reason: str) -> None:
    """End a way that failed or hangs, so that it takes no processor from the others."""
    run.failures[way] = reason
    await _ended(run.processes[way])


async def measured(
    case: Case,
    entered: Sequence[Contestant],
    origin: str,
    *,
    rounds: int,
    tell: Callable[[str], None] = print,
    run: Running | None = None,
) -> list[Result]:
    """Let all who take part do a case, in turn.

    Args:
        case: What to do.
        entered: Who; those that do not take part are left out.
        origin: Where the server is.
        rounds: How often.
        tell: Takes a line on how far it is.
        run: Their processes; new ones where none are given.

    Returns:
        A result each. One that fails in any round, or takes too long, has no rounds, but says why.
    """
    partaking = [each for each in entered if each.failed or case.work in each.works]
    if run is None:
        async with running(partaking) as started:
            return await measured(case, partaking, origin, rounds=rounds, tell=tell, run=started)
    found: dict[str, list[Round]] = {each.way: [] for each in partaking}
    for number in range(rounds):
        began = time.monotonic()
        for way in (each.way for each in partaking if not each.failed):
            if way in run.failures:
                continue
            told = await _asked(run.processes[way], case, origin, first=number == 0)
            if "failed" in told:
                await _give_up(run, way, told["failed"])
            else:
                found[way].append(Round(**told))
        left = (rounds - number - 1) * (time.monotonic() - began)
        tell(f"   {case.name}: round {number + 1} of {rounds}, about {left:,.0f} s to go")
    return [_result(case, each, found[each.way], run.failures) for each in partaking]


def _result(case: Case, each: Contestant, rounds: Sequence[Round], failures: Mapping[str, str]) -> Result:
    failed = each.failed or failures.get(each.way, "")
    name = each.way or each.peer.name
    done = () if failed else tuple(rounds)
    return Result(case.name, each.peer.name, each.peer.kind, name, each.wire, done, failed)


async def _asked(process: Process, case: Case, origin: str, *, first: bool) -> dict[str, Any]:
    # A history is new in each round, and what is measured is a call behind one that was sent before.
    warm_ups = int(first or case.work == "history")
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
    return await _line(process, ROUND_S * (1 + warm_ups))


async def _line(process: Process, patience_s: float) -> dict[str, Any]:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), patience_s)
    except TimeoutError:
        return {"failed": f"took longer than {patience_s:.0f} s"}
    told: dict[str, Any] = json.loads(line) if line else {"failed": "its process ended"}
    return told


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
