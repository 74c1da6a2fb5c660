"""Which requests are for a batch interface, and what it answers: status, type and body, errors included."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.simulator.batches.anthropic import AnthropicBatches
from agentlab.simulator.batches.asked import AnswerAlone, Asked, LoneRequest
from agentlab.simulator.batches.openai import OpenAIBatches
from agentlab.simulator.batches.work import Answering, BatchPace, ItemAnswer
from agentlab.simulator.dialects import Ids, Rejected
from agentlab.simulator.exchange import ErrorReply

__all__ = ["Answered", "Batches"]

_ROUTES: Final = (
    (re.compile(r"/v1/messages/batches(?:/([^/]+(?:/(?:cancel|results))?))?"), "anthropic", "batches"),
    (re.compile(r"/v1/batches(?:/([^/]+(?:/cancel)?))?"), "openai_chat", "batches"),
    (re.compile(r"/v1/files(?:/([^/]+(?:/content)?))?"), "openai_chat", "files"),
)
_WIRES: Final = {"/v1/chat/completions": "openai_chat", "/v1/responses": "openai_responses"}
_JSON: Final = "application/json"
_LINES: Final = "application/x-jsonl"
_METHODS: Final = frozenset({"GET", "POST", "DELETE"})


class Answered(Struct, frozen=True):
    """An answer of a batch interface.

    Attributes:
        status: HTTP status.
        body: The body.
        content_type: What it is.
        error: The sentence of an error; None where all is well.
    """

    status: int
    body: bytes
    content_type: str = _JSON
    error: str | None = None


class Batches:
    """The batch interfaces of one server.

    Args:
        timestamp: The time in seconds since 1970.
        answer_alone: Answers one request of a batch.

    Attributes:
        pace: How long the batches take that are made from now on; may be set at any time.
    """

    def __init__(self, timestamp: Callable[[], float], answer_alone: AnswerAlone) -> None:
        self.pace = BatchPace()
        self._answer_alone = answer_alone
        self._openai = OpenAIBatches(timestamp, self._of_openai)
        self._anthropic = AnthropicBatches(timestamp, self._of_anthropic)

    @staticmethod
    def wire(method: str, path: str) -> str | None:
        """The wire whose errors the interface speaks; None where the request is for none. `path` is without the vendor."""
        if method not in _METHODS:
            return None
        return next((wire for route, wire, _ in _ROUTES if route.fullmatch(path)), None)

    def answer(self, asked: Asked) -> Answered:
        """Do what is asked, and say what the provider says."""
        for route, wire, kind in _ROUTES:
            found = route.fullmatch(asked.path)
            if found is None:
                continue
            try:
                said = self._said(asked, found[1] or "", wire, kind)
            except Rejected as refused:
                shown = _anthropic_error if wire == "anthropic" else _openai_error
                body = msgspec.json.encode(shown(refused.reply, asked.ids))
                return Answered(refused.reply.status, body, error=refused.reply.message)
            if isinstance(said, bytes):
                return Answered(200, said, _LINES)
            return Answered(200, msgspec.json.encode(said))
        raise ValueError(f"no batch interface answers {asked.path}")

    def _said(self, asked: Asked, rest: str, wire: str, kind: str) -> dict[str, Any] | bytes:
        if wire == "anthropic":
            return self._anthropic.answer(asked, rest, self.pace)
        if kind == "files":
            return self._openai.files(asked, rest)
        return self._openai.batches(asked, rest, self.pace)

    def _of_openai(self, vendor: str, endpoint: str, ids: Ids) -> Answering:
        return self._of(_WIRES[endpoint], vendor, endpoint, {}, ids)

    def _of_anthropic(self, vendor: str, headers: Mapping[str, str], ids: Ids) -> Answering:
        return self._of("anthropic", vendor, "/v1/messages", headers, ids)

    def _of(self, wire: str, vendor: str, path: str, headers: Mapping[str, str], ids: Ids) -> Answering:
        def answering(body: bytes, at: float) -> ItemAnswer:
            return self._answer_alone(
                LoneRequest(wire=wire, vendor=vendor, path=path, headers=headers, body=body, ids=ids, at=at)
            )

        return answering


def _openai_error(reply: ErrorReply, ids: Ids) -> dict[str, Any]:  # noqa: ARG001 - the two have one signature
    error = {
        "message": reply.message,
        "type": "invalid_request_error",
        "param": reply.param,
        "code": reply.code,
    }
    return {"error": error}


def _anthropic_error(reply: ErrorReply, ids: Ids) -> dict[str, Any]:
    kind = "not_found_error" if reply.status == 404 else "invalid_request_error"
    error = {"type": kind, "message": reply.message}
    return {"type": "error", "error": error, "request_id": ids.new("req_")}
