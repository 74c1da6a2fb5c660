"""Two branches beside each other: where they part, what each said and cost since, and how the answers differ."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from agentlab.messages import Usage
from agentlab.sessions.entries import AssistantSaid, Stored, ToolAnswered, UserSaid
from agentlab.sessions.forks import last_shared
from agentlab.sessions.session import Session
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BranchComparison", "BranchTotals", "compare_branches"]

_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)


class BranchTotals(ShortRepr, Struct, frozen=True, kw_only=True):
    """What some entries add up to. Tokens and costs that no call reported are None, never 0.

    Attributes:
        entries: How many entries there are.
        prompts: Prompts of the user's.
        model_calls: Answers of the model's.
        tool_results: Results of tools.
        usage: Tokens of the model calls.
        cost_usd: What the calls cost whose price is known; None where none is.
        unpriced_calls: Calls whose price is not known, and which `cost_usd` leaves out.
    """

    entries: int
    prompts: int
    model_calls: int
    tool_results: int
    usage: Usage
    cost_usd: float | None
    unpriced_calls: int

    @classmethod
    def of(cls, entries: Sequence[Stored]) -> BranchTotals:
        """Add up entries."""
        said = [stored.entry for stored in entries]
        calls = [entry for entry in said if isinstance(entry, AssistantSaid)]
        costs = [call.cost_usd for call in calls if call.cost_usd is not None]
        usage = Usage()
        for call in calls:
            usage += call.usage or Usage()
        return cls(
            entries=len(entries),
            prompts=sum(isinstance(entry, UserSaid) for entry in said),
            model_calls=len(calls),
            tool_results=sum(isinstance(entry, ToolAnswered) for entry in said),
            usage=usage,
            cost_usd=sum(costs) if costs else None,
            unpriced_calls=len(calls) - len(costs),
        )


class BranchComparison(ShortRepr, Struct, frozen=True, kw_only=True):
    """Two branches of a session. `str` of it is a text to read, `df` a frame.

    Attributes:
        session: The session's id.
        left: Name of one branch.
        right: Name of the other.
        fork: Id of the last entry they share; 0 where they share none.
        shared: The entries they share.
        left_entries: The entries that only the one has.
        right_entries: Likewise of the other.
    """

    session: str
    left: str
    right: str
    fork: int
    shared: tuple[Stored, ...]
    left_entries: tuple[Stored, ...]
    right_entries: tuple[Stored, ...]

    @property
    def df(self) -> pd.DataFrame:
        """One row for what is shared and one for each branch since the fork; counts are nullable, dollars are floats.

        Columns: part (`shared`, `left`, `right`), branch, entries, prompts, model_calls, tool_results, input_tokens,
        output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cache_read_share, cost_usd,
        unpriced_calls.
        """
        import pandas as pd  # noqa: PLC0415 - heavy; only frames need it

        totals = [total for _, _, total in self._totals()]
        columns: dict[str, object] = {
            "part": pd.array([part for part, _, _ in self._totals()], dtype="string"),
            "branch": pd.array([branch for _, branch, _ in self._totals()], dtype="string"),
        }
        for name in ("entries", "prompts", "model_calls", "tool_results"):
            columns[name] = pd.array([getattr(total, name) for total in totals], dtype="Int64")
        for name in _COUNTS:
            columns[name] = pd.array([getattr(total.usage, name) for total in totals], dtype="Int64")
        columns["cache_read_share"] = pd.array(
            [total.usage.cache_hit_share for total in totals], dtype="Float64"
        )
        columns["cost_usd"] = pd.array([total.cost_usd for total in totals], dtype="Float64")
        columns["unpriced_calls"] = pd.array([total.unpriced_calls for total in totals], dtype="Int64")
        return pd.DataFrame(columns)

    @property
    def diff(self) -> str:
        """A unified diff of the answers since the fork; empty where they are the same."""
        left, right = _answers(self.left_entries), _answers(self.right_entries)
        return "\n".join(difflib.unified_diff(left, right, self.left, self.right, lineterm="", n=2))

    def _totals(self) -> tuple[tuple[str, str, BranchTotals], ...]:
        return (
            ("shared", "", BranchTotals.of(self.shared)),
            ("left", self.left, BranchTotals.of(self.left_entries)),
            ("right", self.right, BranchTotals.of(self.right_entries)),
        )

    def __str__(self) -> str:
        totals = [total for _, _, total in self._totals()]
        where = f"after entry {self.fork}" if self.fork else "at their beginning"
        lines = (
            [f"{self.left} and {self.right} part {where}."] if self.left != self.right else ["One branch."]
        )
        heads = ("", "shared", self.left, self.right)
        table = [heads, *((name, *(shown(total) for total in totals)) for name, shown in _ROWS)]
        widths = [max(len(row[place]) for row in table) for place in range(len(heads))]
        for name, *cells in table:
            aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
            lines.append("  ".join((name.ljust(widths[0]), *aligned)).rstrip())
        diff = self.diff
        return "\n".join([*lines, "", diff or "The answers are the same."])


def compare_branches(session: Session, left: str, right: str | None = None) -> BranchComparison:
    """Compare two branches of a session.

    Args:
        session: The session.
        left: Name of a branch.
        right: Name of another; the current one where None.

    Raises:
        UsageError: There is no such branch.
        SessionCorrupt: An entry cannot be read.
    """
    other = session.branch if right is None else right
    fork = last_shared(session.legs(left), session.legs(other))
    mine, theirs = session.entries(left), session.entries(other)
    at = (mine[-1].id if mine else 0) if fork is None else fork
    return BranchComparison(
        session=session.id,
        left=left,
        right=other,
        fork=at,
        shared=tuple(stored for stored in mine if stored.id <= at),
        left_entries=tuple(stored for stored in mine if stored.id > at),
        right_entries=tuple(stored for stored in theirs if stored.id > at),
    )


def _answers(entries: Iterable[Stored]) -> list[str]:
    """The lines of all answers, an empty one between two."""
    texts = [stored.entry.message.text for stored in entries if isinstance(stored.entry, AssistantSaid)]
    return "\n\n".join(text for text in texts if text).splitlines()


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:,}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _cost(total: BranchTotals) -> str:
    told = "-" if total.cost_usd is None else f"${total.cost_usd:.6f}"
    return f"{told} + ?" if total.cost_usd is not None and total.unpriced_calls else told


_ROWS: Final[tuple[tuple[str, Callable[[BranchTotals], str]], ...]] = (
    ("entries", lambda total: _count(total.entries)),
    ("prompts", lambda total: _count(total.prompts)),
    ("model calls", lambda total: _count(total.model_calls)),
    ("tool results", lambda total: _count(total.tool_results)),
    ("input tokens", lambda total: _count(total.usage.input_tokens)),
    ("of these read from cache", lambda total: _count(total.usage.cache_read_tokens)),
    ("cache-read share", lambda total: _share(total.usage.cache_hit_share)),
    ("output tokens", lambda total: _count(total.usage.output_tokens)),
    ("cost", _cost),
)
