"""One batch as a state machine without I/O: it yields what is to be done next and is sent what came of it.

    look for a batch that an earlier process may have made -> make it -> ask how far it is, wait, ask again -> fetch

The record is noted before the batch is made and again when its id is known. A process that dies in between leaves a
record without id: the next one looks for the batch in the provider's list before it makes another. The same happens
when the answer to the request that makes it is lost. Where the provider keeps our key with the batch, the list tells;
where it does not (Anthropic), a batch of the same size that is newer than the newest one before is followed, and its
results tell whether it was ours.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from typing import Final

from msgspec import Struct, structs

from agentlab.errors import (
    ConnectionFailed,
    ModelError,
    NotFound,
    ProtocolError,
    ResponseTimeout,
    StreamInterrupted,
)
from agentlab.experiments.batch.api import ApiRequest, BatchApi, BatchState
from agentlab.experiments.batch.call import EncodedCall
from agentlab.experiments.batch.ledger import BatchRecord

__all__ = [
    "Answer",
    "BatchJob",
    "Close",
    "Fail",
    "Fetch",
    "Note",
    "Send",
    "Step",
    "Tell",
    "Wait",
    "is_transient",
]

_ATTEMPTS: Final = 3
_SETTLE_S: Final = 5.0
"""After a lost answer, until the list is asked whether the batch was made."""


class Send(Struct, frozen=True):
    """Send a request; `once` where doing it twice would do harm."""

    request: ApiRequest
    once: bool = False


class Wait(Struct, frozen=True):
    """Wait so many seconds; None is the usual time between two looks."""

    seconds: float | None = None


class Note(Struct, frozen=True):
    """Keep a record, durably, before anything else is done."""

    record: BatchRecord


class Close(Struct, frozen=True):
    """Forget a record: there is no such batch."""

    record: BatchRecord


class Tell(Struct, frozen=True):
    """Say how far the batch is."""

    state: BatchState


class Fetch(Struct, frozen=True):
    """Fetch results and hand out each line; where `foreign_stops` and a line is not of this batch's calls, none."""

    request: ApiRequest
    state: BatchState
    foreign_stops: bool = False


class Fail(Struct, frozen=True):
    """Hand out an error for every call that has no outcome yet."""

    error: ModelError


Step = Send | Wait | Note | Close | Tell | Fetch | Fail


class Answer(Struct, frozen=True):
    """What came of a step.

    Attributes:
        body: The body of an answer.
        error: Why there is none.
        may_be_done: Whether the provider may have done what was asked although there is no answer.
        foreign: Whether results turned out to be of another batch.
    """

    body: bytes = b""
    error: ModelError | None = None
    may_be_done: bool = False
    foreign: bool = False


Steps = Generator[Step, Answer, None]


