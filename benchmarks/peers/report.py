"""The tables and figures of the results."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from benchmarks.peers.catalogue import Benchmark, Case
from benchmarks.peers.goals import FLOOR, Verdict
from benchmarks.peers.rounds import Contestant, Result

__all__ = ["RESULTS", "draw", "goals_table", "machine", "table", "versions"]

RESULTS: Final = Path(__file__).resolve().parents[1] / "results"
_SCALE: Final = {"us": 1e6, "ms": 1e3, "s": 1.0}
_COLOURS: Final = {"ours": "#0072B2", "floor": "#999999", "sdk": "#E69F00", "agent": "#D55E00"}
_KINDS: Final = {"ours": "agentlab", "floor": "floor", "sdk": "SDK", "agent": "agent library"}


def table(benchmark: Benchmark, results: Sequence[Result]) -> str:
    """One row a way, the cheapest in the first case first, those that failed last with the reason.

    A cell tells the median processor time, the wall clock in brackets, and the median ratio to `httpx aiter_bytes` of the
    same wire in the same rounds, where that takes part.
    """
    ways = _ways(benchmark, results)
    lines = ["| way | kind | wire | " + " | ".join(case.name for case in benchmark.cases) + " |"]
    lines.append("|---|---|---|" + "--:|" * len(benchmark.cases))
    for way in ways:
        cells = [_cell(case, way, results) for case in benchmark.cases]
        one = next(each for each in results if each.way == way)
        lines.append(f"| {way} | {_KINDS[one.kind]} | {one.wire} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ways(benchmark: Benchmark, results: Sequence[Result]) -> list[str]:
    order: dict[str, float] = {}
    for case in reversed(benchmark.cases):
        for each in results:
            if each.case == case.name:
                order[each.way] = each.cpu_s if each.rounds else order.get(each.way, float("inf"))
    return sorted(order, key=lambda way: order[way])


def _cell(case: Case, way: str, results: Sequence[Result]) -> str:
    found = next((each for each in results if each.case == case.name and each.way == way), None)
    if found is None:
        return ""
    if not found.rounds:
        return found.failed.replace("|", "\\|")[:160]
    scale = _SCALE[case.unit] / case.parts
    text = f"{_figure(found.cpu_s * scale)} ({_figure(found.wall_s * scale)})"
    floor = _floor_of(found, results)
    if floor is not None and floor is not found:
        text += f", {_figure(found.times(floor))}x"
    if case.work == "streams":
        text += f", {max(each.grown_kb for each in found.rounds) / case.size:.0f} kB a stream"
    return text


def _floor_of(result: Result, results: Iterable[Result]) -> Result | None:
    name = FLOOR if result.wire == "chat" else f"{FLOOR} ({result.wire})"
    same = (each for each in results if each.case == result.case and each.rounds)
    return next((each for each in same if each.way == name), None)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def goals_table(verdicts: Iterable[Verdict]) -> str:
    """One row a goal."""
    words = {True: "yes", False: "**no**", None: "?"}
    lines = ["| goal | found | met |", "|---|---|---|"]
    lines += [f"| {each.goal} | {each.found} | {words[each.met]} |" for each in verdicts]
    return "\n".join(lines)


def machine(load: str) -> str:
    """The day, the machine and how busy it was."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    cores = f"{len(names)} cores, {names[0]}" if names else platform.processor()
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


def draw(benchmark: Benchmark, results: Sequence[Result], path: Path) -> None:
    """Processor time of every way, on a logarithmic axis, a panel a case."""
    with mpl.rc_context({"font.size": 8, "svg.hashsalt": "agentlab", "svg.fonttype": "none"}):
        cases = benchmark.cases
        rows = max(
            (sum(each.case == case.name and bool(each.rounds) for each in results) for case in cases),
            default=1,
        )
        figure = Figure(figsize=(4.2 * len(cases), 1.2 + 0.22 * rows), layout="constrained")
        for axes, case in zip(figure.subplots(1, len(cases), squeeze=False)[0], cases, strict=True):
            found = [each for each in results if each.case == case.name and each.rounds]
            found.sort(key=lambda each: -each.cpu_s)
            scale = _SCALE[case.unit] / case.parts
            values = [each.cpu_s * scale for each in found]
            axes.scatter(values, [each.way for each in found], c=[_COLOURS[each.kind] for each in found])
            for value, each in zip(values, found, strict=True):
                axes.annotate(
                    _figure(value), (value, each.way), (5, 5), textcoords="offset points", fontsize=6
                )
            axes.set(xscale="log", xlabel=f"processor time, {case.unit}", title=case.name)
            axes.margins(x=0.15, y=0.06)
            axes.grid(axis="y", alpha=0.3)
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        marks = [Line2D([], [], linestyle="", marker="o", color=colour) for colour in _COLOURS.values()]
        figure.legend(marks, [_KINDS[kind] for kind in _COLOURS], loc="outside lower center", ncols=4)
        figure.suptitle(benchmark.title)
        figure.savefig(path, metadata={"Date": None})
