"""Texts that give away that they change by themselves: times, identifiers, addresses, sets printed as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

__all__ = ["ChangingValue", "changing_values", "kind_of_change"]

Kind = Literal["clock", "date", "random", "set"]

_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)"
)
_PATTERNS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("random", re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)),
    ("random", re.compile(r"\b(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{16,64}\b")),
    ("random", re.compile(r"\bat 0x[0-9a-f]{6,16}\b", re.IGNORECASE)),
    ("clock", re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")),
    ("clock", re.compile(r"\b(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\b")),
    ("clock", re.compile(r"(?<![\w.,-])1[6-9]\d{8}(?:\d{3}|\.\d+)?(?![\w-])")),
    ("date", re.compile(rf"\b(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? +(?:the +)?(?:\d{{1,2}}\.? +)?{_MONTH}\b")),
    ("date", re.compile(rf"\b[Tt]oday(?:'s date)?(?: is|:)? +\w*,? *(?:\d{{4}}-\d\d-\d\d|{_MONTH} +\d)")),
    ("date", re.compile(r"\b(?:[Cc]urrent|[Tt]oday's) (?:date|time|day)[^\n]{0,12}?\d{4}-\d\d-\d\d")),
    ("set", re.compile(r"\{'[^':{}\n]*'(?:, '[^':{}\n]*')+\}|\bfrozenset\(\{")),
)  # fmt: skip
"""The source of the time shapes is ISO 8601 and what `str(datetime)`, `time.time()`, `uuid4()`, `repr(set)` print."""


class ChangingValue(Struct, frozen=True):
    """A value that looks as if it changed by itself.

    Attributes:
        kind: What it looks like.
        text: The value.
        start: Its place in the text, in characters.
    """

    kind: Kind
    text: str
    start: int


def changing_values(text: str) -> Iterator[ChangingValue]:
    """The values in a text that look like times, identifiers or sets; of several that overlap, one."""
    taken: list[tuple[int, int]] = []
    for kind, pattern in _PATTERNS:
        for found in pattern.finditer(text):
            start, end = found.span()
            if all(end <= low or start >= high for low, high in taken):
                taken.append((start, end))
                yield ChangingValue(kind, found.group(), start)


def kind_of_change(before: str, after: str, character: int) -> Kind | None:
    """What changed at a place where two texts part: a clock, an identifier, the order of a set; None for plain text."""
    for was in changing_values(before):
        if was.start <= character < was.start + len(was.text):
            if any(now.kind == was.kind and now.start <= character for now in changing_values(after)):
                return was.kind
            return None
    return None
