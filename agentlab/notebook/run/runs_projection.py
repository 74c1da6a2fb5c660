"""Several runs as one document, for a conversation and for agents side by side.

The document is `{...fields, runs: [{about, run}]}`: `about` is what the view knows of a run besides its events, `run` is the
document of `projection`. A patch is a list of operations on it:

    ["set", fields]         lay fields over the document
    ["cut", n]              keep the first n runs alone
    ["entry", i, entry]     run i, whole: a new one, or another in its place
    ["about", i, about]     what is known of run i besides its events
    ["in", i, operations]   operations of `projection` on the document of run i
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from agentlab.notebook.run.projection import Operation, Projection
from agentlab.notebook.run.state import RunState

__all__ = ["Entry", "RunsProjection"]


class Entry(NamedTuple):
    """One run of several.

    Attributes:
        state: The run; another object is another run.
        about: What the view knows of it besides its events; plain JSON, whose text is shown as text.
    """

    state: RunState
    about: dict[str, Any]


class RunsProjection:
    """What the front end has been told of several runs.

    Args:
        entries: Gives the runs as they are now, in order.
        fields: Gives what belongs to none of them, as plain JSON.
    """

    def __init__(self, entries: Callable[[], Sequence[Entry]], fields: Callable[[], dict[str, Any]]) -> None:
        self._entries = entries
        self._fields = fields
        self._told: dict[str, Any] = {}
        self._mirrors: list[_EntryMirror] = []

    def patch(self) -> list[Operation]:
        """The operations since the last call; empty where nothing changed."""
        operations: list[Operation] = []
        fields = self._fields()
        changed = {name: value for name, value in fields.items() if self._told.get(name, self) != value}
        if changed:
            operations.append(["set", changed])
        self._told = fields
        entries = list(self._entries())
        kept = _kept(self._mirrors, entries)
        if kept < len(self._mirrors):
            del self._mirrors[kept:]
            operations.append(["cut", kept])
        for index, entry in enumerate(entries):
            if index == len(self._mirrors):
                self._mirrors.append(_EntryMirror(entry))
                operations.append(["entry", index, self._mirrors[index].document()])
            else:
                operations += self._mirrors[index].patch(index, entry)
        return operations

    def document(self) -> dict[str, Any]:
        """The whole document as of now; later patches start from it."""
        self.patch()
        return {**self._told, "runs": [mirror.document() for mirror in self._mirrors]}


class _EntryMirror:
    """One run as the front end has it."""

    def __init__(self, entry: Entry) -> None:
        self.state = entry.state
        self._about = entry.about
        self._projection = Projection(entry.state)

    def patch(self, index: int, entry: Entry) -> list[Operation]:
        operations: list[Operation] = []
        if entry.about != self._about:
            self._about = entry.about
            operations.append(["about", index, entry.about])
        inner = self._projection.patch()
        if inner:
            operations.append(["in", index, inner])
        return operations

    def document(self) -> dict[str, Any]:
        return {"about": self._about, "run": self._projection.document()}


def _kept(mirrors: Sequence[_EntryMirror], entries: Sequence[Entry]) -> int:
    """How many runs at the beginning are still the same."""
    for index, (mirror, entry) in enumerate(zip(mirrors, entries, strict=False)):
        if mirror.state is not entry.state:
            return index
    return min(len(mirrors), len(entries))
