"""A peer at work, in its own environment and process: takes one round a line on its input, answers with its costs.

Standard library only. What the peer prints goes to its error output, so that the pipe carries JSON alone.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TextIO

from benchmarks.peers.scenarios import expected
from benchmarks.peers.way import Way, add

__all__ = ["BOOT", "main"]

BOOT = "import sys; from benchmarks.peers.worker import main; sys.path.remove(''); main(*sys.argv[1:])"
"""What `python -c` runs in the project's folder; no folder of the project may pass for a package that a peer looks for."""

Action = Callable[[], Awaitable[None]]


def main(adapter: str, name: str = "", *distributions: str) -> None:
    """Do rounds until the input ends; without a way, tell which ways there are.

    Args:
        adapter: A module of `benchmarks.peers.adapters`.
        name: One of its ways.
        distributions: Packages whose versions are told with the ways.
    """
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        ways: dict[str, type[Way]] = import_module(f"benchmarks.peers.adapters.{adapter}").WAYS
    except Exception as error:  # noqa: BLE001 - whatever a peer raises is told
        _tell(pipe, {"failed": _shown(error)})
        return
    if not name:
        _tell(
            pipe,
            {
                "ways": {each: _described(way) for each, way in ways.items()},
                "versions": _versions(distributions),
            },
        )
        return
    _tell(pipe, {"ready": True})
    with asyncio.Runner() as loop:  # one for all rounds: some peers keep their connections in a global
        for line in sys.stdin:
            try:
                _tell(pipe, loop.run(_round(ways[name], json.loads(line))))
            except Exception as error:  # noqa: BLE001 - whatever a peer raises is told
                _tell(pipe, {"failed": _shown(error)})


def _described(way: type[Way]) -> dict[str, Any]:
    return {"wire": way.wire, "works": [work for work in _WORKS if _takes_part(way, work)]}


def _versions(distributions: Iterable[str]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in distributions:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _tell(pipe: TextIO, message: dict[str, Any]) -> None:
    pipe.write(json.dumps(message) + "\n")
    pipe.flush()


def _shown(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _takes_part(way: type[Way], work: str) -> bool:
    method = {"streams": "text", "history": "continued"}.get(work, work)
    if work in way.sits_out or not hasattr(way, method):
        return False
    return work != "streams" or inspect.iscoroutinefunction(getattr(way, method))


async def _round(factory: type[Way], case: dict[str, Any]) -> dict[str, float]:
    way = factory(case["url"])
    await way.open()
    try:
        action = _WORKS[case["work"]](way, case)
        # One stream warms up as well as many, and leaves the memory of the many to be seen.
        warm_up = _text(way, case) if case["work"] == "streams" else action
        for _ in range(case["warm_ups"]):
            await warm_up()
        before = _resident_kb()
        _forget_peak()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(case["times"]):
            await action()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        peak = _resident_kb("VmHWM")
    finally:
        await way.close()
    times = case["times"]
    return {"cpu_s": cpu / times, "wall_s": wall / times, "grown_kb": peak - before, "peak_kb": peak}


# ------------------------------------------------------------------------------------------------- the work


def _text(way: Any, case: dict[str, Any]) -> Action:
    return _checked(way.text, expected(case["scenario"]))


def _streams(way: Any, case: dict[str, Any]) -> Action:
    one = _text(way, case)

    async def all_at_once() -> None:
        await asyncio.gather(*(one() for _ in range(case["size"])))

    return all_at_once


def _run(way: Any, case: dict[str, Any]) -> Action:
    return _checked(way.run, expected(case["scenario"]))


def _arguments(way: Any, case: dict[str, Any]) -> Action:
    return _checked(way.arguments, expected(case["scenario"]))


def _history(way: Any, case: dict[str, Any]) -> Action:
    past = way.past(case["size"])
    return _checked(lambda: way.continued(past), expected(case["scenario"]))


def _schema(way: Any, case: dict[str, Any]) -> Action:
    async def made() -> None:
        for _ in range(case["size"]):
            way.schema(_renewed(add))

    return made


_WORKS: dict[str, Callable[[Any, dict[str, Any]], Action]] = {
    "text": _text,
    "streams": _streams,
    "run": _run,
    "arguments": _arguments,
    "history": _history,
    "schema": _schema,
}


def _checked(made: Callable[[], Any], wanted: str) -> Action:
    async def action() -> None:
        given = made()
        found = await given if inspect.isawaitable(given) else given
        if found != wanted:
            raise AssertionError(f"got {str(found)[:80]!r} of {len(str(found))}, not {wanted[:80]!r}")

    return action


def _renewed(function: Callable[..., Any]) -> FunctionType:
    """The same function as another object, unknown to every cache."""
    assert isinstance(function, FunctionType)
    code: CodeType = function.__code__.replace()
    again = FunctionType(code, function.__globals__, function.__name__, function.__defaults__)
    again.__doc__, again.__annotations__ = function.__doc__, dict(function.__annotations__)
    again.__module__, again.__qualname__ = function.__module__, function.__qualname__
    return again


# -------------------------------------------------------------------------------------------------- memory


def _resident_kb(field: str = "VmRSS") -> int:
    """Resident memory in kB (`VmHWM`: its peak); 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else ()
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
