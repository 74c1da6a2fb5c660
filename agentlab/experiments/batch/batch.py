"""`Batch`: model calls through the providers' half-price batch interfaces."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence
from typing import Final

from agentlab.errors import AuthenticationFailed, ModelError, ResponseTimeout, UsageError
from agentlab.experiments.batch.api import BatchStatus
from agentlab.experiments.batch.call import BatchCall, BatchOutcome, encode_calls
from agentlab.experiments.batch.ledger import BatchLedger, JsonFileLedger, Records
from agentlab.experiments.batch.running import BatchRun, OnProgress, OnResult, batch_apis
from agentlab.experiments.batch.sending import BatchSender
from agentlab.experiments.batch.vendors import batch_vendor
from agentlab.http import Clock, SystemClock
from agentlab.models.model import WireModel

__all__ = ["Batch"]

_LOG: Final = logging.getLogger("agentlab.experiments.batch")
_RESUME: Final = (
    "Nothing is lost: they go on at the provider. Run the same again, with the same store, to fetch their answers; "
    "`await batch.cancel()` stops them."
)


class Batch:
    """Sends model calls through batch interfaces: half the price, an answer within a day.

        batch = Batch(store="batches.json")
        outcomes = await batch.run([BatchCall("q1", al.model("openai:gpt-5.6"), request)])

    For single model calls that nobody waits for; not for agents that use tools. A run that is interrupted, or whose
    process dies, leaves its batches running; the next `run` with the same calls and the same store picks them up and
    makes none twice.

    Args:
        poll_s: Seconds between two looks at a batch. Most end within an hour.
        max_wait_s: Seconds a run waits at most; None waits until the batches end, a day at most. Either way nothing is
            lost.
        store: Where it is noted which batches were made: a file's path, or a `BatchLedger`. None leaves it to whoever
            calls `run`.
        clock: Time; for tests.

    Raises:
        UsageError: `poll_s` is not positive, or `max_wait_s` negative.
    """

    def __init__(
        self,
        *,
        poll_s: float = 60.0,
        max_wait_s: float | None = None,
        store: BatchLedger | str | os.PathLike[str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if poll_s <= 0:
            raise UsageError(
                f"poll_s must be positive, not {poll_s}: it is the time between two looks at a batch"
            )
        if max_wait_s is not None and max_wait_s < 0:
            raise UsageError(f"max_wait_s must not be negative, as {max_wait_s} is; None waits to the end")
        self.poll_s = poll_s
        self.max_wait_s = max_wait_s
        self.ledger = JsonFileLedger(store) if isinstance(store, str | os.PathLike) else store
        self._clock = clock or SystemClock()
        self._asked: dict[tuple[str, str], WireModel] = {}

    async def run(
        self,
        calls: Sequence[BatchCall],
        *,
        on_result: OnResult | None = None,
        on_progress: OnProgress | None = None,
        ledger: BatchLedger | None = None,
    ) -> dict[str, BatchOutcome]:
        """Bring calls to their outcomes.

        A call that an earlier run put into a batch, by its `custom_id`, gets that batch's answer. An outcome that was
        handed out once is not handed out again: its call, sent again, is asked anew.

        Args:
            calls: The calls; each vendor's go into as few batches as its limits allow.
            on_result: Awaited with the id and the outcome of each call as its batch ends, up to 64 of a batch side by
                side. Keep the outcome durably before it returns: only then it counts as handed out. What it raises ends
                the run.
            on_progress: Told at each look how far a batch is.
            ledger: Where batches are noted, in place of `store`.

        Returns:
            The outcomes by id: a `TurnFinished` with the cost at the batch price (None where that is not known), or the
            `ModelError` of that call. Its `code` is `batch_expired` or `expired`, `batch_cancelled` or `canceled`, where
            the provider did not try it.

        Raises:
            UnsupportedCapability: A vendor has no batch interface; nothing was sent.
            UsageError: No ledger, two calls of one id, or a request that cannot be sent; nothing was sent.
            ModelError: The provider refused a batch as such: a wrong key, too many batches.
            ResponseTimeout: `max_wait_s` passed.
        """
        encoded = encode_calls(calls)
        records = Records(self._ledger_or(ledger))
        outcomes: dict[str, BatchOutcome] = {}

        async def keep(custom_id: str, outcome: BatchOutcome) -> None:
            if on_result is not None:
                await on_result(custom_id, outcome)
            outcomes[custom_id] = outcome

        for call in calls:
            self._asked[call.model.vendor.name, call.model.base_url] = call.model
        run = BatchRun(
            records,
            clock=self._clock,
            poll_s=self.poll_s,
            max_wait_s=self.max_wait_s,
            on_result=keep,
            on_progress=on_progress or _ignored,
        )
        try:
            await run.finish(encoded)
        except ResponseTimeout as error:
            if run.running:
                raise ResponseTimeout(f"{error}: {_named(run)}. {_RESUME}", code=error.code) from None
            raise
        except (ModelError, asyncio.CancelledError, KeyboardInterrupt) as error:
            if run.running:
                error.add_note(f"Still running: {_named(run)}. {_RESUME}")
                _LOG.warning("Left running: %s. %s", _named(run), _RESUME)
            raise
        return outcomes

    async def cancel(
        self, models: Iterable[WireModel] = (), *, ledger: BatchLedger | None = None
    ) -> tuple[str, ...]:
        """Cancel the batches that are still running; what is answered already is kept and billed.

        The next `run` gives the answers there are, and errors for the calls that were not tried.

        Args:
            models: Models of the accounts the batches are in; needed where no `run` of this object asked them.
            ledger: Where batches are noted, in place of `store`.

        Returns:
            Ids of the batches that were cancelled; those that had ended are not among them.

        Raises:
            UsageError: A batch is in an account none of the models is of.
            ModelError: The provider refused.
        """
        given = {(model.vendor.name, model.base_url): model for model in models}
        asked = {**self._asked, **given}
        cancelled = []
        for record in Records(self._ledger_or(ledger)).open():
            if record.batch_id is None:
                continue
            model = asked.get((record.vendor, record.base_url))
            if model is None:
                raise UsageError(
                    f"the batch {record.batch_id} is in an account of `{record.vendor}` at {record.base_url}; give one "
                    "of its models: `batch.cancel([al.model(...)])`"
                )
            api = batch_apis()[batch_vendor(model).api]
            answer = await BatchSender(model, self._clock).send(api.cancel(record.batch_id))
            if answer.error is None:
                cancelled.append(record.batch_id)
            elif not _had_ended(answer.error):
                raise answer.error
        return tuple(cancelled)

    def _ledger_or(self, ledger: BatchLedger | None) -> BatchLedger:
        found = ledger if ledger is not None else self.ledger
        if found is None:
            raise UsageError(
                'a batch outlives its process, so it must be noted somewhere: give `Batch(store="batches.json")`'
            )
        return found

    def __repr__(self) -> str:
        return f"Batch(poll_s={self.poll_s:g}, store={self.ledger!r})"


def _ignored(_: BatchStatus) -> None:
    pass


def _named(run: BatchRun) -> str:
    return ", ".join(f"{vendor} batch {batch_id}" for batch_id, vendor in run.running.items())


def _had_ended(error: ModelError) -> bool:
    """Whether a cancellation was refused for having come too late."""
    return error.status in {400, 404, 409} and not isinstance(error, AuthenticationFailed)
