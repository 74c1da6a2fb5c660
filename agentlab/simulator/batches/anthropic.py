"""Anthropic's Message Batches, from the server's side (https://platform.claude.com/docs/en/api/creating-message-batches).

All requests come in one body. Each is checked only when its turn comes, so a bad one is an `errored` result and no
refused batch; what is refused at once is what concerns the batch: its ids, its size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.simulator.batches.asked import Asked
from agentlab.simulator.batches.work import Answering, BatchPace, Item, ItemAnswer, Work
from agentlab.simulator.dialects import Ids, Rejected
from agentlab.simulator.dialects.base import json_object

__all__ = ["AnthropicBatches"]

_CUSTOM_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_MOST_REQUESTS: Final = 100_000
_LARGEST_PAGE: Final = 1000
_PAGE: Final = 20
_STREAMED: Final = "stream: streaming is not supported in a Message Batch"
_NO_TOKENS: Final = "max_tokens: pre-warming the cache with 0 is not supported in a Message Batch"


class _Made(Struct):
    """A batch, and where its results are fetched."""

    id: str
    results_url: str
    work: Work


class AnthropicBatches:
    """The batches of every vendor of one server.

    Args:
        timestamp: The time in seconds since 1970.
        answering: Makes what answers the requests of a batch, from the vendor, the request's headers and the ids.
    """

    def __init__(
        self,
        timestamp: Callable[[], float],
        answering: Callable[[str, Mapping[str, str], Ids], Answering],
    ) -> None:
        self._timestamp = timestamp
        self._answering = answering
        self._made: dict[tuple[str, str], _Made] = {}

    def answer(self, asked: Asked, rest: str, pace: BatchPace) -> dict[str, Any] | bytes:
        """What `/v1/messages/batches...` answers; `rest` is what follows, bytes are results, a JSON object a line.

        Raises:
            Rejected: The API would refuse the request.
        """
        vendor, (batch_id, _, what) = asked.vendor, rest.partition("/")
        if not batch_id:
            return self._create(asked, pace) if asked.method == "POST" else self._page(vendor, asked.query)
        made = self._made.get((vendor, batch_id))
        if made is None:
            raise Rejected.because(f"Message batch {batch_id} not found", status=404)
        made.work.catch_up(self._timestamp())
        if what == "results":
            return self._results(made)
        if what == "cancel" and asked.method == "POST":
            self._cancel(made)
        if asked.method == "DELETE":
            return self._delete(vendor, made)
        return self._shown(made)

    def _create(self, asked: Asked, pace: BatchPace) -> dict[str, Any]:
        requests = json_object(asked.body).get("requests")
        if not isinstance(requests, list):
            said = "Field required" if requests is None else "Input should be a valid array"
            raise Rejected.because(f"requests: {said}")
        if not 1 <= len(requests) <= _MOST_REQUESTS:
            raise Rejected.because(f"requests: List should have between 1 and {_MOST_REQUESTS} items")
        items = [_item(place, request) for place, request in enumerate(requests)]
        seen: set[str] = set()
        for item in items:
            if item.custom_id in seen:
                raise Rejected.because(
                    f"requests: custom_id values must be unique, found duplicate: {item.custom_id}"
                )
            seen.add(item.custom_id)
        vendor, ids = asked.vendor, asked.ids
        work = Work(items, self._answering(vendor, asked.headers, ids), ids.created, pace)
        batch_id = ids.new("msgbatch_01", 22)
        url = f"http://{asked.headers.get('host', '')}/{vendor}/v1/messages/batches/{batch_id}/results"
        made = self._made[vendor, batch_id] = _Made(batch_id, url, work)
        return self._shown(made, status="in_progress")

    def _page(self, vendor: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The newest first; `after_id` goes on behind an id, `before_id` ends in front of one."""
        asked = query.get("limit", str(_PAGE))
        limit = int(asked) if asked.isdigit() else 0
        if not 1 <= limit <= _LARGEST_PAGE:
            raise Rejected.because(f"limit: Input should be between 1 and {_LARGEST_PAGE}")
        own = [made for (owner, _), made in reversed(self._made.items()) if owner == vendor]
        names = [made.id for made in own]
        if "before_id" in query:
            end = names.index(query["before_id"]) if query["before_id"] in names else 0
            start = max(0, end - limit)
            more = start > 0
        else:
            after = query.get("after_id")
            start = 0 if after is None else names.index(after) + 1 if after in names else len(names)
            end = start + limit
            more = end < len(names)
        for made in own[start:end]:
            made.work.catch_up(self._timestamp())
        shown = [self._shown(made) for made in own[start:end]]
        first, last = (shown[0]["id"], shown[-1]["id"]) if shown else (None, None)
        return {"data": shown, "has_more": more, "first_id": first, "last_id": last}

    def _cancel(self, made: _Made) -> None:
        if self._status(made) == "ended":
            raise Rejected.because(f"Message batch {made.id} has already ended and cannot be canceled")
        made.work.cancel(self._timestamp())

    def _delete(self, vendor: str, made: _Made) -> dict[str, Any]:
        if self._status(made) != "ended":
            raise Rejected.because(f"Message batch {made.id} is still being processed; cancel it first")
        del self._made[vendor, made.id]
        return {"id": made.id, "type": "message_batch_deleted"}

    def _results(self, made: _Made) -> bytes:
        if self._status(made) != "ended":
            raise Rejected.because(
                f"Message batch {made.id} has no available results: it has not ended", status=404
            )
        lines = []
        for place, item in enumerate(made.work.items):
            answers = made.work.answers
            result = _result(answers[place]) if place < len(answers) else {"type": _leftover(made.work)}
            lines.append(msgspec.json.encode({"custom_id": item.custom_id, "result": result}) + b"\n")
        return b"".join(lines)

    def _status(self, made: _Made) -> str:
        work = made.work
        if self._timestamp() >= work.ended_at:
            return "ended"
        return "canceling" if work.leftover == "cancelled" else "in_progress"

    def _shown(self, made: _Made, status: str | None = None) -> dict[str, Any]:
        work, status = made.work, status or self._status(made)
        ended = status == "ended"
        return {
            "id": made.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": _counts(work, ended=ended),
            "ended_at": _written(work.ended_at) if ended else None,
            "created_at": _written(work.created),
            "expires_at": _written(work.expires),
            "archived_at": None,
            "cancel_initiated_at": None if work.cancelled_at is None else _written(work.cancelled_at),
            "results_url": made.results_url if ended else None,
        }


