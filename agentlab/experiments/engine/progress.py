"""What a running sweep tells: cells done, cost so far, share of prompts read from the cache, errors, time left."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Protocol

from agentlab.experiments.rows import RunRow

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["Bar", "Progress", "Silent", "Tally"]


class Progress(Protocol):
    """Told of every cell."""

    def start(self, total: int, stored: int) -> None:
        """The sweep begins; so many cells in all, so many of them stored."""
        ...

    def done(self, row: RunRow) -> None:
        """A cell is finished and stored."""
        ...

    def waiting(self, said: str) -> None:
        """Nothing is finished, and this is why: how far the provider is."""
        ...

    def close(self) -> None:
        """The sweep ends, however."""
        ...


class Tally:
    """Sums over the rows of one execution.

    Attributes:
        cells: Rows so far.
        errors: Those that failed.
        usd: Cost of those whose price is known.
        unpriced: Rows whose price is not known.
        read_tokens: Prompt tokens read from a cache.
        input_tokens: Prompt tokens.
    """

    def __init__(self) -> None:
        self.cells = self.errors = self.unpriced = self.read_tokens = self.input_tokens = 0
        self.usd = 0.0

    def add(self, row: RunRow) -> None:
        """Count a row."""
        self.cells += 1
        self.errors += row.status != "ok"
        costs = (row.cost_usd, row.cost_scorer_usd)
        self.unpriced += None in costs
        self.usd += sum(cost for cost in costs if cost is not None)
        self.read_tokens += sum(turn.cache_read_input_tokens or 0 for turn in row.turns)
        self.input_tokens += sum(turn.input_tokens or 0 for turn in row.turns)

    @property
    def hit_share(self) -> float:
        """Share of all prompt tokens that were read from a cache; NaN before there are any."""
        return self.read_tokens / self.input_tokens if self.input_tokens else math.nan

    def __str__(self) -> str:
        said = [f"${self.usd:.4f}" + ("+?" if self.unpriced else "")]
        if self.input_tokens:
            said.append(f"cache {self.hit_share:.0%}")
        if self.errors:
            said.append(f"{self.errors} failed")
        return ", ".join(said)


class Silent:
    """No progress."""

    def start(self, total: int, stored: int) -> None:
        """Say nothing."""

    def done(self, row: RunRow) -> None:
        """Say nothing."""

    def waiting(self, said: str) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""


class Bar:
    """A progress bar: a widget in a notebook, a line in a terminal."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._bar: tqdm[None] | None = None

    def start(self, total: int, stored: int) -> None:
        """Show the bar."""
        from tqdm.auto import tqdm  # noqa: PLC0415 - looks at the front end when it is imported

        self._bar = tqdm(
            total=total, initial=stored, unit="run", file=sys.stderr, dynamic_ncols=True, mininterval=0.2
        )

    def done(self, row: RunRow) -> None:
        """Move the bar."""
        self._tally.add(row)
        if self._bar is not None:
            self._bar.set_postfix_str(str(self._tally), refresh=False)
            self._bar.update()

    def waiting(self, said: str) -> None:
        """Say it behind the bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(said)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
