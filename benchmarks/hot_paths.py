"""Where the time of the three hottest paths goes, by pyinstrument: the functions with the most time of their own.

    python -m benchmarks.hot_paths [--write benchmarks/results]

A stream of 10,000 deltas with a live view, runs of ten tool turns, and calls behind 5,000 messages that were sent before,
each against the loopback server of the other benchmarks. Waiting is left out. A sampling profiler does not slow small
functions more than large ones; what it gives are shares.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from pyinstrument import Profiler
from pyinstrument.frame import Frame

from benchmarks.peers.adapters.agentlab import WAYS
from benchmarks.peers.server import ROOT, serving
from benchmarks.peers.way import Way

__all__ = ["HotPath", "Share", "measure"]

_INTERVAL_S: Final = 0.0005
_SHOWN: Final = 15
_WAITING: Final = frozenset({"epoll.poll", "lock.acquire"})


class HotPath(Struct, frozen=True):
    """What is profiled.

    Attributes:
        title: What it is.
        way: Which of agentlab's ways takes it.
        scenario: What the server says.
        history: Messages sent before.
        times: How often it is taken.
    """

    title: str
    way: str
    scenario: str
    history: int = 0
    times: int = 1


class Share(Struct, frozen=True):
    """A function's part of the time.

    Attributes:
        function: Its file and name.
        share: Time of its own, without what it calls, 0 to 1.
    """

    function: str
    share: float


PATHS: Final = (
    HotPath("A stream of 10,000 deltas, watched", "agentlab agent, watched", "text-10000", times=8),
    HotPath("A run of ten tool turns", "agentlab agent", "loop-10", times=60),
    HotPath("A call behind 5,000 messages", "agentlab agent", "text-20", history=5_000, times=300),
)


def measure(path: HotPath, origin: str) -> list[Share]:
    """Profile one path, after it was taken once.

    Args:
        path: Which.
        origin: Of the server.
    """
    return asyncio.run(_profiled(WAYS[path.way](f"{origin}/{path.scenario}"), path))


async def _profiled(way: Way, path: HotPath) -> list[Share]:
    await way.open()
    try:
        work = _work(way, path)
        await work()
        profiler = Profiler(interval=_INTERVAL_S, async_mode="disabled")
        with profiler:
            for _ in range(path.times):
                await work()
    finally:
        await way.close()
    session = profiler.last_session
    assert session is not None
    root = session.root_frame(trim_stem=False)
    assert root is not None
    return _shares(root)


def _work(way: Any, path: HotPath) -> Callable[[], Awaitable[object]]:
    if path.history:
        past = way.past(path.history)
        return lambda: way.continued(past)
    taken: Callable[[], Awaitable[object]] = way.run if path.scenario.startswith("loop") else way.text
    return taken


def _shares(root: Frame) -> list[Share]:
    spent: defaultdict[str, float] = defaultdict(float)
    for frame in _frames(root):
        if frame.function not in _WAITING:
            spent[_named(frame)] += frame.total_self_time
    whole = sum(spent.values())
    largest = sorted(spent.items(), key=lambda row: -row[1])[:_SHOWN]
    return [Share(name, seconds / whole) for name, seconds in largest]


def _frames(frame: Frame) -> Iterator[Frame]:
    yield frame
    for each in frame.children:
        if not each.is_synthetic:
            yield from _frames(each)


def _named(frame: Frame) -> str:
    path = Path(frame.file_path or "built in")
    place = path.relative_to(ROOT) if path.is_relative_to(ROOT / "agentlab") else Path(*path.parts[-2:])
    return f"{place}: {frame.function}"


def main() -> None:
    """Print a table a path, or write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", type=Path, help="a folder for the tables")
    write: Path | None = parser.parse_args().write
    parts = [
        "# The three hottest paths\n\nShares of the time that is not waiting, by function, without what it calls.\n"
    ]
    with serving() as origin:
        for path in PATHS:
            rows = "".join(f"| `{row.function}` | {row.share:.1%} |\n" for row in measure(path, origin))
            parts.append(f"## {path.title}\n\n| function | share |\n|---|--:|\n{rows}")
    text = "\n".join(parts)
    print(text)
    if write is not None:
        (write / "hot_paths.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
