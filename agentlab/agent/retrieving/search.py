"""Asks the indexes of an agent for one prompt: at the same time, each with a timeout, before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools
from agentlab.agent.retrieving.retrieved import Candidate, Found, candidate_of, merged, query_for, searches_of
from agentlab.agent.run import Run
from agentlab.agent.settings import AgentSettings
from agentlab.agent.telemetry import RunSpans
from agentlab.errors import RetrievalFailed, RunStopped
from agentlab.http import Clock
from agentlab.messages import RetrievalKind, RetrievalStarted, Retrieved, UserMessage

__all__ = ["Retrieval"]

_CLEANUP_S: Final = 5.0
_NO_QUERY: Final = "nothing was retrieved: neither the prompt nor the history has text to search with"


class _Answer(Struct, frozen=True):
    candidates: tuple[Candidate, ...]
    duration_s: float


class Retrieval:
    """The searches of one run.

    Before the first model call of a run whose agent has indexes they are made; else there are none.

    Args:
        settings: The agent.
        run: The run.
        spans: Telemetry of the run.
        clock: Time.

    Attributes:
        found: What the run tells the model, once `retrieved` has returned; None where nothing is searched for.
    """

    def __init__(self, settings: AgentSettings, run: Run, *, spans: RunSpans, clock: Clock) -> None:
        is_due = run.facts is None and run.turns_made == 0
        self._settings = settings
        self._run = run
        self._entries = searches_of(settings) if is_due else ()
        self._query = _query(run) if self._entries else None
        self._spans = spans
        self._clock = clock
        self.found: Found | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was left out of the request, and why."""
        return self.found.warnings if self.found is not None else ()

    def started(self) -> list[RetrievalStarted]:
        """What is going to be asked."""
        if self._query is None:
            return []
        return [
            RetrievalStarted(place, _kind(entry), entry.name, self._query)
            for place, entry in enumerate(self._entries)
        ]

    async def retrieved(self) -> list[Retrieved]:
        """Ask, and tell what each index found, in the order of the entries.

        Raises:
            RetrievalFailed: An index failed or took too long; the others are given up.
        """
        if not self._entries:
            return []
        if self._query is None:
            self.found = Found(warnings=(_NO_QUERY,))
            return []
        answers = await self._answers(self._query)
        self.found, hits = merged(self._settings, [answer.candidates for answer in answers])
        for entry, told in zip(self._entries, hits, strict=True):
            if _kind(entry) == "documents" and any(hit.used for hit in told):
                self._run.taint(f"documents of the index `{entry.name}`")
        return [
            Retrieved(place, _kind(entry), entry.name, self._query, hits[place], answers[place].duration_s)
            for place, entry in enumerate(self._entries)
        ]

    async def _answers(self, query: str) -> Sequence[_Answer]:
        tasks = [
            asyncio.create_task(self._answer(entry, query), name=f"retrieval {entry.name}")
            for entry in self._entries
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task, entry in zip(tasks, self._entries, strict=True):
                if task.cancelled():
                    raise _failed(entry, "cancelled itself")
                if task.done() and (error := task.exception()) is not None:
                    raise error
            return [task.result() for task in tasks]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_CLEANUP_S)
            for task in tasks:
                if task.done() and not task.cancelled():
                    task.exception()  # of two that fail at once only one is raised

    async def _answer(self, entry: DynamicContext | DynamicTools, query: str) -> _Answer:
        began = self._clock.monotonic()
        deadline = asyncio.timeout(entry.timeout_s)
        with self._spans.retrieval(entry.name, query, entry.n) as span:
            try:
                async with deadline:
                    hits = await entry.index.top_n(
                        query, entry.n, threshold=entry.threshold, filter=entry.filter
                    )
                candidates = tuple(candidate_of(hit, entry) for hit in hits[: entry.n])
            except RunStopped:
                raise  # the embedding model's own limit: no money left, no request wanted
            except Exception as error:
                if isinstance(error, TimeoutError) and deadline.expired():
                    raise _failed(entry, f"did not answer within {entry.timeout_s:g} s") from error
                raise _failed(entry, f"failed: {type(error).__name__}: {error}") from error
            span.found([(each.id, each.score) for each in candidates])
        return _Answer(candidates, self._clock.monotonic() - began)


def _query(run: Run) -> str | None:
    prompt = run.messages[0]
    assert isinstance(prompt, UserMessage)
    return query_for(prompt, run.history)


def _kind(entry: DynamicContext | DynamicTools) -> RetrievalKind:
    return "documents" if isinstance(entry, DynamicContext) else "tools"


def _failed(entry: DynamicContext | DynamicTools, what: str) -> RetrievalFailed:
    return RetrievalFailed(
        f"the index `{entry.name}` {what}; nothing was sent to the model, and `error.history` has the prompt and what "
        "came before it",
        index=entry.name,
    )
