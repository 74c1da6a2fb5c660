"""Files, workers and stores that did not do what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentlab.errors.base import AgentlabError, rebuilt

__all__ = [
    "CellsNotStored",
    "LoadFailed",
    "StoreError",
    "StoreUnusable",
    "StoreWriteFailed",
    "WorkersLost",
]


class LoadFailed(AgentlabError):
    """A file could not be made into documents: it is missing, damaged, too large, or has no text.

    Attributes:
        path: The file, as it was named.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (rebuilt, (type(self), self.args, self.__dict__))


class WorkersLost(AgentlabError):
    """The executor of a sweep takes no more work: it was shut down, its workers died, its cluster is gone.

    Rows that were finished are stored; running the plan again runs the rest.
    """


class StoreError(AgentlabError):
    """A store of runs did not do what was asked. What it held before is unharmed."""


class StoreUnusable(StoreError):
    """A store cannot be opened, or not the way it was asked to be; nothing was sent, nothing was changed."""


class StoreWriteFailed(StoreError):
    """A row could not be stored, and none of it was; every row stored before is safe."""


class CellsNotStored(StoreError):
    """Strict replay answers from the store alone, and these cells are not in it.

    Attributes:
        missing: Their keys, in the order they were asked for.
        changed: The parts of a cell that differ from the nearest stored cell, the most frequent first.
    """

    def __init__(self, message: str, *, missing: Sequence[str] = (), changed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)
        self.changed = tuple(changed)

    def __reduce__(self) -> tuple[Any, ...]:
        return (rebuilt, (type(self), self.args, self.__dict__))
