"""The parts a turn is shown as: prose that grows, cards of tool calls, cards of what was retrieved."""

from __future__ import annotations

from typing import Literal

import msgspec

from agentlab.messages import Image, Json, ToolCall, ToolResult, ToolStatus
from agentlab.notebook.run.growing_count import GrowingCount
from agentlab.notebook.run.indented_json import indented
from agentlab.notebook.run.media_card import MediaCard
from agentlab.notebook.run.retrieval_card import RetrievalCard
from agentlab.notebook.safety.pictures import Album, Picture
from agentlab.plain_text import well_formed

__all__ = ["CardStatus", "Decision", "Part", "Prose", "ProseKind", "ToolCard"]

CardStatus = Literal["writing", "called", "asking", "running"] | ToolStatus
Decision = Literal["approved", "denied"]
ProseKind = Literal["text", "reasoning", "note"]


class Prose:
    """Growing text: an answer (Markdown), reasoning, or a note on a part that is not text.

    Attributes:
        key: Its name in the turn; text that is replaced and not extended gets a new key.
        kind: What it is.
        revision: Grows with every change.
    """

    def __init__(self, key: int, kind: ProseKind, text: str = "") -> None:
        self.key = key
        self.kind: ProseKind = kind
        self.revision = 0
        self.size = len(text)
        self._pieces = [text]
        self._count = GrowingCount()
        self._counted = 0

    @property
    def text(self) -> str:
        """All of it so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    @property
    def tokens(self) -> int:
        """About how many tokens it is; what has come since it was asked for last is counted now."""
        if self._counted < self.size:
            self._count.feed(self.text[self._counted :])
            self._counted = self.size
        return self._count.tokens

    def append(self, text: str) -> None:
        """Let it grow."""
        self._pieces.append(text)
        self.size += len(text)
        self.revision += 1


class ToolCard:
    """One tool call with its arguments, its result and its time.

    Attributes:
        key: Its name in the turn.
        call_id: Id of the call.
        name: The tool.
        status: `writing` (arguments arrive), `called`, `asking` (a person is to decide), `running`, or how it ended.
        reason: Why it asks.
        decision: What a person has decided; None where nobody was asked or has answered yet.
        note: What the model was told of a refusal.
        result: What the tool answered, as text, its JSON laid out; None until it has.
        pictures: The images of the result that may be shown.
        duration_s: Seconds from the start of the tool to its result; None where either was not seen.
    """

    def __init__(self, key: int, call_id: str, name: str) -> None:
        self.key = key
        self.call_id = call_id
        self.name = well_formed(name)
        self.status: CardStatus = "writing"
        self.reason = ""
        self.decision: Decision | None = None
        self.note = ""
        self.result: str | None = None
        self.pictures: tuple[Picture, ...] = ()
        self.duration_s: float | None = None
        self.revision = 0
        self._arguments = Prose(key, "note")
        self._started_s: float | None = None

    @property
    def arguments(self) -> str:
        """The arguments as written so far; laid out once they are complete JSON."""
        raw = self._arguments.text
        return raw if self.status == "writing" else indented(raw)

    @property
    def size(self) -> int:
        """Characters of arguments and result."""
        return self._arguments.size + len(self.result or "")

    @property
    def tokens(self) -> int:
        """About how many tokens the model spent on the call: its name and arguments."""
        return self._arguments.tokens + 2

    @property
    def is_open(self) -> bool:
        """Whether the call has no result yet."""
        return self.status in {"writing", "called", "asking", "running"}

    @property
    def is_error(self) -> bool:
        """Whether the tool failed or never answered."""
        return self.status in {"failed", "interrupted"}

    def write(self, name: str, arguments: str) -> None:
        """More of the call being written."""
        self.name = well_formed(name) or self.name
        self._arguments.append(well_formed(arguments))
        self.revision += 1

    def called(self, call: ToolCall) -> None:
        """The call is complete."""
        self.name = well_formed(call.name)
        self._arguments = Prose(self.key, "note", well_formed(call.arguments_json))
        if self.status == "writing":
            self.status = "called"
        self.revision += 1

    def ask(self, reason: str) -> None:
        """A person is asked whether it may run."""
        self.status = "asking"
        self.reason = well_formed(reason)
        self.revision += 1

    def decided(self, *, approved: bool, note: str = "") -> None:
        """A person has decided; what comes of it is told next."""
        self.status = "called"
        self.decision = "approved" if approved else "denied"
        self.note = well_formed(note)
        self.revision += 1

    def start(self, at_s: float) -> None:
        """The tool begins to run."""
        self.status = "running"
        self._started_s = at_s
        self.revision += 1

    def finish(self, result: ToolResult, at_s: float, album: Album) -> None:
        """The tool has answered; its images go into `album`, as far as that has room."""
        self.status = result.status
        lines: list[str] = []
        pictures: list[Picture] = []
        for piece in result.content:
            if isinstance(piece, Image):
                taken = album.take(piece)
                pictures += [taken] if isinstance(taken, Picture) else []
                lines += [taken] if isinstance(taken, str) else []
            elif isinstance(piece, Json):
                lines.append(indented(msgspec.json.encode(piece.value, order="sorted").decode()))
            else:
                is_json = piece.text.lstrip()[:1] in {"{", "["}
                lines.append(indented(piece.text) if is_json else piece.text)
        self.result = well_formed("\n".join(lines))
        self.pictures = tuple(pictures)
        if self._started_s is not None:
            self.duration_s = max(0.0, at_s - self._started_s)
        self.revision += 1

    def interrupt(self, at_s: float) -> None:
        """The run ended before the tool did."""
        self.status = "interrupted"
        if self._started_s is not None:
            self.duration_s = max(0.0, at_s - self._started_s)
        self.revision += 1


Part = Prose | ToolCard | RetrievalCard | MediaCard
