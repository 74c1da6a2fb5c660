"""OpenAI's Batch API: a file of requests up, a batch of it, a file of answers and a file of errors down.

Source: https://developers.openai.com/api/docs/guides/batch and the API reference of `files` and `batches`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from agentlab.errors import BadRequest, ModelError, RateLimited
from agentlab.experiments.batch.api import ApiRequest, BatchState, ItemResult, Page
from agentlab.experiments.batch.call import EncodedCall
from agentlab.experiments.batch.ledger import BatchRecord
from agentlab.experiments.batch.reading import decoded, safe_id

__all__ = ["OpenAIBatchApi"]

_LABEL: Final = "agentlab_batch"
_PHASES: Final = {"failed": "failed", "completed": "ended", "expired": "ended", "cancelled": "ended"}
_SHOWN_ERRORS: Final = 3


class _File(Struct, frozen=True):
    id: str


class _Counts(Struct, frozen=True):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Error(Struct, frozen=True):
    code: str | None = None
    message: str | None = None
    line: int | None = None


class _Errors(Struct, frozen=True):
    data: list[_Error] | None = None


class _Batch(Struct, frozen=True):
    id: str
    status: str
    created_at: float = 0.0
    completed_at: float | None = None
    expired_at: float | None = None
    cancelled_at: float | None = None
    failed_at: float | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: _Counts | None = None
    metadata: dict[str, str] | None = None
    errors: _Errors | None = None


class _List(Struct, frozen=True):
    data: list[_Batch]
    has_more: bool = False


class _Response(Struct, frozen=True):
    status_code: int
    body: msgspec.Raw = field(default_factory=msgspec.Raw)
    request_id: str | None = None


class _Line(Struct, frozen=True):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


class OpenAIBatchApi:
    """The interface."""

    labels = True

    def size(self, call: EncodedCall) -> int:
        """Bytes of a call's line."""
        return len(_line(call))

    def upload(self, calls: Sequence[EncodedCall], key: str) -> ApiRequest | None:
        """The upload of the input file, as a form (RFC 7578)."""
        content = b"".join(map(_line, calls))
        boundary = f"agentlab-{hashlib.sha256(content).hexdigest()}"
        purpose = f'--{boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        file = (
            f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{key}.jsonl"\r\n'
            "content-type: application/jsonl\r\n\r\n"
        )
        body = b"".join((purpose.encode(), file.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
        return ApiRequest(
            "POST", "/files", body, {"content-type": f"multipart/form-data; boundary={boundary}"}
        )

    def create(self, calls: Sequence[EncodedCall], record: BatchRecord, uploaded: bytes | None) -> ApiRequest:
        """A batch of the uploaded file, labelled with our key."""
        body: dict[str, Any] = {
            "input_file_id": decoded(uploaded or b"", _File).id,
            "endpoint": calls[0].vendor.prefix + calls[0].path,
            "completion_window": "24h",
            "metadata": {_LABEL: record.key},
        }
        return ApiRequest("POST", "/batches", msgspec.json.encode(body))

    def retrieve(self, batch_id: str) -> ApiRequest:
        """How far it is."""
        return ApiRequest("GET", f"/batches/{safe_id(batch_id)}")

    def cancel(self, batch_id: str) -> ApiRequest:
        """Stop it; what is answered stays."""
        return ApiRequest("POST", f"/batches/{safe_id(batch_id)}/cancel")

    def listing(self, after: str | None = None, *, limit: int = 100) -> ApiRequest:
        """A page of the account's batches."""
        start = {} if after is None else {"after": after}
        return ApiRequest("GET", "/batches", query={"limit": str(limit), **start})

    def state(self, body: bytes) -> BatchState:
        """Read a batch."""
        return _state(decoded(body, _Batch))

    def page(self, body: bytes) -> Page:
        """Read a page."""
        read = decoded(body, _List)
        last = read.data[-1].id if read.data and read.has_more else None
        return Page(tuple(map(_state, read.data)), last)

    def item(self, line: bytes) -> ItemResult:
        """Read a line of the output file or of the error file."""
        read = decoded(line, _Line)
        if read.response is None:
            error = read.error or _Error()
            return ItemResult(
                wire_id=read.custom_id,
                code=error.code or "unknown",
                message=error.message or "no reason given",
            )
        response = read.response
        return ItemResult(
            wire_id=read.custom_id,
            status=response.status_code,
            body=bytes(response.body),
            request_id=response.request_id,
        )


def _line(call: EncodedCall) -> bytes:
    line = {
        "custom_id": call.wire_id,
        "method": "POST",
        "url": call.vendor.prefix + call.path,
        "body": msgspec.Raw(call.body),
    }
    return msgspec.json.encode(line) + b"\n"


def _state(batch: _Batch) -> BatchState:
    counts = batch.request_counts or _Counts()
    files = [name for name in (batch.output_file_id, batch.error_file_id) if name]
    ends = (batch.completed_at, batch.expired_at, batch.cancelled_at, batch.failed_at)
    return BatchState(
        id=safe_id(batch.id),
        phase=_PHASES.get(batch.status, "running"),  # type: ignore[arg-type]
        status=batch.status,
        total=counts.total,
        succeeded=counts.completed,
        failed=counts.failed,
        label=(batch.metadata or {}).get(_LABEL),
        created_at=batch.created_at,
        ended_at=next((end for end in ends if end is not None), None),
        results=tuple(ApiRequest("GET", f"/files/{safe_id(name)}/content") for name in files),
        error=_refusal(batch) if batch.status == "failed" else None,
    )


def _refusal(batch: _Batch) -> ModelError:
    """Why the provider took none of the batch."""
    errors = (batch.errors.data if batch.errors is not None else None) or []
    said = "; ".join(
        (f"line {each.line}: " if each.line is not None else "")
        + (each.message or each.code or "no reason given")
        for each in errors[:_SHOWN_ERRORS]
    )
    more = f" (and {len(errors) - _SHOWN_ERRORS} more)" if len(errors) > _SHOWN_ERRORS else ""
    code = errors[0].code if errors else None
    kind = RateLimited if code == "token_limit_exceeded" else BadRequest
    return kind(f"the batch {batch.id} was refused: {said or 'no reason given'}{more}", code=code)
