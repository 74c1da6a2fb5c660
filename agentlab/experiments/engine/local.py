"""The default engine: one event loop, lanes side by side, and every finished row stored before the next begins."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from agentlab.agent.agent import Agent
from agentlab.agent.heartbeat import heartbeat
from agentlab.agent.trace import Trace
from agentlab.errors import BudgetSpent, SweepStopped
from agentlab.experiments.engine.metering_session import MeteringSession
from agentlab.experiments.engine.prefix_groups import PrefixGroups
from agentlab.experiments.engine.progress import Progress, Silent
from agentlab.experiments.engine.run_cell import run_cell
from agentlab.experiments.engine.run_row import Circumstances
from agentlab.experiments.engine.schedule import Lane, PlannedCell
from agentlab.experiments.metering import CallMeter
from agentlab.experiments.rows import RunRow
from agentlab.experiments.scoring.scorer import Scorer
from agentlab.http import Clock, SystemClock
from agentlab.messages import Event

__all__ = ["Execution", "run_lanes"]


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Everything the cells of one execution share.

    Attributes:
        metering: Wraps models, so that calls wait for a slot and for money.
        groups: Prepares what cells share: primes, salts, holds followers back.
        keep: Stores a finished row and its trace.
        scorers: Score each answer.
        concurrency: Cells of one lane in flight at most.
        circumstances: What is the same for every row.
        attempts: Key to the executions of a cell before this one.
        progress: Told of every row.
        clock: Time.
        enough: Whether a sequential rule has seen enough; asked after every row.
        drained: Told when no cell of a lane waits to be started any more.
    """

    metering: MeteringSession
    groups: PrefixGroups
    keep: Callable[[RunRow, Trace], None]
    scorers: Sequence[Scorer]
    concurrency: int
    circumstances: Circumstances
    attempts: dict[str, int] = field(default_factory=dict)
    progress: Progress = field(default_factory=Silent)
    clock: Clock = field(default_factory=SystemClock)
    enough: Callable[[RunRow], bool] = lambda _: False
    drained: Callable[[], None] = lambda: None


async def run_lanes(lanes: Sequence[Lane], execution: Execution) -> None:
    """Run all cells.

    Cancelling it ends what is in flight; rows that were finished are stored.

    Raises:
        UsageError: Something is wrong with the experiment itself.
        StoreError: A row could not be stored; the sweep stops, because what is not kept should not be paid for.
    """
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(heartbeat())
        models = {
            id(model): model for lane in lanes for model in (each.cell.arm.agent.model for each in lane.cells)
        }
        for model in models.values():
            await stack.enter_async_context(model.session())
        try:
            async with asyncio.TaskGroup() as tasks:
                for lane in lanes:
                    waiting = deque(lane.cells)
                    for _ in range(min(execution.concurrency, len(lane.cells))):
                        tasks.create_task(_work(waiting, execution))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        except asyncio.CancelledError:
            execution.metering.stop("interrupted")
            raise


async def _work(waiting: deque[PlannedCell], execution: Execution) -> None:
    """Take cells until there are none, or the money or the user says stop.

    What the budget kept from ending is not stored: it is run when the sweep is run again.
    """
    while waiting and not execution.metering.stopped:
        planned = waiting.popleft()
        if not waiting:
            execution.drained()
        try:
            row = await _run(planned, execution)
        except BudgetSpent as spent:
            execution.metering.why = spent.reason
            waiting.clear()
            return
        except SweepStopped:
            return
        execution.progress.done(row)
        if execution.enough(row):
            execution.metering.stop("the sequential rule has seen enough")


async def _run(planned: PlannedCell, execution: Execution) -> RunRow:
    cell = planned.cell
    queued: dict[int, float] = {}

    def called(meter: CallMeter) -> None:
        queued[len(queued) + 1] = meter.queue_s

    def metered(agent: Agent) -> Agent:
        return agent.with_(model=execution.metering.model(agent.model, on_call=called))

    async with execution.groups.member(planned, execution.metering) as member:
        result = await run_cell(
            cell,
            metered(member.agent),
            scorers=execution.scorers,
            clock=execution.clock,
            found=member.circumstances(execution.circumstances, execution.attempts.get(cell.key, 0) + 1),
            queue_s=queued,
            on_event=_opener(member.opened),
        )
    execution.keep(result.row, result.trace)
    return result.row


def _opener(opened: Callable[[], None]) -> Callable[[Event], None]:
    """Tells a group that its leader's answer has begun."""
    from_here = False

    def on_event(event: Event) -> None:
        nonlocal from_here
        if not from_here and type(event).__name__.endswith(("Delta", "Finished")):
            from_here = True
            opened()

    return on_event
