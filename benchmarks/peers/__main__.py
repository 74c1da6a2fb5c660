"""Agentlab beside its peers, in one run.

    python -m benchmarks.peers                                  everything, about an hour on a quiet machine
    python -m benchmarks.peers --bench A C --peers openai       parts
    python -m benchmarks.peers --short                          the floors alone, in seconds; fails where a ratio is far off

Letters: A one stream, B concurrent streams, C agent runs, D long histories, G tool arguments, S schemas, E imports and
sizes; `live_view`, `sweep_overhead`, `vector_search`, `store` and `sessions` are the scripts beside this package. Each
writes a table and a figure into benchmarks/results/, and the goals are judged over all results that lie there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.peers.catalogue import BENCHMARKS, SCRIPTS, SHORT, Benchmark
from benchmarks.peers.environments import FOLDER, Peer, installed, own, recipes
from benchmarks.peers.footprint import footprint_table, footprints, imports_of
from benchmarks.peers.goals import GOALS, SHORT_GOALS, judged
from benchmarks.peers.report import RESULTS, draw, goals_table, machine, table, versions
from benchmarks.peers.rounds import Contestant, Result, contestants, measured
from benchmarks.peers.server import ROOT, serving

KEPT = FOLDER / "results"


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", nargs="*", default=[], help="letters or names; all where none is given")
    parser.add_argument("--peers", nargs="*", default=[], help="names in peers.toml; all where none is given")
    parser.add_argument("--ways", nargs="*", default=[], help="single ways of them, by name")
    parser.add_argument("--rounds", type=int, default=5, help="of every case")
    parser.add_argument("--short", action="store_true", help="the floors and agentlab alone, in seconds")
    options = parser.parse_args()
    if options.short:
        sys.exit(_short(options.rounds))
    _whole(options.bench, options.peers, options.ways, options.rounds)


def _short(rounds: int) -> int:
    """Give 1 where a goal with wide margins is missed."""
    results: dict[str, list[Result]] = {}
    with serving() as origin:
        judged_ways = {way for goal in SHORT_GOALS for way in (goal.way, goal.against)}
        entered = [each for each in asyncio.run(contestants(own())) if each.way in judged_ways]
        for benchmark in SHORT:
            results[benchmark.name] = asyncio.run(_cases(benchmark, entered, origin, rounds))
    verdicts = judged(SHORT_GOALS, results)
    print(goals_table(verdicts))
    failed = [each for rows in results.values() for each in rows if not each.rounds]
    for each in failed:
        print(f"{each.way}, {each.case}: {each.failed}")
    return int(bool(failed) or not all(each.met for each in verdicts))


def _whole(wanted: Sequence[str], names: Sequence[str], ways: Sequence[str], rounds: int) -> None:
    known = recipes()
    chosen = {name: known[name] for name in names} if names else known
    peers = [*own(), *(installed(name, recipe) for name, recipe in chosen.items())]
    RESULTS.mkdir(parents=True, exist_ok=True)
    asked = [each for each in BENCHMARKS if not wanted or {each.letter, each.name} & set(wanted)]
    if asked:
        with serving() as origin:
            entered = asyncio.run(contestants(peers))
            entered = [each for each in entered if not ways or each.failed or each.way in ways]
            for benchmark in asked:
                results = asyncio.run(_cases(benchmark, entered, origin, rounds))
                _write(benchmark, results, entered, rounds)
    if not wanted or {"E", "import"} & set(wanted):
        _write_footprints(peers, rounds)
    for script in SCRIPTS if not wanted else [each for each in SCRIPTS if each in wanted]:
        _run_script(script)
    verdicts = judged(GOALS, _kept())
    text = f"# The goals\n\n{goals_table(verdicts)}\n"
    (RESULTS / "goals.md").write_text(text, encoding="utf-8")
    print(text)


def _run_script(name: str) -> None:
    if not (ROOT / "benchmarks" / f"{name}.py").exists():
        print(f"{name}: there is no benchmarks/{name}.py")
        return
    command = [sys.executable, "-m", f"benchmarks.{name}", *SCRIPTS[name]]
    if subprocess.run(command, check=False, cwd=ROOT).returncode:
        print(f"{name}: failed")


async def _cases(
    benchmark: Benchmark, entered: Sequence[Contestant], origin: str, rounds: int
) -> list[Result]:
    found: list[Result] = []
    for case in benchmark.cases:
        print(f"{benchmark.letter}  {case.name}", flush=True)
        found += await measured(case, entered, origin, rounds=rounds)
    return found


def _write(
    benchmark: Benchmark, results: Sequence[Result], entered: Sequence[Contestant], rounds: int
) -> None:
    text = table(benchmark, results)
    print(f"\n{text}\n")
    about = (
        f"Processor time, wall clock in brackets, beside `httpx aiter_bytes` on the same wire. Medians of {rounds} rounds in "
        f"turn, one process a way, all on the same bytes from a loopback server in another process, one HTTP chunk an event."
    )
    (RESULTS / f"{benchmark.name}.md").write_text(
        f"# {benchmark.title}\n\n{about}\n\n{text}\n\n![]({benchmark.name}.svg)\n\n{machine(_load())}\n\n{versions(entered)}\n",
        encoding="utf-8",
    )
    draw(benchmark, results, RESULTS / f"{benchmark.name}.svg")
    _keep(benchmark.name, results)


def _write_footprints(peers: Sequence[Peer], rounds: int) -> None:
    imports = imports_of(peers, rounds=rounds)
    text = footprint_table(imports, footprints(peers))
    print(f"\n{text}\n")
    whole = f"# Import and installation\n\nMedians of {rounds} rounds in turn, each import in a new process.\n\n{text}\n\n{machine(_load())}\n"
    (RESULTS / "import.md").write_text(whole, encoding="utf-8")
    _keep("import", imports)


def _keep(name: str, results: Sequence[Result]) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{name}.json").write_bytes(msgspec.json.encode(results))


def _kept() -> dict[str, list[Result]]:
    decode = msgspec.json.Decoder(list[Result]).decode
    return {path.stem: decode(path.read_bytes()) for path in sorted(Path(KEPT).glob("*.json"))}


def _load() -> str:
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


if __name__ == "__main__":
    main()
