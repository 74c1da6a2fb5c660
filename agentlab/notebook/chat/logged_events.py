"""The events of an answer, made anew from what a session keeps of it, so that it looks as it did while it came. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, cast, get_args

from agentlab.agent.trace import TracedEvent
from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    Notice,
    NoticeKind,
    Reasoning,
    ReasoningBlock,
    RunFinished,
    Text,
    TextDelta,
    ToolCall,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    Usage,
)
from agentlab.sessions import (
    AssistantSaid,
    Decided,
    DecisionAsked,
    Noticed,
    RunEnded,
    Stored,
    ToolAnswered,
)

__all__ = ["events_of"]

_NOTICES: Final = frozenset(get_args(NoticeKind))


def events_of(entries: Sequence[Stored]) -> list[TracedEvent]:
    """The events of one answer.

    What a session does not keep is not in them: pieces in which a text came, tries that failed, requests.

    Args:
        entries: Those of one exchange, its prompt first. What follows its end is passed over.
    """
    return list(_Told(entries[0].at if entries else 0.0).events(entries))


class _Told:
    """Tells events in the order a run does.

    Args:
        began_at: Unix time of the prompt.
    """

    def __init__(self, began_at: float) -> None:
        self._began_at = began_at
        self._usage = Usage()
        self._text = ""
        self._turns = 0
        self._calls: set[str] = set()
        self._asked: set[str] = set()
        self._notices: list[TracedEvent] = []

    def events(self, entries: Sequence[Stored]) -> Iterator[TracedEvent]:
        """The events of these entries, up to the answer's end."""
        for stored in entries:
            at_s = max(0.0, stored.at - self._began_at)
            for event in self._of(stored, at_s):
                yield event if isinstance(event, TracedEvent) else TracedEvent(at_s, event)
            if isinstance(stored.entry, RunEnded):
                return
        yield from self._notices

    def _of(self, stored: Stored, at_s: float) -> Iterator[Event | TracedEvent]:
        match stored.entry:
            case AssistantSaid() as said:
                yield from self._turn(said, at_s)
            case Noticed(notice=kind, text=text) if kind in _NOTICES:
                # It was told while the next turn was under way, whose entry comes after it.
                self._notices.append(TracedEvent(at_s, Notice(cast("NoticeKind", kind), text)))
            case DecisionAsked(call_id=call_id, tool=tool, reason=reason) if call_id in self._calls:
                self._asked.add(call_id)
                yield ApprovalAsked(call_id, tool, reason)
            case Decided(call_id=call_id, verdict=verdict, note=note) if call_id in self._asked:
                self._asked.discard(call_id)
                yield ApprovalGiven(call_id, verdict == "allow", note)
            case ToolAnswered(result=result, duration_s=duration_s):
                if duration_s > 0:
                    yield TracedEvent(max(0.0, at_s - duration_s), ToolStarted(result.call_id, result.name))
                yield result
            case RunEnded(reason=reason, detail=detail):
                yield from self._notices
                yield RunFinished(self._text, self._usage, reason, detail or None)

    def _turn(self, said: AssistantSaid, at_s: float) -> Iterator[Event | TracedEvent]:
        timing = said.timing
        began_s = timing.started_at - self._began_at if timing.started_at else at_s
        self._turns += 1
        yield TracedEvent(min(max(0.0, began_s), at_s), TurnStarted(self._turns, said.model))
        yield from self._notices
        self._notices = []
        self._text = said.message.text
        self._calls = {call.id for call in said.message.tool_calls}
        if said.usage is None and said.message.interrupted:
            yield from _cut_off(said)
            return
        usage = said.usage or Usage()
        self._usage += usage
        yield TurnFinished(
            said.message,
            usage,
            said.finish_reason,
            turn=self._turns,
            response_id=said.response_id,
            request_id=said.request_id,
            timing=timing,
            retries=said.retries,
            cost_usd=said.cost_usd,
        )


def _cut_off(said: AssistantSaid) -> Iterator[Event]:
    """What had come of a turn before it was cut off."""
    for index, part in enumerate(said.message.content):
        match part:
            case Text(text=text):
                yield TextDelta(text, index)
            case Reasoning():
                yield ReasoningBlock(part, index)
            case ToolCall():
                yield part
            case _:
                pass