class BatchJob:
    """Brings one batch to its end.

    Args:
        api: The provider's interface.
        record: What is known of the batch.
        calls: Calls of it whose outcomes are wanted; all of its calls where it is yet to be made.
        fresh: Whether the record is new: no earlier process can have made the batch.
        known_ids: Ids of batches that are known to be of other records; may grow.

    Attributes:
        record: What is known of the batch by now.
    """

    def __init__(
        self,
        api: BatchApi,
        record: BatchRecord,
        calls: Sequence[EncodedCall],
        *,
        fresh: bool,
        known_ids: Collection[str] = (),
    ) -> None:
        self.api = api
        self.record = record
        self.calls = tuple(calls)
        self._fresh = fresh
        self._known = known_ids

    def steps(self) -> Generator[Step, Answer, bool]:
        """The steps.

        Returns:
            Whether the calls have their outcomes; False where the batch was never made and some of its calls are not at
            hand, so that the others must go into another.

        Raises:
            ModelError: The provider refused; the record says what is known.
        """
        looked = self._fresh
        while True:
            if self.record.batch_id is None and not looked:
                yield from self._look()
            if self.record.batch_id is None:
                if {call.call.custom_id for call in self.calls} != set(self.record.custom_ids):
                    yield Close(self.record)
                    return False
                yield from self._make()
            if (yield from self._follow()):
                return True
            looked = False

    def _make(self) -> Steps:
        api, calls = self.api, self.calls
        upload = api.upload(calls, self.record.key)
        uploaded = None if upload is None else (yield from _ask(upload))
        if not api.labels:
            newest = api.page((yield from _ask(api.listing(limit=1)))).states
            yield from self._note(newest_before=newest[0].id if newest else None)
        else:
            yield from self._note()
        request = api.create(calls, self.record, uploaded)
        for attempt in range(1, _ATTEMPTS + 1):
            answer = yield Send(request, once=True)
            if answer.error is None:
                state = api.state(answer.body)
                yield from self._note(batch_id=state.id)
                yield Tell(state)
                return
            if not answer.may_be_done:
                yield Close(self.record)
                raise answer.error
            yield Wait(_SETTLE_S)
            yield from self._look()
            if self.record.batch_id is not None:
                return
            if attempt == _ATTEMPTS:
                raise answer.error

    def _look(self) -> Steps:
        """Find the batch in the provider's list, if it is there."""
        after: str | None = None
        while True:
            page = self.api.page((yield from _ask(self.api.listing(after))))
            for state in page.states:
                if not self.api.labels and state.id == self.record.newest_before:
                    return
                if self._may_be_ours(state):
                    yield from self._note(batch_id=state.id, found=True)
                    return
            after = page.after
            if after is None:
                return

    def _may_be_ours(self, state: BatchState) -> bool:
        if self.api.labels:
            return state.label == self.record.key
        return (
            state.total == self.record.count
            and state.id not in self._known
            and state.id not in self.record.not_ours
        )

    def _follow(self) -> Generator[Step, Answer, bool]:
        """Wait for the batch to end and hand out its results; whether it was ours."""
        batch_id = self.record.batch_id or ""
        state: BatchState | None = None
        while state is None or state.phase == "running":
            answer = yield Send(self.api.retrieve(batch_id))
            if isinstance(answer.error, NotFound):
                yield Fail(_gone(batch_id))
                return True
            if answer.error is None:
                state = self.api.state(answer.body)
                yield Tell(state)
            elif not is_transient(answer.error):
                raise answer.error
            if state is None or state.phase == "running":
                yield Wait()
        if state.error is not None:
            yield Fail(state.error)
            return True
        return (yield from self._fetch(state))

    def _fetch(self, state: BatchState) -> Generator[Step, Answer, bool]:
        unproved = self.record.found and not self.api.labels
        for request in state.results:
            answer = yield Fetch(request, state, foreign_stops=unproved)
            while answer.error is not None and is_transient(answer.error):
                yield Wait()
                answer = yield Fetch(request, state, foreign_stops=unproved)
            if answer.foreign:
                rejected = (*self.record.not_ours, state.id)
                yield from self._note(batch_id=None, found=False, not_ours=rejected)
                return False
            if isinstance(answer.error, NotFound):
                yield Fail(_gone(state.id))
                return True
            if answer.error is not None:
                raise answer.error
        self.record = structs.replace(self.record, found=False)
        yield Fail(ProtocolError(f"the results of the batch {state.id} hold nothing for this call"))
        return True

    def _note(
        self,
        *,
        batch_id: str | None = None,
        found: bool = False,
        newest_before: str | None = None,
        not_ours: tuple[str, ...] | None = None,
    ) -> Steps:
        record = self.record
        self.record = structs.replace(
            record,
            batch_id=batch_id,
            found=found,
            newest_before=newest_before or record.newest_before,
            not_ours=record.not_ours if not_ours is None else not_ours,
        )
        yield Note(self.record)


def is_transient(error: ModelError) -> bool:
    """Whether asking again later may help."""
    if error.status is not None:
        return error.status in {408, 409, 425, 429} or error.status >= 500
    return isinstance(error, ConnectionFailed | ResponseTimeout | StreamInterrupted)


def _ask(request: ApiRequest) -> Generator[Step, Answer, bytes]:
    answer = yield Send(request)
    if answer.error is not None:
        raise answer.error
    return answer.body


def _gone(batch_id: str) -> ModelError:
    return NotFound(
        f"the provider no longer has the batch {batch_id} or its results (they are kept for about a month); ask again",
        status=404,
    )