def _item(place: int, request: Any) -> Item:
    fields = request if isinstance(request, dict) else {}
    custom_id, params = fields.get("custom_id"), fields.get("params")
    if not isinstance(custom_id, str) or not isinstance(params, dict):
        name = "params" if isinstance(custom_id, str) else "custom_id"
        raise Rejected.because(f"requests.{place}.{name}: Field required")
    if not _CUSTOM_ID.fullmatch(custom_id):
        raise Rejected.because(
            f"requests.{place}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
        )
    if params.get("stream"):
        raise Rejected.because(f"requests.{place}.params.{_STREAMED}")
    if params.get("max_tokens") == 0:
        raise Rejected.because(f"requests.{place}.params.{_NO_TOKENS}")
    return Item(custom_id, msgspec.json.encode(params))


def _result(answer: ItemAnswer) -> dict[str, Any]:
    said = msgspec.json.decode(answer.body)
    if not answer.succeeded:
        return {"type": "errored", "error": said}
    said["usage"]["service_tier"] = "batch"
    return {"type": "succeeded", "message": said}


def _leftover(work: Work) -> str:
    return "canceled" if work.leftover == "cancelled" else "expired"


def _counts(work: Work, *, ended: bool) -> dict[str, int]:
    """All requests are `processing` until the whole batch has ended."""
    total, answers = len(work.items), work.answers
    if not ended:
        return {"processing": total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    good = sum(answer.succeeded for answer in answers)
    counts = {"processing": 0, "succeeded": good, "errored": len(answers) - good, "canceled": 0, "expired": 0}
    counts[_leftover(work)] = total - len(answers)
    return counts


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
