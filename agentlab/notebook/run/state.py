"""What a reader of a run sees: the events of a run folded into turns, parts and totals. No I/O, no clock, no HTML."""

from __future__ import annotations

from typing import Final, Literal, assert_never

from agentlab.messages import (
    ApprovalAsked,
    ApprovalGiven,
    Event,
    Judged,
    Notice,
    ReasoningBlock,
    ReasoningDelta,
    RequestSent,
    RetrievalStarted,
    Retrieved,
    Retrying,
    RunFinished,
    StopReason,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolResult,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UnknownEvent,
    Usage,
)
from agentlab.notebook.run.ideal_read import ideal_read
from agentlab.notebook.run.turn import TurnView
from agentlab.notebook.run.turn_parts import ToolCard
from agentlab.notebook.safety.pictures import Album
from agentlab.plain_text import well_formed

__all__ = ["STATUS_LABELS", "RunState", "RunStatus"]

RunStatus = Literal["running"] | StopReason

STATUS_LABELS: Final[dict[RunStatus, str]] = {
    "running": "running",
    "done": "done",
    "stopped": "stopped",
    "max_turns": "stopped at the limit of turns",
    "cancelled": "stopped",
    "error": "failed",
}


class RunState:
    """The view model of one run. `apply` is total: any sequence of events, even a broken one, leaves a readable state.

    Attributes:
        title: What the run is called, usually the prompt.
        started_at: Unix time at which it began, seconds; None where not known.
        turns: One view for each model call, in order.
        status: `running`, or how the run ended.
        detail: Why it ended, in words, where it did not end by itself.
        duration_s: Seconds from the start of the run to the newest event.
        revision: Grows with every change; lets a view see what is new.
    """

    def __init__(self, title: str = "", *, started_at: float | None = None) -> None:
        self.title = well_formed(title)
        self.started_at = started_at
        self.turns: list[TurnView] = []
        self.status: RunStatus = "running"
        self.detail: str | None = None
        self.duration_s = 0.0
        self.revision = 0
        self._reported: Usage | None = None
        self._text: str | None = None
        self._album = Album()

    @property
    def model(self) -> str:
        """The models asked, each once, in order."""
        return ", ".join(dict.fromkeys(turn.model for turn in self.turns if turn.model))

    @property
    def asking(self) -> list[ToolCard]:
        """The tool calls that wait for a person's consent."""
        cards = (part for turn in self.turns for part in turn.parts if isinstance(part, ToolCard))
        return [card for card in cards if card.status == "asking"]

    @property
    def text(self) -> str:
        """The answer: the run's own, or what the newest turn has said so far."""
        if self._text is not None:
            return self._text
        return self.turns[-1].text if self.turns else ""

    @property
    def usage(self) -> Usage:
        """Tokens of the whole run: the run's own total where it ended with one, else the sum over the turns."""
        if self._reported is not None:
            return self._reported
        return self.summed_usage

    @property
    def summed_usage(self) -> Usage:
        """Tokens summed over the turns that reported them."""
        return sum((turn.usage for turn in self.turns if turn.usage is not None), Usage())

    def ideal_read_tokens(self, index: int) -> int | None:
        """What the turn at `index` could have read from the cache; None where that cannot be known."""
        return ideal_read(self.turns[index - 1] if index else None, self.turns[index])

    @property
    def estimated_output_tokens(self) -> int:
        """About how many tokens were generated in turns whose tokens are not reported, or not yet."""
        return sum(turn.estimated_output_tokens or 0 for turn in self.turns)

    @property
    def cost_usd(self) -> float | None:
        """Price of the turns whose price is known; None where none is."""
        known = [turn.cost_usd for turn in self.turns if turn.cost_usd is not None]
        return sum(known) if known else None

    @property
    def cost_is_partial(self) -> bool:
        """Whether some turn has no known price, so that `cost_usd` is a lower bound."""
        return self.cost_usd is not None and any(turn.cost_usd is None for turn in self.turns)

    @property
    def is_finished(self) -> bool:
        """Whether the run is over."""
        return self.status != "running"

    @property
    def size(self) -> int:
        """Characters of content so far; what a front end has to lay out."""
        return sum(turn.size for turn in self.turns)

    def apply(self, event: Event, at_s: float = 0.0) -> None:
        """Fold one event in; after the end of the run nothing more is.

        Args:
            event: The next event of the run.
            at_s: When it came, in seconds since the run began.
        """
        if self.status != "running":
            return
        self.revision += 1
        self.duration_s = max(self.duration_s, at_s)
        # Nearly every event is one: behind all the others it costs six times as much.
        if isinstance(event, TextDelta):
            self._apply_to_turn(event, at_s)
        else:
            self._fold(event, at_s)

    def stop(self, reason: StopReason, detail: str | None = None, at_s: float = 0.0) -> None:
        """End a run that ended without saying so: it was interrupted, or its stream raised."""
        if not self.is_finished:
            self.apply(
                RunFinished(text=self.text, usage=self.summed_usage, stop_reason=reason, detail=detail), at_s
            )

    def _fold(self, event: Event, at_s: float) -> None:
        match event:
            case TurnStarted():
                self._begin_turn(event, at_s)
            case RetrievalStarted() | Retrieved():
                self._open_turn(at_s).retrieve(event)
            case RunFinished():
                self._finish_run(event, at_s)
            case ApprovalAsked():
                self._card(event.call_id, event.name, at_s).ask(event.reason)
                self._touch_owner(event.call_id)
            case ApprovalGiven():
                self._card(event.call_id, "", at_s).decided(approved=event.approved, note=event.note)
                self._touch_owner(event.call_id)
            case ToolStarted():
                self._card(event.call_id, event.name, at_s).start(at_s)
                self._touch_owner(event.call_id)
            case ToolResult():
                self._card(event.call_id, event.name, at_s).finish(event, at_s, self._album)
                self._touch_owner(event.call_id)
            case UnknownEvent() | RequestSent() | Judged():
                pass
            case _:
                self._apply_to_turn(event, at_s)

    def _apply_to_turn(
        self,
        event: TextDelta
        | ReasoningDelta
        | ReasoningBlock
        | ToolCallDelta
        | ToolCall
        | Retrying
        | Notice
        | TurnFinished,
        at_s: float,
    ) -> None:
        turn = self._open_turn(at_s)
        match event:
            case TextDelta():
                turn.add_text(event.text, event.index, at_s)
            case ReasoningDelta():
                turn.add_reasoning(event.text, event.index, at_s)
            case ReasoningBlock():
                turn.set_reasoning(event.reasoning, event.index, at_s)
            case ToolCallDelta():
                turn.add_tool_call(event, at_s)
            case ToolCall():
                turn.set_tool_call(event, at_s)
            case Retrying():
                status = f" (HTTP {event.status})" if event.status is not None else ""
                turn.notice(
                    "retrying",
                    f"attempt {event.attempt} failed{status}: {event.reason}",
                    f"next after {event.delay_s:.1f} s",
                )
            case Notice():
                turn.notice(event.kind, event.text)
            case TurnFinished():
                turn.finish(event, at_s, self._album)
            case _:
                assert_never(event)

    def _begin_turn(self, event: TurnStarted, at_s: float) -> None:
        """A new turn, unless one is open that only holds what was retrieved for it."""
        if self.turns and self.turns[-1].awaits_model:
            self.turns[-1].begin_model(event.turn, event.model, at_s)
            return
        self._settle_open_turn("stopped", at_s)
        self.turns.append(TurnView(event.turn, event.model, at_s))

    def _open_turn(self, at_s: float) -> TurnView:
        """The turn under way; one is opened for events that come without `TurnStarted`."""
        if not self.turns or self.turns[-1].status != "running":
            number = self.turns[-1].number + 1 if self.turns else 1
            self.turns.append(TurnView(number, "", at_s))
        return self.turns[-1]

    def _card(self, call_id: str, name: str, at_s: float) -> ToolCard:
        """The newest card of a call; one is made for a tool nobody saw being called."""
        for turn in reversed(self.turns):
            card = turn.card(call_id)
            if card is not None:
                return card
        turn = self.turns[-1] if self.turns else self._open_turn(at_s)
        return turn.new_card(call_id, name)

    def _touch_owner(self, call_id: str) -> None:
        for turn in reversed(self.turns):
            if turn.card(call_id) is not None:
                turn.revision += 1
                return

    def _settle_open_turn(self, how: Literal["stopped", "failed"], at_s: float) -> None:
        if self.turns and self.turns[-1].status == "running":
            self.turns[-1].cut(how, at_s)

    def _finish_run(self, event: RunFinished, at_s: float) -> None:
        self._settle_open_turn("failed" if event.stop_reason == "error" else "stopped", at_s)
        for turn in self.turns:
            turn.interrupt_open_cards(at_s)
        self.status = event.stop_reason
        self.detail = None if event.detail is None else well_formed(event.detail)
        self._text = well_formed(event.text) if event.text else None
        self._reported = event.usage if event.usage != Usage() else None
