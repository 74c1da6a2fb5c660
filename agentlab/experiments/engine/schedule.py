"""In which order cells run, so that those that share a prefix meet in the provider's cache.

Pure: cells in, cells out. Natural and warm runs put an arm's cells together, because a cached prefix lives for minutes;
controlled runs interleave the arms in alternating direction (ABBA), so that drift over time falls on all arms alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from msgspec import Struct

from agentlab.experiments.engine.cache_state import ArmPrefix
from agentlab.experiments.plan.cells import CacheMode, Cell

__all__ = ["Lane", "PlannedCell", "lanes"]


class PlannedCell(Struct, frozen=True):
    """A cell in its place.

    Attributes:
        cell: The cell.
        group: Cells of one group share a prefix; None where there is nothing to share.
        leads: Whether it is the first of its group: the others wait for its first token.
    """

    cell: Cell
    group: str | None = None
    leads: bool = False


class Lane(Struct, frozen=True):
    """The cells of one provider and model; lanes run side by side, so a slow provider does not hold up a fast one.

    Attributes:
        name: `"vendor:model"`.
        cells: In the order they are started.
    """

    name: str
    cells: tuple[PlannedCell, ...]


def lanes(
    cells: Sequence[Cell],
    prefixes: Mapping[int, ArmPrefix],
    *,
    cache: CacheMode,
    by_sample: bool = False,
) -> tuple[Lane, ...]:
    """Sort cells into lanes.

    Args:
        cells: What is to run.
        prefixes: By `id` of the arm, what its requests begin with.
        cache: How the cache is prepared.
        by_sample: Whether all arms of a sample run together, as a sweep that may end early needs them.
    """
    by_model: dict[str, list[Cell]] = {}
    for cell in cells:
        by_model.setdefault(cell.arm.agent.model.name, []).append(cell)
    return tuple(
        Lane(name, tuple(_planned(_ordered(mine, cache, by_sample), prefixes, cache)))
        for name, mine in by_model.items()
    )


def _ordered(cells: Sequence[Cell], cache: CacheMode, by_sample: bool) -> list[Cell]:
    if cache == "controlled":
        return _interleaved(cells)
    if by_sample:
        samples = _numbers([cell.sample for cell in cells])
        return sorted(cells, key=lambda cell: (samples[id(cell.sample)], cell.repeat))
    arms = _numbers([cell.arm for cell in cells])
    return sorted(cells, key=lambda cell: (arms[id(cell.arm)], cell.sample.cluster_id, cell.repeat))


def _interleaved(cells: Sequence[Cell]) -> list[Cell]:
    """Repeat by repeat and sample by sample, the arms forward, then backward."""
    found: list[Cell] = []
    for number, (_, row) in enumerate(groupby(cells, key=lambda cell: (cell.repeat, cell.sample.sample_id))):
        arms = list(row)
        found += arms if number % 2 == 0 else reversed(arms)
    return found


def _planned(cells: Sequence[Cell], prefixes: Mapping[int, ArmPrefix], cache: CacheMode) -> list[PlannedCell]:
    led: set[str] = set()
    found = []
    for cell in cells:
        prefix = prefixes.get(id(cell.arm))
        if cache == "off" or prefix is None or not prefix.readable:
            found.append(PlannedCell(cell))
            continue
        group = group_of(cell, prefix, cache)
        found.append(PlannedCell(cell, group, leads=group not in led))
        led.add(group)
    return found


def group_of(cell: Cell, prefix: ArmPrefix, cache: CacheMode) -> str:
    """What names the cells that share a prefix at one provider and model.

    A controlled run has a prefix of its own for every arm and repeat: no run may read what another one left.
    """
    shared = f"{cell.arm.agent.model.name}/{prefix.hash}"
    return f"{shared}/{cell.arm.name}/{cell.repeat}" if cache == "controlled" else shared


def _numbers(things: Sequence[object]) -> dict[int, int]:
    """Place of each thing, by identity, in order of appearance."""
    found: dict[int, int] = {}
    for thing in things:
        found.setdefault(id(thing), len(found))
    return found
