"""One response: its envelope, its numbered events, and what is remembered of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from agentlab.messages import AssistantMessage, FinishReason, Usage
from agentlab.serving.refusals import ErrorAnswer
from agentlab.serving.responses.output import Event, OutputItems, ended_as, responses_usage, whole_output
from agentlab.serving.seen import Seen
from agentlab.serving.transport import frame

__all__ = ["ResponsesAnswer"]


class ResponsesAnswer:
    """Writes one answer down.

    Args:
        name: A name that no other answer has.
        echoed: Fields of the request that the response repeats.
        keep: Told the response's id and the answer, once it is whole.
    """

    def __init__(
        self, name: str, *, echoed: dict[str, Any], keep: Callable[[str, AssistantMessage], None]
    ) -> None:
        self._name = name
        self._id = f"resp_{name}"
        self._created = int(time.time())
        self._echoed = echoed
        self._keep = keep
        self._output = OutputItems(name)
        self._number = -1

    def whole(self, seen: Sequence[Seen], reason: FinishReason, usage: Usage) -> dict[str, Any]:
        """The answer at once."""
        return self._envelope(whole_output(self._name, seen, reason), reason, usage)

    def next(self, seen: Seen) -> Iterable[bytes]:
        """The events for what the client sees next."""
        yield from self._beginning()
        for event in self._output.next(seen):
            yield self._numbered(event)

    def end(self, reason: FinishReason, usage: Usage) -> Iterable[bytes]:
        """The last events."""
        yield from self._beginning()
        for event in self._output.end(reason):
            yield self._numbered(event)
        response = self._envelope(self._output.items, reason, usage)
        yield self._numbered({"type": f"response.{response['status']}", "response": response})

    def broken_off(self, answer: ErrorAnswer) -> bytes:
        """The error as an event: as OpenAI documents it, and with the object that its server sends."""
        told = {"code": answer.code, "message": answer.message, "param": answer.param}
        return self._numbered({"type": "error", **told, "error": answer.body["error"]})

    def given(self, message: AssistantMessage) -> None:
        """Keep the answer for a request that names it as the one before."""
        self._keep(self._id, message)

    def _beginning(self) -> Iterable[bytes]:
        if self._number < 0:
            opened = self._envelope([], None, Usage())
            yield self._numbered({"type": "response.created", "response": opened})
            yield self._numbered({"type": "response.in_progress", "response": opened})

    def _numbered(self, event: Event) -> bytes:
        self._number += 1
        return frame({**event, "sequence_number": self._number}, event["type"])

    def _envelope(
        self, output: list[dict[str, Any]], reason: FinishReason | None, usage: Usage
    ) -> dict[str, Any]:
        ended = {"status": "in_progress", "incomplete_details": None} if reason is None else ended_as(reason)
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "completed_at": int(time.time()) if ended["status"] == "completed" else None,
            "background": False,
            "error": None,
            **ended,
            **self._echoed,
            "output": output,
            "usage": responses_usage(usage),
        }
