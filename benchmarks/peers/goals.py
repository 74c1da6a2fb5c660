"""What must hold, and how it is judged: ratios within one run, memory, single figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from benchmarks.peers.results import Figures, Result

__all__ = ["Goal", "Limit", "Memory", "Verdict", "judged"]


class Goal(Struct, frozen=True):
    """One line that must hold.

    Attributes:
        benchmark: Name of the benchmark.
        case: The case.
        way: Whose cost is judged.
        against: Beside whose: a way, or the best of a kind (`best sdk`, `best agent`, or `best peer` of both), on one wire
            (`best sdk chat`) or any.
        at_most: The largest ratio.
        other_case: The case of the other, where it is another one.
        told: Whether it is only told, not judged.
    """

    benchmark: str
    case: str
    way: str
    against: str
    at_most: float
    other_case: str = ""
    told: bool = False

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
        floor: A way whose memory is told beside it: what the bytes alone take.
    """

    benchmark: str
    case: str
    way: str
    streams: int
    at_most_kb: float
    floor: str = ""

    def __str__(self) -> str:
        return f"{self.way}, {self.case}: memory grows by at most {self.at_most_kb:.0f} kB a stream"


class Limit(Struct, frozen=True):
    """A single figure that must not be passed.

    Attributes:
        figure: Its name.
        at_most: The most.
    """

    figure: str
    at_most: float

    def __str__(self) -> str:
        return f"{self.figure}: at most {self.at_most:g}"


class Verdict(Struct, frozen=True):
    """A goal and what was found.

    Attributes:
        goal: The goal, in words.
        found: What was measured, in words.
        met: Whether it holds; None where it was not measured.
        told: Whether it is only told.
    """

    goal: str
    found: str
    met: bool | None
    told: bool = False


def judged(
    goals: Iterable[Goal | Memory | Limit],
    results: Mapping[str, Sequence[Result]],
    figures: Figures | None = None,
) -> list[Verdict]:
    """Judge goals by results.

    Args:
        goals: What must hold.
        results: Results by the name of the benchmark.
        figures: Single figures.
    """
    return [_verdict(goal, results, figures or {}) for goal in goals]


def _verdict(
    goal: Goal | Memory | Limit, results: Mapping[str, Sequence[Result]], figures: Figures
) -> Verdict:
    if isinstance(goal, Limit):
        found = _of_figure(goal, figures)
    else:
        rows = [each for each in results.get(goal.benchmark, ()) if each.rounds]
        found = _of_memory(goal, rows) if isinstance(goal, Memory) else _of_ratio(goal, rows)
    return found or Verdict(str(goal), "not measured", None)


def _of_figure(goal: Limit, figures: Figures) -> Verdict | None:
    value = figures.get(goal.figure)
    return None if value is None else Verdict(str(goal), f"{value:.3g}", value <= goal.at_most)


def _of_memory(goal: Memory, rows: Sequence[Result]) -> Verdict | None:
    mine = _named(rows, goal.case, goal.way)
    if mine is None:
        return None
    kb = _grown_kb(mine, goal)
    floor = _named(rows, goal.case, goal.floor)
    beside = "" if floor is None else f", of {goal.floor} {_grown_kb(floor, goal):.1f} kB"
    return Verdict(str(goal), f"{kb:.1f} kB{beside}", kb <= goal.at_most_kb)


def _grown_kb(result: Result, goal: Memory) -> float:
    return max(each.grown_kb for each in result.rounds) / goal.streams


def _of_ratio(goal: Goal, rows: Sequence[Result]) -> Verdict | None:
    mine = _named(rows, goal.case, goal.way)
    case = goal.other_case or goal.case
    best = goal.against.startswith("best ")
    other = _best(rows, case, goal.against) if best else _named(rows, case, goal.against)
    if mine is None or other is None:
        return None
    ratio, (low, high) = mine.times(other), mine.spread(other)
    found = f"{ratio:.3g}x of {other.way} ({low:.3g} to {high:.3g})"
    return Verdict(str(goal), found, ratio <= goal.at_most, goal.told)


def _named(rows: Sequence[Result], case: str, way: str) -> Result | None:
    return next((each for each in rows if each.case == case and each.way == way), None)


def _best(rows: Sequence[Result], case: str, against: str) -> Result | None:
    _, kind, *wire = against.split()
    kinds = {"sdk", "agent"} if kind == "peer" else {kind}
    able = (each for each in rows if each.case == case and each.kind in kinds)
    on_the_wire = (each for each in able if not wire or each.wire == wire[0])
    return min(on_the_wire, key=lambda each: each.cpu_s, default=None)
