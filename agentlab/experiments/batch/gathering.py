"""Runs of agents whose model calls are gathered into batches: each run goes on as it always does, but its call waits.

gathering = Gathering(batch, ledger=store)
async def cell(...): await agent.with_(model=gathering.model(agent.model, key)).prompt(...); keep the row
await gathering.finish([cell(...) for ...])
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

from agentlab.errors import ModelError, UsageError
from agentlab.experiments.batch.batch import Batch
from agentlab.experiments.batch.call import BatchCall, BatchOutcome, EncodedCall, encode_call
from agentlab.experiments.batch.ledger import BatchLedger
from agentlab.experiments.batch.running import OnProgress
from agentlab.experiments.batch.vendors import batch_vendor
from agentlab.messages import Event, Request, RequestSent
from agentlab.models.interface import Model, ModelStream
from agentlab.models.model import WireModel

__all__ = ["GatheredModel", "Gathering"]


class _Waiting:
    """A call that waits for its batch, and the run that made it."""

    def __init__(self, call: BatchCall, run: asyncio.Task[Any]) -> None:
        self.call = call
        self.run = run
        self.outcome: asyncio.Future[BatchOutcome] = asyncio.get_running_loop().create_future()


class Gathering:
    """Collects the model calls of many runs and sends them in batches.

    Args:
        batch: How batches are sent.
        ledger: Where they are noted, in place of the batch's own store.
        on_progress: Told how far each batch is.
    """

    def __init__(
        self, batch: Batch, *, ledger: BatchLedger | None = None, on_progress: OnProgress | None = None
    ) -> None:
        self._batch = batch
        self._ledger = ledger
        self._on_progress = on_progress
        self._waiting: dict[str, _Waiting] = {}
        self._moved_on: dict[asyncio.Task[Any], asyncio.Event] = {}
        self._unfinished = 0
        self._failure: BaseException | None = None
        self._quiet = asyncio.Event()

    def model(self, inner: Model, custom_id: str) -> GatheredModel:
        """The model of one run.

        Args:
            inner: The model that is asked.
            custom_id: The run's name: the key of its cell. A second call of the run has `:2` behind it.

        Raises:
            UnsupportedCapability: Its vendor has no batch interface.
        """
        batch_vendor(inner)
        assert isinstance(inner, WireModel)
        return GatheredModel(inner, custom_id, self)

    async def finish(self, runs: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Run all, sending a batch whenever every run that is not done waits for one.

        An outcome counts as handed out when its run is over: keep the run's row at its end.

        Args:
            runs: The runs, each in a task of its own; what one raises ends them all.
        """
        tasks = [asyncio.ensure_future(run) for run in runs]
        self._unfinished = len(tasks)
        for task in tasks:
            task.add_done_callback(self._over)
        try:
            while True:
                self._look()
                await self._quiet.wait()
                if self._failure is not None:
                    raise self._failure
                calls = [each.call for each in self._waiting.values()]
                if not calls:
                    break
                await self._batch.run(
                    calls, on_result=self._settle, on_progress=self._on_progress, ledger=self._ledger
                )
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def outcome(self, call: BatchCall) -> BatchOutcome:
        """Wait for the outcome of a call.

        Raises:
            UsageError: Another run waits for a call of the same name.
        """
        if call.custom_id in self._waiting:
            raise UsageError(f"two runs have the name {call.custom_id!r}; give each its own")
        run = asyncio.current_task()
        assert run is not None
        waiting = self._waiting[call.custom_id] = _Waiting(call, run)
        self._move_on(run)
        self._look()
        try:
            return await waiting.outcome
        finally:
            self._waiting.pop(call.custom_id, None)

    async def _settle(self, custom_id: str, outcome: BatchOutcome) -> None:
        """Give a run its outcome, and wait until it is over or has another call."""
        waiting = self._waiting.pop(custom_id)
        moved_on = self._moved_on[waiting.run] = asyncio.Event()
        waiting.outcome.set_result(outcome)
        await moved_on.wait()
        if self._failure is not None:
            raise self._failure

    def _over(self, run: asyncio.Task[Any]) -> None:
        self._unfinished -= 1
        if not run.cancelled() and self._failure is None:
            self._failure = run.exception()
        self._move_on(run)
        self._look()

    def _move_on(self, run: asyncio.Task[Any]) -> None:
        moved_on = self._moved_on.pop(run, None)
        if moved_on is not None:
            moved_on.set()

    def _look(self) -> None:
        """Whether every run that is not done waits for a batch."""
        if self._failure is not None or self._unfinished <= len(self._waiting):
            self._quiet.set()
        else:
            self._quiet.clear()


class GatheredModel:
    """A model whose calls wait for a batch; made by `Gathering.model`.

    Its events are the request, as it is sent in the batch, and the turn: an answer that is hours old is not streamed.

    Attributes:
        inner: The model that is asked.
    """

    def __init__(self, inner: WireModel, custom_id: str, gathering: Gathering) -> None:
        self.inner = inner
        self._custom_id = custom_id
        self._gathering = gathering
        self._calls = 0

    @property
    def name(self) -> str:
        """`"vendor:model"`."""
        return self.inner.name

    @property
    def model_id(self) -> str:
        """The provider's name of the model."""
        return self.inner.model_id

    def stream(self, request: Request) -> ModelStream:
        """Begin a model call; it takes until its batch has ended."""
        self._calls += 1
        name = self._custom_id if self._calls == 1 else f"{self._custom_id}:{self._calls}"
        call = BatchCall(name, self.inner, request)
        encoded: list[EncodedCall] = []

        async def events() -> AsyncGenerator[Event, None]:
            encoded.append(encode_call(call))
            url = self.inner.base_url + encoded[0].path
            yield RequestSent(self.inner.wire.name, url, encoded[0].body.decode())
            outcome = await self._gathering.outcome(call)
            if isinstance(outcome, ModelError):
                raise outcome
            yield outcome

        return ModelStream(events(), lambda: None, lambda: encoded[0].pieces if encoded else ())

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keeps connections open."""
        return self.inner.session()

    def supports(self, capability: str) -> bool:
        """Whether the model has a capability."""
        return self.inner.supports(capability)
