"""Runs lanes on an executor's workers: sends batches, stores what they wrote, and deals out the budget.

The driver alone writes to the store. Several batches a worker are on their way, so that none waits for the driver. Nothing
is ever cancelled through the executor, because engines let running tasks go on: workers look for a file beside the store,
and start nothing more once the driver has removed it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from agentlab.errors import AgentlabError, StoreError, StoreUnusable, UsageError, WorkersLost
from agentlab.experiments.engine.agent_spec import check_shippable, packed_for_worker, unpacked_on_worker
from agentlab.experiments.engine.budget_shares import BudgetShares, Share
from agentlab.experiments.engine.cache_state import ArmPrefix
from agentlab.experiments.engine.local import Execution
from agentlab.experiments.engine.orders import (
    BatchFiles,
    BatchOrder,
    BatchReport,
    SweepOrder,
)
from agentlab.experiments.engine.running_file import KeptFresh, RunningFile
from agentlab.experiments.engine.schedule import Lane
from agentlab.experiments.engine.worker import run_batch
from agentlab.experiments.engine.worker_batches import CellBatch, batch_rows, batches, rebatched
from agentlab.experiments.engine.worker_pool import WorkerPool
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.plan.settings import SweepSettings
from agentlab.experiments.scoring import Scorer
from agentlab.experiments.store import Store

__all__ = ["WorkersOutcome", "run_on_workers"]

_AHEAD: Final = 4
"""Batches on their way for each worker."""

_DEATHS: Final = 3
"""Workers that may die over a batch before the batch is to blame."""

_LOOK_S: Final = 2.0
"""Seconds between two looks at what batches on their way have written: long ones should be seen to move."""

_GRACE_S: Final = 4.0
"""Seconds an interrupted sweep waits for answers that are on their way; later ones are stored by the next run."""


@dataclass(frozen=True)
class WorkersOutcome:
    """What came of the cells.

    Attributes:
        fresh: Keys of the cells that were run.
        primed_usd: What preparing caches cost.
        why: Why cells were left out; None where none was.
    """

    fresh: frozenset[str]
    primed_usd: float
    why: str | None


async def run_on_workers(
    lanes: Sequence[Lane],
    execution: Execution,
    settings: SweepSettings,
    *,
    scorers: Sequence[Scorer],
    prefixes: Mapping[int, ArmPrefix],
    execution_id: str,
    store: Store,
) -> WorkersOutcome:
    """Run all cells on `settings.executor`.

    Args:
        lanes: The cells, in order.
        execution: What of an execution stays here: circumstances, attempts, progress, the sequential rule.
        settings: How they are run.
        scorers: Score the answers.
        prefixes: By `id` of the arm, what its requests begin with.
        execution_id: Names the execution.
        store: Where rows go.

    Raises:
        UsageError: The executor is none, or something of the sweep cannot be sent to it; nothing was run.
        WorkersLost: The executor or its workers went away; what was finished is stored.
        StoreError: A row could not be stored, or the workers do not see the store's folder.
    """
    pool = await WorkerPool.of(settings.executor)
    cells = [each.cell for lane in lanes for each in lane.cells]
    arms = list({id(cell.arm): cell.arm for cell in cells}.values())
    rows = batch_rows(len(cells), pool.workers, max(1, settings.concurrency // pool.processes))
    cut = batches(lanes, rows=rows, cache=settings.cache)
    order = SweepOrder(
        execution_id=execution_id,
        store=store.path.absolute(),
        settings=_share_of(settings, min(pool.processes, len(cut))),
        arms=tuple(arms),
        prefixes=tuple(prefixes[id(arm)] for arm in arms),
        scorers=tuple(scorers),
        circumstances=execution.circumstances,
    )
    packed = _checked(order, {id(cell.sample): cell.sample for cell in cells}.values())
    driver = _Driver(pool, order, packed=packed, execution=execution, store=store, settings=settings)
    return await driver.run(cut)


def _share_of(settings: SweepSettings, processes: int) -> SweepSettings:
    """One process's part of the limits, without what stays with the driver."""
    return replace(
        settings,
        concurrency=max(1, settings.concurrency // processes),
        rpm=None if settings.rpm is None else settings.rpm / processes,
        tpm=None if settings.tpm is None else settings.tpm / processes,
        budget_usd=None,
        executor=None,
        stopping=None,
        progress=False,
    )


def _checked(order: SweepOrder, samples: Iterable[object]) -> bytes:
    """The order, packed, once it was seen that it can be read again.

    Raises:
        UsageError: It cannot be; the message says what of it.
    """
    try:
        unpacked_on_worker(packed_for_worker(tuple(samples)))
        packed = packed_for_worker(order)
        unpacked_on_worker(packed)
    except Exception as error:
        check_shippable(
            order.arms, order.scorers, [("the clock", order.settings.clock), ("the dataset", tuple(samples))]
        )
        raise UsageError(f"the sweep cannot be sent to workers: {error}") from error
    return packed


@dataclass
class _Task:
    """A batch, waiting or on its way.

    Attributes:
        batch: Its cells.
        at_least: Share of the budget below which it need not be sent, in US dollars.
        deaths: Workers that died over it.
    """

    batch: CellBatch
    at_least: float = 0.0
    deaths: int = 0
    name: str = ""
    share: Share = Share(None, is_all=False)  # noqa: RUF009 - frozen


class _Driver:
    """One execution on workers."""

    def __init__(
        self,
        pool: WorkerPool,
        order: SweepOrder,
        *,
        packed: bytes,
        execution: Execution,
        store: Store,
        settings: SweepSettings,
    ) -> None:
        self._pool = pool
        self._order = order
        self._packed = packed
        self._execution = execution
        self._store = store
        self._shares = BudgetShares(execution.metering.budget)
        ahead = _AHEAD * pool.workers
        self._most = ahead if settings.concurrency >= pool.processes else min(ahead, settings.concurrency)
        self._arms = {id(arm): place for place, arm in enumerate(order.arms)}
        self._running = KeptFresh(RunningFile(order.store, order.execution_id))
        self._waiting: deque[_Task] = deque()
        self._flying: dict[asyncio.Future[BatchReport], _Task] = {}
        self._opened: set[str] = set()
        self._sent = 0
        self._fresh: set[str] = set()
        self._primed = 0.0
        self._stopped: str | None = None
        self._why: str | None = None

    async def run(self, cut: Sequence[CellBatch]) -> WorkersOutcome:
        """Bring all batches to their end."""
        self._waiting.extend(_Task(batch) for batch in cut)
        try:
            with self._running:
                await self._run_all()
        finally:
            with suppress(OSError):
                self._running.file.path.parent.rmdir()  # stays where anything is left in it
        return WorkersOutcome(frozenset(self._fresh), self._primed, self._why)

    async def _run_all(self) -> None:
        try:
            self._send()
            while self._flying:
                landed, _ = await asyncio.wait(
                    self._flying, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED
                )
                self._take(landed)
                self._send()
        finally:
            self._stop("interrupted")
            await self._land()

    async def _land(self) -> None:
        """Give what is on its way a little time, and store what there is."""
        if self._flying:
            landed, _ = await asyncio.wait(self._flying, timeout=_GRACE_S)
            with suppress(AgentlabError):  # one is being raised already
                self._take(landed)
        self._store.ingest_segments()

    # ------------------------------------------------------------ sending

    def _send(self) -> None:
        """Send what may be sent now."""
        while self._waiting and len(self._flying) < self._most:
            task = next((each for each in self._waiting if self._is_ready(each.batch)), None)
            if task is None:
                return
            among = min(self._most - len(self._flying), len(self._waiting))
            share = self._shares.take(at_least=task.at_least, among=among, is_alone=not self._flying)
            if share is None:
                return
            self._waiting.remove(task)
            self._submit(task, share)

    def _is_ready(self, batch: CellBatch) -> bool:
        """Whether no batch on its way is the first to send a prefix that this one begins with too."""
        ahead = {group for task in self._flying.values() for group in task.batch.groups}
        return not ((batch.groups - self._opened) & ahead)

    def _submit(self, task: _Task, share: Share) -> None:
        task.name, task.share = f"{self._order.execution_id}-{self._sent:05}", share
        self._sent += 1
        order = BatchOrder.of(task.name, task.batch, self._arms, self._execution.attempts, share.usd)
        future: asyncio.Future[Any] = asyncio.wrap_future(
            self._pool.submit(run_batch, self._packed, packed_for_worker(order))
        )
        # Read also where nobody waits any more: asyncio reports errors that are not.
        future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self._flying[future] = task

    # ------------------------------------------------------------ taking

    def _take(self, landed: Iterable[asyncio.Future[BatchReport]]) -> None:
        """Store what ended batches wrote, and see what of them is left.

        Raises:
            AgentlabError: A batch ended with an error, or was lost; what the others wrote is stored.
        """
        self._store.ingest_segments()
        self._count([each.cell for task in self._flying.values() for each in task.batch.cells])
        ended = [(self._flying.pop(future), future) for future in landed]
        failed: list[AgentlabError] = []
        for task, future in ended:
            try:
                self._settle(task, self._report(task, future))
            except AgentlabError as error:
                failed.append(error)
        if failed:
            raise failed[0]

    def _report(self, task: _Task, future: asyncio.Future[BatchReport]) -> BatchReport:
        """The report of a batch; the one beside the store, where it was lost on its way."""
        try:
            return _reported(future)
        except WorkersLost:
            found = BatchFiles(self._order.store, task.name).report
            if found is None:
                raise
            return found

    def _settle(self, task: _Task, report: BatchReport) -> None:
        self._shares.give_back(task.share, report.spent_usd)
        self._primed += report.primed_usd
        self._opened |= task.batch.groups
        self._check_arrived(report)
        BatchFiles(self._order.store, task.name).remove()
        self._again(task, report)

    def _count(self, cells: Sequence[Cell]) -> None:
        """Tell progress and the sequential rule of rows that have arrived."""
        new = {cell.key: cell for cell in cells if cell.key not in self._fresh}
        earlier = self._execution.attempts
        for key, row in self._store.get(list(new), messages=False).items():
            if row.attempt <= earlier.get(key, 0):
                continue  # the failed run that this one is to replace
            self._fresh.add(key)
            self._execution.progress.done(row)
            if self._execution.enough(new[key].as_named(row)):
                self._stop("the sequential rule has seen enough")

    def _check_arrived(self, report: BatchReport) -> None:
        missing = set(report.keys) - self._fresh
        if missing:
            raise StoreError(
                f"the worker {report.worker} finished {len(missing)} runs that did not arrive beside the store at "
                f"{self._order.store}; put the store in a folder that all workers share"
            )

    def _again(self, task: _Task, report: BatchReport) -> None:
        """Put what a batch left undone back, unless there is a reason that it was."""
        done = set(report.keys)
        left = [each for each in task.batch.cells if each.cell.key not in done]
        if not left or self._stopped:
            return
        if not report.found or not self._running.file.is_there:
            raise StoreUnusable(
                f"the worker {report.worker} does not see {self._running.file.path}; put the store in a folder that all "
                "workers share, and leave its folder of segments alone while a sweep runs"
            )
        deaths = task.deaths + (report.spent_usd is None)
        if deaths >= _DEATHS:
            raise WorkersLost(
                f"{deaths} workers died over the same {len(left)} cells, the first of sample "
                f"{left[0].cell.sample.sample_id!r}; finished rows are stored"
            )
        share = task.share.usd or 0.0
        if not done and report.refused:
            if task.share.is_all:
                self._why = "the budget is spent"
                self._waiting = deque(each for each in self._waiting if each.batch.lane != task.batch.lane)
                return
            share *= 2
        self._waiting.appendleft(_Task(rebatched(task.batch.lane, left), at_least=share, deaths=deaths))

    def _stop(self, why: str) -> None:
        """Let workers start nothing more, and send nothing more."""
        self._stopped = self._stopped or why
        self._why = self._why or (why if self._waiting else None)
        self._waiting.clear()
        self._running.remove()


def _reported(future: asyncio.Future[BatchReport]) -> BatchReport:
    """What a batch reported.

    Raises:
        WorkersLost: The executor lost it.
        AgentlabError: It ended with this error.
    """
    if future.cancelled():
        raise WorkersLost(
            "the executor dropped its tasks: it was shut down, or its cluster went away; finished rows are stored"
        )
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, AgentlabError):
        raise error
    raise WorkersLost(
        f"a worker went away ({type(error).__name__}: {error}). Finished rows are stored; run the plan again with a new "
        "executor"
    ) from error
