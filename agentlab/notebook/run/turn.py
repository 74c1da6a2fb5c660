"""One model call as a reader sees it: its parts in order, its tool calls, its tokens and times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Citation,
    Image,
    ProviderPart,
    Reasoning,
    Refusal,
    RetrievalStarted,
    Retrieved,
    Text,
    ToolCall,
    ToolCallDelta,
    TurnFinished,
    Usage,
)
from agentlab.notebook.run.media_card import MediaCard
from agentlab.notebook.run.retrieval_card import RetrievalCard
from agentlab.notebook.run.turn_parts import Part, Prose, ProseKind, ToolCard
from agentlab.notebook.safety.pictures import Album
from agentlab.plain_text import well_formed

__all__ = ["NoticeLine", "TurnStatus", "TurnView"]

TurnStatus = Literal["running", "done", "stopped", "failed"]
HIDDEN_REASONING: Final = "(the provider keeps this reasoning to itself)"


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """Something said beside the conversation: a retry, a moved prefix, a truncation.

    Attributes:
        kind: What it is.
        text: What it says.
        timing: A time that belongs to it, in words.
    """

    kind: str
    text: str
    timing: str = ""


class TurnView:
    """One model call.

    Attributes:
        number: Which call of the run, from 1.
        model: The model asked.
        parts: What it said, in order.
        notices: What happened beside it.
        status: `running`, `done`, `stopped` (cut off by the reader or a limit) or `failed`.
        usage: Its tokens; None until reported.
        cost_usd: Its price; None where unknown.
        time_to_first_token_s: Seconds to the first text, reasoning or tool-call delta.
        duration_s: Seconds from first attempt to end.
        revision: Grows with every change in the turn, parts included.
    """

    def __init__(self, number: int, model: str, started_s: float) -> None:
        self.number = number
        self.model = well_formed(model)
        self.parts: list[Part] = []
        self.notices: list[NoticeLine] = []
        self.status: TurnStatus = "running"
        self.usage: Usage | None = None
        self.cost_usd: float | None = None
        self.time_to_first_token_s: float | None = None
        self.duration_s: float | None = None
        self.revision = 0
        self._started_s = started_s
        self._next_key = 0
        self._by_place: dict[tuple[str, int], Prose] = {}

    @property
    def text(self) -> str:
        """The visible answer of this turn."""
        return "".join(part.text for part in self.parts if isinstance(part, Prose) and part.kind == "text")

    @property
    def size(self) -> int:
        """Characters of all parts."""
        return sum(part.size for part in self.parts)

    @property
    def estimated_output_tokens(self) -> int | None:
        """About how many tokens it has generated; None where the provider has reported how many."""
        if self.usage is not None and self.usage.output_tokens is not None:
            return None
        return sum(_tokens(part) for part in self.parts)

    def reasoning_tokens(self, part: Prose) -> tuple[int | None, bool]:
        """Tokens of a part that is reasoning, and whether they are an estimate; None where nothing is known.

        What is reported is one number a turn: it belongs to a part where that is the only one.
        """
        reported = self.usage.reasoning_tokens if self.usage is not None else None
        if reported is not None and sum(_is_reasoning(each) for each in self.parts) == 1:
            return reported, False
        return _tokens(part) or None, True

    @property
    def awaits_model(self) -> bool:
        """Whether nothing but retrieval has happened in it: the model call it belongs to has yet to begin."""
        only = bool(self.parts) and all(isinstance(part, RetrievalCard) for part in self.parts)
        return only and not self.model and not self.notices and self.status == "running"

    def begin_model(self, number: int, model: str, started_s: float) -> None:
        """The model call begins that documents were retrieved for."""
        self.number, self.model, self._started_s = number, well_formed(model), started_s
        self.revision += 1

    def retrieve(self, event: RetrievalStarted | Retrieved) -> None:
        """An index is asked, or has answered."""
        self.revision += 1
        cards = (part for part in reversed(self.parts) if isinstance(part, RetrievalCard))
        card = next((card for card in cards if card.place == event.place and card.is_open), None)
        if card is None:
            card = RetrievalCard(self._key(), event.place, event.kind, event.index, event.query)
            self.parts.append(card)
        if isinstance(event, Retrieved):
            card.finish(event)

    def card(self, call_id: str) -> ToolCard | None:
        """The newest card of a call in this turn."""
        for part in reversed(self.parts):
            if isinstance(part, ToolCard) and part.call_id == call_id:
                return part
        return None

    def new_card(self, call_id: str, name: str) -> ToolCard:
        """Add a card for a call."""
        card = ToolCard(self._key(), call_id, name)
        self.parts.append(card)
        self.revision += 1
        return card

    def add_text(self, text: str, index: int, at_s: float) -> None:
        """More of the answer."""
        self._append("text", text, index, at_s)

    def add_reasoning(self, text: str, index: int, at_s: float) -> None:
        """More of the reasoning."""
        self._append("reasoning", text, index, at_s)

    def set_reasoning(self, reasoning: Reasoning, index: int, at_s: float) -> None:
        """A reasoning block is complete; it replaces what was streamed of it."""
        self._first_token(at_s)
        old = self._by_place.get(("reasoning", index))
        new = self._replaced(old, "reasoning", _reasoning_text(reasoning))
        if old is None:
            self.parts.append(new)
        elif new is not old:
            self.parts[self.parts.index(old)] = new
        self._by_place["reasoning", index] = new

    def add_tool_call(self, delta: ToolCallDelta, at_s: float) -> None:
        """More of a tool call."""
        self._first_token(at_s)
        card = self.card(delta.id) or self.new_card(delta.id, delta.name)
        card.write(delta.name, delta.arguments)

    def set_tool_call(self, call: ToolCall, at_s: float) -> None:
        """A tool call is complete."""
        self._first_token(at_s)
        (self.card(call.id) or self.new_card(call.id, call.name)).called(call)

    def notice(self, kind: str, text: str, timing: str = "") -> None:
        """Something happened beside the answer."""
        self.revision += 1
        self.notices.append(NoticeLine(well_formed(kind), well_formed(text), timing))

    def finish(self, event: TurnFinished, at_s: float, album: Album) -> None:
        """The call is complete: its message, usage and timing are the truth; what it shows goes into `album`."""
        self.revision += 1
        self._settle(event.message, album)
        self.number = event.turn
        self.model = well_formed(event.model) or self.model
        self.status = "stopped" if event.message.interrupted else "done"
        self.usage = event.usage
        self.cost_usd = event.cost_usd
        timing = event.timing
        self.duration_s = timing.duration_s or max(0.0, at_s - self._started_s)
        if timing.time_to_first_token_s is not None:
            self.time_to_first_token_s = timing.time_to_first_token_s
        if event.finish_reason in {"length", "content_filter"}:
            reason = event.raw_finish_reason or event.finish_reason
            self.notice("truncated", f"the answer was cut off by the provider ({reason})")

    def cut(self, status: Literal["stopped", "failed"], at_s: float) -> None:
        """The call ended without its terminal event; what has arrived stays."""
        self.revision += 1
        self.status = status
        self.duration_s = max(0.0, at_s - self._started_s)

    def interrupt_open_cards(self, at_s: float) -> None:
        """Mark tool calls that will not be answered any more."""
        for part in self.parts:
            if isinstance(part, ToolCard) and part.is_open:
                part.interrupt(at_s)
                self.revision += 1
            elif isinstance(part, RetrievalCard) and part.is_open:
                part.interrupt()
                self.revision += 1

    def _key(self) -> int:
        self._next_key += 1
        return self._next_key

    def _first_token(self, at_s: float) -> None:
        self.revision += 1
        if self.time_to_first_token_s is None:
            self.time_to_first_token_s = max(0.0, at_s - self._started_s)

    def _append(self, kind: Literal["text", "reasoning"], text: str, index: int, at_s: float) -> None:
        self._first_token(at_s)
        part = self._by_place.get((kind, index))
        if part is None:
            part = self._by_place[kind, index] = Prose(self._key(), kind)
            self.parts.append(part)
        part.append(well_formed(text))

    def _replaced(self, old: Prose | None, kind: ProseKind, text: str) -> Prose:
        """A part with this text: the old one where the text only continues it, else a new one."""
        if old is None or not text.startswith(old.text):
            return Prose(self._key(), kind, text)
        if len(text) > old.size:
            old.append(text[old.size :])
        return old

    def _settle(self, message: AssistantMessage, album: Album) -> None:
        """Take the finished message for the truth, keeping each part that it confirms."""
        streamed: dict[str, deque[Prose]] = {"text": deque(), "reasoning": deque(), "note": deque()}
        cards: list[ToolCard] = []
        retrieved = [part for part in self.parts if isinstance(part, RetrievalCard)]
        for part in self.parts:
            if isinstance(part, RetrievalCard):
                continue
            if isinstance(part, ToolCard):
                cards.append(part)
            elif isinstance(part, Prose) and part.text:
                streamed[part.kind].append(part)
        settled: list[Part] = []
        for piece in message.content:
            if isinstance(piece, ToolCall):
                card = next((card for card in cards if card.call_id == piece.id), None)
                if card is None:
                    card = ToolCard(self._key(), piece.id, piece.name)
                else:
                    cards.remove(card)
                card.called(piece)
                settled.append(card)
                continue
            if isinstance(piece, Image | Audio) and isinstance(piece.source, Base64Source):
                shown = album.take(piece) if isinstance(piece, Image) else album.take_sound(piece)
                key = self._key()
                settled.append(
                    Prose(key, "note", well_formed(shown))
                    if isinstance(shown, str)
                    else MediaCard(key, shown)
                )
                continue
            for kind, text in _prose(piece):
                queue = streamed[kind]
                settled.append(self._replaced(queue.popleft() if queue else None, kind, text))
        self.parts = [*retrieved, *settled, *(card for card in cards if not card.is_open)]
        self._by_place = {}


def _prose(part: Text | Reasoning | Image | Audio | Refusal | ProviderPart) -> list[tuple[ProseKind, str]]:
    """What a reader is shown of a part that is not a tool call."""
    match part:
        case Text():
            shown: list[tuple[ProseKind, str]] = [("text", well_formed(part.text))] if part.text else []
            return shown + [("note", _sources(part.citations))] * bool(part.citations)
        case Refusal():
            return [("text", well_formed(part.text))] if part.text else []
        case Reasoning():
            return [("reasoning", _reasoning_text(part))]
        case Image() | Audio():
            kind = "image" if isinstance(part, Image) else "audio"
            return [("note", well_formed(f"[{kind} {part.media_type or ''}]".replace(" ]", "]")))]
        case ProviderPart():
            return [("note", well_formed(f"[{part.kind}]"))]
        case _:
            assert_never(part)


def _is_reasoning(part: Part) -> bool:
    return isinstance(part, Prose) and part.kind == "reasoning"


def _tokens(part: Part) -> int:
    """About how many tokens the model spent on a part; a note is ours, and so is the line for reasoning not shown."""
    if isinstance(part, Prose) and (part.kind == "note" or part.text == HIDDEN_REASONING):
        return 0
    return part.tokens


def _reasoning_text(reasoning: Reasoning) -> str:
    return well_formed(reasoning.text) or HIDDEN_REASONING


def _sources(citations: tuple[Citation, ...]) -> str:
    named = (" ".join(filter(None, (one.title, one.url))) or one.quote or "" for one in citations)
    return well_formed("Sources: " + "; ".join(dict.fromkeys(filter(None, named))))
