"""The parts a turn is shown as: prose that grows, and cards of tool calls."""

from __future__ import annotations

from typing import Literal

import msgspec

from agentlab.messages import ToolCall, ToolResult, ToolStatus
from agentlab.notebook.safety.plain_text import well_formed

__all__ = ["CardStatus", "Part", "Prose", "ProseKind", "ToolCard"]

CardStatus = Literal["writing", "called", "asking", "running"] | ToolStatus
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

    @property
    def text(self) -> str:
        """All of it so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

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
        result: What the tool answered; None until it has.
        duration_s: Seconds from the start of the tool to its result; None where either was not seen.
    """

    def __init__(self, key: int, call_id: str, name: str) -> None:
        self.key = key
        self.call_id = call_id
        self.name = well_formed(name)
        self.status: CardStatus = "writing"
        self.reason = ""
        self.result: str | None = None
        self.duration_s: float | None = None
        self.revision = 0
        self._arguments = Prose(key, "note")
        self._started_s: float | None = None

    @property
    def arguments(self) -> str:
        """The arguments as written so far; indented once they are complete JSON."""
        raw = self._arguments.text
        if self.status == "writing":
            return raw
        try:
            return msgspec.json.format(raw, indent=2).strip() if raw.strip() else ""
        except msgspec.DecodeError:
            return raw

    @property
    def size(self) -> int:
        """Characters of arguments and result."""
        return self._arguments.size + len(self.result or "")

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

    def decided(self) -> None:
        """A person has decided; what comes of it is told next."""
        self.status = "called"
        self.revision += 1

    def start(self, at_s: float) -> None:
        """The tool begins to run."""
        self.status = "running"
        self._started_s = at_s
        self.revision += 1

    def finish(self, result: ToolResult, at_s: float) -> None:
        """The tool has answered."""
        self.status = result.status
        self.result = well_formed(result.text)
        if self._started_s is not None:
            self.duration_s = max(0.0, at_s - self._started_s)
        self.revision += 1

    def interrupt(self, at_s: float) -> None:
        """The run ended before the tool did."""
        self.status = "interrupted"
        if self._started_s is not None:
            self.duration_s = max(0.0, at_s - self._started_s)
        self.revision += 1


Part = Prose | ToolCard
