"""What a peer costs before it does anything: seconds and memory of its import, megabytes of its installation."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct

from benchmarks.peers.environments import FOLDER, Peer, Recipe, installed
from benchmarks.peers.rounds import Result, Round
from benchmarks.peers.server import ROOT

__all__ = ["Footprint", "footprint_table", "footprints", "imports_of"]

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
_SECONDS: Final = 120


class Footprint(Struct, frozen=True):
    """What is on disk.

    Attributes:
        name: Of what.
        megabytes: 10^6 bytes, of the packages' files without compiled bytecode.
        distributions: How many packages.
    """

    name: str
    megabytes: float
    distributions: int


def imports_of(peers: Iterable[Peer], *, rounds: int) -> list[Result]:
    """Import each in a new process, in turn.

    Args:
        peers: Whose modules.
        rounds: How often, after one round that is not counted.
    """
    rows = [("nothing", "floor", sys.executable, "pass")]
    failed: dict[str, str] = {}
    for peer in peers:
        if peer.failed:
            failed[peer.name] = peer.failed
            continue
        rows.append((f"import {peer.imports}", peer.kind, peer.python, f"import {peer.imports}"))
    rows.append(("from agentlab import Agent", "ours", sys.executable, "from agentlab import Agent"))
    found: dict[str, list[Round]] = {name: [] for name, *_ in rows}
    with TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for name, _, python, statement in rows:
                if name in failed:
                    continue
                command = [python, "-c", _IMPORTING, statement]
                ran = subprocess.run(
                    command, check=False, capture_output=True, text=True, cwd=folder, timeout=_SECONDS
                )
                if ran.returncode:
                    failed[name] = " ".join(ran.stderr.split())[-200:]
                elif number:
                    found[name].append(Round(**json.loads(ran.stdout.splitlines()[-1])))
    done = [
        Result("import", name, kind, name, "", tuple(found[name]), failed.get(name, ""))
        for name, kind, *_ in rows
    ]
    return done + [
        Result("import", name, "agent", name, "", (), failed[name]) for name in failed if name not in found
    ]


def footprints(peers: Iterable[Peer]) -> list[Footprint]:
    """Sizes on disk: of the peers, of the notebook's own packages, and of agentlab's core with them."""
    found = [
        _footprint(peer.name, FOLDER / peer.name)
        for peer in peers
        if not peer.failed and peer.kind in {"sdk", "agent"}
    ]
    pins = f"-c{ROOT / 'constraints.txt'}"
    stacks = (
        ("the notebook stack", "notebook", (*_NOTEBOOK, pins)),
        ("the notebook stack and agentlab", "notebook-agentlab", (*_NOTEBOOK, str(ROOT), pins)),
        ("agentlab alone", "agentlab", (str(ROOT), pins)),
        ("httpx and msgspec", "httpx-msgspec", ("httpx", "msgspec", pins)),
    )
    for name, folder, requirements in stacks:
        peer = installed(folder, Recipe("sdk", requirements, ""))
        if peer.failed:
            print(f"{name}: {peer.failed}")
        else:
            found.append(_footprint(name, FOLDER / folder))
    return found


def _footprint(name: str, environment: Path) -> Footprint:
    packages = next(environment.glob("lib/python*/site-packages"))
    files = [path for path in packages.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return Footprint(
        name,
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
