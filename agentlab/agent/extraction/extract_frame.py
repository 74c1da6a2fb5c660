"""Extraction from many texts into a DataFrame."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Any, Final, Generic, TypeVar

import pandas as pd
from msgspec import structs

from agentlab.agent.agent import Prompt
from agentlab.agent.extraction.columns import columns_of
from agentlab.agent.extraction.extraction import answers_in
from agentlab.agent.extraction.extractor import Extractor
from agentlab.agent.extraction.row import PENDING, ExtractRow, bookkeeping
from agentlab.agent.extraction.text_budget import TextBudget
from agentlab.agent.extraction.texts import is_missing, texts_of
from agentlab.agent.frames import provider_and_model
from agentlab.agent.paid import paid_usd
from agentlab.agent.portal import run_sync
from agentlab.agent.run import Run
from agentlab.caching.prices import rates
from agentlab.errors import (
    AuthenticationFailed,
    BudgetSpent,
    MissingExtra,
    MissingKey,
    NotFound,
    UnsupportedCapability,
    UsageError,
)
from agentlab.models.price_loading import loading_prices
from agentlab.progress import ProgressOption, tracked
from agentlab.short_repr import one_line

__all__ = ["FrameExtraction"]

Output = TypeVar("Output")

_ALL_ALIKE: Final = (AuthenticationFailed, NotFound, UnsupportedCapability, MissingKey, MissingExtra)
"""Errors that say nothing of a text: as long as nothing has succeeded, they end the job."""

_EMPTY: Final = ExtractRow(
    status="error", error_type=UsageError.__name__, error="there is no text", cost_usd=0.0
)
_UNPAID: Final = ExtractRow(error_type=BudgetSpent.__name__, error="the budget has no room for this text")


class FrameExtraction(Generic[Output]):
    """A job: many texts, one row each. Made by `Extractor.extract_frame`.

        job = people.extract_frame(texts)
        frame = await job          # or job.run_sync()
        job.frame                  # at any time, also after an interrupt: what is done, the rest as `pending`
        frame = await job          # goes on with the rest

    One text that fails is a row with an error. The columns are those of the type, and then `status` (`ok`, `error`,
    `pending`), `error_type`, `error`, `warning`, `attempts`, the tokens, `cost_usd` and `duration_s`. A type's nested
    fields are named with dots between; a type without fields is the column `value`.

    Args:
        extractor: Extracts.
        texts: As in `Extractor.extract_frame`, and so are all others.
        column: Likewise.
        concurrency: Likewise.
        budget_usd: Likewise.
        prefix: Likewise.
        progress: Likewise.
    """

    def __init__(
        self,
        extractor: Extractor[Output],
        texts: Iterable[Prompt] | pd.Series | pd.DataFrame,
        *,
        column: str | None = None,
        concurrency: int = 8,
        budget_usd: float | None = None,
        prefix: str = "",
        progress: ProgressOption = "auto",
    ) -> None:
        if concurrency < 1:
            raise UsageError(f"`concurrency` is a number of texts, 1 or more, not {concurrency}")
        self._extractor = extractor
        self._texts, self._index = texts_of(texts, column)
        self._columns = columns_of(extractor.output)
        self._prefix = prefix
        self._concurrency = concurrency
        self._budget = TextBudget(budget_usd)
        self._progress = progress
        self._rows: list[ExtractRow] = [PENDING] * len(self._texts)
        self._running = False
        self._check_names()

    def __repr__(self) -> str:
        cost = "" if self.cost_usd is None else f", cost_usd={self.cost_usd:.4f}"
        return one_line(f"FrameExtraction({self.done}/{len(self)} texts, {self._extractor!r}{cost})")

    def __len__(self) -> int:
        return len(self._texts)

    def __await__(self) -> Generator[Any, None, pd.DataFrame]:
        return self.run().__await__()

    @property
    def done(self) -> int:
        """How many texts are done, with a value or an error."""
        return sum(row.status != "pending" for row in self._rows)

    @property
    def cost_usd(self) -> float | None:
        """What the texts cost that are done, in US dollars; None where a price is not known."""
        costs = [row.cost_usd for row in self._rows if row.status != "pending"]
        return None if None in costs else sum(cost for cost in costs if cost is not None)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a text, in the order of the texts; what is not done yet is `pending`."""
        values = [row.value for row in self._rows]
        own = {f"{self._prefix}{each.name}": each.series(values, self._index) for each in self._columns}
        return pd.DataFrame({**own, **bookkeeping(self._rows, self._index)}, index=self._index)

    async def run(self) -> pd.DataFrame:
        """Ask about every text that is not done, and give the frame.

        Cancelling it ends the texts under way; they stay `pending`, and what is done is kept.

        Raises:
            UsageError: It is running already, or there is a budget and no price for the model.
            AgentlabError: The key or the model is refused, before anything has succeeded.
        """
        if self._running:
            raise UsageError("this extraction is running already; await the first call")
        left = [place for place, row in enumerate(self._rows) if row.status == "pending"]
        self._running = True
        try:
            if left:
                await self._run(left)
        finally:
            self._running = False
        return self.frame

    def run_sync(self) -> pd.DataFrame:
        """`run` without `await`, in a script or a notebook; an interrupt keeps what is done and is raised again."""
        return run_sync(self.run)

    # ------------------------------------------------------------ internal

    async def _run(self, left: list[int]) -> None:
        if self._budget.limit_usd is not None:
            await self._check_price()
        todo = iter(left)
        changed = asyncio.Condition()
        bar = tracked(left, "extracting", unit="text", progress=self._progress)

        async def work() -> None:
            for place in todo:
                if not await self._begun(changed):
                    self._rows[place] = _UNPAID
                    return
                try:
                    await self._asked(place)
                finally:
                    self._budget.end(self._rows[place].cost_usd)
                next(bar, None)
                async with changed:
                    changed.notify_all()

        with closing(bar):
            next(bar, None)
            async with self._extractor.model.session():
                workers = [asyncio.create_task(work()) for _ in range(min(self._concurrency, len(left)))]
                try:
                    await asyncio.gather(*workers)
                finally:
                    for worker in workers:
                        worker.cancel()
                    await asyncio.gather(*workers, return_exceptions=True)
        self._rows = [_UNPAID if row is PENDING else row for row in self._rows]

    async def _begun(self, changed: asyncio.Condition) -> bool:
        """Wait until a text may be begun; whether one may."""
        async with changed:
            while (answer := self._budget.may_begin()) == "wait":
                await changed.wait()
            if answer == "yes":
                self._budget.begin()
            return answer == "yes"

    async def _asked(self, place: int) -> None:
        """Extract from one text; an error is told in its row.

        Raises:
            AgentlabError: The key or the model is refused, and nothing has succeeded yet.
        """
        text = self._texts[place]
        if is_missing(text):
            self._rows[place] = _EMPTY
            return
        agent = self._extractor.agent
        began = agent.clock.monotonic()
        run: Run | None = None
        failure: Exception | None = None
        try:
            run = agent.start(text)
            extraction = await self._extractor.finish(run, agent.resume(run))
            warning = "; ".join(extraction.warnings) or None
            row = ExtractRow(status="ok", value=extraction.value, warning=warning)
        except Exception as error:
            if isinstance(error, _ALL_ALIKE) and all(row.status != "ok" for row in self._rows):
                raise
            failure = error
            row = ExtractRow(status="error", error_type=type(error).__name__, error=str(error))
        self._rows[place] = structs.replace(
            row,
            attempts=0 if run is None else answers_in(run),
            usage=None if run is None else run.usage,
            cost_usd=0.0 if run is None else paid_usd(run, failure),
            duration_s=agent.clock.monotonic() - began,
        )

    async def _check_price(self) -> None:
        await loading_prices()
        name = self._extractor.model.name
        if not rates(*provider_and_model(name)).known:
            raise UsageError(
                f"a budget cannot be kept for `{name}`: the price table has no price for it; leave the budget out"
            )

    def _check_names(self) -> None:
        taken = bookkeeping([], pd.RangeIndex(0)).keys()
        for each in self._columns:
            if f"{self._prefix}{each.name}" in taken:
                raise UsageError(
                    f"the type has a field `{each.name}`, and the frame has a column of that name; pass "
                    "`prefix=`, such as `prefix='found_'`"
                )
