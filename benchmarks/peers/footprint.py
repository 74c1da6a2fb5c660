"""What a peer costs before it does anything: seconds and memory of its import, megabytes of its installation."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct, structs

from benchmarks.peers.environments import FOLDER, Peer, Recipe, child_environment, installed
from benchmarks.peers.figure import Panel, drawn
from benchmarks.peers.results import Figures, Result, Round
from benchmarks.peers.server import ROOT

__all__ = [
    "BEYOND",
    "Footprint",
    "beyond_the_notebook",
    "footprint_figure",
    "footprint_table",
    "footprints",
    "imports_of",
]

BEYOND: Final = "installed core beyond the notebook stack, MB"
"""What `beyond_the_notebook` tells."""

_IMPORTING: Final = """
import json, sys, time
cpu, wall = time.process_time(), time.perf_counter()
exec(sys.argv[1])
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
status = open("/proc/self/status").read().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(json.dumps({"cpu_s": cpu, "wall_s": wall, "peak_kb": peak}))
"""
_NOTEBOOK: Final = ("jupyterlab", "ipywidgets", "numpy", "pandas", "matplotlib")
_STACK: Final = "the notebook stack"
_STACK_AND_OURS: Final = "the notebook stack and agentlab"
_SECONDS: Final = 120
_OURS: Final = "from agentlab import Agent"
_PEERS: Final = frozenset({"sdk", "agent"})
_PINS: Final = f"-c{ROOT / 'constraints.txt'}"


class Footprint(Struct, frozen=True):
    """What is on disk.

    Attributes:
        name: Of what.
        kind: `sdk`, `agent`, `floor` or `ours`.
        megabytes: 10^6 bytes, of the packages' files without compiled bytecode.
        distributions: How many packages.
    """

    name: str
    kind: str
    megabytes: float
    distributions: int


def imports_of(peers: Iterable[Peer], *, rounds: int) -> list[Result]:
    """Import each in a new process, in turn: a peer in its environment, `httpx` and agentlab in one that has the core alone.

    The environment of development has packages that users need not have, and `httpx` imports those it finds.

    Args:
        peers: Whose modules.
        rounds: How often, after one round that is not counted.
    """
    core = installed("agentlab-core", Recipe("sdk", ("-e", str(ROOT), _PINS), ""), _wanted())
    rows = [("nothing", "floor", core.python, "pass")]
    failed = dict.fromkeys(("nothing", _OURS), core.failed) if core.failed else {}
    for each in peers:
        peer = each if each.kind in _PEERS else structs.replace(each, python=core.python, failed=core.failed)
        if peer.failed:
            failed[peer.name] = peer.failed
            continue
        rows.append((f"import {peer.imports}", peer.kind, peer.python, f"import {peer.imports}"))
    rows.append((_OURS, "ours", core.python, _OURS))
    found: dict[str, list[Round]] = {name: [] for name, *_ in rows}
    with TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for name, _, python, statement in rows:
                if name in failed:
                    continue
                try:
                    took = _imported(python, statement, folder)
                except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                    failed[name] = " ".join(str(error.stderr or error).split())[-200:]
                    continue
                if number:
                    found[name].append(took)
    done = [
        Result(
            "import", name, kind, name, "", () if name in failed else tuple(found[name]), failed.get(name, "")
        )
        for name, kind, *_ in rows
    ]
    return done + [
        Result("import", name, "agent", name, "", (), failed[name]) for name in failed if name not in found
    ]


def _wanted() -> str:
    """What an environment with the core is made of, besides its requirements."""
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def _imported(python: str, statement: str, folder: str) -> Round:
    ran = subprocess.run(
        [python, "-c", _IMPORTING, statement],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=_SECONDS,
        env=child_environment(),
    )
    return Round(**json.loads(ran.stdout.splitlines()[-1]))


def footprints(peers: Iterable[Peer]) -> list[Footprint]:
    """Sizes on disk: of the peers, of the notebook's own packages, and of agentlab's core with them."""
    found = [
        _footprint(peer.name, peer.kind, FOLDER / peer.name)
        for peer in peers
        if not peer.failed and peer.kind in _PEERS
    ]
    stacks = (
        (_STACK, "floor", "notebook", (*_NOTEBOOK, _PINS)),
        (_STACK_AND_OURS, "ours", "notebook-agentlab", (*_NOTEBOOK, str(ROOT), _PINS)),
        ("agentlab alone", "ours", "agentlab", (str(ROOT), _PINS)),
        ("httpx and msgspec", "floor", "httpx-msgspec", ("httpx", "msgspec", _PINS)),
    )
    for name, kind, folder, requirements in stacks:
        peer = installed(folder, Recipe("sdk", requirements, ""), _wanted())
        if peer.failed:
            print(f"{name}: {peer.failed}")
        else:
            found.append(_footprint(name, kind, FOLDER / folder))
    return found


def beyond_the_notebook(sizes: Iterable[Footprint]) -> Figures:
    """By how much agentlab enlarges an environment that has the notebook stack; empty where one was not installed."""
    found = {each.name: each.megabytes for each in sizes}
    if not {_STACK, _STACK_AND_OURS} <= found.keys():
        return {}
    return {BEYOND: found[_STACK_AND_OURS] - found[_STACK]}


def _footprint(name: str, kind: str, environment: Path) -> Footprint:
    packages = next(environment.glob("lib/python*/site-packages"))
    files = [path for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return Footprint(
        name,
        kind,
        sum(path.stat().st_size for path in files) / 1e6,
        sum(1 for _ in packages.glob("*.dist-info")),
    )


def footprint_table(imports: Sequence[Result], sizes: Sequence[Footprint]) -> str:
    """Two tables: imports, cheapest first, and sizes, smallest first."""
    base = next((each for each in imports if each.way == "import httpx"), None)
    lines = ["| | processor time, ms | beside `import httpx` | resident memory, MB |", "|---|--:|--:|--:|"]
    for each in sorted(imports, key=lambda each: each.cpu_s if each.rounds else float("inf")):
        if not each.rounds:
            lines.append(f"| {each.way} | {each.failed} | | |")
            continue
        ratio = f"{each.times(base):.2f}x" if base is not None and base.rounds else ""
        memory = median(one.peak_kb for one in each.rounds) / 1e3
        lines.append(f"| {each.way} | {each.cpu_s * 1e3:.0f} | {ratio} | {memory:.0f} |")
    lines += ["", "| installed | MB | distributions |", "|---|--:|--:|"]
    lines += [
        f"| {each.name} | {each.megabytes:.0f} | {each.distributions} |"
        for each in sorted(sizes, key=lambda each: each.megabytes)
    ]
    return "\n".join(lines)


def footprint_figure(imports: Sequence[Result], sizes: Sequence[Footprint]) -> str:
    """Processor time of the imports that were done, and sizes on disk."""
    times = sorted(imports, key=lambda each: each.cpu_s)
    order = sorted(sizes, key=lambda each: each.megabytes)
    kinds = {each.way: each.kind for each in times} | {each.name: each.kind for each in order}
    panels = (
        Panel("import, processor time (ms)", {each.way: each.cpu_s * 1e3 for each in times}),
        Panel("installed (MB)", {each.name: each.megabytes for each in order}),
    )
    return drawn("Import and installation", panels, kinds)
