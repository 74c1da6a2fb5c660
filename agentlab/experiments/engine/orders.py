"""What the driver of a sweep tells its workers, and what they report: plain data, and the files both look at."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from agentlab.experiments.engine.cache_state import ArmPrefix
from agentlab.experiments.engine.run_row import Circumstances
from agentlab.experiments.engine.schedule import PlannedCell
from agentlab.experiments.engine.worker_batches import CellBatch
from agentlab.experiments.plan.axes import Arm
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.plan.settings import SweepSettings
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring import Scorer
from agentlab.experiments.store import CellKey
from agentlab.experiments.store.segment import Line, line_from, segments_folder

__all__ = ["BatchFiles", "BatchOrder", "BatchReport", "OrderedCell", "SweepOrder"]


@dataclass(frozen=True, kw_only=True)
class SweepOrder:
    """What all batches of an execution share; a worker reads it once.

    Attributes:
        execution_id: Names the execution.
        store: The store's file, as the driver sees it; workers write beside it.
        settings: How cells are run; limits are one process's share.
        arms: The arms.
        prefixes: For each arm, what its requests begin with.
        scorers: Score the answers.
        circumstances: What is the same for every row.
    """

    execution_id: str
    store: Path
    settings: SweepSettings
    arms: tuple[Arm, ...]
    prefixes: tuple[ArmPrefix, ...]
    scorers: tuple[Scorer, ...]
    circumstances: Circumstances


class OrderedCell(Struct, frozen=True, kw_only=True):
    """A cell to run; its arm by its place in the order.

    Attributes:
        arm: Place of the arm.
        earlier: Executions of the cell before this one.
    """

    arm: int
    sample: Sample
    repeat: int
    seed: int
    prompt: str
    cell_key: CellKey
    agent_hash: str
    group: str | None
    leads: bool
    earlier: int

    def planned(self, arms: Sequence[Arm]) -> PlannedCell:
        """The cell in its place."""
        cell = Cell(
            arms[self.arm], self.sample, self.repeat, self.seed, self.prompt, self.cell_key, self.agent_hash
        )
        return PlannedCell(cell, self.group, self.leads)


class BatchOrder(Struct, frozen=True, kw_only=True):
    """One task.

    Attributes:
        name: Names the batch; unique.
        lane: Name of the cells' lane.
        cells: What to run.
        budget_usd: Its share of the budget; None without one.
    """

    name: str
    lane: str
    cells: tuple[OrderedCell, ...]
    budget_usd: float | None

    @classmethod
    def of(
        cls,
        name: str,
        batch: CellBatch,
        arms: Mapping[int, int],
        earlier: Mapping[str, int],
        budget_usd: float | None,
    ) -> BatchOrder:
        """The order for a batch.

        Args:
            name: Names it.
            batch: The cells.
            arms: By `id` of the arm, its place.
            earlier: Key to executions of a cell before this one.
            budget_usd: Its share.
        """
        cells = tuple(
            OrderedCell(
                arm=arms[id(each.cell.arm)],
                sample=each.cell.sample,
                repeat=each.cell.repeat,
                seed=each.cell.seed,
                prompt=each.cell.prompt,
                cell_key=each.cell.cell_key,
                agent_hash=each.cell.agent_hash,
                group=each.group,
                leads=each.leads,
                earlier=earlier.get(each.cell.key, 0),
            )
            for each in batch.cells
        )
        return cls(name=name, lane=batch.lane, cells=cells, budget_usd=budget_usd)


class BatchReport(Struct, frozen=True, kw_only=True):
    """What came of a batch.

    Attributes:
        keys: Cells whose rows are in its segments.
        spent_usd: What its calls cost; None where a worker died over it, and nobody knows.
        primed_usd: Of that, what preparing caches cost.
        refused: Whether its share was too small for all of them.
        found: Whether the worker saw the driver's file; without it nothing was run.
        worker: Host and process that ran it.
    """

    keys: tuple[str, ...] = ()
    spent_usd: float | None = 0.0
    primed_usd: float = 0.0
    refused: bool = False
    found: bool = True
    worker: str = ""


class _Key(Struct):
    """Of a row, its key."""

    cell_key: str


class BatchFiles:
    """The files of one batch, beside the store: a segment for each worker that began it, and the report of the one that ended it.

    Args:
        store: The store's file.
        batch: Name of the batch.
    """

    def __init__(self, store: Path, batch: str) -> None:
        self._folder = segments_folder(store)
        self._batch = batch
        self._report = self._folder / f"{batch}.report"

    @property
    def report(self) -> BatchReport | None:
        """The report of a worker that ended the batch; None where none did."""
        try:
            return msgspec.json.decode(self._report.read_bytes(), type=BatchReport)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def put_report(self, report: BatchReport) -> None:
        """Keep a report, for the case that it is lost on its way."""
        self._report.write_bytes(msgspec.json.encode(report))

    @property
    def segments(self) -> list[Path]:
        """Segments of workers that began the batch and did not end it."""
        return sorted(self._folder.glob(f"{self._batch}-*.jsonl"))

    def next_segment(self) -> Path:
        """Where the next worker writes."""
        return self._folder / f"{self._batch}-{len(self.segments) + 1}.jsonl"

    def written(self) -> list[str]:
        """Keys of the rows in its segments."""
        found: dict[str, None] = {}
        for path in self.segments:
            for text in path.read_bytes().splitlines():
                line = line_from(text)
                if isinstance(line, Line):
                    found[msgspec.json.decode(line.row, type=_Key).cell_key] = None
        return list(found)

    def remove(self) -> None:
        """Remove what is left of the batch; its rows are in the store."""
        for path in (*self.segments, self._report):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
