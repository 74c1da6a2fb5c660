"""Filters over metadata: a small frozen tree that every store translates, and that tests a document by itself.

    (F("year") >= 2020) & F("lang").is_in(["en", "de"]) & ~(F("draft") == True)

`Filter.test` is the reference meaning; what a store answers is checked against it:

* Logic has two values. `not` turns a miss into a match, also where the key is missing.
* A missing key equals None, and nothing else; it is neither greater nor less than anything.
* Values of different kinds (number, text, boolean, None, anything else) are never equal and never ordered.
* Numbers compare by value (`1 == 1.0`), text by Unicode code points. Lists and objects equal nothing a filter can name.
"""

from __future__ import annotations

import math
import operator
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, Literal, NoReturn, TypeAlias

import msgspec
from msgspec import Struct

from agentlab.errors import UsageError

__all__ = ["And", "Comparison", "F", "Filter", "In", "Not", "Operator", "Or", "Value", "filter_from_json"]

Value: TypeAlias = str | int | float | bool | None
Operator: TypeAlias = Literal["eq", "ne", "gt", "lt", "ge", "le"]

_EXACT: Final = 2**53  # engines that hold numbers as doubles tell whole ones apart up to here
_SIGNS: Final[dict[Operator, str]] = {"eq": "==", "ne": "!=", "gt": ">", "lt": "<", "ge": ">=", "le": "<="}
_ORDERS: Final[dict[Operator, Callable[[Any, Any], Any]]] = {
    "gt": operator.gt,
    "lt": operator.lt,
    "ge": operator.ge,
    "le": operator.le,
}


class Filter(Struct, frozen=True, tag_field="type"):
    """A condition on a document's metadata. Combine with `&`, `|` and `~`."""

    @abstractmethod
    def test(self, metadata: Mapping[str, Any]) -> bool:
        """Whether a document with this metadata passes."""

    def to_json(self) -> str:
        """JSON that `filter_from_json` reads."""
        return msgspec.json.encode(self).decode()

    def __and__(self, other: Filter) -> Filter:
        return And((self, _filter(other)))  # type: ignore[arg-type]  # every filter is one of `AnyFilter`

    def __or__(self, other: Filter) -> Filter:
        return Or((self, _filter(other)))  # type: ignore[arg-type]  # every filter is one of `AnyFilter`

    def __invert__(self) -> Filter:
        return Not(self)  # type: ignore[arg-type]  # every filter is one of `AnyFilter`

    def __rand__(self, other: object) -> NoReturn:
        _filter(other)
        raise AssertionError

    __ror__ = __rand__

    def __bool__(self) -> NoReturn:
        raise UsageError(
            "a filter has no truth value: combine filters with &, | and ~, each comparison in parentheses, "
            'as in (F("year") > 2000) & (F("year") < 2010); `and`, `or`, `not` and a < F < b do not work'
        )


class Comparison(Filter, frozen=True, tag="comparison"):
    """Compares the value of a key.

    Attributes:
        key: A top-level key of the metadata.
        operator: eq, ne, gt, lt, ge, le.
        value: What to compare with; ordering takes numbers and text.
    """

    key: str
    operator: Operator
    value: Value

    def __post_init__(self) -> None:
        check_key(self.key)
        check_value(self.value, self.key)
        if self.operator not in {"eq", "ne"} and (self.value is None or isinstance(self.value, bool)):
            raise UsageError(
                f"filter on {self.key!r}: {self.value!r} has no order; {_SIGNS[self.operator]} takes a number or text"
            )

    def test(self, metadata: Mapping[str, Any]) -> bool:
        """Whether the key's value stands to the filter's value as the operator says."""
        found, wanted = metadata.get(self.key), self.value
        match self.operator:
            case "eq":
                return _equal(found, wanted)
            case "ne":
                return not _equal(found, wanted)
            case _:
                return kind_of(found) == kind_of(wanted) and bool(_ORDERS[self.operator](found, wanted))


class In(Filter, frozen=True, tag="in"):
    """Whether the value of a key is one of several.

    Attributes:
        key: A top-level key of the metadata.
        values: The values; with none of them nothing passes.
    """

    key: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        check_key(self.key)
        for value in self.values:
            check_value(value, self.key)

    def test(self, metadata: Mapping[str, Any]) -> bool:
        """Whether the key's value equals one of the values."""
        found = metadata.get(self.key)
        return any(_equal(found, value) for value in self.values)


