"""What runs on a worker: a batch of cells, by the code that runs them in one process too.

A worker process has one event loop (the library's own, `agent.portal`) and, for each execution, one set of limits: batches
that run side by side share its requests in flight. Every row is in a file before the next begins, so a worker that is
killed loses nothing that was paid and acknowledged; the one that takes its batch over finds these rows there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Final

from agentlab.agent.portal import run_sync
from agentlab.agent.run import Run
from agentlab.agent.trace import Trace
from agentlab.errors import MissingKey
from agentlab.experiments.engine.agent_spec import unpacked_on_worker
from agentlab.experiments.engine.local import Execution, run_lanes
from agentlab.experiments.engine.metering_session import MeteringSession
from agentlab.experiments.engine.open_sessions import OpenSessions
from agentlab.experiments.engine.orders import (
    BatchFiles,
    BatchOrder,
    BatchReport,
    SweepOrder,
)
from agentlab.experiments.engine.prefix_groups import PrefixGroups
from agentlab.experiments.engine.running_file import RunningFile
from agentlab.experiments.engine.schedule import Lane
from agentlab.experiments.engine.worker_batches import rebatched
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.rows import RunRow
from agentlab.experiments.store.segment import Segment

__all__ = ["run_batch"]

_KEPT: Final = 2
"""Executions a process remembers: a notebook runs one sweep after another on the same workers."""

_LOOK_S: Final = 0.2
"""Seconds between two looks at whether to go on."""


def run_batch(sweep: bytes, batch: bytes) -> BatchReport:
    """Run a batch of cells; called by an executor, in one of its threads.

    Args:
        sweep: The packed `SweepOrder`.
        batch: The packed `BatchOrder`.

    Returns:
        What was run and what it cost. Rows and traces are in the batch's segment.

    Raises:
        UsageError: Something of the sweep cannot be made here.
        StoreError: A row could not be written.
    """
    execution = _PROCESS.execution(sweep)
    order: BatchOrder = unpacked_on_worker(batch)
    files = BatchFiles(execution.order.store, order.name)
    if (report := files.report) is not None:
        return report  # ended by a worker whose report was lost
    if not execution.running.is_there:
        return BatchReport(found=False, worker=_here())
    running = run_sync(_begun, execution, order, files)
    _make_room()
    return run_sync(_ended, running)


async def _begun(
    execution: _WorkerExecution, order: BatchOrder, files: BatchFiles
) -> asyncio.Task[BatchReport]:
    """Start a batch, and wait until each of its cells was started, or it ended."""
    drained = asyncio.Event()
    running = asyncio.create_task(_run(execution, order, files, drained.set))
    waiting = asyncio.create_task(drained.wait())
    await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return running


async def _ended(running: asyncio.Task[BatchReport]) -> BatchReport:
    return await running


async def _run(
    execution: _WorkerExecution, order: BatchOrder, files: BatchFiles, drained: Callable[[], None]
) -> BatchReport:
    """Run what of a batch no earlier worker has run."""
    written = files.written()
    if files.segments and order.budget_usd is not None:
        # A worker died over it. What it had in flight is unknown: its share counts as spent, and a new one is asked for.
        return BatchReport(keys=tuple(written), spent_usd=None, worker=_here())
    todo = [each for each in order.cells if each.cell_key.digest not in set(written)]
    batch = rebatched(order.lane, [each.planned(execution.order.arms) for each in todo])
    metering = execution.metering.with_budget(order.budget_usd)
    with Segment(files.next_segment()) as segment:
        keep = _keeper(segment, {each.cell.key: each.cell for each in batch.cells}, written)
        earlier = {each.cell_key.digest: each.earlier for each in todo}
        looking = asyncio.create_task(_stop_when_gone(execution.running, metering))
        try:
            async with execution.sessions.used():
                await run_lanes(
                    [Lane(order.lane, batch.cells)], execution.of_batch(metering, keep, earlier, drained)
                )
        finally:
            looking.cancel()
        report = BatchReport(
            keys=tuple(written),
            spent_usd=metering.budget.spent_usd if metering.budget is not None else 0.0,
            primed_usd=execution.primed_since(),
            refused=metering.why is not None and not metering.stopped,
            worker=_here(),
        )
        if execution.running.is_there:  # else nobody will ask for it
            files.put_report(report)  # before the segment may be taken away: one of the two is always there
    return report


def _keeper(
    segment: Segment, cells: Mapping[str, Cell], written: list[str]
) -> Callable[[RunRow, Trace], None]:
    """Writes rows to a segment, and notes their keys."""

    def keep(row: RunRow, trace: Trace) -> None:
        segment.put(row, cells[row.cell_key].cell_key, trace=trace.to_json())
        written.append(row.cell_key)

    return keep


async def _stop_when_gone(running: RunningFile, metering: MeteringSession) -> None:
    """Let nothing further start once the driver says so, or says nothing for long."""
    while await asyncio.to_thread(running.goes_on):  # noqa: ASYNC110 - a file of another process sets no event
        await asyncio.sleep(_LOOK_S)
    metering.stop("interrupted")


def _make_room() -> None:
    """Let Dask start its next batch here while the last answers of this one come; elsewhere do nothing.

    A batch whose last answers are slow would else keep the worker from using its share of the requests in flight.
    """
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return
    try:
        distributed.get_worker()
    except ValueError:
        return  # not in a task of Dask's
    distributed.secede()


def _here() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


# ------------------------------------------------------------------------- what a process keeps


class _WorkerExecution:
    """What the batches of one execution share in one process."""

    def __init__(self, order: SweepOrder) -> None:
        self.order = order
        self.running = RunningFile(order.store, order.execution_id)
        self.metering = MeteringSession(order.settings)
        self.sessions = OpenSessions(arm.agent.model for arm in order.arms)
        prefixes = {id(arm): prefix for arm, prefix in zip(order.arms, order.prefixes, strict=True)}
        self.groups = PrefixGroups(
            order.settings.cache, order.execution_id, prefixes, order.settings.clock, self._count_prime
        )
        self._primed = 0.0

    def of_batch(
        self,
        metering: MeteringSession,
        keep: Callable[[RunRow, Trace], None],
        earlier: dict[str, int],
        drained: Callable[[], None],
    ) -> Execution:
        """What the cells of one batch share."""
        order = self.order
        return Execution(
            metering=metering,
            groups=self.groups,
            keep=keep,
            scorers=[metering.scorer(scorer) for scorer in order.scorers],
            concurrency=order.settings.concurrency,
            circumstances=order.circumstances,
            attempts=earlier,
            clock=order.settings.clock,
            drained=drained,
        )

    def primed_since(self) -> float:
        """What preparing caches has cost since this was last asked."""
        primed, self._primed = self._primed, 0.0
        return primed

    def _count_prime(self, run: Run) -> None:
        self._primed += run.cost_usd or 0.0


class _Process:
    """What a worker process keeps between batches. Like the event loop it belongs to, it is forgotten in a forked child."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self._lock = threading.Lock()
        self._executions: dict[bytes, _WorkerExecution] = {}

    def execution(self, sweep: bytes) -> _WorkerExecution:
        """The execution a packed order is of; unpacked when first seen."""
        name = hashlib.sha256(sweep).digest()
        with self._lock:
            found = self._executions.get(name)
            if found is None:
                try:
                    found = self._executions[name] = _WorkerExecution(unpacked_on_worker(sweep))
                except MissingKey as error:
                    raise MissingKey(f"on the worker {_here()}: {error}") from None
                for old in list(self._executions)[:-_KEPT]:
                    del self._executions[old]
            return found


_PROCESS: Final = _Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_PROCESS.forget)
