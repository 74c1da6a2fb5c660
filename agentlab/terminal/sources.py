"""Where an answer's events come from: a run of an agent, or the actor of a chat. The terminal shows both alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from agentlab.agent import Run, RunStream
from agentlab.chat import Chat, ChatStream
from agentlab.chat.events import ChatEvent
from agentlab.errors import RunStopped
from agentlab.messages import Event

__all__ = ["AgentAnswer", "AnswerSource", "ChatAnswer"]


class AnswerSource(Protocol):
    """One answer under way."""

    @property
    def run(self) -> Run | None:
        """The run, valid at every moment; None before it has begun."""
        ...

    def events(self) -> AsyncIterator[Event | ChatEvent]:
        """What happens, from the first; what went wrong is raised at the end, but not that it was stopped."""
        ...

    def stop(self) -> None:
        """End the answer; what has arrived is kept."""
        ...

    def decide(self, call_id: str, approved: bool, note: str = "") -> None:
        """Answer `ApprovalAsked`; `note` is what the model is told of a refusal."""
        ...


class AgentAnswer:
    """An agent's run.

    Args:
        stream: The run, not yet iterated.
    """

    def __init__(self, stream: RunStream) -> None:
        self._stream = stream
        stream.attended = True

    @property
    def run(self) -> Run:
        """See `AnswerSource.run`."""
        return self._stream.run

    async def events(self) -> AsyncIterator[Event]:
        """See `AnswerSource.events`."""
        try:
            async for event in self._stream:
                yield event
        except RunStopped:
            return

    def stop(self) -> None:
        """See `AnswerSource.stop`."""
        self._stream.stop()

    def decide(self, call_id: str, approved: bool, note: str = "") -> None:
        """See `AnswerSource.decide`."""
        self._stream.decide(call_id, approved, note)


class ChatAnswer:
    """An answer of a chat: it is kept in the session whatever becomes of the terminal.

    Args:
        chat: The chat.
        stream: The answer.
    """

    def __init__(self, chat: Chat, stream: ChatStream) -> None:
        self._chat = chat
        self._stream = stream

    @property
    def run(self) -> Run | None:
        """See `AnswerSource.run`."""
        begun = self._stream.run
        return begun.run if begun is not None else None

    async def events(self) -> AsyncIterator[Event | ChatEvent]:
        """See `AnswerSource.events`."""
        async for event in self._stream.events():
            yield event
        error = self._stream.result.exception()
        if error is not None:
            raise error

    def stop(self) -> None:
        """See `AnswerSource.stop`."""
        self._stream.stop()

    def decide(self, call_id: str, approved: bool, note: str = "") -> None:
        """See `AnswerSource.decide`."""
        self._chat.decide(call_id, approved, note)
