"""What is measured: the benchmarks, and the cases of each."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

__all__ = ["BENCHMARKS", "FLOOR", "SCRIPTS", "SHORT", "SMALL", "Benchmark", "Case"]

FLOOR: Final = "httpx aiter_bytes"


class Case(Struct, frozen=True):
    """One thing to do.

    Attributes:
        name: What a reader calls it.
        work: Which method of a way does it, see `Way` and the worker; `script`: a script of its own.
        scenario: What the server says; see `scenarios`.
        size: How many streams, earlier messages or functions.
        times: How often it is done in a round.
        parts: What one is divided into for the table: events, functions.
        unit: In what the table tells it.
    """

    name: str
    work: Literal["text", "streams", "run", "arguments", "history", "schema", "script"] = "script"
    scenario: str = ""
    size: int = 0
    times: int = 1
    parts: int = 1
    unit: Literal["us", "ms", "s"] = "ms"


class Benchmark(Struct, frozen=True):
    """A table and a figure.

    Attributes:
        letter: Short name for the command line; empty for a script.
        name: Name of its files.
        title: What it is about.
        cases: What is done.
        floor: The way beside which the others stand.
        fresh: Whether each case has processes of its own, as where their memory is compared.
    """

    letter: str
    name: str
    title: str
    cases: tuple[Case, ...]
    floor: str = FLOOR
    fresh: bool = False


def _streamed(deltas: int) -> Benchmark:
    case = Case(f"{deltas:,} deltas", "text", f"text-{deltas}", parts=deltas, unit="us")
    title = f"One stream of {deltas:,} text deltas; microseconds an event"
    return Benchmark("A", "stream_text", title, (case,))


def _concurrent(*streams: int) -> Benchmark:
    cases = tuple(Case(f"{count} streams", "streams", "text-200", size=count, unit="s") for count in streams)
    title = "Concurrent streams of 200 events on one loop; seconds"
    return Benchmark("B", "concurrent_streams", title, cases, fresh=True)


def _runs(*turns_and_times: tuple[int, int]) -> Benchmark:
    cases = tuple(
        Case(f"{turns} tool turns" if turns else "one turn", "run", f"loop-{turns}", times=times)
        for turns, times in turns_and_times
    )
    return Benchmark("C", "agent_runs", "Whole agent runs; milliseconds a run", cases)


def _histories(*sizes: int) -> Benchmark:
    cases = tuple(Case(f"{size:,} messages", "history", "text-20", size=size, times=3) for size in sizes)
    title = "One call behind a history that was sent before; milliseconds"
    return Benchmark("D", "long_history", title, cases)


def _arguments(deltas: int, more: int) -> Benchmark:
    cases = tuple(
        Case(f"{count:,} deltas ({count // 100} kB)", "arguments", f"arguments-{count}")
        for count in (deltas, more)
    )
    title = "Tool arguments in deltas of 10 bytes; milliseconds"
    beside = Case(f"for comparison: {deltas:,} deltas of text", "text", f"text-{deltas}")
    return Benchmark("G", "tool_arguments", title, (*cases, beside))


def _schemas(functions: int) -> Benchmark:
    case = Case(f"{functions} functions", "schema", "text-1", size=functions, parts=functions, unit="us")
    title = "The schema of a tool from a function; microseconds a function"
    return Benchmark("S", "tool_schema", title, (case,))


BENCHMARKS: Final = (
    _streamed(10_000),
    _concurrent(100, 500),
    _runs((0, 30), (10, 5), (50, 1), (200, 1)),
    _histories(10, 100, 1_000, 5_000),
    _arguments(2_000, 8_000),
    _schemas(200),
)

SMALL: Final = (
    _streamed(2_000),
    _concurrent(20),
    _runs((0, 10), (10, 2), (50, 1)),
    _histories(100, 1_000),
    _arguments(500, 2_000),
    _schemas(20),
)
"""The same in a tenth of the time: a trial of the whole."""

SHORT: Final = SMALL[:5]
"""What the short form takes, with the floors and agentlab alone."""

SCRIPTS: Final = {
    "live_view": "L",
    "sweep_overhead": "W",
    "vector_search": "V",
    "session_log": "N",
    "store": "R",
}
"""Benchmarks that are scripts of their own beside this package, and their letters; each writes its own table."""
