"""One short line for any object of plain data, however long its texts are: what a reader sees at the end of a cell."""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Hashable
from functools import cache
from typing import Any, Final, cast

import msgspec

__all__ = ["ShortRepr", "one_line", "short_repr"]

MOST_LETTERS: Final = 360
_MOST_OF_A_TEXT: Final = 80
_REQUIRED: Final = object()


class ShortRepr:
    """Gives a struct or a dataclass a repr of one line of bounded length, without the members that have their defaults.

    Put it before `Struct`; a dataclass also needs `repr=False`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return short_repr(self)


def short_repr(shown: object) -> str:
    """An object of plain data in one line of at most some 400 characters, without an address.

    Args:
        shown: A struct, a dataclass, or a container of such.
    """
    text = _SHORT.repr(shown)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def one_line(text: str) -> str:
    r"""A text as one bounded line in which every character can be seen; for reprs that are put together by hand.

    Args:
        text: Names and texts of anybody's.
    """
    flat = " ".join(text[: 4 * MOST_LETTERS].split())
    shown = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in flat)
    return shown if len(shown) <= MOST_LETTERS else f"{shown[: MOST_LETTERS - 1]}…"


class _Short(reprlib.Repr):
    """The standard library's bounded repr, with texts cut at their end and structs opened."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 6
        self.maxtuple = self.maxlist = self.maxdict = self.maxset = self.maxfrozenset = 4
        self.maxother = 120

    def repr_str(self, text: str, level: int) -> str:  # noqa: ARG002 - the base class gives it
        """The beginning of a text, and how long it is."""
        if len(text) <= _MOST_OF_A_TEXT:
            return repr(text)
        return f"{text[: _MOST_OF_A_TEXT - 20]!r}… ({len(text):,} characters)"

    def repr_bytes(self, data: bytes, level: int) -> str:  # noqa: ARG002 - the base class gives it
        """The beginning of some bytes, and how many they are."""
        return repr(data) if len(data) <= 24 else f"{data[:16]!r}… ({len(data):,} bytes)"

    def repr_instance(self, shown: Any, level: int) -> str:
        """A struct or dataclass with its members; of anything else its own repr, without its address."""
        if isinstance(shown, type):
            return shown.__name__
        kind = type(shown)
        if not isinstance(shown, ShortRepr):
            return self._foreign(shown, level)
        name = kind.__name__
        if level <= 0:
            return f"{name}(…)"
        members = [
            f"{member}={self.repr1(value, level - 1)}"
            for member, default in _members(cast("Hashable", kind))
            if not _is_default(value := getattr(shown, member), default)
        ]
        return f"{name}({', '.join(members)})"

    def _foreign(self, shown: Any, level: int) -> str:
        name = getattr(shown, "__qualname__", None)
        if callable(shown) and isinstance(name, str):
            return name
        if not any("__repr__" in each.__dict__ for each in type(shown).__mro__[:-1]):
            return f"<{type(shown).__name__}>"
        return " ".join(super().repr_instance(shown, level).split())


@cache
def _members(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The members of a class and their defaults."""
    if dataclasses.is_dataclass(kind):
        fields = [field for field in dataclasses.fields(kind) if field.repr]
        return tuple((field.name, _default(field.default, field.default_factory)) for field in fields)
    infos = msgspec.structs.fields(kind)
    return tuple((info.name, _default(info.default, info.default_factory)) for info in infos)


def _default(default: Any, factory: Any) -> Any:
    if default is not dataclasses.MISSING and default is not msgspec.NODEFAULT:
        return default
    if factory is dataclasses.MISSING or factory is msgspec.NODEFAULT:
        return _REQUIRED
    return factory()


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))


_SHORT: Final = _Short()
