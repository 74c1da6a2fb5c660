"""The columns every dataset has, and the sentences about those it lacks."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

__all__ = ["STANDARD", "near_column"]

STANDARD: Final = ("sample_id", "input", "target", "cluster_id")

_ALSO_CALLED: Final = {
    "input": ("question", "prompt", "query", "text", "instruction", "problem", "task"),
    "target": (
        "answer",
        "expected",
        "expected_output",
        "label",
        "gold",
        "reference",
        "output",
        "solution",
        "answers",
    ),
    "sample_id": ("id", "idx", "index", "key", "question_id", "qid", "uid"),
    "cluster_id": ("cluster", "group", "document", "doc_id", "document_id", "passage_id", "topic"),
}


def near_column(wanted: str, there: Iterable[str]) -> str | None:
    """The column that is probably meant: one often used for the same, or one spelt nearly so.

    Args:
        wanted: The missing column.
        there: Those that exist.
    """
    by_lower = {name.lower(): name for name in there}
    for name in (wanted.lower(), *_ALSO_CALLED.get(wanted, ())):
        if name in by_lower:
            return by_lower[name]
    near = difflib.get_close_matches(wanted.lower(), by_lower, n=1, cutoff=0.7)
    return by_lower[near[0]] if near else None
