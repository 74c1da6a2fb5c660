"""What a workspace on disk costs: each verb against the same thing done by the bare path, and a folder of many entries.

    .venv/bin/python -m benchmarks.workspace --folder /tmp --entries 1000000

Printed are microseconds a call (the median of the rounds), and for the large folder seconds and megabytes.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentlab.tools.workspace import DiskWorkspace

DEEP = "one/two/three"


def microseconds(call: Callable[[], object], calls: int, rounds: int = 7) -> float:
    """The median over the rounds of the mean time of a call."""
    means = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(calls):
            call()
        means.append((time.perf_counter() - began) / calls * 1e6)
    return statistics.median(means)


def verbs(workspace: DiskWorkspace, folder: Path) -> None:
    """Compare each verb with its bare counterpart, on a file of 4 KiB three folders down."""
    data = b"x" * 4096
    path, bare = f"{DEEP}/file", folder / DEEP / "file"
    workspace.write(path, data)
    digest = workspace.read(path, 10_000).digest

    def removed() -> None:
        workspace.restore(workspace.remove(path).id)

    rows: list[tuple[str, Callable[[], object], Callable[[], object] | None, int]] = [
        ("info", lambda: workspace.info(path), bare.lstat, 2000),
        ("read", lambda: workspace.read(path, 10_000), bare.read_bytes, 2000),
        ("children", lambda: workspace.children(DEEP, 50), lambda: [*bare.parent.iterdir()], 1000),
        ("write", lambda: workspace.write(path, data), lambda: bare.write_bytes(data), 50),
        ("write, compared", lambda: workspace.write(path, data, digest), None, 50),
        ("touch", lambda: workspace.touch(path), bare.touch, 500),
        ("remove and restore", removed, None, 20),
    ]
    for name, ours, theirs, calls in rows:
        without = f"{microseconds(theirs, calls):10.1f}" if theirs is not None else " " * 10
        print(f"{name:20}{microseconds(ours, calls):10.1f}{without}")


def large_folder(workspace: DiskWorkspace, folder: Path, entries: int) -> None:
    """List and walk a folder of many entries."""
    many = folder / "many"
    many.mkdir()
    for number in range(entries):
        os.close(os.open(many / f"{number:07d}", os.O_CREAT | os.O_WRONLY))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    listing = workspace.children("many", 50)
    listed = time.perf_counter()
    first = next(workspace.walk("many"))
    walked = time.perf_counter()
    count = sum(1 for _ in workspace.walk("many"))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{entries} entries: listed in {listed - began:.3f} s ({listing.left} counted further, complete: {listing.is_complete});"
    )
    print(
        f"first step of a walk ({first.path}) {walked - listed:.3f} s, {count} steps {time.perf_counter() - walked:.3f} s;"
    )
    print(f"{grown:.1f} MB more")


def main() -> None:
    """Measure in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the temporary folder is made")
    parser.add_argument("--entries", type=int, default=100_000, help="entries of the large folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made, DiskWorkspace(made) as workspace:
        print(f"{'microseconds':20}{'workspace':>10}{'bare':>10}")
        verbs(workspace, Path(made))
        large_folder(workspace, Path(made), options.entries)


if __name__ == "__main__":
    main()
