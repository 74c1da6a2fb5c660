"""The goals themselves, and the wide margins of the short form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from benchmarks.peers.catalogue import BENCHMARKS, FLOOR, Benchmark
from benchmarks.peers.footprint import BEYOND
from benchmarks.peers.goals import Goal, Limit, Memory

__all__ = ["GOALS", "SHORT_GOALS", "ahead"]

OURS: Final = "agentlab agent"
BY_WIRE: Final = {"chat": OURS, "anthropic": f"{OURS} (anthropic)", "responses": f"{OURS} (responses)"}
_TEXT: Final = ("stream_text", "10,000 deltas")
_HUNDRED: Final = ("concurrent_streams", "100 streams")
_MANY: Final = ("concurrent_streams", "500 streams")
_RUNS: Final = "agent_runs"
_RUNS_OF_BEST: Final = (("one turn", 1 / 2), ("10 tool turns", 1 / 3), ("200 tool turns", 1 / 20))
_FAR: Final = ("long_history", "5,000 messages")
_ARGUMENTS: Final = ("tool_arguments", "2,000 deltas (20 kB)")


def ahead(benchmarks: Iterable[Benchmark]) -> tuple[Goal, ...]:
    """That an agent costs less than every peer, SDKs too, in each case and on each wire."""
    return tuple(
        goal for benchmark in benchmarks for case in benchmark.cases for goal in _ahead(benchmark, case.name)
    )


def _ahead(benchmark: Benchmark, case: str) -> tuple[Goal, ...]:
    if benchmark.name == "tool_schema":
        return (Goal(benchmark.name, case, OURS, "best peer", 1),)
    return tuple(Goal(benchmark.name, case, way, f"best peer {wire}", 1) for wire, way in BY_WIRE.items())


def _live_view(tokens: str, megabytes: float, milliseconds: float) -> tuple[Limit, Limit]:
    return (
        Limit(f"live view, {tokens} tokens, MB to the page", megabytes),
        Limit(f"live view, {tokens} tokens, ms from the last one to the page", milliseconds),
    )


GOALS: Final[tuple[Goal | Memory | Limit, ...]] = (
    Goal(*_TEXT, OURS, FLOOR, 1.7),
    Goal(*_TEXT, OURS, "best sdk chat", 1 / 6),
    Goal(*_TEXT, OURS, "best agent chat", 1 / 8),
    Goal(*_TEXT, BY_WIRE["anthropic"], f"{FLOOR} (anthropic)", 1.7),
    Goal(*_TEXT, BY_WIRE["anthropic"], "anthropic", 1 / 1.6),
    Goal(*_TEXT, f"{OURS}, watched", FLOOR, 2.5),
    Goal(*_TEXT, f"{OURS}, watched (anthropic)", f"{FLOOR} (anthropic)", 2.5),
    Goal(*_HUNDRED, OURS, FLOOR, 1.5),
    Goal(*_MANY, OURS, FLOOR, 1.5),
    Memory(*_HUNDRED, OURS, 100, 60, FLOOR),
    Memory(*_MANY, OURS, 500, 60, FLOOR),
    *(
        Goal(_RUNS, case, BY_WIRE[wire], f"best agent {wire}", at_most)
        for wire in ("chat", "anthropic")
        for case, at_most in _RUNS_OF_BEST
    ),
    *(Goal(_RUNS, case, OURS, "best agent", at_most, told=True) for case, at_most in _RUNS_OF_BEST),
    Goal(_RUNS, "200 tool turns", OURS, OURS, 25, "10 tool turns"),
    Goal(*_FAR, BY_WIRE["anthropic"], "anthropic", 1 / 8),
    Goal(*_FAR, OURS, "openai", 1 / 100),
    Goal("tool_arguments", "8,000 deltas (80 kB)", OURS, OURS, 4.5, _ARGUMENTS[1]),
    Goal(*_ARGUMENTS, OURS, OURS, 1.6, "for comparison: 2,000 deltas of text"),
    Goal("import", "import", "import agentlab", "import httpx", 2),
    Goal("import", "import", "from agentlab import Agent", "best peer", 1),
    Limit(BEYOND, 60),
    *_live_view("2,000", 0.15, 100),
    *_live_view("20,000", 1, 200),
    *ahead(BENCHMARKS),
)
"""The project's goals."""

SHORT_GOALS: Final = (
    Goal("stream_text", "2,000 deltas", OURS, FLOOR, 4),
    Goal("stream_text", "2,000 deltas", BY_WIRE["anthropic"], f"{FLOOR} (anthropic)", 4),
    Goal("stream_text", "2,000 deltas", f"{OURS}, watched", FLOOR, 6),
    Goal("concurrent_streams", "20 streams", OURS, FLOOR, 4),
    Goal(_RUNS, "10 tool turns", OURS, "httpx, split, json", 5),
    Goal(_RUNS, "50 tool turns", OURS, OURS, 12, "10 tool turns"),
    Goal("long_history", "1,000 messages", OURS, OURS, 5, "100 messages"),
    Goal("tool_arguments", "2,000 deltas (20 kB)", OURS, OURS, 9, "500 deltas (5 kB)"),
)
"""What no noise of a machine breaks, and what a quadratic step or a second pass over each event does."""
