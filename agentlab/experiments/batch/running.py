"""Carries out the steps of batches, all at once, and hands out what came of their calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import aclosing, closing
from typing import TypeAlias
from uuid import uuid4

from agentlab.errors import ModelError, ProtocolError, ResponseTimeout
from agentlab.experiments.batch.anthropic import AnthropicBatchApi
from agentlab.experiments.batch.api import BatchApi, BatchStatus, ItemResult
from agentlab.experiments.batch.call import BatchOutcome, EncodedCall, wire_id
from agentlab.experiments.batch.decoding import outcome_of
from agentlab.experiments.batch.handing_out import HandingOut
from agentlab.experiments.batch.job import Answer, BatchJob, Close, Fail, Fetch, Note, Send, Step, Tell, Wait
from agentlab.experiments.batch.ledger import BatchRecord, Records
from agentlab.experiments.batch.openai import OpenAIBatchApi
from agentlab.experiments.batch.packing import pack
from agentlab.experiments.batch.sending import BatchSender
from agentlab.http import Clock

__all__ = ["BatchRun", "OnProgress", "OnResult", "batch_apis"]

OnResult: TypeAlias = Callable[[str, BatchOutcome], Awaitable[None]]
OnProgress: TypeAlias = Callable[[BatchStatus], None]


def batch_apis() -> dict[str, BatchApi]:
    """The interfaces by the name they have in `vendors.toml`."""
    return {"openai": OpenAIBatchApi(), "anthropic": AnthropicBatchApi()}


class BatchRun:
    """Brings calls to their outcomes.

    Args:
        records: What is known of batches.
        clock: Time.
        poll_s: Seconds between two looks at a batch.
        max_wait_s: Seconds after which it gives up waiting; None never does.
        on_result: Awaited for each outcome; those of a batch side by side.
        on_progress: Told how far each batch is, at every look.

    Attributes:
        running: Batches made or found that have not ended: provider's id to vendor.
    """

    def __init__(
        self,
        records: Records,
        *,
        clock: Clock,
        poll_s: float,
        max_wait_s: float | None,
        on_result: OnResult,
        on_progress: OnProgress,
    ) -> None:
        self.running: dict[str, str] = {}
        self._records = records
        self._clock = clock
        self._poll_s = poll_s
        self._ends_at = None if max_wait_s is None else clock.monotonic() + max_wait_s
        self._max_wait_s = max_wait_s
        self._on_result = on_result
        self._on_progress = on_progress
        self._apis = batch_apis()
        self._known: set[str] = set()

    async def finish(self, calls: Iterable[EncodedCall]) -> None:
        """Bring every call to its outcome: in a batch that has it already, else in a new one."""
        left = list(calls)
        while left:
            followed = [_Followed(self, job) for job in self._jobs(left)]
            await _together([each.finish() for each in followed])
            left = [call for each in followed for call in each.left]

    def _jobs(self, calls: list[EncodedCall]) -> list[BatchJob]:
        """Batches of earlier processes that hold some of the calls, then new ones for the rest."""
        waiting = {call.wire_id: call for call in calls}
        records = self._records.open()
        self._known |= {record.batch_id for record in records if record.batch_id and not record.found}
        jobs = []
        for record in records:
            names = [wire_id(each) for each in record.custom_ids]
            own = [waiting[name] for name in names if name in waiting and _is_of(record, waiting[name])]
            for call in own:
                del waiting[call.wire_id]
            if own:
                api = self._apis[own[0].vendor.api]
                jobs.append(BatchJob(api, record, own, fresh=False, known_ids=self._known))
        for part in pack(tuple(waiting.values()), self._apis):
            record = _planned(part, self._clock.time())
            jobs.append(
                BatchJob(self._apis[part[0].vendor.api], record, part, fresh=True, known_ids=self._known)
            )
        return jobs

    async def wait(self, seconds: float | None) -> None:
        """Wait; the usual time where None.

        Raises:
            ResponseTimeout: The run has waited for as long as it may.
        """
        span = self._poll_s if seconds is None else seconds
        if self._ends_at is not None and self._clock.monotonic() + span > self._ends_at:
            raise ResponseTimeout(f"no end of the batches after {self._max_wait_s:g} s")
        await self._clock.sleep(span)

    def note(self, record: BatchRecord) -> None:
        """Keep a record."""
        self._records.put(record)
        if record.batch_id is not None:
            self.running[record.batch_id] = record.vendor
            if not record.found:
                self._known.add(record.batch_id)

    def close(self, record: BatchRecord) -> None:
        """Forget a record."""
        self._records.close(record)

    def hand_over(self, record: BatchRecord, custom_ids: set[str]) -> None:
        """Note which outcomes were handed out."""
        self._records.hand_over(record, custom_ids)

    def tell(self, status: BatchStatus) -> None:
        """Say how far a batch is."""
        self._on_progress(status)

    async def hand_out(self, call: EncodedCall, outcome: BatchOutcome) -> None:
        """Hand out an outcome."""
        await self._on_result(call.call.custom_id, outcome)

    def sender(self, call: EncodedCall) -> BatchSender:
        """Who speaks with the account of a call."""
        return BatchSender(call.call.model, self._clock)


class _Followed:
    """One batch on its way.

    Attributes:
        left: Calls that must go into another batch.
    """

    def __init__(self, run: BatchRun, job: BatchJob) -> None:
        self.left: tuple[EncodedCall, ...] = ()
        self._run = run
        self._job = job
        self._sender = run.sender(job.calls[0])
        self._waiting = {call.wire_id: call for call in job.calls}

    async def finish(self) -> None:
        """Do what the job says until it is done."""
        job = self._job
        if job.record.batch_id is not None:
            self._run.note(job.record)
        with closing(job.steps()) as steps:
            step = next(steps)
            while True:
                answer = await self._done(step)
                try:
                    step = steps.send(answer)
                except StopIteration as stopped:
                    finished: bool = stopped.value
                    break
        if not finished:
            self.left = job.calls
            return
        self._run.running.pop(job.record.batch_id or "", None)
        self._run.hand_over(job.record, {call.call.custom_id for call in job.calls})

    async def _done(self, step: Step) -> Answer:
        match step:
            case Send(request, once):
                return await self._sender.send(request, once=once)
            case Wait(seconds):
                await self._run.wait(seconds)
            case Note(record):
                self._run.note(record)
            case Close(record):
                self._run.close(record)
            case Tell(state):
                vendor, total = self._job.record.vendor, state.total or self._job.record.count
                self._run.tell(
                    BatchStatus(state.id, vendor, state.status, total, state.succeeded, state.failed)
                )
            case Fetch():
                return await self._fetched(step)
            case Fail(error):
                await self._failed(error)
        return Answer()

    async def _fetched(self, step: Fetch) -> Answer:
        """Hand out the results as they come; those handed out before are left out."""
        own = {wire_id(each) for each in self._job.record.custom_ids}
        broken: ModelError | None = None
        async with HandingOut() as handing, aclosing(self._sender.lines(step.request)) as lines:
            try:
                async for line in lines:
                    item = self._read(line)
                    if item is not None and step.foreign_stops and item.wire_id not in own:
                        return Answer(foreign=True)
                    call = None if item is None else self._waiting.pop(item.wire_id, None)
                    if item is not None and call is not None:
                        outcome = outcome_of(item, call, step.state)
                        await handing.start(self._run.hand_out(call, outcome))
            except ModelError as error:
                broken = error  # what came before it is handed out all the same
        return Answer(error=broken)

    def _read(self, line: bytes) -> ItemResult | None:
        """A line of the results; one that cannot be read must not cost the others, its call gets an error later."""
        try:
            return self._job.api.item(line)
        except ProtocolError:
            return None

    async def _failed(self, error: ModelError) -> None:
        async with HandingOut() as handing:
            for name, call in list(self._waiting.items()):
                own = type(error)(
                    f"{call.call.model.name}: {error}", status=error.status, code=error.code, body=error.body
                )
                await handing.start(self._run.hand_out(call, call.call.model.redacted(own)))
                del self._waiting[name]


async def _together(works: list[Awaitable[None]]) -> None:
    """Do all at once; the first failure ends the others, whose batches go on at the provider."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


def _is_of(record: BatchRecord, call: EncodedCall) -> bool:
    model = call.call.model
    return (record.vendor, record.base_url) == (model.vendor.name, model.base_url)


def _planned(part: list[EncodedCall], now: float) -> BatchRecord:
    model = part[0].call.model
    return BatchRecord(
        key=uuid4().hex,
        vendor=model.vendor.name,
        base_url=model.base_url,
        count=len(part),
        custom_ids=tuple(call.call.custom_id for call in part),
        planned_at=now,
    )
