"""A process that stores runs and says so, until it is killed. Arguments: where to, store or segment, first sample."""

from __future__ import annotations

import os
import sys

from agentlab.experiments.store import Segment, Store
from tests.experiments.store.rows import key_of, run_of

__all__: list[str] = []

if __name__ == "__main__":
    path, kind, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
    place = Store.open(path) if kind == "store" else Segment.of(path)
    for sample in range(first, first + 200):
        row = run_of(sample, output="x" * 2000)
        place.put(row, key_of(sample), trace='{"events": []}')
        os.write(1, f"{sample}\n".encode())
    sys.stdin.read()  # until it is killed
