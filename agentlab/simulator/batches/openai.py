"""OpenAI's Batch API, from the server's side (https://platform.openai.com/docs/api-reference/batch).

A file of requests is uploaded, a batch is made of it, and after a while there is an output file with the answers and an
error file with the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.simulator.batches.asked import Asked
from agentlab.simulator.batches.openai_files import Files, page_of
from agentlab.simulator.batches.openai_input import InputError, read_input
from agentlab.simulator.batches.work import Answering, BatchPace, ItemAnswer, Work
from agentlab.simulator.dialects import Ids, Rejected
from agentlab.simulator.dialects.base import json_object
from agentlab.simulator.dialects.openai_errors import missing, wrong_type

__all__ = ["OpenAIBatches"]

_ENDPOINTS: Final = ("/v1/responses", "/v1/chat/completions")
_MOST_METADATA: Final = 16
_UNSERVED: Final = {
    "expired": ("batch_expired", "This request could not be executed before the completion window expired."),
    "cancelled": ("batch_cancelled", "This request was not executed because the batch was cancelled."),
}
_PAGE: Final = 20


class _Made(Struct):
    """A batch, and what the API says of it."""

    id: str
    endpoint: str
    input_file_id: str
    metadata: dict[str, str] | None
    work: Work
    errors: list[InputError]
    model: str | None
    ids: Ids
    output_file_id: str | None = None
    error_file_id: str | None = None


class OpenAIBatches:
    """The batches and files of every vendor of one server.

    Args:
        timestamp: The time in seconds since 1970.
        answering: Makes what answers the requests of a batch, from the vendor, the endpoint and the ids of its answers.
    """

    def __init__(
        self, timestamp: Callable[[], float], answering: Callable[[str, str, Ids], Answering]
    ) -> None:
        self._timestamp = timestamp
        self._answering = answering
        self._files = Files()
        self._made: dict[tuple[str, str], _Made] = {}

    def files(self, asked: Asked, rest: str) -> dict[str, Any] | bytes:
        """What `/v1/files...` answers; `rest` is what follows, bytes are a file's content.

        Raises:
            Rejected: The API would refuse the request.
        """
        vendor, (file_id, _, what) = asked.vendor, rest.partition("/")
        if not file_id:
            if asked.method == "POST":
                return self._files.upload(
                    vendor, asked.headers.get("content-type", ""), asked.body, asked.ids
                )
            return self._files.listed(vendor, asked.query)
        if asked.method == "DELETE":
            return self._files.delete(vendor, file_id)
        kept = self._files.retrieve(vendor, file_id)
        return kept.content if what == "content" else kept.shown()

    def batches(self, asked: Asked, rest: str, pace: BatchPace) -> dict[str, Any]:
        """What `/v1/batches...` answers; `rest` is what follows.

        Raises:
            Rejected: The API would refuse the request.
        """
        vendor, (batch_id, _, what) = asked.vendor, rest.partition("/")
        if batch_id:
            made = self._made.get((vendor, batch_id))
            if made is None:
                raise Rejected.because(f"No batch found with id '{batch_id}'.", status=404)
            self._catch_up(vendor, made)
            if what == "cancel" and asked.method == "POST":
                self._cancel(made)
            return self._shown(made)
        if asked.method == "POST":
            return self._create(vendor, json_object(asked.body), asked.ids, pace)
        own = [made for (owner, _), made in reversed(self._made.items()) if owner == vendor]
        for made in own:
            self._catch_up(vendor, made)
        return page_of([self._shown(made) for made in own], asked.query, usual=_PAGE)

    def _create(self, vendor: str, asked: dict[str, Any], ids: Ids, pace: BatchPace) -> dict[str, Any]:
        for name in ("input_file_id", "endpoint", "completion_window"):
            if name not in asked:
                raise missing(name)
            if not isinstance(asked[name], str):
                raise wrong_type(name, "a string", asked[name])
        endpoint, file_id = asked["endpoint"], asked["input_file_id"]
        if endpoint not in _ENDPOINTS:
            raise _not_among("endpoint", endpoint, _ENDPOINTS)
        if asked["completion_window"] != "24h":
            raise _not_among("completion_window", asked["completion_window"], ("24h",))
        metadata = _metadata(asked.get("metadata"))
        kept = self._files.get(vendor, file_id)
        content = kept.content if kept is not None and kept.purpose == "batch" else None
        items, errors, model = read_input(content, endpoint)
        work = Work(() if errors else items, self._answering(vendor, endpoint, ids), ids.created, pace)
        made = _Made(ids.new("batch_", 32), endpoint, file_id, metadata, work, errors, model, ids)
        self._made[vendor, made.id] = made
        return self._shown(made, status="validating")

    def _catch_up(self, vendor: str, made: _Made) -> None:
        """Answer what is due, and write the files once all is done."""
        now, work = self._timestamp(), made.work
        if made.errors:
            return
        work.catch_up(now)
        if now < work.ended_at or made.output_file_id or made.error_file_id:
            return
        good, bad = _result_lines(made)
        for lines, kind in ((good, "output"), (bad, "error")):
            if lines:
                name = f"{made.id}_{kind}.jsonl"
                written = self._files.keep(vendor, name, "batch_output", b"".join(lines), made.ids)
                if kind == "output":
                    made.output_file_id = written.id
                else:
                    made.error_file_id = written.id

    def _cancel(self, made: _Made) -> None:
        status = self._status(made)
        if status not in {"validating", "in_progress", "finalizing", "cancelling"}:
            raise Rejected.because(f"Cannot cancel a batch with status '{status}'.", status=409)
        made.work.cancel(self._timestamp())

    def _status(self, made: _Made) -> str:
        now, work = self._timestamp(), made.work
        if made.errors:
            return "validating" if now < work.begins else "failed"
        ended = now >= work.ended_at
        if work.leftover == "cancelled":
            return "cancelled" if ended else "cancelling"
        if now < work.begins:
            return "validating"
        if now < work.stopped_at:
            return "in_progress"
        if not ended:
            return "finalizing"
        return "expired" if work.leftover == "expired" else "completed"

    def _shown(self, made: _Made, status: str | None = None) -> dict[str, Any]:
        status, work = status or self._status(made), made.work
        answers = [] if status == "validating" else work.answers
        good = sum(answer.succeeded for answer in answers)
        over = status in {"completed", "expired", "cancelled"}
        times = _times(work, status)
        return {
            "id": made.id,
            "object": "batch",
            "endpoint": made.endpoint,
            "model": made.model,
            "errors": _errors(made.errors) if status == "failed" else None,
            "input_file_id": made.input_file_id,
            "completion_window": "24h",
            "status": status,
            "output_file_id": made.output_file_id if over else None,
            "error_file_id": made.error_file_id if over else None,
            "created_at": int(work.created),
            **{name: None if at is None else int(at) for name, at in times.items()},
            "request_counts": {
                "total": 0 if status == "validating" else len(work.items),
                "completed": good,
                "failed": len(work.items) - good if over else len(answers) - good,
            },
            "usage": _usage(answers),
            "metadata": made.metadata,
        }


def _times(work: Work, status: str) -> dict[str, float | None]:
    """When the batch came to each state; None where it never did."""
    begun = status not in {"validating", "failed"} and (
        work.cancelled_at is None or work.cancelled_at >= work.begins
    )
    finalizing = status in {"finalizing", "completed"}
    return {
        "in_progress_at": work.begins if begun else None,
        "expires_at": work.expires,
        "finalizing_at": work.stopped_at if finalizing else None,
        "completed_at": work.ended_at if status == "completed" else None,
        "failed_at": work.begins if status == "failed" else None,
        "expired_at": work.ended_at if status == "expired" else None,
        "cancelling_at": work.cancelled_at,
        "cancelled_at": work.ended_at if status == "cancelled" else None,
    }


def _result_lines(made: _Made) -> tuple[list[bytes], list[bytes]]:
    """The lines of the output file and of the error file."""
    good: list[bytes] = []
    bad: list[bytes] = []
    work = made.work
    for place, item in enumerate(work.items):
        line: dict[str, Any] = {"id": made.ids.new("batch_req_", 32), "custom_id": item.custom_id}
        if place < len(work.answers):
            answer = work.answers[place]
            response = {"status_code": answer.status, "request_id": made.ids.new("req_", 32)}
            line |= {"response": {**response, "body": msgspec.json.decode(answer.body)}, "error": None}
            (good if answer.succeeded else bad).append(msgspec.json.encode(line) + b"\n")
        else:
            code, message = _UNSERVED[work.leftover or "expired"]
            line |= {"response": None, "error": {"code": code, "message": message}}
            bad.append(msgspec.json.encode(line) + b"\n")
    return good, bad


def _errors(errors: list[InputError]) -> dict[str, Any]:
    return {
        "object": "list",
        "data": [
            {"code": each.code, "message": each.message, "param": each.param, "line": each.line}
            for each in errors
        ],
    }


def _usage(answers: list[ItemAnswer]) -> dict[str, Any]:
    """The tokens of all answers so far."""
    told = [answer.usage for answer in answers if answer.usage is not None]
    read = sum(usage.cache_read_tokens or 0 for usage in told)
    thought = sum(usage.reasoning_tokens or 0 for usage in told)
    prompt, output = (
        sum(usage.input_tokens or 0 for usage in told),
        sum(usage.output_tokens or 0 for usage in told),
    )
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": read},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": prompt + output,
    }


def _metadata(given: Any) -> dict[str, str] | None:
    if given is None:
        return None
    if not isinstance(given, dict):
        raise wrong_type("metadata", "an object", given)
    if len(given) > _MOST_METADATA:
        raise Rejected.because(
            f"Invalid 'metadata': too many properties. Expected an object with at most {_MOST_METADATA} properties, "
            f"but got an object with {len(given)} properties instead.",
            code="object_above_max_properties",
            param="metadata",
        )
    for name, value in given.items():
        if not isinstance(value, str):
            raise wrong_type(f"metadata.{name}", "a string", value)
        if len(name) > 64 or len(value) > 512:
            raise Rejected.because(
                f"Invalid 'metadata.{name}': string too long.",
                code="string_above_max_length",
                param="metadata",
            )
    return given


def _not_among(param: str, value: str, known: tuple[str, ...]) -> Rejected:
    names = " and ".join(f"'{name}'" for name in known)
    verb = "values are" if len(known) > 1 else "value is"
    return Rejected.because(
        f"Invalid value: '{value}'. Supported {verb}: {names}.", code="invalid_value", param=param
    )
