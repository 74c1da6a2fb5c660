"""What must hold, as ratios within one run: the goals, and the wide margins of the short form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from benchmarks.peers.rounds import Result

__all__ = ["GOALS", "SHORT_GOALS", "Goal", "Verdict", "judged"]

OURS: Final = "agentlab agent"
FLOOR: Final = "httpx aiter_bytes"


class Goal(Struct, frozen=True):
    """One line that must hold.

    Attributes:
        benchmark: Name of the benchmark.
        case: The case.
        way: Whose cost is judged.
        against: Beside whose: a way, or the best of a kind (`best sdk`, `best agent`), on a wire (`best sdk chat`) or any.
        at_most: The largest ratio.
        other_case: The case of the other, where it is another one.
    """

    benchmark: str
    case: str
    way: str
    against: str
    at_most: float
    other_case: str = ""

    def __str__(self) -> str:
        other = f", {self.other_case}" if self.other_case else ""
        return f"{self.way}, {self.case}: at most {self.at_most:.3g}x of {self.against}{other}"


class Memory(Struct, frozen=True):
    """Memory that must not be passed.

    Attributes:
        benchmark: Name of the benchmark.
        case: The case.
        way: Whose memory is judged.
        streams: By how many the growth is divided.
        at_most_kb: The most for one.
    """

    benchmark: str
    case: str
    way: str
    streams: int
    at_most_kb: float

    def __str__(self) -> str:
        return f"{self.way}, {self.case}: memory grows by at most {self.at_most_kb:.0f} kB a stream"


class Verdict(Struct, frozen=True):
    """A goal and what was found.

    Attributes:
        goal: The goal, in words.
        found: What was measured, in words.
        met: Whether it holds; None where it could not be judged.
    """

    goal: str
    found: str
    met: bool | None


def judged(goals: Iterable[Goal | Memory], results: Mapping[str, Sequence[Result]]) -> list[Verdict]:
    """Judge goals by results.

    Args:
        goals: What must hold.
        results: Results by the name of the benchmark.
    """
    found: list[Verdict] = []
    for goal in goals:
        rows = [each for each in results.get(goal.benchmark, ()) if each.rounds]
        judge: Callable[..., Verdict | None] = _of_memory if isinstance(goal, Memory) else _of_ratio
        found.append(judge(goal, rows) or Verdict(str(goal), "not measured", None))
    return found


def _of_memory(goal: Memory, rows: Sequence[Result]) -> Verdict | None:
    mine = _named(rows, goal.case, goal.way)
    if mine is None:
        return None
    kb = max(each.grown_kb for each in mine.rounds) / goal.streams
    return Verdict(str(goal), f"{kb:.1f} kB", kb <= goal.at_most_kb)


def _of_ratio(goal: Goal, rows: Sequence[Result]) -> Verdict | None:
    mine = _named(rows, goal.case, goal.way)
    case = goal.other_case or goal.case
    other = (
        _best(rows, case, goal.against)
        if goal.against.startswith("best ")
        else _named(rows, case, goal.against)
    )
    if mine is None or other is None:
        return None
    ratio = mine.times(other)
    low, high = _spread(mine, other)
    return Verdict(str(goal), f"{ratio:.3g}x of {other.way} ({low:.3g} to {high:.3g})", ratio <= goal.at_most)


def _named(rows: Sequence[Result], case: str, way: str) -> Result | None:
    return next((each for each in rows if each.case == case and each.way == way), None)


def _best(rows: Sequence[Result], case: str, against: str) -> Result | None:
    _, kind, *wire = against.split()
    able = (each for each in rows if each.case == case and each.kind == kind)
    return min(
        (each for each in able if not wire or each.wire == wire[0]), key=lambda each: each.cpu_s, default=None
    )


def _spread(mine: Result, other: Result) -> tuple[float, float]:
    ratios = [a.cpu_s / b.cpu_s for a, b in zip(mine.rounds, other.rounds, strict=False)]
    return min(ratios), max(ratios)


_TEXT: Final = ("stream_text", "10,000 deltas")
_HUNDRED: Final = ("concurrent_streams", "100 streams")
_MANY: Final = ("concurrent_streams", "500 streams")
_RUNS: Final = "agent_runs"
_FAR: Final = ("long_history", "5,000 messages")
_ARGUMENTS: Final = ("tool_arguments", "2,000 deltas (20 kB)")

GOALS: Final[tuple[Goal | Memory, ...]] = (
    Goal(*_TEXT, OURS, FLOOR, 1.7),
    Goal(*_TEXT, OURS, "best sdk chat", 1 / 6),
    Goal(*_TEXT, OURS, "best agent chat", 1 / 8),
    Goal(*_TEXT, f"{OURS} (anthropic)", f"{FLOOR} (anthropic)", 1.7),
    Goal(*_TEXT, f"{OURS} (anthropic)", "anthropic", 1 / 1.6),
    Goal(*_TEXT, f"{OURS}, watched", FLOOR, 2.5),
    Goal(*_TEXT, f"{OURS}, watched (anthropic)", f"{FLOOR} (anthropic)", 2.5),
    Goal(*_HUNDRED, OURS, FLOOR, 1.5),
    Goal(*_MANY, OURS, FLOOR, 1.5),
    Memory(*_HUNDRED, OURS, 100, 60),
    Memory(*_MANY, OURS, 500, 60),
    Goal(_RUNS, "one turn", OURS, "best agent", 1 / 2),
    Goal(_RUNS, "10 tool turns", OURS, "best agent", 1 / 3),
    Goal(_RUNS, "200 tool turns", OURS, "best agent", 1 / 20),
    *(
        Goal(_RUNS, case, way, f"best agent {wire}", at_most)
        for way, wire in ((OURS, "chat"), (f"{OURS} (anthropic)", "anthropic"))
        for case, at_most in (("one turn", 1 / 2), ("10 tool turns", 1 / 3), ("200 tool turns", 1 / 20))
    ),
    Goal(_RUNS, "200 tool turns", OURS, OURS, 25, "10 tool turns"),
    Goal(*_FAR, f"{OURS} (anthropic)", "anthropic", 1 / 8),
    Goal(*_FAR, OURS, "openai", 1 / 100),
    Goal("tool_arguments", "8,000 deltas (80 kB)", OURS, OURS, 4.5, _ARGUMENTS[1]),
    Goal(*_ARGUMENTS, OURS, OURS, 1.6, "for comparison: 2,000 deltas of text"),
    Goal("import", "import", "import agentlab", "import httpx", 2),
)
"""The project's goals."""

SHORT_GOALS: Final = (
    Goal("stream_text", "2,000 deltas", OURS, FLOOR, 4),
    Goal("stream_text", "2,000 deltas", f"{OURS} (anthropic)", f"{FLOOR} (anthropic)", 4),
    Goal("stream_text", "2,000 deltas", f"{OURS}, watched", FLOOR, 6),
    Goal("concurrent_streams", "20 streams", OURS, FLOOR, 4),
    Goal(_RUNS, "10 tool turns", OURS, "httpx, split, json", 5),
    Goal(_RUNS, "50 tool turns", OURS, OURS, 12, "10 tool turns"),
    Goal("long_history", "1,000 messages", OURS, OURS, 5, "100 messages"),
)
"""What no noise of a machine breaks, and what a quadratic step or a second pass over each event does."""
