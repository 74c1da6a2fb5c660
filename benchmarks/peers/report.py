"""The tables and figures of the results."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.peers.catalogue import Benchmark, Case
from benchmarks.peers.figure import KINDS, Panel, drawn, short
from benchmarks.peers.goals import Verdict
from benchmarks.peers.results import Result
from benchmarks.peers.rounds import Contestant

__all__ = ["RESULTS", "figure", "goals_table", "installed_versions", "machine", "table", "versions", "write"]

RESULTS: Final = Path(__file__).resolve().parents[1] / "results"
_SCALE: Final = {"us": 1e6, "ms": 1e3, "s": 1.0}
_UNITS: Final = {"us": "µs", "ms": "ms", "s": "s"}
_LONGEST_REASON: Final = 160


def write(
    benchmark: Benchmark, results: Sequence[Result], *, about: str, made_with: str, folder: Path = RESULTS
) -> str:
    """Write a benchmark's Markdown and figure, and give its table.

    Args:
        benchmark: What was measured.
        results: What was found.
        about: How it was measured.
        made_with: Versions.
        folder: Where.
    """
    text = table(benchmark, results)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{benchmark.name}.md").write_text(
        f"# {benchmark.title}\n\n{about}\n\n{text}\n\n![]({benchmark.name}.svg)\n\n{machine()}\n\n{made_with}\n",
        encoding="utf-8",
    )
    (folder / f"{benchmark.name}.svg").write_text(figure(benchmark, results), encoding="utf-8")
    return text


def table(benchmark: Benchmark, results: Sequence[Result]) -> str:
    """One row a way, the cheapest in the first case first, those that failed last with the reason.

    A cell tells the median processor time, the wall clock in brackets, and the median ratio to the floor of the same wire in
    the same rounds, where that takes part.
    """
    ways = _ways(benchmark, results)
    wires = any(each.wire for each in results)
    head = ["way", "kind", *(["wire"] if wires else [])]
    lines = [f"| {' | '.join([*head, *(case.name for case in benchmark.cases)])} |"]
    lines.append("|---|" + "---|" * (len(head) - 1) + "--:|" * len(benchmark.cases))
    for way in ways:
        cells = [_cell(benchmark, case, way, results) for case in benchmark.cases]
        one = next(each for each in results if each.way == way)
        about = [way, KINDS[one.kind], *([one.wire] if wires else [])]
        lines.append(f"| {' | '.join([*about, *cells])} |")
    return "\n".join(lines)


def _ways(benchmark: Benchmark, results: Sequence[Result]) -> list[str]:
    order: dict[str, float] = {}
    for case in reversed(benchmark.cases):
        for each in results:
            if each.case == case.name:
                order[each.way] = each.cpu_s if each.rounds else order.get(each.way, float("inf"))
    return sorted(order, key=lambda way: order[way])


def _cell(benchmark: Benchmark, case: Case, way: str, results: Sequence[Result]) -> str:
    found = next((each for each in results if each.case == case.name and each.way == way), None)
    if found is None:
        return ""
    if not found.rounds:
        return found.failed.replace("|", "\\|")[:_LONGEST_REASON]
    scale = _SCALE[case.unit] / case.parts
    text = f"{short(found.cpu_s * scale)} ({short(found.wall_s * scale)})"
    floor = _floor_of(benchmark, found, results)
    if floor is not None and floor is not found:
        text += f", {short(found.times(floor))}x"
    if case.work == "streams":
        text += f", {max(each.grown_kb for each in found.rounds) / case.size:.0f} kB a stream"
    return f"{text}, {found.note}" if found.note else text


def _floor_of(benchmark: Benchmark, result: Result, results: Iterable[Result]) -> Result | None:
    floor = benchmark.floor
    name = floor if result.wire in {"chat", ""} else f"{floor} ({result.wire})"
    same = (each for each in results if each.case == result.case and each.rounds)
    return next((each for each in same if each.way == name), None)


def goals_table(verdicts: Iterable[Verdict]) -> str:
    """One row a goal."""
    words = {True: "yes", False: "**no**", None: "?"}
    lines = ["| goal | found | met |", "|---|---|---|"]
    for each in verdicts:
        met = "told" if each.told and each.met is not None else words[each.met]
        lines.append(f"| {each.goal} | {each.found} | {met} |")
    return "\n".join(lines)


def machine() -> str:
    """The day, the machine and how busy it was."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    cores = f"{len(names)} cores, {names[0]}" if names else platform.processor()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    today = datetime.now(tz=UTC).date()
    return f"{today}, Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cores}. Load average: {load}."


def versions(entered: Iterable[Contestant]) -> str:
    """What was measured, in one paragraph, with the peers that could not be run."""
    told = {each.peer.name: each for each in entered}
    lines = []
    for name, each in told.items():
        if each.failed:
            lines.append(f"{name}: {each.failed}")
            continue
        packages = {key: value for key, value in each.versions.items() if key != "python"}
        lines.append(f"{name} ({', '.join(f'{key} {value}' for key, value in packages.items())})")
    return "; ".join(lines) + "."


def installed_versions(*names: str) -> str:
    """Versions of packages of this environment, in one sentence."""
    return ", ".join(f"{name} {version(name)}" for name in names) + "."


def figure(benchmark: Benchmark, results: Sequence[Result]) -> str:
    """Processor time of every way that has one, a panel a case."""
    done = [each for each in results if each.rounds]
    kinds = {each.way: each.kind for each in done}
    panels = []
    for case in benchmark.cases:
        scale = _SCALE[case.unit] / case.parts
        values = {each.way: each.cpu_s * scale for each in done if each.case == case.name}
        panels.append(Panel(f"{case.name} ({_UNITS[case.unit]})", values))
    return drawn(benchmark.title, panels, {way: kinds[way] for way in _ways(benchmark, done)})
