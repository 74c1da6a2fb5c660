"""One request from its bytes to its answer, for every interface: only the format differs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, MutableMapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from msgspec import Struct

from agentlab.messages import AssistantMessage, FinishReason, Usage
from agentlab.serving.question import Question
from agentlab.serving.refusals import ErrorAnswer
from agentlab.serving.running import ClientGone, Receive, RunSlots, events_while_connected
from agentlab.serving.seen import Seen
from agentlab.serving.service import AgentService, Answering
from agentlab.serving.transport import KEEP_ALIVE, Send, send_error, send_events, send_json, whole_body

__all__ = ["AnswerFormat", "Asked", "Endpoint"]


class AnswerFormat(Protocol):
    """Writes one answer down, in the format of an interface."""

    def whole(self, seen: Sequence[Seen], reason: FinishReason, usage: Usage) -> dict[str, Any]:
        """The answer at once."""
        ...

    def next(self, seen: Seen) -> Iterable[bytes]:
        """The stream's bytes for what the client sees next."""
        ...

    def end(self, reason: FinishReason, usage: Usage) -> Iterable[bytes]:
        """The stream's last bytes."""
        ...

    def broken_off(self, answer: ErrorAnswer) -> bytes:
        """The last bytes of a stream that fails."""
        ...

    def given(self, message: AssistantMessage) -> None:
        """The answer is whole; told before its last bytes are sent."""
        ...


class Asked(Struct, frozen=True):
    """A request that was read.

    Attributes:
        question: What is asked.
        answer: Makes the format of its answer from a name that no other answer has.
    """

    question: Question
    answer: Callable[[str], AnswerFormat]


class Endpoint:
    """Answers the requests of one interface; an ASGI application.

    Args:
        read: Reads a body; raises `Refused`.
        service: The agents.
        slots: Bounds the runs that go on at the same time.
        max_body: Bytes a body may have.
        beat_s: Seconds of silence after which a stream is kept alive with a comment.
    """

    def __init__(
        self,
        read: Callable[[bytes], Asked],
        service: AgentService,
        slots: RunSlots,
        *,
        max_body: int,
        beat_s: float,
    ) -> None:
        self._read = read
        self._service = service
        self._slots = slots
        self._max_body = max_body
        self._beat_s = beat_s

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Answer one request."""
        try:
            asked = self._read(await whole_body(receive, self._max_body))
            answering = self._service.begin(asked.question)
            answer = asked.answer(f"{answering.run.id}{answering.run.turns_made:04d}")
            if asked.question.stream:
                await send_events(send, self._streamed(answering, answer, receive), answer.broken_off)
            else:
                await send_json(send, await self._whole(answering, answer, receive))
        except ClientGone:
            return
        except Exception as error:  # noqa: BLE001 - the client is told
            await send_error(send, error)

    async def _whole(self, answering: Answering, answer: AnswerFormat, receive: Receive) -> dict[str, Any]:
        failure: Exception | None = None
        events = events_while_connected(answering.stream, receive, self._slots, beat_s=self._beat_s)
        try:
            async with aclosing(events):
                async for _ in events:
                    pass
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - it may be the end of an answer
            failure = error
        reason = answering.finish_reason(failure)
        seen = answering.read_messages()
        self._remember(answering, answer, failure)
        return answer.whole(seen, reason, answering.usage)

    async def _streamed(
        self, answering: Answering, answer: AnswerFormat, receive: Receive
    ) -> AsyncGenerator[bytes, None]:
        failure: Exception | None = None
        events = events_while_connected(answering.stream, receive, self._slots, beat_s=self._beat_s)
        try:
            async with aclosing(events):
                async for event in events:
                    if event is None:
                        yield KEEP_ALIVE
                        continue
                    for seen in answering.sight.follow(event):
                        for chunk in answer.next(seen):
                            yield chunk
        except ClientGone:
            raise
        except Exception as error:  # noqa: BLE001 - it may be the end of an answer
            failure = error
        reason = answering.finish_reason(failure)
        self._remember(answering, answer, failure)
        for chunk in answer.end(reason, answering.usage):
            yield chunk

    def _remember(self, answering: Answering, answer: AnswerFormat, failure: Exception | None) -> None:
        self._service.remember(answering, failure)
        answer.given(answering.sight.message)
