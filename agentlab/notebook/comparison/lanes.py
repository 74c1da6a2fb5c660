"""What a reader of a comparison sees: a lane for each agent, and which of them is best at what. No I/O, no clock, no HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agentlab.messages import Event, StopReason
from agentlab.notebook.run.runs_projection import Entry
from agentlab.notebook.run.state import RunState
from agentlab.notebook.run.token_bar import money, seconds
from agentlab.notebook.run.turn_parts import ToolCard
from agentlab.plain_text import well_formed

__all__ = ["Lane", "Lanes"]


class Lane:
    """One agent of a comparison.

    Attributes:
        label: What the reader calls it.
        model: Its model.
        state: Its run.
    """

    def __init__(self, label: str, model: str, *, started_at: float | None = None) -> None:
        self.label = well_formed(label)
        self.model = well_formed(model)
        self.state = RunState(label, started_at=started_at)

    @property
    def first_token_s(self) -> float | None:
        """Seconds to the first token of the first turn."""
        turns = self.state.turns
        return turns[0].time_to_first_token_s if turns else None

    @property
    def cost_usd(self) -> float | None:
        """Price of the run; None where a turn of it has no known one."""
        return None if self.state.cost_is_partial else self.state.cost_usd

    @property
    def tool_calls(self) -> int:
        """Calls of tools, run or not."""
        return sum(isinstance(part, ToolCard) for turn in self.state.turns for part in turn.parts)


class Lanes:
    """The view model of a comparison: the lanes in the order in which the agents were given.

    Args:
        title: The prompt.
        agents: Label and model of each.
        started_at: Unix time of the start, seconds; None where not known.
    """

    def __init__(
        self, title: str, agents: Sequence[tuple[str, str]], *, started_at: float | None = None
    ) -> None:
        self.title = well_formed(title)
        self.lanes = tuple(Lane(label, model, started_at=started_at) for label, model in agents)

    def __iter__(self) -> Iterator[Lane]:
        return iter(self.lanes)

    def __len__(self) -> int:
        return len(self.lanes)

    @property
    def running(self) -> int:
        """How many have not ended."""
        return sum(not lane.state.is_finished for lane in self.lanes)

    @property
    def size(self) -> int:
        """Characters of content so far."""
        return sum(lane.state.size for lane in self.lanes)

    @property
    def summary(self) -> str:
        """How many run, and how the others ended, in words."""
        if self.running == len(self.lanes):
            return f"{len(self.lanes)} running"
        counts = {"running": self.running}
        for lane in self.lanes:
            if lane.state.is_finished:
                word = {"done": "done", "error": "failed"}.get(lane.state.status, "stopped")
                counts[word] = counts.get(word, 0) + 1
        return ", ".join(f"{count} {word}" for word, count in counts.items() if count)

    def apply(self, index: int, event: Event, at_s: float) -> None:
        """Fold an event of one agent in; `at_s` is its time in seconds since that run began."""
        self.lanes[index].state.apply(event, at_s)

    def end(self, index: int, reason: StopReason, detail: str | None = None, at_s: float = 0.0) -> None:
        """End the run of one agent, where its events did not say so."""
        self.lanes[index].state.stop(reason, detail, at_s)

    def marks(self) -> list[tuple[str, ...]]:
        """For each lane what it is best at: `cheapest`, `fastest`.

        Nothing is said before all have ended, nor of answers that are not whole, nor where one number is not known or all
        are equal.
        """
        whole = [lane for lane in self.lanes if lane.state.status == "done"]
        if self.running or len(whole) < 2:
            return [() for _ in self.lanes]
        cheapest = _lowest(whole, lambda lane: lane.cost_usd, money)
        fastest = _lowest(whole, lambda lane: lane.state.duration_s, seconds)
        return [("cheapest",) * (lane in cheapest) + ("fastest",) * (lane in fastest) for lane in self.lanes]

    def entries(self) -> list[Entry]:
        """The runs, as the front end is told of them."""
        return [
            Entry(
                lane.state,
                {
                    "label": lane.label,
                    "model": lane.model,
                    "first": seconds(lane.first_token_s),
                    "marks": list(marks),
                },
            )
            for lane, marks in zip(self.lanes, self.marks(), strict=True)
        ]

    def fields(self) -> dict[str, Any]:
        """What belongs to no lane, as the front end is told of it."""
        return {"title": self.title, "summary": self.summary, "running": self.running}


def _lowest(
    lanes: Sequence[Lane], of: Callable[[Lane], float | None], shown: Callable[[float], str]
) -> list[Lane]:
    """The lanes with the lowest value; what is shown alike counts as equal."""
    known = [(lane, value) for lane in lanes if (value := of(lane)) is not None]
    if len(known) < len(lanes):
        return []
    lowest = shown(min(value for _, value in known))
    found = [lane for lane, value in known if shown(value) == lowest]
    return found if len(found) < len(lanes) else []
