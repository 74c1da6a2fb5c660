"""Strict replay: a sweep answered from the store alone, or told what changed since it was stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

from agentlab.errors import CellsNotStored, UsageError
from agentlab.experiments.rows import RunRow
from agentlab.experiments.store.cell_key import CellKey, PartChange
from agentlab.experiments.store.reading import StoredCell

__all__ = ["REPLAY_VARIABLE", "MissingCell", "WantedCell", "explain_missing", "is_strict", "strict_replay"]

REPLAY_VARIABLE: Final = "AGENTLAB_REPLAY"
"""Environment variable: `strict` answers every sweep from its store alone."""

_REASONS_SHOWN: Final = 5


class WantedCell(Struct, frozen=True):
    """A cell of a plan.

    Attributes:
        key: What its key is made of.
        sample_id: Its row of the dataset.
        repeat: Its repeat.
        levels: Its arm: axis to label.
    """

    key: CellKey
    sample_id: str
    repeat: int
    levels: dict[str, str]


class MissingCell(Struct, frozen=True):
    """A cell that is not stored, beside the stored cell that is nearest to it.

    Attributes:
        cell: The cell.
        nearest: The stored cell most like it; None where its sample was never stored.
        changes: In which parts they differ; none where the nearest was stored without its parts.
    """

    cell: WantedCell
    nearest: StoredCell | None
    changes: tuple[PartChange, ...]


class RowSource(Protocol):
    """What strict replay needs of a store."""

    def get(self, keys: Iterable[str] | None = None) -> dict[str, RunRow]:
        """Rows of the keys that are stored."""

    def cells(self) -> list[StoredCell]:
        """Every stored cell."""


def is_strict(environment: Mapping[str, str]) -> bool:
    """Whether sweeps are to be answered from the store alone.

    Args:
        environment: `os.environ`.

    Raises:
        UsageError: The variable has a value that is not known; a misspelt one must not spend money.
    """
    value = environment.get(REPLAY_VARIABLE, "")
    if value not in {"", "strict"}:
        raise UsageError(f"{REPLAY_VARIABLE}={value!r} is not known: set it to 'strict', or unset it")
    return value == "strict"


def strict_replay(store: RowSource, wanted: Sequence[WantedCell], name: str) -> dict[str, RunRow]:
    """The stored rows of a plan's cells, in the plan's order; nothing is sent and nothing written.

    Args:
        store: Where they are.
        wanted: The cells.
        name: What the store is called in an error.

    Raises:
        CellsNotStored: At least one is not there; the message names the parts that changed.
    """
    keys = [cell.key.digest for cell in wanted]
    rows = store.get(keys)
    missing = [cell for key, cell in zip(keys, wanted, strict=True) if key not in rows]
    if missing:
        found = explain_missing(missing, store.cells())
        changed = Counter(change.name for each in found for change in each.changes)
        raise CellsNotStored(
            _message(found, len(wanted), name),
            missing=[cell.key.digest for cell in missing],
            changed=[part for part, _ in changed.most_common()],
        )
    return {key: rows[key] for key in keys}


def explain_missing(missing: Sequence[WantedCell], stored: Sequence[StoredCell]) -> list[MissingCell]:
    """Find for each missing cell the stored one that is most like it, and how the two differ.

    The nearest is of the same sample; then of the same repeat, of the most equal levels, with the fewest changed
    parts.

    Args:
        missing: Cells that are not stored.
        stored: Cells that are.
    """
    of_sample: defaultdict[str, list[StoredCell]] = defaultdict(list)
    for known in stored:
        of_sample[known.sample_id].append(known)
    return [_compared(cell, of_sample.get(cell.sample_id, ())) for cell in missing]


def _compared(cell: WantedCell, candidates: Sequence[StoredCell]) -> MissingCell:
    if not candidates:
        return MissingCell(cell, None, ())

    def distance(known: StoredCell) -> tuple[bool, int, int]:
        levels = sum(known.levels.get(axis) != label for axis, label in cell.levels.items())
        return known.repeat != cell.repeat, levels, _changed_parts(cell.key, known.key)

    nearest = min(candidates, key=distance)
    return MissingCell(cell, nearest, cell.key.changes_from(nearest.key) if nearest.key else ())


def _changed_parts(wanted: CellKey, stored: CellKey | None) -> int:
    """How many parts differ; as many as there are where the stored cell's are not known."""
    if stored is None:
        return len(wanted.parts)
    names = wanted.parts.keys() | stored.parts.keys()
    pairs = [(wanted.parts.get(name), stored.parts.get(name)) for name in names]
    return sum(one is None or other is None or one.hash != other.hash for one, other in pairs)


def _message(found: Sequence[MissingCell], wanted: int, name: str) -> str:
    groups: defaultdict[tuple[str, ...], list[MissingCell]] = defaultdict(list)
    for each in found:
        groups[_kind(each)].append(each)
    largest = sorted(groups.values(), key=len, reverse=True)
    lines = [
        f"{len(found)} of {wanted} cells are not stored in {name}, and {REPLAY_VARIABLE}=strict asks no provider:"
    ]
    lines += [f"  {len(group)} x {_reason(group[0])}" for group in largest[:_REASONS_SHOWN]]
    if len(largest) > _REASONS_SHOWN:
        lines.append(f"  and {len(largest) - _REASONS_SHOWN} other reasons")
    lines.append(f"Undo the change, or unset {REPLAY_VARIABLE} and run the sweep once to store it anew.")
    return "\n".join(lines)


def _kind(each: MissingCell) -> tuple[str, ...]:
    """What a reader would call the same reason."""
    if each.nearest is None:
        return ("no sample",)
    return tuple(change.name for change in each.changes)


def _reason(each: MissingCell) -> str:
    arm = ", ".join(f"{axis}={label}" for axis, label in each.cell.levels.items())
    example = f"sample {each.cell.sample_id!r}, repeat {each.cell.repeat}{f', {arm}' if arm else ''}"
    if each.nearest is None:
        return f"no run of their sample is stored, as for {example}"
    if not each.changes:
        return f"what their keys were made of was not stored, as for {example}"
    return f"{'; '.join(str(change) for change in each.changes)} (as for {example})"
