"""What was measured, and where it is kept between runs."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.peers.server import ROOT

__all__ = ["KEPT", "Figures", "Result", "Round", "keep", "keep_figures", "kept", "kept_figures"]

KEPT: Final = ROOT / "build" / "peers" / "results"
"""Where what was measured lies, as JSON."""

Figures = dict[str, float]
"""Single figures by name, where there is nothing to compare round by round."""


class Round(Struct, frozen=True):
    """What one took, the mean of the repetitions in a round.

    Attributes:
        cpu_s: Seconds of processor, of all threads.
        wall_s: Seconds.
        grown_kb: By how much the peak of memory stood above what was resident before.
        peak_kb: The peak.
    """

    cpu_s: float
    wall_s: float
    grown_kb: float = 0
    peak_kb: float = 0


class Result(Struct, frozen=True):
    """What one way did with one case.

    Attributes:
        case: The case.
        peer: Whose way.
        kind: `sdk`, `agent`, `floor` or `ours`.
        way: The way.
        wire: What it speaks.
        rounds: What each round took.
        failed: Why there are none.
        note: What a reader is told beside the times.
    """

    case: str
    peer: str
    kind: str
    way: str
    wire: str
    rounds: tuple[Round, ...] = ()
    failed: str = ""
    note: str = ""

    @property
    def cpu_s(self) -> float:
        """The median round."""
        return median(each.cpu_s for each in self.rounds)

    @property
    def wall_s(self) -> float:
        """The median round."""
        return median(each.wall_s for each in self.rounds)

    def times(self, other: Result) -> float:
        """The median, over the rounds, of this one's processor time as a multiple of another's."""
        return median(self._ratios(other))

    def spread(self, other: Result) -> tuple[float, float]:
        """The least and the largest of these multiples."""
        ratios = self._ratios(other)
        return min(ratios), max(ratios)

    def _ratios(self, other: Result) -> list[float]:
        pairs = zip(self.rounds, other.rounds, strict=False)
        return [mine.cpu_s / theirs.cpu_s for mine, theirs in pairs]


def keep(name: str, results: list[Result], folder: Path = KEPT) -> None:
    """Keep the results of a benchmark, for the goals of later runs too."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_bytes(msgspec.json.encode(results))


def kept(folder: Path = KEPT) -> dict[str, list[Result]]:
    """All results that lie there, by the name of their benchmark."""
    decode = msgspec.json.Decoder(list[Result]).decode
    return {path.stem: decode(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def keep_figures(name: str, figures: Figures, folder: Path = KEPT) -> None:
    """Keep single figures of a benchmark."""
    folder = folder / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_bytes(msgspec.json.encode(figures))


def kept_figures(folder: Path = KEPT) -> Figures:
    """All single figures that lie there."""
    found: Figures = {}
    for path in sorted((folder / "figures").glob("*.json")):
        found |= msgspec.json.decode(path.read_bytes(), type=Figures)
    return found
