"""One row of a dataset, as a run takes it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

__all__ = ["Sample"]


class Sample(Struct, frozen=True, kw_only=True):
    """A question.

    Attributes:
        sample_id: Unique in its dataset.
        input: The prompt's text, or what a prompt template is filled with.
        target: What a right answer is; None where scorers need none.
        cluster_id: What rows belong together (questions on one document); its own id where the dataset has no column.
        columns: Every column of its row, for templates and scorers.
    """

    sample_id: str
    input: str
    target: Any = None
    cluster_id: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
