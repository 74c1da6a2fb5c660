"""Runs one cell: asks its agent, scores the answer, and gives the row and the trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, structs

from agentlab.agent.agent import Agent
from agentlab.agent.trace import Trace
from agentlab.errors import AgentlabError, SweepStopped
from agentlab.experiments.engine.run_row import Circumstances, run_row
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.rows import RunRow
from agentlab.experiments.scoring.scorer import ScoredRun, Scorer
from agentlab.http import Clock
from agentlab.messages import Event, Message

__all__ = ["CellResult", "run_cell", "scored_row"]


class CellResult(Struct, frozen=True):
    """A finished cell.

    Attributes:
        row: Its row, scores included.
        trace: Its record.
    """

    row: RunRow
    trace: Trace


async def run_cell(
    cell: Cell,
    agent: Agent,
    *,
    scorers: Sequence[Scorer],
    clock: Clock,
    found: Circumstances,
    queue_s: Mapping[int, float],
    on_event: Callable[[Event], None] = lambda _: None,
) -> CellResult:
    """Run a cell.

    Args:
        cell: What is run.
        agent: The arm's agent as it is to be asked: metered, salted.
        scorers: Score the answer.
        clock: Time.
        found: What is known of the run beside its trace; its times are filled in here.
        queue_s: Turn to seconds waited for a slot; filled while the run goes on.
        on_event: Sees every event.

    Returns:
        The row, also of a run that failed: what a model or a tool did wrong is a result.

    Raises:
        SweepStopped: The execution was stopped, or has no money for it: nothing is said of its agent.
    """
    began = clock.monotonic()
    stream = agent.stream_prompt(cell.prompt)
    error: AgentlabError | None = None
    try:
        async for event in stream:
            on_event(event)
    except AgentlabError as raised:
        if isinstance(raised, SweepStopped):
            raise
        error = raised
    finally:
        await stream.aclose()
    known = structs.replace(found, duration_s=clock.monotonic() - began, queue_s=queue_s)
    row = run_row(cell, stream.trace, stream.run.text, error, known)
    if error is None:
        row = await scored_row(row, cell, scorers, tuple(stream.run.messages))
    return CellResult(row, stream.trace)


async def scored_row(
    row: RunRow, cell: Cell, scorers: Sequence[Scorer], messages: tuple[Message, ...] = ()
) -> RunRow:
    """The row with what every scorer says."""
    run = ScoredRun(sample=cell.sample, output=row.output, messages=messages, row=row)
    scores = [structs.replace(await scorer.score(run), fingerprint=scorer.fingerprint) for scorer in scorers]
    return structs.replace(row, scores=tuple(scores))
