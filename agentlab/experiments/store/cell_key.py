"""The key of a cell: everything that determines a run, hashed part by part so that a change has a name."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Final

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.experiments.store.canonical import canonical_json, digest
from agentlab.http import redact

__all__ = ["CellKey", "KeyPart", "PartChange"]

_READABLE: Final = 400  # characters kept of a part, to show what changed
_SHOWN: Final = 60  # characters shown of it
_LEAD: Final = 15  # of them before the first difference


class KeyPart(Struct, frozen=True):
    """One thing that determines a run: its hash, and how it begins.

    Attributes:
        hash: SHA-256 of its canonical JSON.
        readable: The first 400 characters, keys masked; for readers, and no part of the key.
    """

    hash: str
    readable: str

    @classmethod
    def of(cls, value: object, name: str = "value") -> KeyPart:
        """Hash a value. Do it once for what many cells share: a long document is not hashed for each of them.

        Args:
            value: Text, numbers, lists, dictionaries, structs; see `canonical_json`.
            name: What the part is called in an error.

        Raises:
            UsageError: The value has no content to hash.
        """
        text = canonical_json(value, name)
        readable = value if isinstance(value, str) else text
        # Masked before it is cut: half a key would no longer look like one.
        return cls(digest(text), redact(readable[: 4 * _READABLE])[:_READABLE])


class PartChange(Struct, frozen=True):
    """A part in which two cells differ.

    Attributes:
        name: The part.
        wanted: How it begins in the one; None where it has no such part.
        stored: How it begins in the other.
    """

    name: str
    wanted: str | None
    stored: str | None

    def __str__(self) -> str:
        if self.stored is None:
            return f"{self.name}: {_cut(self.wanted or '', 0)} is new; nothing was stored for it"
        if self.wanted is None:
            return f"{self.name}: {_cut(self.stored, 0)} was stored, and is no longer part of the cell"
        same = sum(
            1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self.wanted, self.stored, strict=False))
        )
        if self.wanted == self.stored:
            return f"{self.name}: {_cut(self.wanted, 0)} differs from what was stored further on"
        start = 0 if same < _SHOWN - _LEAD else same - _LEAD
        return f"{self.name}: stored {_cut(self.stored, start)}, now {_cut(self.wanted, start)}"


class CellKey(Struct, frozen=True):
    """What a cell of a sweep is: the parts that determine its run, the repeat index among them.

    Two runs with equal keys would send the same requests. Parts are named by what a reader would change: sample,
    model, preamble, tools, context, ordering, temperature, cache, repeat, seed, key_version, ...

    Attributes:
        parts: Name to part.
    """

    parts: dict[str, KeyPart]

    @classmethod
    def of(cls, parts: Mapping[str, object]) -> CellKey:
        """Make a key.

        Args:
            parts: Name to value, or to a `KeyPart` made before.

        Raises:
            UsageError: There are no parts, or one has no content to hash; the message names it.
        """
        if not parts:
            raise UsageError("a cell needs at least one part to be known by")
        named = sorted(parts.items())
        return cls(
            {name: part if isinstance(part, KeyPart) else KeyPart.of(part, name) for name, part in named}
        )

    @property
    def digest(self) -> str:
        """The key itself: SHA-256 over the names and hashes of the parts, whatever their order."""
        return digest(canonical_json({name: part.hash for name, part in self.parts.items()}))

    def changes_from(self, stored: CellKey) -> tuple[PartChange, ...]:
        """The parts in which this cell differs from a stored one, by name.

        Args:
            stored: The other cell.

        Returns:
            One change for each part that only one of them has, or whose hash differs; none for the same cell.
        """
        names = sorted(self.parts.keys() | stored.parts.keys())
        pairs = [(name, self.parts.get(name), stored.parts.get(name)) for name in names]
        return tuple(
            PartChange(name, wanted.readable if wanted else None, known.readable if known else None)
            for name, wanted, known in pairs
            if wanted is None or known is None or wanted.hash != known.hash
        )


def _cut(text: str, start: int) -> str:
    """A piece of a text that begins near `start`, quoted, with marks where it was cut."""
    piece = text[start : start + _SHOWN]
    return repr(("…" if start else "") + piece + ("…" if start + _SHOWN < len(text) else ""))