class And(Filter, frozen=True, tag="and"):
    """All of several filters; with none of them everything passes."""

    filters: tuple[AnyFilter, ...]

    def test(self, metadata: Mapping[str, Any]) -> bool:
        """Whether every filter passes."""
        return all(each.test(metadata) for each in self.filters)


class Or(Filter, frozen=True, tag="or"):
    """Any of several filters; with none of them nothing passes."""

    filters: tuple[AnyFilter, ...]

    def test(self, metadata: Mapping[str, Any]) -> bool:
        """Whether one filter passes."""
        return any(each.test(metadata) for each in self.filters)


class Not(Filter, frozen=True, tag="not"):
    """What another filter does not pass."""

    filter: AnyFilter

    def test(self, metadata: Mapping[str, Any]) -> bool:
        """Whether the filter does not pass."""
        return not self.filter.test(metadata)


AnyFilter: TypeAlias = Comparison | In | And | Or | Not


class F:
    """A key of the metadata, to write filters with: `F("year") > 2000`, `F("lang").is_in(["en", "de"])`.

    Args:
        key: A top-level key of the metadata.
    """

    __hash__: ClassVar[None]  # type: ignore[assignment]  # `==` makes a filter, so a key of a dictionary it cannot be

    def __init__(self, key: str) -> None:
        self.key = key

    def __eq__(self, value: Value) -> Filter:  # type: ignore[override]
        return Comparison(self.key, "eq", value)

    def __ne__(self, value: Value) -> Filter:  # type: ignore[override]
        return Comparison(self.key, "ne", value)

    def __gt__(self, value: str | float) -> Filter:
        return Comparison(self.key, "gt", value)

    def __lt__(self, value: str | float) -> Filter:
        return Comparison(self.key, "lt", value)

    def __ge__(self, value: str | float) -> Filter:
        return Comparison(self.key, "ge", value)

    def __le__(self, value: str | float) -> Filter:
        return Comparison(self.key, "le", value)

    def is_in(self, values: Iterable[Value]) -> Filter:
        """Whether the value is one of several."""
        return In(self.key, tuple(values))


def filter_from_json(text: str | bytes) -> Filter:
    """Read a filter as `Filter.to_json` writes it.

    Raises:
        UsageError: It is not JSON, or not a filter; the message says where.
    """
    try:
        found: Filter = msgspec.json.decode(text, type=AnyFilter)
    except msgspec.DecodeError as error:
        raise UsageError(f"not a filter: {error}") from error
    return found


def kind_of(value: object) -> str:
    """The kind of a metadata value: null, boolean, number, text or other; kinds are never equal and never ordered."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case _:
            return "other"


def check_key(key: object) -> None:
    """Refuse what cannot be a key of metadata.

    Raises:
        UsageError: It is no text, is empty, or holds a NUL, which several engines cannot keep.
    """
    if not isinstance(key, str) or not key or "\0" in key:
        raise UsageError(f"{key!r} is no key of metadata; a key is text, not empty and without NUL")


def check_value(value: object, key: str) -> None:
    """Refuse what no filter can compare with.

    Raises:
        UsageError: It is no text, number, boolean or None, or a number that engines do not hold exactly.
    """
    if kind_of(value) == "other":
        raise UsageError(
            f"filter on {key!r}: {value!r} is a {type(value).__name__}; values are text, numbers, booleans or None"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"filter on {key!r}: {value!r} compares with nothing; give a finite number")
    if isinstance(value, int) and abs(value) > _EXACT:
        raise UsageError(
            f"filter on {key!r}: {value} is beyond 2**53, where engines round; store such numbers as text"
        )


def _equal(found: object, wanted: Value) -> bool:
    return kind_of(found) == kind_of(wanted) and found == wanted


def _filter(other: object) -> Filter:
    if isinstance(other, Filter):
        return other
    raise UsageError(
        f"{other!r} is no filter; put each comparison in parentheses, as in (F('year') > 2000) & (F('lang') == 'en')"
    )
