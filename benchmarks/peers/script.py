"""What the benchmarks share that are scripts of their own: options, and how processor time and wall clock are taken."""

from __future__ import annotations

import asyncio
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.peers.results import Round

__all__ = ["options", "timed", "timed_async"]


def options(description: str | None, *, rounds: int) -> ArgumentParser:
    """A parser with the options that `python -m benchmarks.peers` gives to every script.

    Args:
        description: What the script measures.
        rounds: How often, where the user does not say.
    """
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help="how often, in turn")
    parser.add_argument("--small", action="store_true", help="a trial, with small cases")
    parser.add_argument("--write", type=Path, help="a folder for the table and the figure")
    parser.add_argument("--keep", type=Path, help="a folder for single figures that goals are judged by")
    return parser


def timed(work: Callable[[], object], times: int = 1) -> Round:
    """What it takes to do something, the mean of a few times."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Round(cpu / times, wall / times)


def timed_async(work: Callable[[], Awaitable[object]]) -> Round:
    """What it takes on a loop of its own."""

    async def main() -> None:
        await work()

    return timed(lambda: asyncio.run(main()))
