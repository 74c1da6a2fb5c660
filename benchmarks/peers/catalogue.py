"""What is measured: the benchmarks, and the cases of each."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

__all__ = ["BENCHMARKS", "SCRIPTS", "SHORT", "Benchmark", "Case"]


class Case(Struct, frozen=True):
    """One thing to do.

    Attributes:
        name: What a reader calls it.
        work: Which method of a way does it; see `Way` and the worker.
        scenario: What the server says; see `scenarios`.
        size: How many streams, earlier messages or functions.
        times: How often it is done in a round.
        parts: What one is divided into for the table: events, functions.
        unit: In what the table tells it.
    """

    name: str
    work: Literal["text", "streams", "run", "arguments", "history", "schema"]
    scenario: str
    size: int = 0
    times: int = 1
    parts: int = 1
    unit: Literal["us", "ms", "s"] = "ms"


class Benchmark(Struct, frozen=True):
    """A table and a figure.

    Attributes:
        letter: Short name for the command line.
        name: Name of its files.
        title: What it is about.
        cases: What is done.
    """

    letter: str
    name: str
    title: str
    cases: tuple[Case, ...]


def _runs(turns: int, times: int) -> Case:
    name = f"{turns} tool turns" if turns else "one turn"
    return Case(name, "run", f"loop-{turns}", times=times)


BENCHMARKS: Final = (
    Benchmark(
        "A",
        "stream_text",
        "One stream of 10,000 text deltas; microseconds an event",
        (Case("10,000 deltas", "text", "text-10000", parts=10_000, unit="us"),),
    ),
    Benchmark(
        "B",
        "concurrent_streams",
        "Concurrent streams of 200 events on one loop; seconds",
        (
            Case("100 streams", "streams", "text-200", size=100, unit="s"),
            Case("500 streams", "streams", "text-200", size=500, unit="s"),
        ),
    ),
    Benchmark(
        "C",
        "agent_runs",
        "Whole agent runs; milliseconds a run",
        (_runs(0, times=30), _runs(10, times=5), _runs(50, times=1), _runs(200, times=1)),
    ),
    Benchmark(
        "D",
        "long_history",
        "One call behind a history that was sent before; milliseconds",
        tuple(
            Case(f"{size:,} messages", "history", "text-20", size=size, times=3)
            for size in (10, 100, 1_000, 5_000)
        ),
    ),
    Benchmark(
        "G",
        "tool_arguments",
        "Tool arguments in deltas of 10 bytes; milliseconds",
        (
            Case("2,000 deltas (20 kB)", "arguments", "arguments-2000"),
            Case("8,000 deltas (80 kB)", "arguments", "arguments-8000"),
            Case("for comparison: 2,000 deltas of text", "text", "text-2000"),
        ),
    ),
    Benchmark(
        "S",
        "tool_schema",
        "The schema of a tool from a function; microseconds a function",
        (Case("200 functions", "schema", "text-1", size=200, parts=200, unit="us"),),
    ),
)

SHORT: Final = (
    Benchmark(
        "A", "stream_text", "One stream", (Case("2,000 deltas", "text", "text-2000", parts=2_000, unit="us"),)
    ),
    Benchmark(
        "B",
        "concurrent_streams",
        "Concurrent streams",
        (Case("20 streams", "streams", "text-200", size=20, unit="s"),),
    ),
    Benchmark(
        "C",
        "agent_runs",
        "Whole agent runs",
        (_runs(0, times=10), _runs(10, times=2), _runs(50, times=1)),
    ),
    Benchmark(
        "D",
        "long_history",
        "One call behind a history",
        (
            Case("100 messages", "history", "text-20", size=100, times=3),
            Case("1,000 messages", "history", "text-20", size=1_000, times=3),
        ),
    ),
)
"""The same in seconds, for machines that do other work beside it."""

SCRIPTS: Final = {
    "live_view": ("--write", "benchmarks/results/live_view.md"),
    "sweep_overhead": (),
    "vector_search": (),
    "store": (),
    "sessions": (),
}
"""Benchmarks that are scripts of their own beside this package, and their options."""
