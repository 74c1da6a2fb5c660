"""Cuts lanes into batches for workers: what shares a prepared prefix stays together, and nobody runs out of work.

Pure: lanes in, batches out. A batch is what one task of an executor runs. Where a group's cache is prepared (`warm`,
`controlled`) its cells are never parted: a worker primes the prefix, and knows when it was last used. In natural runs
cells that share a prefix may be parted, but the first batch of a group ends before another begins: its leader pays for
the write, as in one process, and the rest read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Final

from msgspec import Struct, structs

from agentlab.experiments.engine.schedule import Lane, PlannedCell
from agentlab.experiments.plan.cells import CacheMode

__all__ = ["CellBatch", "batch_rows", "batches", "rebatched"]

_ROWS: Final = 50
_MOST_ROWS: Final = 200


class CellBatch(Struct, frozen=True):
    """Cells that one task runs, in order.

    Attributes:
        lane: Name of their lane.
        cells: The cells; the first of each group leads it.
    """

    lane: str
    cells: tuple[PlannedCell, ...]

    @property
    def groups(self) -> frozenset[str]:
        """The groups its cells are of."""
        return frozenset(each.group for each in self.cells if each.group is not None)


def batch_rows(cells: int, workers: int, concurrency: int) -> int:
    """Cells of a batch, where nothing keeps them together.

    Enough that handing out costs nothing beside the calls, and that a worker's calls in flight are filled twice over;
    few enough that the last batches end together, and that every worker has one.

    Args:
        cells: Cells to run.
        workers: Tasks that run at the same time.
        concurrency: Calls in flight at most in one worker.
    """
    return max(1, min(max(_ROWS, 2 * concurrency), _MOST_ROWS, math.ceil(cells / workers)))


def batches(lanes: Sequence[Lane], *, rows: int, cache: CacheMode) -> tuple[CellBatch, ...]:
    """Cut lanes, and take turns between them.

    Args:
        lanes: The cells, in order.
        rows: Cells of a batch, where they may be parted.
        cache: How caches are prepared.
    """
    together = cache in {"warm", "controlled"}
    cut = [
        [rebatched(lane.name, piece) for piece in _pieces(lane.cells, rows, together=together)]
        for lane in lanes
    ]
    return tuple(each for each in chain.from_iterable(zip_longest(*cut)) if each is not None)


def rebatched(lane: str, cells: Iterable[PlannedCell]) -> CellBatch:
    """A batch of cells in which the first of each group leads."""
    led: set[str | None] = {None}
    found = []
    for each in cells:
        found.append(structs.replace(each, leads=each.group not in led))
        led.add(each.group)
    return CellBatch(lane, tuple(found))


def _pieces(cells: Sequence[PlannedCell], rows: int, *, together: bool) -> Iterator[Sequence[PlannedCell]]:
    """Runs of cells of about `rows`; where groups stay together, a run ends only where none of them goes on."""
    last = (
        {each.group: place for place, each in enumerate(cells) if each.group is not None} if together else {}
    )
    start = open_until = 0
    for place, each in enumerate(cells):
        if each.group is not None:
            open_until = max(open_until, last.get(each.group, place))
        if place + 1 - start >= rows and place >= open_until:
            yield cells[start : place + 1]
            start = place + 1
    if start < len(cells):
        yield cells[start:]
