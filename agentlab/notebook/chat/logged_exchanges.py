"""A session's log as a tree of prompts and answers: every branch's, and what they share once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agentlab.agent.records import TurnRecord, record_of
from agentlab.agent.trace import TracedEvent
from agentlab.chat.state import RESUMED, Unfinished, state_of
from agentlab.messages import Message, TurnFinished, TurnStarted, UserMessage
from agentlab.notebook.chat.logged_events import events_of
from agentlab.sessions import (
    Attached,
    Detached,
    Entry,
    ModeChanged,
    ModelChanged,
    Noticed,
    RunEnded,
    Stored,
    UserSaid,
    history_of,
)
from agentlab.sessions.entries import Unknown

__all__ = ["LoggedExchange", "LoggedSession", "change_line", "logged_session", "typed_prompt"]


@dataclass(frozen=True)
class LoggedExchange:
    """A prompt and its answer, as a session has them.

    Attributes:
        began: Id of the prompt's entry, which names it.
        parent: `began` of the exchange it follows; None for one that opens a branch.
        before: Id of the entry before it on its branch; 0 where there is none. A branch made there stands in its place.
        entries: From its prompt to the last entry before the next.
        lead: What changed between the answer before it and its prompt, in words.
        is_last: Whether no other prompt follows it on its branch.
    """

    began: int
    parent: int | None
    before: int
    entries: tuple[Stored, ...]
    lead: tuple[str, ...] = ()
    is_last: bool = True

    @property
    def said(self) -> UserSaid:
        """What the user said."""
        entry = self.entries[0].entry
        assert isinstance(entry, UserSaid)
        return entry

    @property
    def end(self) -> RunEnded | None:
        """How the answer ended; None where it has not."""
        return next((each.entry for each in self.entries if isinstance(each.entry, RunEnded)), None)

    @property
    def unfinished(self) -> Unfinished | None:
        """What the answer waits for; None where it has ended, or was gone on from, as a log from elsewhere may say."""
        return state_of(self.entries).unfinished if self.is_last else None

    @property
    def run_ids(self) -> frozenset[str]:
        """The ids its run is known by."""
        named = (getattr(each.entry, "run_id", None) for each in self.entries)
        return frozenset(name for name in named if name)

    @property
    def changes(self) -> tuple[str, ...]:
        """What changed while it was answered, in words."""
        return _lines(self._until_the_end)

    @property
    def prompt(self) -> UserMessage:
        """What the user typed, without what was told with it."""
        return typed_prompt(self.said)

    @property
    def events(self) -> list[TracedEvent]:
        """What a reader saw of the answer."""
        return events_of(self.entries)

    @property
    def records(self) -> list[TurnRecord]:
        """One a model call."""
        found: list[TurnRecord] = []
        model = ""
        for traced in self.events:
            if isinstance(traced.event, TurnStarted):
                model = traced.event.model
            elif isinstance(traced.event, TurnFinished):
                found.append(record_of(traced.event, len(found) + 1, model))
        return found

    @property
    def messages(self) -> list[Message]:
        """What it leaves in the history."""
        return history_of(self.entries)

    @property
    def _until_the_end(self) -> Sequence[Stored]:
        for place, stored in enumerate(self.entries):
            if isinstance(stored.entry, RunEnded):
                return self.entries[:place]
        return self.entries


@dataclass(frozen=True)
class LoggedSession:
    """All exchanges of a session, and which branch ends with which.

    Attributes:
        exchanges: By `began`, in the order they were begun.
        tails: Branch to `began` of its last exchange; None where it has none.
        pending: Branch to what changed since its last answer, in words.
    """

    exchanges: dict[int, LoggedExchange] = field(default_factory=dict)
    tails: dict[str, int | None] = field(default_factory=dict)
    pending: dict[str, tuple[str, ...]] = field(default_factory=dict)


def logged_session(paths: Mapping[str, Sequence[Stored]]) -> LoggedSession:
    """Read a session's exchanges.

    Args:
        paths: Each branch's entries, the branches in the order of making.
    """
    found = LoggedSession()
    for name, path in paths.items():
        found.tails[name], found.pending[name] = _take(path, found.exchanges)
    ordered = sorted(found.exchanges.items())
    found.exchanges.clear()
    found.exchanges.update(ordered)
    return found


def change_line(entry: Entry | Unknown) -> str | None:
    """What a reader is told of a change beside the conversation; None of an entry that is none."""
    match entry:
        case ModeChanged(mode=mode, plan=plan):
            return f"{mode} mode" + (f", to carry out {plan}" if plan else "")
        case ModelChanged(model=model, why=why):
            return f"{model} answers" + (f": {why}" if why else "")
        case Attached(path=path):
            return f"attached {path}"
        case Detached(path=path):
            return f"detached {path}"
        case Noticed(notice=kind) if kind == RESUMED:
            return "gone on with"
        case Noticed(notice="attachment", text=text):
            return text
    return None


def typed_prompt(said: UserSaid) -> UserMessage:
    """A prompt as it was typed: what was told with it stands before it in the message, and is left out."""
    content = said.message.content
    for place in range(len(content)):
        rest = UserMessage(content[place:])
        if rest.text == said.text:
            return rest
    return said.message if not said.text else UserMessage.of(said.text)


def _take(path: Sequence[Stored], known: dict[int, LoggedExchange]) -> tuple[int | None, tuple[str, ...]]:
    """Add the exchanges of a branch that are not known from another; gives its last one, and what changed since."""
    starts = [place for place, stored in enumerate(path) if _is_prompt(stored)]
    parent: int | None = None
    lead_from = 0
    for start, end in pairwise([*starts, len(path)]):
        began = path[start].id
        if began not in known:
            before = path[start - 1].id if start else 0
            entries, lead = tuple(path[start:end]), _lines(path[lead_from:start])
            known[began] = LoggedExchange(began, parent, before, entries, lead, is_last=end == len(path))
        parent = began
        ends = (place for place in range(start, end) if isinstance(path[place].entry, RunEnded))
        lead_from = next(ends, end)
    return parent, _lines(path[lead_from:])


def _is_prompt(stored: Stored) -> bool:
    return isinstance(stored.entry, UserSaid) and not stored.entry.message.tool_results


def _lines(entries: Iterable[Stored]) -> tuple[str, ...]:
    return tuple(line for stored in entries if (line := change_line(stored.entry)) is not None)
