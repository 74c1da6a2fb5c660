"""Runs cells through the providers' half-price batch interfaces: one model call each, gathered and sent together.

What runs a batch once it is made is the provider, for hours: so an interrupt leaves it running, and the next run of the
plan takes up its answers. Slots and rates do not matter here; money does, and is bounded before anything is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from agentlab.agent.frames import provider_and_model
from agentlab.errors import UsageError
from agentlab.experiments.batch import (
    Batch,
    BatchStatus,
    Gathering,
    batch_price_multiplier,
    check_single_turn,
)
from agentlab.experiments.engine.local import Execution
from agentlab.experiments.engine.run_cell import run_cell
from agentlab.experiments.engine.schedule import Lane
from agentlab.experiments.metering import CallBounds
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.plan.settings import SweepSettings
from agentlab.experiments.store import Store

__all__ = ["StoreLedger", "check_batch", "run_in_batches"]


class StoreLedger:
    """Notes in the result store which batches were made, so that the next process finds them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> str | None:
        """The text kept under a name; None where there is none."""
        kept = self._store.meta.get(f"batch/{name}")
        return kept if isinstance(kept, str) else None

    def put(self, name: str, text: str) -> None:
        """Keep a text under a name."""
        self._store.note(f"batch/{name}", text)


def check_batch(lanes: Sequence[Lane], settings: SweepSettings) -> None:
    """Refuse what a batch cannot do.

    Raises:
        UsageError: Caches are to be prepared, or a sequential rule is to stop the sweep: a batch has no order.
        UnsupportedCapability: An agent may call its model twice, or its vendor has no batch interface.
    """
    if settings.cache != "natural":
        raise UsageError(
            f"`cache={settings.cache!r}` needs calls one after another, and a batch has no order; use `natural`, or "
            "leave the executor out"
        )
    if settings.stopping is not None:
        raise UsageError("a batch cannot be stopped early by a sequential rule: it is answered as a whole")
    for arm in {id(each.cell.arm): each.cell.arm for lane in lanes for each in lane.cells}.values():
        check_single_turn(arm.agent)


async def run_in_batches(
    lanes: Sequence[Lane], execution: Execution, settings: SweepSettings, batch: Batch, store: Store
) -> str | None:
    """Run all cells through batches.

    Args:
        lanes: The cells.
        execution: What they share.
        settings: How they are run.
        batch: How batches are sent.
        store: Notes which batches were made.

    Returns:
        Why cells were left out; None where none was.

    Raises:
        UsageError: See `check_batch`; nothing was sent.
    """
    check_batch(lanes, settings)
    cells = [each.cell for lane in lanes for each in lane.cells]
    affordable = _affordable(cells, settings)
    gathering = Gathering(
        batch,
        ledger=StoreLedger(store),
        on_progress=lambda status: execution.progress.waiting(_how_far(status)),
    )

    async def run(cell: Cell) -> None:
        agent = cell.arm.agent
        found = structs.replace(
            execution.circumstances, batch_api=True, attempt=execution.attempts.get(cell.key, 0) + 1
        )
        result = await run_cell(
            cell,
            agent.with_(model=gathering.model(agent.model, cell.key)),
            scorers=execution.scorers,
            clock=execution.clock,
            found=found,
            queue_s={},
        )
        execution.keep(result.row, result.trace)
        execution.progress.done(result.row)

    await gathering.finish([run(cell) for cell in affordable])
    left = len(cells) - len(affordable)
    return f"the budget has no room for {left} of {len(cells)} calls" if left else None


def _how_far(status: BatchStatus) -> str:
    answered = f"{status.succeeded + status.failed:,} of {status.total:,} answered"
    return f"batch at {status.vendor}: {status.status}, {answered}"


def _affordable(cells: Sequence[Cell], settings: SweepSettings) -> list[Cell]:
    """The first cells whose calls cannot cost more than the budget in all: a batch, once sent, is paid for."""
    if settings.budget_usd is None:
        return list(cells)
    bounds: dict[str, CallBounds] = {}
    spent, found = 0.0, []
    for cell in cells:
        model = cell.arm.agent.model
        if model.name not in bounds:
            bounds[model.name] = CallBounds(model.name, allow_unpriced=settings.allow_unpriced)
        at_most = bounds[model.name].of(cell.arm.agent.completion(cell.prompt), at=settings.clock.time()).usd
        spent += at_most * (batch_price_multiplier(provider_and_model(model.name)[0]) or 1.0)
        if spent > settings.budget_usd:
            break
        found.append(cell)
    return found
