"""A row of an extraction: what came of one text, and what it took; and the columns that say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import pandas as pd
from msgspec import Struct

from agentlab.messages import Usage

__all__ = ["PENDING", "ExtractRow", "bookkeeping"]

_TEXTS: Final = ("status", "error_type", "error", "warning")
_TOKENS: Final = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)
_FIGURES: Final = ("cost_usd", "duration_s")


class ExtractRow(Struct, frozen=True, kw_only=True):
    """What came of one text.

    Attributes:
        status: `pending` where it was not asked about yet.
        value: What was extracted.
        error_type: Class of the error.
        error: Its text.
        warning: What the model said beside its answer that was not used.
        attempts: How many answers the model gave.
        usage: Tokens of all of them.
        cost_usd: Their price; None where it is not known.
        duration_s: How long it took, in seconds.
    """

    status: Literal["ok", "error", "pending"] = "pending"
    value: Any = None
    error_type: str | None = None
    error: str | None = None
    warning: str | None = None
    attempts: int = 0
    usage: Usage | None = None
    cost_usd: float | None = None
    duration_s: float | None = None


PENDING: Final = ExtractRow()


def bookkeeping(rows: Sequence[ExtractRow], index: pd.Index[Any]) -> dict[str, pd.Series[Any]]:
    """The columns beside those of the type. Counts are nullable: `<NA>` is "not reported", never 0."""
    columns: dict[str, pd.Series[Any]] = {
        name: pd.Series([getattr(row, name) for row in rows], index=index, dtype="str") for name in _TEXTS
    }
    columns["attempts"] = pd.Series([row.attempts for row in rows], index=index, dtype="Int64")
    for name in _TOKENS:
        counts = [None if row.usage is None else getattr(row.usage, name) for row in rows]
        columns[name] = pd.Series(counts, index=index, dtype="Int64")
    for name in _FIGURES:
        columns[name] = pd.Series([getattr(row, name) for row in rows], index=index, dtype="Float64")
    return columns
