"""Results as a run would give them."""

from __future__ import annotations

from benchmarks.peers.results import Result, Round


def result(case: str, way: str, *seconds: float, kind: str = "floor", wire: str = "chat") -> Result:
    """A round for each of the seconds, or a failure."""
    rounds = tuple(Round(each, 2 * each, grown_kb=100) for each in seconds)
    return Result(case, way, kind, way, wire, rounds, "" if seconds else "cannot be installed: | no")
