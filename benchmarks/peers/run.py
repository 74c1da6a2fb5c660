"""What the command does: the benchmarks in turn, each written as it ends; the goals judged behind each; the short form."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks.peers.catalogue import BENCHMARKS, SCRIPTS, SHORT, SMALL, Benchmark
from benchmarks.peers.environments import Peer, installed, own, recipes
from benchmarks.peers.footprint import (
    beyond_the_notebook,
    footprint_figure,
    footprint_table,
    footprints,
    imports_of,
)
from benchmarks.peers.goals import Verdict, judged
from benchmarks.peers.report import goals_table, machine, versions, write
from benchmarks.peers.results import Result, keep, keep_figures, kept, kept_figures
from benchmarks.peers.rounds import Contestant, contestants, expected_s, measured, running
from benchmarks.peers.server import ROOT, serving
from benchmarks.peers.targets import GOALS, SHORT_GOALS, ahead

__all__ = ["Asked", "short", "whole", "within_two"]

_SCRIPT_S: Final = 3600


class Asked(Struct, frozen=True):
    """What is measured, and where it goes.

    Attributes:
        bench: Letters or names; empty: all.
        peers: Names of peers; empty: all.
        ways: Names of single ways; empty: all.
        rounds: How often each case is done.
        small: Whether the cases are those of a trial.
        folder: Where tables and figures go.
        kept: Where results are kept.
    """

    bench: frozenset[str]
    peers: tuple[str, ...]
    ways: frozenset[str]
    rounds: int
    small: bool
    folder: Path
    kept: Path

    def wants(self, letter: str, name: str) -> bool:
        """Whether a benchmark is among them."""
        return not self.bench or bool({letter, name} & self.bench)


# ------------------------------------------------------------------------------------------------ the short form


def short(rounds: int) -> int:
    """Judge the floors and agentlab alone; gives 1 where a goal with wide margins is missed twice."""
    return within_two(lambda: _short(rounds))


def within_two(attempt: Callable[[], bool]) -> int:
    """Give 0 where an attempt succeeds, the first or the second.

    The margins are wide, but another process that takes the machine for just one side of a ratio can still pass them; a
    slower program passes them twice.
    """
    if attempt():
        return 0
    print("once more: noise does not come twice", flush=True)
    return int(not attempt())


def _short(rounds: int) -> bool:
    results = asyncio.run(_short_results(rounds))
    verdicts = judged(SHORT_GOALS, results)
    print(goals_table(verdicts))
    failed = [each for rows in results.values() for each in rows if not each.rounds]
    for each in failed:
        print(f"{each.way}, {each.case}: {each.failed}")
    return not failed and all(each.met for each in verdicts)


async def _short_results(rounds: int) -> dict[str, list[Result]]:
    """Those of the ways that are judged; a process serves for all cases, as most of the time is imports."""
    judged_ways = {way for goal in SHORT_GOALS for way in (goal.way, goal.against)}
    results: dict[str, list[Result]] = {}
    with serving() as origin:
        entered = [each for each in await contestants(own()) if each.failed or each.way in judged_ways]
        async with running(entered) as run:
            for benchmark in SHORT:
                results[benchmark.name] = [
                    result
                    for case in benchmark.cases
                    for result in await measured(case, entered, origin, rounds=rounds, tell=_silent, run=run)
                ]
    return results


def _silent(_: str) -> None:
    """Tell nobody."""


# -------------------------------------------------------------------------------------------------------- the whole


def whole(asked: Asked) -> None:
    """Measure everything that was asked for."""
    known = recipes()
    names = asked.peers or tuple(known)
    peers = [*own(), *(installed(name, known[name]) for name in names)]
    chosen = [each for each in (SMALL if asked.small else BENCHMARKS) if asked.wants(each.letter, each.name)]
    if chosen:
        with serving() as origin:
            entered = asyncio.run(contestants(peers))
            _check_ways(asked.ways, frozenset(each.way for each in entered))
            entered = [each for each in entered if not asked.ways or each.failed or each.way in asked.ways]
            for place, benchmark in enumerate(chosen):
                _estimate(chosen[place:], asked)
                results = asyncio.run(_cases(benchmark, entered, origin, asked.rounds))
                _finish(benchmark, results, entered, asked)
    if asked.wants("E", "import"):
        _write_footprints(peers, asked)
        _judge(asked)
    for script, letter in SCRIPTS.items():
        if asked.wants(letter, script):
            _run_script(script, asked)
            _judge(asked)
    print(goals_table(_judge(asked)))


def _check_ways(asked: frozenset[str], known: frozenset[str]) -> None:
    if unknown := sorted(asked - known):
        sys.exit(f"there is no way {unknown}; there are {sorted(known)}")


def _estimate(left: Sequence[Benchmark], asked: Asked) -> None:
    earlier = kept(asked.kept)
    seconds = [expected_s(each, earlier, asked.rounds) for each in left]
    known = "" if all(seconds) else ", and those that were not measured before"
    _told(f"{left[0].title}: {_minutes(seconds[0])}; all that is left: {_minutes(sum(seconds))}{known}")


def _minutes(seconds: float) -> str:
    return (
        f"about {seconds / 60:.0f} min as it was the last time"
        if seconds
        else "no earlier run to tell how long"
    )


def _told(line: str) -> None:
    print(line, flush=True)


async def _cases(
    benchmark: Benchmark,
    entered: Sequence[Contestant],
    origin: str,
    rounds: int,
) -> list[Result]:
    if benchmark.fresh:
        found = [await measured(case, entered, origin, rounds=rounds, tell=_told) for case in benchmark.cases]
    else:
        works = {case.work for case in benchmark.cases}
        async with running([each for each in entered if works & set(each.works)]) as run:
            found = [
                await measured(case, entered, origin, rounds=rounds, tell=_told, run=run)
                for case in benchmark.cases
            ]
    return [result for results in found for result in results]


def _finish(benchmark: Benchmark, results: list[Result], entered: Sequence[Contestant], asked: Asked) -> None:
    """Write what a benchmark found, so that a run that is broken off later loses nothing of it."""
    about = (
        f"Processor time, wall clock in brackets, beside `httpx aiter_bytes` on the same wire. Medians of {asked.rounds} rounds "
        "in turn, one process a way, all on the same bytes from a loopback server in another process, one HTTP chunk an event."
    )
    text = write(benchmark, results, about=about, made_with=versions(entered), folder=asked.folder)
    print(f"\n{text}\n", flush=True)
    keep(benchmark.name, results, asked.kept)
    _judge(asked)


def _write_footprints(peers: Sequence[Peer], asked: Asked) -> None:
    imports, sizes = imports_of(peers, rounds=asked.rounds), footprints(peers)
    made = [each for each in imports if each.rounds]
    text = footprint_table(imports, sizes)
    print(f"\n{text}\n", flush=True)
    about = f"Medians of {asked.rounds} rounds in turn, each import in a new process."
    whole_text = f"# Import and installation\n\n{about}\n\n{text}\n\n![](import.svg)\n\n{machine()}\n"
    asked.folder.mkdir(parents=True, exist_ok=True)
    (asked.folder / "import.md").write_text(whole_text, encoding="utf-8")
    (asked.folder / "import.svg").write_text(footprint_figure(made, sizes), encoding="utf-8")
    keep("import", imports, asked.kept)
    keep_figures("import", beyond_the_notebook(sizes), asked.kept)


def _run_script(name: str, asked: Asked) -> None:
    _told(f"{name}: a script of its own")
    command = [
        sys.executable,
        "-m",
        f"benchmarks.{name}",
        "--write",
        str(asked.folder),
        "--keep",
        str(asked.kept),
    ]
    command += ["--rounds", str(asked.rounds), *(["--small"] if asked.small else [])]
    try:
        failed = subprocess.run(command, check=False, cwd=ROOT, timeout=_SCRIPT_S).returncode
    except subprocess.TimeoutExpired:
        _told(f"{name}: took longer than {_SCRIPT_S} s")
    else:
        _told(f"{name}: {'failed, see above' if failed else 'done'}")


def _judge(asked: Asked) -> list[Verdict]:
    """Judge the goals over all results that lie there, and write what was found."""
    goals = ahead(SMALL) if asked.small else GOALS
    verdicts = judged(goals, kept(asked.kept), kept_figures(asked.kept))
    asked.folder.mkdir(parents=True, exist_ok=True)
    text = f"# The goals\n\n{goals_table(verdicts)}\n"
    (asked.folder / "goals.md").write_text(text, encoding="utf-8")
    return verdicts
