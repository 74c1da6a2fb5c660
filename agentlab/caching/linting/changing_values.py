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
_DAY: Final = rf"(?:\d{{4}}-\d\d-\d\d|{_MONTH} +\d|\d{{1,2}}\.? +{_MONTH})"
_PATTERNS: Final[tuple[tuple[Kind, str, int], ...]] = (
    ("random", r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE),
    ("random", r"(?<![0-9A-Za-z#-])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{16,64}(?![0-9A-Za-z])", 0),
    ("random", r"\b(?=[0-9A-Z]*[A-Z])[0-7][0-9A-HJKMNP-TV-Z]{25}\b", 0),
    ("random", r"\bat 0x[0-9a-f]{6,16}\b", re.IGNORECASE),
    ("clock", r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", 0),
    ("clock", r"\b\d{1,2}/\d{1,2}/\d{4},? +\d{1,2}:\d\d(?::\d\d)?(?: *[AaPp]\.?[Mm])?", 0),
    ("clock", r"\b(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\b(?! *(?:every|each|daily|on \w+days))", 0),
    ("clock", r"\b(?:[Cc]urrent time|[Tt]he time|[Ii]t is now|[Nn]ow)(?: is|:)? +\d{1,2}:[0-5]\d(?: *[AaPp]\.?[Mm])?", 0),
    ("clock", r"(?<![\w.,-])1[6-9]\d{8}(?:\d{3}|\.\d+)(?![\w-])", 0),
    ("clock", r"\b(?:time|timestamp|now|epoch|created|started|updated)(?:_at|_s)?\b[\"']?(?: is|:|=)? *1[6-9]\d{8}(?![\w-])", re.IGNORECASE),
    ("date", rf"\b(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? +(?:the +)?(?:\d{{1,2}}\.? +)?{_MONTH}\b", 0),
    ("date", rf"\b[Tt]oday(?:'s date)?(?: is|:)? +(?:\w+,? +)?{_DAY}", 0),
    ("date", rf"\b(?:[Cc]urrent|[Tt]oday's) (?:date|time|day)[^\n\w]{{0,3}}(?: ?is)?[^\n\d]{{0,12}}?{_DAY}", 0),
    ("date", rf"(?:^|[\n.\"] *)[Dd]ate(?: and time)?: *{_DAY}", 0),
    ("set", r"\{'[^':{}\n]*'(?:, '[^':{}\n]*')+\}|\bfrozenset\(\{", 0),
)  # fmt: skip
"""The source of the time shapes is ISO 8601 and what `str(datetime)`, `time.time()`, `uuid4()`, `repr(set)` print.

`re` compiles them when they are first used, and keeps them: compiling them took a twentieth of the import of an agent.
"""

_EXAMPLE: Final = re.compile(
    r"(?:\b(?:such as|like|e\.g\.|i\.e\.|for (?:example|instance)|examples?|format|formatted as|pattern)[\s:,(`\"']*)$",
    re.IGNORECASE,
)
"""Words that introduce a value which is only an example."""

_LASTING: Final[dict[Kind, re.Pattern[str]]] = {
    "random": re.compile(
        r"\b(?:hash|sha-?\d*|md5|digest|checksum|commit|revision|fingerprint)\b[^.\n]{0,24}$", re.IGNORECASE
    ),
    "date": re.compile(
        r"\b(?:on|by|until|till|since|before|after|from|deadline|due|born|founded|signed)[\s:]*$",
        re.IGNORECASE,
    ),
}
"""Words that introduce a value which stays: a digest of fixed content, a day something happened or is due."""

_BEFORE: Final = 48
_FEW_DIGITS: Final = 3


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
    for kind, pattern, flags in _PATTERNS:
        for found in re.finditer(pattern, text, flags):
            start, end = found.span()
            if _stays(kind, found.group(), text[max(0, start - _BEFORE) : start]):
                continue
            if all(end <= low or start >= high for low, high in taken):
                taken.append((start, end))
                yield ChangingValue(kind, found.group(), start)


def _stays(kind: Kind, value: str, before: str) -> bool:
    """Whether the words before a value, or its digits, say that it is always the same."""
    if _EXAMPLE.search(before):
        return True
    if kind == "random" and len(set(value) - {"-"}) <= _FEW_DIGITS:
        return True  # written by hand: the nil UUID, runs of one digit
    lasting = _LASTING.get(kind)
    return lasting is not None and lasting.search(before) is not None


def kind_of_change(before: str, after: str, character: int) -> Kind | None:
    """What changed at a place where two texts part: a clock, an identifier, the order of a set; None for plain text."""
    for was in changing_values(before):
        if was.start <= character < was.start + len(was.text):
            if any(now.kind == was.kind and now.start <= character for now in changing_values(after)):
                return was.kind
            return None
    return None
