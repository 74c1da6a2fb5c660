"""An answer as the terminal shows it while it comes: text as Markdown, reasoning dim, a line for each tool call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agentlab.messages import (
    ApprovalAsked,
    Audio,
    Event,
    Image,
    Notice,
    ReasoningDelta,
    Retrieved,
    Retrying,
    TextDelta,
    ToolCall,
    ToolResult,
    TurnFinished,
    TurnStarted,
)
from agentlab.plain_text import one_line, terminal_safe
from agentlab.terminal.lines import call_line, media_line, result_words, retrieved_line
from agentlab.terminal.markdown_blocks import markdown, settled_length, split_code
from agentlab.terminal.safe_stream import SafeStream
from agentlab.terminal.screen import Screen

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["AnswerView"]


@dataclass(slots=True)
class _Call:
    line: str
    result: str | None = None
    failed: bool = False

    @property
    def shown(self) -> str:
        if self.result is None:
            return f"› {self.line} …"  # noqa: RUF001 - a mark, not a bracket
        return f"{'✗' if self.failed else '✓'} {self.line} → {self.result}"


class AnswerView:
    """Shows one answer; give it every event, and `paint` some twenty times a second.

    Args:
        screen: Where it is shown.
        show_reasoning: Whether the model's reasoning is shown.
    """

    def __init__(self, screen: Screen, *, show_reasoning: bool = True) -> None:
        self._screen = screen
        self._show_reasoning = show_reasoning
        self._kind: Literal["text", "reasoning"] | None = None
        self._index = 0
        self._safe = SafeStream()
        self._growing = ""
        self._calls: dict[str, _Call] = {}
        self._is_painted = True

    def apply(self, event: Event) -> None:
        """Take an event; it is seen with the next `paint`."""
        if isinstance(event, TextDelta):
            self._grow("text", event.text, event.index)
        elif isinstance(event, ReasoningDelta):
            if self._show_reasoning:
                self._grow("reasoning", event.text, event.index)
        elif isinstance(event, ToolCall):
            self._close_text()
            self._calls[event.id] = _Call(call_line(event))
            self._is_painted = False
        elif isinstance(event, ToolResult):
            self._take_result(event)
        elif isinstance(event, TurnStarted):
            self.finish()
            self._screen.show(_text("…", "dim"))
        elif isinstance(event, TurnFinished):
            self._end_turn(event)
        elif isinstance(event, Retrying | Notice | Retrieved):
            self._tell(event)

    def paint(self) -> None:
        """Bring the screen up to date."""
        if self._is_painted:
            return
        self._is_painted = True
        if self._calls:
            self._screen.show(*self._call_lines())
            return
        if self._kind == "text":
            settled = settled_length(self._growing)
            if settled:
                self._screen.print(markdown(self._growing[:settled]), "")
                self._growing = self._growing[settled:]
            while (parted := split_code(self._growing)) is not None:
                self._screen.print(markdown(parted[0]))
                self._growing = parted[1]
        if self._growing.strip():
            self._screen.show(self._rendered())

    def pause(self) -> None:
        """Take what still changes off the screen, so that something else can be printed; `paint` brings it back."""
        self._close_text()
        self._screen.print()
        self._is_painted = not self._calls

    def finish(self) -> None:
        """The answer has ended: all there is stays."""
        self._close_text()
        self._close_calls()
        self._screen.print()

    def question(self, asked: ApprovalAsked) -> str:
        """What to ask before a tool runs, on one line."""
        call = self._calls.get(asked.call_id) or _Call(one_line(terminal_safe(asked.name)))
        reason = one_line(terminal_safe(asked.reason), 120)
        return f"run {call.line}{f', {reason}' if reason else ''}?"

    def _grow(self, kind: Literal["text", "reasoning"], text: str, index: int) -> None:
        if self._calls or (kind, index) != (self._kind, self._index):
            self.finish()
            self._kind, self._index = kind, index
        self._growing += self._safe.feed(text)
        self._is_painted = False

    def _rendered(self) -> RenderableType:
        if self._kind == "text":
            return markdown(self._growing)
        return _text(self._growing.strip("\n"), "dim italic")

    def _close_text(self) -> None:
        if self._kind is None:
            return
        self._growing += self._safe.close()
        self._is_painted = False
        self.paint()
        if self._growing.strip():
            self._screen.print(self._rendered(), "")
        self._kind, self._growing = None, ""

    def _take_result(self, result: ToolResult) -> None:
        self._close_text()
        call = self._calls.setdefault(result.call_id, _Call(one_line(terminal_safe(result.name))))
        call.result, call.failed = result_words(result), result.status != "success"
        self._is_painted = False
        if all(each.result is not None for each in self._calls.values()):
            self._close_calls()

    def _close_calls(self) -> None:
        if self._calls:
            self._screen.print(*self._call_lines(), "")
            self._calls.clear()
            self._is_painted = True

    def _call_lines(self) -> list[RenderableType]:
        return [_text(call.shown, "cyan", is_one_line=True) for call in self._calls.values()]

    def _end_turn(self, turn: TurnFinished) -> None:
        self._close_text()
        for part in turn.message.content:
            if isinstance(part, Image | Audio):
                self._say(media_line(part), "dim")

    def _tell(self, event: Retrying | Notice | Retrieved) -> None:
        """Say what happened beside the answer; that a prefix moved matters to the cache's reader, not to this one."""
        if isinstance(event, Retrieved):
            self._say(retrieved_line(event), "dim")
        elif isinstance(event, Retrying):
            reason = one_line(terminal_safe(event.reason), 120)
            self._say(f"trying again in {event.delay_s:.1f} s: {reason}", "yellow")
        elif event.kind != "prefix_moved":
            self._say(one_line(terminal_safe(event.text), 200), "yellow")

    def _say(self, text: str, style: str) -> None:
        self.pause()
        self._screen.print(_text(text, style))


def _text(text: str, style: str, *, is_one_line: bool = False) -> RenderableType:
    from rich.text import Text  # noqa: PLC0415 - optional

    return Text(text, style=style, no_wrap=is_one_line, overflow="ellipsis" if is_one_line else "fold")
