"""Reads JSON into a typed shape and says where it does not fit, so that each dialect can tell it in its provider's words."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeVar

import msgspec

__all__ = ["Misfit", "fit"]

Shape = TypeVar("Shape")

_PLACE: Final = re.compile(r" - at `\$(?P<path>.*)`$")
_STEP: Final = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_FIELD: Final = re.compile(r"^Object (?P<kind>missing required|contains unknown) field `(?P<name>.*)`$")
_TYPES: Final = re.compile(r"^Expected `(?P<expected>[^`]+)`(?:, got `(?P<got>[^`]+)`)?")


class Misfit(Exception):
    """A value that does not fit.

    Attributes:
        path: Names and indexes that lead to it.
        kind: `missing` and `extra` fields, a wrong `type`, or a `value` that is not allowed.
        expected: The JSON type wanted, such as `str` or `array`; empty where it is not a question of type.
        got: The JSON type found; empty where it is not known.
        reason: What the reader of the shape said.
    """

    def __init__(
        self,
        path: tuple[str | int, ...],
        kind: Literal["missing", "extra", "type", "value"],
        expected: str = "",
        got: str = "",
        reason: str = "",
    ) -> None:
        super().__init__(reason)
        self.path = path
        self.kind = kind
        self.expected = expected
        self.got = got
        self.reason = reason

    @property
    def dotted(self) -> str:
        """The path as `messages.0.role`."""
        return ".".join(str(step) for step in self.path)

    @property
    def bracketed(self) -> str:
        """The path as `messages[0].role`."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return text.removeprefix(".")


def fit(value: Any, shape: type[Shape], *at: str | int) -> Shape:
    """Read a parsed value into a shape.

    Args:
        value: What `json.loads` would give.
        shape: A type `msgspec` can convert to.
        *at: Where the value stands in the body, to begin the path of a misfit.

    Raises:
        Misfit: It does not fit.
    """
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise _misfit(str(error), at) from None


def _misfit(reason: str, at: tuple[str | int, ...]) -> Misfit:
    place = _PLACE.search(reason)
    path = at + _steps(place["path"] if place else "")
    told = reason[: place.start()] if place else reason
    if field := _FIELD.match(told):
        kind: Literal["missing", "extra"] = "missing" if field["kind"].startswith("missing") else "extra"
        return Misfit((*path, field["name"]), kind, reason=told)
    if types := _TYPES.match(told):
        return Misfit(path, "type" if types["got"] else "value", types["expected"], types["got"] or "", told)
    return Misfit(path, "value", reason=told)


def _steps(path: str) -> tuple[str | int, ...]:
    return tuple(
        int(step["index"]) if step["index"] else step["name"] or "*" for step in _STEP.finditer(path)
    )
