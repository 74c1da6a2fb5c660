"""The texts of an extraction, however they are given."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import pandas as pd

from agentlab.errors import UsageError
from agentlab.messages import UserMessage

__all__ = ["is_missing", "texts_of"]


def texts_of(given: Any, column: str | None) -> tuple[list[Any], pd.Index[Any]]:
    """Texts and the index of their rows.

    Args:
        given: Texts or prompts, a Series of them, or a DataFrame.
        column: The column of a DataFrame that holds them; the only one where None.

    Raises:
        UsageError: There is no such column, or something is no text.
    """
    if isinstance(given, pd.DataFrame):
        given = given[_column(given, column)]
    elif column is not None:
        raise UsageError("`column` names a column of a DataFrame, and the texts are none")
    if isinstance(given, pd.Series):
        texts, index = given.tolist(), given.index
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes | UserMessage):
        texts = list(given)
        index = pd.RangeIndex(len(texts))
    else:
        raise UsageError(
            f"`texts` are several: a list, a Series or a DataFrame, not {type(given).__name__}; for one text use `extract`"
        )
    for place, text in enumerate(texts):
        if not isinstance(text, str | UserMessage | list | tuple) and not is_missing(text):
            raise UsageError(f"text {place} is no text but {type(text).__name__}: {text!r:.60}")
    return texts, index


def is_missing(text: Any) -> bool:
    """Whether there is no text: None, NaN, or nothing but blanks."""
    if isinstance(text, str):
        return not text.strip()
    if isinstance(text, UserMessage | list | tuple):
        return False
    return text is None or (pd.api.types.is_scalar(text) and bool(pd.isna(text)))


def _column(frame: pd.DataFrame, column: str | None) -> Any:
    if column is None:
        if len(frame.columns) == 1:
            return frame.columns[0]
        there = ", ".join(map(str, frame.columns)) or "none"
        raise UsageError(f"say which column holds the texts: `column=`; there are {there}")
    if column not in frame.columns:
        near = difflib.get_close_matches(column, map(str, frame.columns), n=1)
        there = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(map(str, frame.columns))}"
        raise UsageError(f"the frame has no column `{column}`; {there}")
    return column
