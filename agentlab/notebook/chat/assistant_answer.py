"""An answer of an assistant as a conversation takes it: with times, and with an end that says what its session says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator

from msgspec import structs

from agentlab.agent import RunResult
from agentlab.agent.records import TurnRecord
from agentlab.agent.trace import TracedEvent
from agentlab.chat import Chat, ChatStream, ModeChanged
from agentlab.messages import ApprovalAsked, Event, Message, RunFinished
from agentlab.notebook.chat.logged_exchanges import change_line
from agentlab.sessions import ModeChanged as ModeEntry

__all__ = ["AssistantAnswer"]


class AssistantAnswer:
    """See `Answer`. It is kept in the session whether it is read here or not.

    Args:
        chat: The assistant.
        stream: The answer.
        since_s: Seconds that it took before it stood still.
    """

    def __init__(self, chat: Chat, stream: ChatStream, *, since_s: float = 0.0) -> None:
        self._chat = chat
        self._stream = stream
        self._since_s = since_s
        self._now_s = since_s
        self._place = 0
        self._asked: set[str] = set()

    async def events(self) -> AsyncIterator[TracedEvent | str]:
        """See `Answer.events`."""
        end: RunFinished | None = None
        async for happened in self._stream.events():
            if isinstance(happened, RunFinished):
                end = happened
            elif isinstance(happened, Event):
                yield self._timed(happened)
            elif isinstance(happened, ModeChanged):
                yield change_line(ModeEntry(happened.mode, happened.before, happened.plan)) or ""
        error = self._stream.result.exception()
        for event in self._last_events(end, error):
            yield TracedEvent(self._now_s, event)
        if error is not None:
            raise error

    def _last_events(self, end: RunFinished | None, error: BaseException | None) -> Iterator[Event]:
        """The questions that are left, or the end in the words that the session keeps of it."""
        if self.stands_still:
            for each in self._chat.waiting:
                if each.call_id not in self._asked:
                    yield ApprovalAsked(each.call_id, each.tool, each.reason)
        elif end is not None and error is not None and end.stop_reason in {"error", "done"}:
            yield structs.replace(end, stop_reason="error", detail=f"{type(error).__name__}: {error}")
        elif end is not None:
            yield end

    def stop(self) -> None:
        """See `Answer.stop`."""
        self._stream.stop()

    def decide(self, call_id: str, approved: bool, note: str = "") -> bool:
        """See `Answer.decide`."""
        run = self._stream.run
        return run is not None and run.decide(call_id, approved, note)

    @property
    def run_id(self) -> str | None:
        """The run's id; None before it has begun."""
        return self._stream.run.run.id if self._stream.run is not None else None

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will come."""
        return self._stream.is_ended

    @property
    def stands_still(self) -> bool:
        """See `Answer.stands_still`."""
        run = self._stream.run
        ended_well = self._stream.is_ended and self._stream.result.exception() is None
        return ended_well and run is not None and run.run.stop_reason is None and bool(run.run.pending_calls)

    @property
    def left(self) -> tuple[Iterable[Message], Iterable[TurnRecord]]:
        """See `Answer.left`."""
        run = self._stream.run
        return ((), ()) if run is None else (run.run.messages, run.run.records)

    @property
    def result(self) -> RunResult | None:
        """See `Answer.result`."""
        return self._stream.result.result()

    def _timed(self, event: Event) -> TracedEvent:
        """An event and when it happened: this reader may be behind."""
        if isinstance(event, ApprovalAsked):
            self._asked.add(event.call_id)
        traced = self._stream.run.trace.events if self._stream.run is not None else []
        for place in range(self._place, len(traced)):
            if traced[place].event is event:
                self._place = place + 1
                self._now_s = self._since_s + traced[place].at_s
                break
        return TracedEvent(self._now_s, event)
