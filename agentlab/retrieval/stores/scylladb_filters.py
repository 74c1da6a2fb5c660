"""Filters for ScyllaDB, whose vector search knows ranges of key columns and "and" alone: as several boxes.

So every document keeps, for each key that can be filtered, its value as text in the order of values: a digit for the kind,
then what orders within the kind. Each condition is then a range of one column, its negation the ranges beside it, and an
"or" becomes several queries, whose results are put together.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from agentlab.errors import UnsupportedCapability
from agentlab.retrieval.filters import And, Comparison, Filter, In, Not, Or, kind_of
from agentlab.retrieval.stores.typed_fields import number_field

__all__ = ["Box", "Span", "boxes", "key_column", "key_of_column", "ordered_text", "relations"]

_MOST: Final = 32  # queries for one filter
_KINDS: Final = {"null": "0", "boolean": "1", "number": "2", "text": "3", "other": "4"}
_SIGN: Final = 1 << 63
_HEXADECIMAL: Final = "f_hex_"


@dataclass(frozen=True)
class Span:
    """Texts from `low` on and before `high`; None for no end."""

    low: str = ""
    high: str | None = None


Box: TypeAlias = dict[str, Span]
"""By key of the metadata, where its value must lie; all of them together."""


def key_column(key: str) -> str:
    """The column that holds the value under a key."""
    return f"f_{number_field(key)[2:]}"


def key_of_column(column: str) -> str:
    """The key that a column holds."""
    if column.startswith(_HEXADECIMAL):
        return bytes.fromhex(column.removeprefix(_HEXADECIMAL)).decode()
    return column.removeprefix("f_")


def ordered_text(value: object) -> str:
    """Text whose order by code points is the order of values of a kind; equal for equal values, apart by kinds.

    None stands for a missing key; lists and objects are all alike, and no filter asks for them.
    """
    kind = kind_of(value)
    match value:
        case bool():
            return f"{_KINDS[kind]}{int(value)}"
        case int() | float():
            # The bits of a double order as the number does, once the negative ones are turned around.
            (bits,) = struct.unpack(">Q", struct.pack(">d", float(value) + 0.0))
            return f"{_KINDS[kind]}{bits ^ (2 * _SIGN - 1 if bits & _SIGN else _SIGN):016x}"
        case str():
            return f"{_KINDS[kind]}{value}"
        case _:
            return _KINDS[kind]


def boxes(filter: Filter, *, negated: bool = False) -> list[Box]:
    """A filter as boxes, of which a document must lie in one; none where nothing can pass.

    Raises:
        UnsupportedCapability: It takes too many.
    """
    match filter:
        case Comparison(key=key) | In(key=key):
            spans = _spans(filter)
            return _few([{key: span} for span in (_beside(spans) if negated else spans)])
        case Not(filter=inner):
            return boxes(inner, negated=not negated)
        case And(filters=filters) | Or(filters=filters):
            parts = [boxes(each, negated=negated) for each in filters]
            if isinstance(filter, And) is negated:
                return _few([each for part in parts for each in part])
            joined: list[Box] = [{}]
            for part in parts:
                both = (_within(left, right) for left in joined for right in part)
                joined = _few([box for box in both if box is not None])
            return joined
        case _:
            raise TypeError(f"{type(filter).__name__} is no filter of agentlab.retrieval.filters")


def relations(box: Box) -> tuple[list[str], list[str]]:
    """A box as relations of CQL, and the values of their bind markers."""
    written: list[tuple[str, str]] = []
    for key, span in box.items():
        column = f'"{key_column(key)}"'
        if span.high == f"{span.low}\0":
            written.append((f"{column} = ?", span.low))
            continue
        # No text lies between a text and itself with a NUL behind it.
        if span.low:
            after = span.low.endswith("\0")
            written.append((f"{column} {'>' if after else '>='} ?", span.low.removesuffix("\0")))
        if span.high is not None:
            through = span.high.endswith("\0")
            written.append((f"{column} {'<=' if through else '<'} ?", span.high.removesuffix("\0")))
    return [relation for relation, _ in written], [value for _, value in written]


def _spans(filter: Comparison | In) -> list[Span]:
    """Where the values that pass lie: apart from each other, and rising."""
    if isinstance(filter, In):
        texts = sorted({ordered_text(value) for value in filter.values})
        return [Span(text, f"{text}\0") for text in texts]
    text = ordered_text(filter.value)
    least, beyond = text[0], chr(ord(text[0]) + 1)  # of the kind
    match filter.operator:
        case "eq":
            return [Span(text, f"{text}\0")]
        case "ne":
            return _beside([Span(text, f"{text}\0")])
        case "gt":
            return [Span(f"{text}\0", beyond)]
        case "ge":
            return [Span(text, beyond)]
        case "lt":
            return [Span(least, text)]
        case "le":
            return [Span(least, f"{text}\0")]


def _beside(spans: Iterable[Span]) -> list[Span]:
    """What some spans leave."""
    found, low = [], ""
    for span in spans:
        if span.low > low:
            found.append(Span(low, span.low))
        if span.high is None:
            return found
        low = span.high
    return [*found, Span(low)]


def _within(left: Box, right: Box) -> Box | None:
    """What two boxes share; None where they share nothing."""
    both = dict(left)
    for key, span in right.items():
        other = both.get(key, Span())
        ends = [end for end in (span.high, other.high) if end is not None]
        low, high = max(span.low, other.low), min(ends, default=None)
        if high is not None and low >= high:
            return None
        both[key] = Span(low, high)
    return both


def _few(found: list[Box]) -> list[Box]:
    if len(found) > _MOST:
        raise UnsupportedCapability(
            f"ScyllaDB's vector search knows no `or`, and this filter takes {len(found)} queries, {_MOST} at most; "
            "ask for less, or use a store that can, such as SqliteVectorStore"
        )
    return found
