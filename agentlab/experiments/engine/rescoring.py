"""Scores stored runs that a scorer has not seen: a scorer can be added or changed, and nothing is run again.

A score is made anew where there is none of that name, where the scorer is not the one that made it, and where it is an
error. A run that failed has no scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from agentlab.agent.trace import Trace
from agentlab.errors import CellsNotStored
from agentlab.experiments.engine.run_cell import scored_row
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.rows import RunRow
from agentlab.experiments.scoring import AsksModel, PinnedScorer, Scorer
from agentlab.experiments.store import Store
from agentlab.messages import Message, TurnFinished
from agentlab.progress import ProgressOption, tracked

__all__ = ["missing_scorers", "offline_scores", "rescore"]


async def rescore(
    cells: Sequence[Cell],
    rows: Mapping[str, RunRow],
    scorers: Sequence[Scorer],
    store: Store,
    *,
    progress: ProgressOption = False,
) -> None:
    """Score what is stored and lacks a score, and store that.

    Args:
        cells: The plan's cells.
        rows: Key to stored row.
        scorers: The plan's scorers, metered where they ask a model.
        store: Where the traces are, and the scores go.
        progress: Whether a bar is shown where it takes long.
    """
    found = ((cell, rows[cell.key]) for cell in cells if cell.key in rows)
    todo = [(cell, row, missing) for cell, row in found if (missing := missing_scorers(row, scorers))]
    for cell, row, missing in tracked(todo, "scores", unit="run", progress=progress):
        scored = await scored_row(cell.as_named(row), cell, missing, _said(store, cell.key))
        store.put_scores(cell.key, scored.scores)


async def offline_scores(
    cells: Sequence[Cell], rows: Mapping[str, RunRow], scorers: Sequence[Scorer], store: Store
) -> dict[str, RunRow]:
    """Rows with every score of the plan, made here where the store lacks it; nothing is sent and nothing stored.

    Raises:
        CellsNotStored: A judging model's verdict is not stored.
    """
    found = dict(rows)
    judges = {scorer.name for scorer in scorers if isinstance(scorer, AsksModel) and scorer.asks_model}
    pinned = [PinnedScorer(scorer) for scorer in scorers]
    for cell in cells:
        row = rows[cell.key]
        missing = missing_scorers(row, pinned)
        asked = [scorer.name for scorer in missing if scorer.name in judges]
        if asked:
            raise CellsNotStored(
                f"the verdict of `{asked[0]}` on sample {cell.sample.sample_id!r} is not stored as the judge is now; run "
                "the sweep once without AGENTLAB_REPLAY to store it",
                missing=[cell.key],
                changed=[f"score_{asked[0]}"],
            )
        if missing:
            scored = await scored_row(cell.as_named(row), cell, missing, _said(store, cell.key))
            kept = [score for score in row.scores if score.scorer not in {each.name for each in missing}]
            found[cell.key] = structs.replace(row, scores=(*kept, *scored.scores))
    return found


def missing_scorers(row: RunRow, scorers: Sequence[Scorer]) -> tuple[Scorer, ...]:
    """The scorers that have not seen a run, or could not tell."""
    if row.status != "ok":
        return ()
    known = {score.scorer: score for score in row.scores}
    return tuple(
        scorer
        for scorer in scorers
        if (score := known.get(scorer.name)) is None
        or score.fingerprint != scorer.fingerprint
        or score.error is not None
    )


def _said(store: Store, key: str) -> tuple[Message, ...]:
    """Everything that was said in a stored run; nothing where its trace was not kept."""
    text = store.trace(key)
    if text is None:
        return ()
    trace = Trace.from_json(text)
    last = [turn.message for turn in trace.of(TurnFinished)][-1:]
    return (*(trace.asked[-1].messages if trace.asked else ()), *last)
