"""One prompt and what came of it: the run as it is shown, the messages it left, and both as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from agentlab.agent.records import TurnRecord
from agentlab.agent.trace import TracedEvent
from agentlab.messages import (
    AssistantMessage,
    Event,
    Message,
    ReasoningDelta,
    RequestSent,
    RunFinished,
    StopReason,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolResult,
    UnknownEvent,
    UserMessage,
    repair,
)
from agentlab.notebook.run.state import RunState
from agentlab.plain_text import well_formed

__all__ = ["Exchange", "SavedExchange", "compacted", "prompt_text"]


class SavedExchange(Struct, frozen=True, omit_defaults=True):
    """An exchange as plain data; `events` are those a reader sees, without requests."""

    id: int
    parent: int | None
    prompt: UserMessage
    messages: tuple[Message, ...] = ()
    events: tuple[TracedEvent, ...] = ()
    records: tuple[TurnRecord, ...] = ()


class Exchange:
    """A prompt, and its answer as far as it has come.

    Attributes:
        id: Its name in the conversation; they count from 1.
        parent: The exchange it follows; None for one that opens the conversation.
        prompt: What the user said.
        text: The same as a reader sees it.
        state: The run as it is shown.
        messages: The prompt and all that followed, ready to be sent again; the prompt alone while the run goes on.
        records: One entry a model call, once the run is over.
        is_kept: Whether a session has it, and so tells it to the model whatever became of it.
        stands_still: Whether nobody drives its run, which has no end: it waits for decisions.
        is_resumable: Whether its run was cut off, and can go on.
        lead: What changed before it was asked, in words.
        changes: What changed while it was answered, in words.
    """

    def __init__(self, number: int, parent: int | None, prompt: UserMessage) -> None:
        self.id = number
        self.parent = parent
        self.prompt = prompt
        self.text = prompt_text(prompt)
        self.state = RunState("answer")
        self.messages: tuple[Message, ...] = (prompt,)
        self.records: tuple[TurnRecord, ...] = ()
        self.is_kept = False
        self.stands_still = False
        self.is_resumable = False
        self.lead: tuple[str, ...] = ()
        self.changes: tuple[str, ...] = ()
        self._events: list[TracedEvent] = []

    @property
    def is_left_out(self) -> bool:
        """Whether later prompts are sent without it: it failed before the model said anything, and would fail again."""
        answered = any(isinstance(message, AssistantMessage) for message in self.messages)
        return self.state.status == "error" and not answered and not self.is_kept

    def apply(self, event: Event, at_s: float) -> None:
        """Take one more event of its run, `at_s` seconds after that began."""
        if not isinstance(event, RequestSent | UnknownEvent):
            self._events.append(TracedEvent(at_s, event))
        self.state.apply(event, at_s)

    def finish(self, reason: StopReason, detail: str | None = None) -> None:
        """End a run whose events did not say how it ended; nothing where they did."""
        state = self.state
        if not state.is_finished:
            event = RunFinished(state.text, state.summed_usage, reason, detail)
            self.apply(event, state.duration_s)

    def begin_anew(self, events: Iterable[TracedEvent]) -> None:
        """Show its run as one that has come this far and goes on."""
        self.state, self._events = RunState("answer"), []
        for traced in events:
            self.apply(traced.event, traced.at_s)

    def settle(self, messages: Iterable[Message], records: Iterable[TurnRecord]) -> None:
        """Take what the finished run leaves: calls without a result are answered as interrupted."""
        self.messages = tuple(repair(messages)) or (self.prompt,)
        self.records = tuple(records)

    def saved(self) -> SavedExchange:
        """It as plain data; of a run under way, what has come so far."""
        events = tuple(compacted(self._events))
        return SavedExchange(self.id, self.parent, self.prompt, self.messages, events, self.records)

    @classmethod
    def restored(cls, saved: SavedExchange) -> Exchange:
        """Read one back. A run that was under way has ended since: nobody drives it any more."""
        exchange = cls(saved.id, saved.parent, saved.prompt)
        for traced in saved.events:
            exchange.apply(traced.event, traced.at_s)
        exchange.finish("cancelled", "it was saved before it had ended")
        exchange.settle(saved.messages, saved.records)
        return exchange

    def __repr__(self) -> str:
        return f"Exchange({self.id}, {shortened_line(self.text)!r}, {self.state.status})"


def prompt_text(prompt: UserMessage) -> str:
    """A prompt for a reader: its texts, and a word for each part that is none."""
    named = (part.text if isinstance(part, Text) else _named(part) for part in prompt.content)
    return well_formed("\n".join(named))


def shortened_line(text: str, limit: int = 60) -> str:
    """The beginning of a text, on one line."""
    flat = " ".join(text[: 4 * limit].split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def compacted(events: Sequence[TracedEvent]) -> list[TracedEvent]:
    """The same events with neighbouring deltas of one part put together; they leave the same picture."""
    kept: list[TracedEvent] = []
    pieces: list[str] = []
    for traced in events:
        if kept and _place(kept[-1].event) is not None and _place(kept[-1].event) == _place(traced.event):
            pieces.append(_piece(traced.event))
            continue
        _join(kept, pieces)
        kept.append(traced)
        pieces = [_piece(traced.event)]
    _join(kept, pieces)
    return kept


def encoded(value: Struct) -> str:
    """Plain data as JSON; half a surrogate pair, which no UTF-8 text may hold, is replaced."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_mended(msgspec.to_builtins(value))).decode()


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, dict):
        return {_mended(name): _mended(one) for name, one in value.items()}
    return [_mended(one) for one in value] if isinstance(value, list | tuple) else value


def _place(event: Event) -> tuple[object, ...] | None:
    """Which part of an answer a delta continues; None for what is no delta."""
    if isinstance(event, TextDelta | ReasoningDelta):
        return type(event), event.index
    return (ToolCallDelta, event.id, event.name, event.index) if isinstance(event, ToolCallDelta) else None


def _piece(event: Event) -> str:
    if isinstance(event, TextDelta | ReasoningDelta):
        return event.text
    return event.arguments if isinstance(event, ToolCallDelta) else ""


def _join(kept: list[TracedEvent], pieces: list[str]) -> None:
    """Give the last event kept all its pieces."""
    if len(pieces) < 2:
        return
    event = kept[-1].event
    text = "".join(pieces)
    if isinstance(event, TextDelta | ReasoningDelta):
        kept[-1] = TracedEvent(kept[-1].at_s, structs.replace(event, text=text))
    elif isinstance(event, ToolCallDelta):
        kept[-1] = TracedEvent(kept[-1].at_s, structs.replace(event, arguments=text))


def _named(part: object) -> str:
    return f"[{'tool result' if isinstance(part, ToolResult) else type(part).__name__.lower()}]"
