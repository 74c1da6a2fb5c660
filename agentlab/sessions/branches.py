"""Branches of a log: each shares the beginning of another and goes on by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from agentlab.errors import SessionCorrupt
from agentlab.sessions.entries import Branched
from agentlab.sessions.rows import Row
from agentlab.short_repr import ShortRepr

__all__ = ["FIRST_BRANCH", "Branch", "BranchTree", "Leg", "on_path"]

FIRST_BRANCH: Final = "main"


class Branch(ShortRepr, Struct, frozen=True):
    """A branch of a session.

    Attributes:
        name: Its name, of which there is one.
        from_branch: The branch it left; None for the first.
        at: Id of the last entry it shares with that one; 0 where it shares none.
        entries: How many entries it has, the shared ones included.
        number: What `Stored.branch` calls it.
        created_at: Unix time of its first own entry, in seconds.
    """

    name: str
    from_branch: str | None
    at: int
    entries: int
    number: int
    created_at: float


class Leg(Struct, frozen=True):
    """A piece of a branch's path: the entries of one number, up to and with an id; None for all of them."""

    number: int
    up_to: int | None


class BranchTree:
    """Names, numbers and paths of the branches of one log."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {0: FIRST_BRANCH}
        self._numbers: dict[str, int] = {FIRST_BRANCH: 0}
        self._parents: dict[int, Branched] = {}
        self._since: dict[int, float] = {}

    @property
    def numbers(self) -> Mapping[str, int]:
        """Name to number, in the order of making."""
        return self._numbers

    @property
    def next_number(self) -> int:
        """The number the next branch gets."""
        return len(self._names)

    def name_of(self, number: int) -> str:
        """The name of a branch.

        Raises:
            SessionCorrupt: No branch has that number.
        """
        if number not in self._names:
            raise SessionCorrupt(f"an entry belongs to branch {number}, which was never made")
        return self._names[number]

    def parent_of(self, number: int) -> Branched | None:
        """Where a branch comes from; None for the first."""
        return self._parents.get(number)

    def since(self, number: int) -> float | None:
        """When a branch was made; None for the first."""
        return self._since.get(number)

    def add(self, number: int, made: Branched, entry_id: int, at: float) -> None:
        """Take the first entry of a new branch.

        Args:
            number: `Stored.branch` of that entry.
            made: The entry.
            entry_id: Its id.
            at: Its time.

        Raises:
            SessionCorrupt: It cannot be where it is: its number or name is taken, it leaves a branch that does not exist.
        """
        is_sound = (
            number == self.next_number
            and made.name not in self._numbers
            and made.from_branch in self._names
            and 0 <= made.at < entry_id
        )
        if not is_sound:
            raise SessionCorrupt(f"entry {entry_id} makes a branch {made.name!r} that cannot be")
        self._names[number] = made.name
        self._numbers[made.name] = number
        self._parents[number] = made
        self._since[number] = at

    def path(self, number: int) -> tuple[Leg, ...]:
        """The legs of a branch's path, the oldest first."""
        legs = [Leg(number, None)]
        up_to: int | None = None
        while (made := self._parents.get(number)) is not None:
            up_to = made.at if up_to is None else min(up_to, made.at)
            number = made.from_branch
            legs.append(Leg(number, up_to))
        return tuple(reversed(legs))

    def free_name(self) -> str:
        """A name for a branch that was given none."""
        number = self.next_number
        while f"branch-{number}" in self._numbers:
            number += 1
        return f"branch-{number}"


def on_path(legs: Iterable[Leg], rows: Sequence[Row], after: int) -> list[int]:
    """Ids of the entries on a path, in order.

    Args:
        legs: The path.
        rows: All entries of the log, the one with id 1 first.
        after: Only ids that are larger.
    """
    limits = {leg.number: len(rows) if leg.up_to is None else leg.up_to for leg in legs}
    return [row.id for row in rows[after:] if row.id <= limits.get(row.branch, 0)]
