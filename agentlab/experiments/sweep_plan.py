"""A sweep before, while and after it runs: what it will cost, and what came of it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
from collections.abc import Generator, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from agentlab.agent.portal import run_sync
from agentlab.caching.visible_text import visible
from agentlab.errors import UsageError
from agentlab.experiments.engine.cache_state import ArmPrefix, prefix_of
from agentlab.experiments.engine.execute import Outcome, execute, metered_scorers
from agentlab.experiments.engine.metering_session import MeteringSession
from agentlab.experiments.engine.rescoring import offline_scores, rescore
from agentlab.experiments.engine.schedule import Lane, lanes
from agentlab.experiments.engine.stopping import SequentialWatch
from agentlab.experiments.plan.axes import Arm, Axis
from agentlab.experiments.plan.cells import Cell, cells_of
from agentlab.experiments.plan.estimate import Estimate, estimated
from agentlab.experiments.plan.preflight import check_arms, check_templates, unpriced_models
from agentlab.experiments.plan.settings import SweepSettings
from agentlab.experiments.results import Results
from agentlab.experiments.rows import RunRow
from agentlab.experiments.sample import Sample
from agentlab.experiments.scoring import Scorer, preflight
from agentlab.experiments.statistics import minimum_detectable_effect
from agentlab.experiments.store import Store
from agentlab.experiments.store.own_folder import OwnFolder
from agentlab.experiments.store.replaying import WantedCell, is_strict, strict_replay
from agentlab.short_repr import one_line

__all__ = ["Plan"]


class Plan:
    """A sweep, ready to run. Shown or printed, it says what it will cost; nothing is sent until it is run.

    Made by `sweep`, `grid` and `compare`. Running it again makes only the runs that are not stored.

    Args:
        axes: What varies.
        arms: Every combination.
        samples: The dataset.
        scorers: Score the answers.
        settings: How it is run.

    Raises:
        UsageError: A template or an arm cannot be run; nothing was sent.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        arms: Sequence[Arm],
        samples: Sequence[Sample],
        scorers: Sequence[Scorer],
        settings: SweepSettings,
    ) -> None:
        check_templates(arms, samples)
        self.axes = tuple(axes)
        self.arms = tuple(arms)
        self.samples = tuple(samples)
        self.scorers = tuple(scorers)
        self.settings = settings
        self.cells: tuple[Cell, ...] = cells_of(
            arms, samples, repeats=settings.repeats, seed=settings.seed, cache=settings.cache
        )
        check_arms(self.cells)
        self._refuse_equal_arms()

    @cached_property
    def sweep_id(self) -> str:
        """Name of the sweep: a hash of its cells, so that it is the same wherever it is made."""
        keys = json.dumps([cell.key for cell in self.cells]).encode()
        return hashlib.sha256(keys).hexdigest()[:12]

    @cached_property
    def store_path(self) -> Path:
        """The file that keeps finished rows; one of its own where none was named, which goes with plan and results."""
        if self.settings.store is not None:
            return self.settings.store
        return self._own_folder.path / "sweep.agentlab.db"

    @cached_property
    def _own_folder(self) -> OwnFolder:
        return OwnFolder()

    # ------------------------------------------------------------ looking ahead

    def stored(self) -> dict[str, RunRow]:
        """Key to row of the cells that are stored already."""
        if not self.store_path.exists():
            return {}
        with Store.open(self.store_path, read_only=True) as store:
            return store.get([cell.key for cell in self.cells], messages=False)

    def estimate(self) -> Estimate:
        """What the cells that are not stored will cost and take."""
        return estimated(
            self.cells,
            self.stored(),
            {number: prefix.readable for number, prefix in self._prefixes.items()},
            cache=self.settings.cache,
            concurrency=self.settings.concurrency,
        )

    def detectable(self) -> float:
        """The smallest difference of a pass/fail score that so many rows find with 80 % power; NaN with one arm.

        Pairing makes a real comparison sharper: this is what can be promised before there is any data.
        """
        if len(self.arms) < 2:
            return math.nan
        clusters = len({sample.cluster_id for sample in self.samples})
        return minimum_detectable_effect(
            clusters, questions_per_cluster=len(self.samples) / clusters, comparisons=len(self.arms) - 1
        )

    # ------------------------------------------------------------------ running

    async def run(self, *, retry_errors: bool = False, limit: int | None = None) -> Results:
        """Run the cells that are not stored.

        An interrupt ends it, and every finished row is kept; run it again to go on. With the environment variable
        `AGENTLAB_REPLAY=strict` nothing is sent: the store answers, or the error names what changed.

        Args:
            retry_errors: Whether stored runs that ended with an error are made again.
            limit: Run only so many rows of the dataset: a pilot, from which estimates get sharper.

        Returns:
            All stored rows of the plan, old and new.

        Raises:
            UsageError: A scorer cannot score the dataset, or a model has no price and the budget needs one.
            StoreError: The store cannot be written, or lacks a cell in strict replay.
        """
        if is_strict(os.environ):
            return await self._replayed()
        await preflight(self.scorers, self.samples)
        self._refuse_unpriced()
        wanted = self.cells if limit is None else self._of_first(limit)
        metering = MeteringSession(self.settings)
        with Store.open(self.store_path) as store:
            store.ingest_segments()
            known = store.statuses()
            # Where arms differ for some samples alone, the others' cells are the same cell.
            todo = {
                cell.key: cell
                for cell in wanted
                if cell.key not in known or (retry_errors and known[cell.key] == "error")
            }
            outcome = (
                await execute(
                    self._lanes(list(todo.values())),
                    store,
                    self.settings,
                    self.scorers,
                    prefixes=self._prefixes,
                    execution_id=f"{self.sweep_id}-{secrets.token_hex(4)}",
                    planned=len(wanted),
                    metering=metering,
                    watch=self._watch(wanted),
                )
                if todo
                else Outcome(frozenset())
            )
            stored = store.get([cell.key for cell in wanted], messages=False)
            scorers = metered_scorers(self.scorers, metering)
            await rescore(wanted, stored, scorers, store, progress=self.settings.progress)
            return self._results(store.get([cell.key for cell in self.cells]), outcome)

    def run_sync(self, *, retry_errors: bool = False, limit: int | None = None) -> Results:
        """`run` without `await`, in a script or a notebook."""
        return run_sync(self.run, retry_errors=retry_errors, limit=limit)

    async def pilot(self, rows: int = 5) -> Results:
        """Run the first rows of the dataset, and keep them; the plan's estimates are sharper afterwards."""
        return await self.run(limit=rows)

    def __await__(self) -> Generator[Any, None, Results]:
        return self.run().__await__()

    # ------------------------------------------------------------------ showing

    def __repr__(self) -> str:
        shape = " x ".join(
            [*(f"{len(axis.levels)} {axis.name}" for axis in self.axes), f"{len(self.samples):,} samples"]
        )
        return one_line(f"Plan({self.sweep_id}, {shape}, {len(self.cells):,} cells)")

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's
        printer.text(str(self))

    def __str__(self) -> str:
        return visible(
            "\n".join([f"Plan {self.sweep_id}", *(f"  {name:<9} {value}" for name, value in self._facts())])
        )

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in self._facts()
        )
        return (
            '<div class="mathjax_ignore tex2jax_ignore">'
            f"<strong>Plan {self.sweep_id}</strong><table>{rows}</table></div>"
        )

    def _facts(self) -> list[tuple[str, str]]:
        estimate = self.estimate()
        stored = len(self.cells) - estimate.cells
        shape = " x ".join(
            [f"{len(axis.levels)} {axis.name}" for axis in self.axes]
            + [
                f"{len(self.samples):,} samples",
                f"{self.settings.repeats} repeat{'s' * (self.settings.repeats > 1)}",
            ]
        )
        facts = [
            ("cells", f"{shape} = {len(self.cells):,}"),
            ("stored", f"{stored:,}; {estimate.cells:,} to run"),
            ("cost", _dollars(estimate, self.settings.budget_usd)),
            (
                "time",
                f"about {_span(estimate.seconds[1])} [{_span(estimate.seconds[0])} - {_span(estimate.seconds[2])}]",
            ),
            ("cache", f"{self.settings.cache}; sharing prefixes saves about ${estimate.saved_usd:.2f}"),
        ]
        detects = _detects(self.detectable())
        if detects:
            facts.append(("detects", detects))
        for name, hint in unpriced_models(self.arms).items():
            facts.append(("no price", f"{name}: {hint}"))
        return facts

    # ------------------------------------------------------------------ its parts

    @cached_property
    def _prefixes(self) -> dict[int, ArmPrefix]:
        return {id(arm): prefix_of(arm.agent) for arm in self.arms}

    def _lanes(self, cells: Sequence[Cell]) -> tuple[Lane, ...]:
        return lanes(
            cells, self._prefixes, cache=self.settings.cache, by_sample=self.settings.stopping is not None
        )

    def _watch(self, cells: Sequence[Cell]) -> SequentialWatch | None:
        """What says that a sweep may end early. Stored rows are no part of it: they were looked at when they were made."""
        stopping = self.settings.stopping
        if stopping is None:
            return None
        labels = {axis.name: axis.labels for axis in self.axes}
        if stopping.axis not in labels or len(labels[stopping.axis]) < 2:
            raise UsageError(
                f"the sweep cannot stop early by `{stopping.axis}`: its axes are {', '.join(labels) or 'none'}, and it "
                "takes two levels to compare"
            )
        runs = len(self.arms) // len(labels[stopping.axis]) * self.settings.repeats
        questions = len({cell.sample.sample_id for cell in cells})
        return SequentialWatch(stopping, labels[stopping.axis], questions, runs)

    def _of_first(self, rows: int) -> tuple[Cell, ...]:
        if rows < 1:
            raise UsageError(f"a pilot needs 1 row or more, not {rows}")
        chosen = {sample.sample_id for sample in self.samples[:rows]}
        return tuple(cell for cell in self.cells if cell.sample.sample_id in chosen)

    def _results(self, found: Mapping[str, RunRow], outcome: Outcome) -> Results:
        # Labels are names, and so are scorers': a store may have been filled by a sweep that had others.
        names = {scorer.name for scorer in self.scorers}
        rows = [cell.as_named(found[cell.key], names) for cell in self.cells if cell.key in found]
        return Results(
            rows,
            {axis.name: axis.labels for axis in self.axes},
            store=self.store_path,
            sweep_id=self.sweep_id,
            fresh=outcome.fresh,
            planned=len(self.cells),
            primed_usd=outcome.primed_usd,
            stopped=outcome.stopped,
            keeps=self._own_folder if self.settings.store is None else None,
        )

    async def _replayed(self) -> Results:
        wanted = [
            WantedCell(cell.cell_key, cell.sample.sample_id, cell.repeat, dict(cell.arm.levels))
            for cell in self.cells
        ]
        with Store.open(self.store_path, read_only=True) as store:
            rows = strict_replay(store, wanted, self.store_path.name)
            rows = await offline_scores(self.cells, rows, self.scorers, store)
            return self._results(rows, Outcome(frozenset()))

    def _refuse_unpriced(self) -> None:
        """Refuse models without a price: all of them where there is a budget, else those that are near a known name."""
        if self.settings.allow_unpriced:
            return
        unknown = unpriced_models(self.arms)
        if self.settings.budget_usd is None:
            unknown = {name: hint for name, hint in unknown.items() if hint.startswith("did you mean")}
        if not unknown:
            return
        said = "; ".join(f"`{name}` ({hint})" for name, hint in unknown.items())
        why = "no price is known" if self.settings.budget_usd is None else "a budget cannot be kept"
        raise UsageError(
            f"{why} for {said}. Correct the name, or pass `allow_unpriced=True` to run it without counting its cost"
        )

    def _refuse_equal_arms(self) -> None:
        keys: dict[int, list[str]] = {}
        for cell in self.cells[: len(self.arms) * len(self.samples)]:
            keys.setdefault(id(cell.arm), []).append(cell.key)
        first: dict[tuple[str, ...], str] = {}
        for arm in self.arms:
            other = first.setdefault(tuple(keys[id(arm)]), arm.name)
            if other != arm.name:
                raise UsageError(
                    f"the arms `{other}` and `{arm.name}` would send the same requests: there is nothing to compare"
                )


def _detects(difference: float) -> str:
    """What the plan can show; empty where there is nothing to compare."""
    if math.isnan(difference):
        return ""
    if difference > 1:
        return "no difference of a pass/fail score for sure: too few groups of questions"
    return f"a difference of {difference:.1%} in a pass/fail score (80 % power, 95 % confidence)"


def _dollars(estimate: Estimate, budget: float | None) -> str:
    low, likely, high = estimate.usd
    if math.isnan(likely):
        said = "unknown: no model has a known price"
    else:
        said = f"about ${likely:.2f} [{low:.2f} - {high:.2f}]"
        said += f", without {len(estimate.unpriced)} unpriced" if estimate.unpriced else ""
    return said + (f"; budget ${budget:g}" if budget is not None else "")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
