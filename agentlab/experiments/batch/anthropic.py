"""Anthropic's Message Batches: all requests in one body, all results in one stream of lines.

A batch carries no label, and its list does not show the ids of its requests: which batch is ours is told by its results
alone. Source: https://platform.claude.com/docs/en/build-with-claude/batch-processing and the API reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct, field

from agentlab.experiments.batch.api import ApiRequest, BatchState, ItemResult, Page
from agentlab.experiments.batch.call import EncodedCall
from agentlab.experiments.batch.ledger import BatchRecord
from agentlab.experiments.batch.reading import decoded, safe_id

__all__ = ["AnthropicBatchApi"]

_PATH: Final = "/v1/messages/batches"
_UNTRIED: Final = {
    "expired": "the batch expired before the request was tried",
    "canceled": "the batch was cancelled before the request was tried",
}


class _Counts(Struct, frozen=True):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _Batch(Struct, frozen=True):
    id: str
    processing_status: str
    request_counts: _Counts = field(default_factory=_Counts)
    created_at: datetime | None = None
    ended_at: datetime | None = None


class _List(Struct, frozen=True):
    data: list[_Batch]
    has_more: bool = False
    last_id: str | None = None


class _Result(Struct, frozen=True):
    type: str
    message: msgspec.Raw = field(default_factory=msgspec.Raw)
    error: msgspec.Raw = field(default_factory=msgspec.Raw)


class _Line(Struct, frozen=True):
    custom_id: str
    result: _Result


class AnthropicBatchApi:
    """The interface."""

    labels = False

    def size(self, call: EncodedCall) -> int:
        """Bytes of a call's entry, with the comma behind it."""
        return len(_entry(call)) + 1

    def upload(self, calls: Sequence[EncodedCall], key: str) -> ApiRequest | None:  # noqa: ARG002 - OpenAI's
        """Nothing."""
        return None

    def create(
        self,
        calls: Sequence[EncodedCall],
        record: BatchRecord,  # noqa: ARG002 - there is no place for our key
        uploaded: bytes | None,  # noqa: ARG002 - OpenAI's
    ) -> ApiRequest:
        """The batch with all requests; their headers hold for it as a whole."""
        body = b'{"requests":[' + b",".join(map(_entry, calls)) + b"]}"
        return ApiRequest("POST", _PATH, body, dict(calls[0].headers))

    def retrieve(self, batch_id: str) -> ApiRequest:
        """How far it is."""
        return ApiRequest("GET", f"{_PATH}/{safe_id(batch_id)}")

    def cancel(self, batch_id: str) -> ApiRequest:
        """Stop it; what is answered stays."""
        return ApiRequest("POST", f"{_PATH}/{safe_id(batch_id)}/cancel")

    def listing(self, after: str | None = None, *, limit: int = 100) -> ApiRequest:
        """A page of the workspace's batches."""
        start = {} if after is None else {"after_id": after}
        return ApiRequest("GET", _PATH, query={"limit": str(limit), **start})

    def state(self, body: bytes) -> BatchState:
        """Read a batch."""
        return _state(decoded(body, _Batch))

    def page(self, body: bytes) -> Page:
        """Read a page."""
        read = decoded(body, _List)
        return Page(tuple(map(_state, read.data)), read.last_id if read.has_more else None)

    def item(self, line: bytes) -> ItemResult:
        """Read a line of the results."""
        read = decoded(line, _Line)
        result = read.result
        if result.type == "succeeded":
            return ItemResult(wire_id=read.custom_id, status=200, body=bytes(result.message))
        if result.type == "errored":
            return ItemResult(wire_id=read.custom_id, body=bytes(result.error))
        said = _UNTRIED.get(result.type, "the results do not say why")
        return ItemResult(wire_id=read.custom_id, code=result.type, message=said)


def _entry(call: EncodedCall) -> bytes:
    return msgspec.json.encode({"custom_id": call.wire_id, "params": msgspec.Raw(call.body)})


def _state(batch: _Batch) -> BatchState:
    counts, batch_id = batch.request_counts, safe_id(batch.id)
    lost = counts.errored + counts.canceled + counts.expired
    return BatchState(
        id=batch_id,
        phase="ended" if batch.processing_status == "ended" else "running",
        status=batch.processing_status,
        total=counts.processing + counts.succeeded + lost,
        succeeded=counts.succeeded,
        failed=lost,
        created_at=batch.created_at.timestamp() if batch.created_at is not None else 0.0,
        ended_at=batch.ended_at.timestamp() if batch.ended_at is not None else None,
        results=(ApiRequest("GET", f"{_PATH}/{batch_id}/results"),),
    )
