"""One execution of a plan's cells: what they share is made here, an engine runs them, and every row is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from msgspec import Struct

from agentlab.agent.run import Run
from agentlab.agent.trace import Trace
from agentlab.experiments.batch import Batch
from agentlab.experiments.engine.batched import run_in_batches
from agentlab.experiments.engine.cache_state import ArmPrefix
from agentlab.experiments.engine.distributed import run_on_workers
from agentlab.experiments.engine.local import Execution, run_lanes
from agentlab.experiments.engine.metering_session import MeteringSession
from agentlab.experiments.engine.prefix_groups import PrefixGroups
from agentlab.experiments.engine.progress import Bar, Progress, Silent
from agentlab.experiments.engine.run_row import Circumstances
from agentlab.experiments.engine.schedule import Lane
from agentlab.experiments.engine.stopping import SequentialWatch
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.plan.settings import SweepSettings
from agentlab.experiments.rows import RunRow
from agentlab.experiments.scoring import Scorer
from agentlab.experiments.store import Store
from agentlab.progress import is_shown

__all__ = ["Outcome", "execute", "metered_scorers"]


class Outcome(Struct, frozen=True):
    """What came of an execution.

    Attributes:
        fresh: Keys of the cells it ran.
        primed_usd: What preparing caches cost.
        stopped: Why it ended before its last cell.
    """

    fresh: frozenset[str]
    primed_usd: float = 0.0
    stopped: str | None = None


async def execute(
    lanes: Sequence[Lane],
    store: Store,
    settings: SweepSettings,
    scorers: Sequence[Scorer],
    *,
    prefixes: Mapping[int, ArmPrefix],
    execution_id: str,
    planned: int,
    metering: MeteringSession,
    watch: SequentialWatch | None = None,
) -> Outcome:
    """Run cells and store their rows.

    Args:
        lanes: The cells, in order.
        store: Where finished rows go.
        settings: How they are run.
        scorers: Score the answers.
        prefixes: By `id` of the arm, what its requests begin with.
        execution_id: Names this execution.
        planned: Cells of the plan, stored ones included.
        metering: The limits: slots, rates, money.
        watch: Says when enough was seen.
    """
    cells = {each.cell.key: each.cell for lane in lanes for each in lane.cells}
    fresh: set[str] = set()
    primed = 0.0

    def keep(row: RunRow, trace: Trace) -> None:
        store.put(row, cells[row.cell_key].cell_key, trace=trace.to_json())
        fresh.add(row.cell_key)

    def count_prime(run: Run) -> None:
        nonlocal primed
        primed += run.cost_usd or 0.0

    progress = _progress(settings)
    execution = Execution(
        metering=metering,
        groups=PrefixGroups(settings.cache, execution_id, prefixes, settings.clock, count_prime),
        keep=keep,
        scorers=metered_scorers(scorers, metering),
        concurrency=settings.concurrency,
        circumstances=_circumstances(settings),
        attempts=_attempts(store, cells),
        progress=progress,
        clock=settings.clock,
        enough=watch.enough if watch is not None else _never,
    )
    progress.start(planned, planned - len(cells))
    try:
        if isinstance(settings.executor, Batch):
            metering.why = await run_in_batches(lanes, execution, settings, settings.executor, store)
        elif settings.executor is not None:
            done = await run_on_workers(
                lanes,
                execution,
                settings,
                scorers=scorers,
                prefixes=prefixes,
                execution_id=execution_id,
                store=store,
            )
            fresh |= done.fresh
            primed += done.primed_usd
            metering.why = done.why
        else:
            await run_lanes(lanes, execution)
    finally:
        progress.close()
    why = watch.why if watch is not None else None
    return Outcome(frozenset(fresh), primed, why or metering.why)


def _never(_: RunRow) -> bool:
    return False


def _attempts(store: Store, cells: Mapping[str, Cell]) -> dict[str, int]:
    """Key to how often a cell was run before, for those that failed."""
    return {key: row.attempt for key, row in store.get(list(cells), messages=False).items()}


def _progress(settings: SweepSettings) -> Progress:
    return Bar() if is_shown(settings.progress) else Silent()


def _circumstances(settings: SweepSettings) -> Circumstances:
    return Circumstances(
        duration_s=0.0,
        code_version=version("agentlab"),
        price_source=f"genai-prices {version('genai-prices')}",
        price_as_of=datetime.fromtimestamp(settings.clock.time(), UTC).date().isoformat(),
    )


def metered_scorers(scorers: Sequence[Scorer], metering: MeteringSession) -> list[Scorer]:
    """The scorers; those that ask a model wait for the same slots and the same money."""
    return [metering.scorer(scorer) for scorer in scorers]
