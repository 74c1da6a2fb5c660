"""What a batch interface is: requests to be made and answers to be read, no I/O. One file a provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct, field

from agentlab.errors import ModelError
from agentlab.experiments.batch.call import EncodedCall
from agentlab.experiments.batch.ledger import BatchRecord

__all__ = ["ApiRequest", "BatchApi", "BatchState", "BatchStatus", "ItemResult", "Page"]

Phase = Literal["running", "ended", "failed"]


class ApiRequest(Struct, frozen=True):
    """A request to a batch interface.

    Attributes:
        method: HTTP method.
        path: Behind the model's base URL.
        body: The body.
        headers: Beside the vendor's own.
        query: Parameters of the URL.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


class BatchState(Struct, frozen=True, kw_only=True):
    """What the provider says of a batch.

    Attributes:
        id: Its id.
        phase: Whether it goes on, ended with results (some may be errors), or was refused as a whole.
        status: The provider's own word.
        total: Requests in it; 0 while it has not counted them.
        succeeded: Requests answered.
        failed: Requests that failed, expired or were cancelled.
        label: Our key, where the provider keeps it with the batch.
        created_at: Unix time, on the provider's clock.
        ended_at: Unix time; None while it goes on.
        results: Where its results are, in requests to fetch them.
        error: Why it was refused as a whole.
    """

    id: str
    phase: Phase
    status: str
    total: int = 0
    succeeded: int = 0
    failed: int = 0
    label: str | None = None
    created_at: float = 0.0
    ended_at: float | None = None
    results: tuple[ApiRequest, ...] = ()
    error: ModelError | None = None


class BatchStatus(Struct, frozen=True):
    """How far a batch is, for who watches.

    Attributes:
        batch_id: The provider's id.
        vendor: The vendor's name.
        status: The provider's own word for its state.
        total: Requests in it.
        succeeded: Requests answered so far, where the provider tells before the end.
        failed: Requests that failed, expired or were cancelled.
    """

    batch_id: str
    vendor: str
    status: str
    total: int
    succeeded: int = 0
    failed: int = 0


class Page(Struct, frozen=True):
    """A page of the list of batches.

    Attributes:
        states: The batches on it, newest first.
        after: Where the next page begins; None behind the last.
    """

    states: tuple[BatchState, ...]
    after: str | None = None


class ItemResult(Struct, frozen=True, kw_only=True):
    """What became of one request, as the results have it.

    Attributes:
        wire_id: Its id.
        status: The HTTP status it would have had alone; None where the provider did not try it or does not say.
        body: The body it would have had; None where it was not tried.
        code: Why it was not tried, in the provider's word.
        message: The same in words.
        request_id: The provider's id of the request.
    """

    wire_id: str
    status: int | None = None
    body: bytes | None = None
    code: str | None = None
    message: str = ""
    request_id: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether there is an answer."""
        return self.status is not None and self.status < 400 and self.body is not None


class BatchApi(Protocol):
    """A provider's batch interface.

    Attributes:
        labels: Whether a batch carries our key, so that it is found again by it.
    """

    labels: bool

    def size(self, call: EncodedCall) -> int:
        """Bytes a call takes in a batch."""
        ...

    def upload(self, calls: Sequence[EncodedCall], key: str) -> ApiRequest | None:
        """What must be sent ahead of the batch itself; None where nothing is."""
        ...

    def create(self, calls: Sequence[EncodedCall], record: BatchRecord, uploaded: bytes | None) -> ApiRequest:
        """The request that makes the batch; `uploaded` is the answer to `upload`.

        Raises:
            ProtocolError: That answer is not what the interface says.
        """
        ...

    def retrieve(self, batch_id: str) -> ApiRequest:
        """The request that asks how far a batch is."""
        ...

    def cancel(self, batch_id: str) -> ApiRequest:
        """The request that cancels a batch."""
        ...

    def listing(self, after: str | None = None, *, limit: int = 100) -> ApiRequest:
        """The request for a page of the account's batches, newest first."""
        ...

    def state(self, body: bytes) -> BatchState:
        """Read a batch.

        Raises:
            ProtocolError: It is not what the interface says; so for the following.
        """
        ...

    def page(self, body: bytes) -> Page:
        """Read a page of the list."""
        ...

    def item(self, line: bytes) -> ItemResult:
        """Read one line of the results."""
        ...
