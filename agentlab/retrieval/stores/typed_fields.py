"""Metadata as flat fields of one kind each, and filters as conditions on them, for engines with filters of their own.

Engines differ in what they hold for equal (`1`, `1.0`, `true`, `"1"`), in what a missing key does, and in which
characters a key may have. So beside the metadata a store keeps fields: `n_year` is the number under `year`, `t_year` the
text, `b_year` the boolean, `p_year` says that there is a value and it is not None. A filter becomes a tree without
`not`, whose leaves name a field, so that each engine translates five small cases and means the same by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from agentlab.errors import UnsupportedCapability
from agentlab.retrieval.filters import And, Comparison, Filter, In, Not, Or, Value, kind_of

__all__ = [
    "AllOf",
    "AnyOf",
    "Compares",
    "Has",
    "Lacks",
    "Sign",
    "TypedCondition",
    "no_order",
    "number_field",
    "typed_condition",
    "typed_fields",
]

Sign: TypeAlias = Literal["==", "!=", ">", "<", ">=", "<="]

_PLAIN: Final = re.compile(r"(?!hex_)[A-Za-z][A-Za-z0-9_]*")
_LETTERS: Final = {"number": "n", "text": "t", "boolean": "b"}
_SIGNS: Final[dict[str, Sign]] = {"eq": "==", "ne": "!=", "gt": ">", "lt": "<", "ge": ">=", "le": "<="}
_OPPOSITES: Final[dict[Sign, Sign]] = {"==": "!=", "!=": "==", ">": "<=", "<": ">=", ">=": "<", "<=": ">"}


@dataclass(frozen=True)
class Has:
    """A document has a field."""

    field: str


@dataclass(frozen=True)
class Lacks:
    """A document has no such field."""

    field: str


@dataclass(frozen=True)
class Compares:
    """A document has a field, and its value stands so to a value of the field's kind.

    With `!=` the engine may count a document without the field as it likes: the tree asks for the field, or for its
    absence, beside it.
    """

    field: str
    sign: Sign
    value: str | float | bool


@dataclass(frozen=True)
class AllOf:
    """One condition or more, all of which hold."""

    conditions: tuple[TypedCondition, ...]


@dataclass(frozen=True)
class AnyOf:
    """One condition or more, of which one holds."""

    conditions: tuple[TypedCondition, ...]


TypedCondition: TypeAlias = Has | Lacks | Compares | AllOf | AnyOf

_EVERYTHING: Final = "everything"


def typed_fields(metadata: Mapping[str, Any]) -> dict[str, str | float | bool]:
    """The fields of a document; numbers are floats."""
    fields: dict[str, str | float | bool] = {_EVERYTHING: True}
    for key, value in metadata.items():
        name = _name(key)
        if value is not None:
            fields[f"p_{name}"] = True
        match value:
            case bool() | str():
                fields[f"{_LETTERS[kind_of(value)]}_{name}"] = value
            case int() | float():
                fields[f"n_{name}"] = float(value)
            case _:
                pass  # lists and objects equal nothing a filter can name
    return fields


def typed_condition(filter: Filter, *, negated: bool = False) -> TypedCondition:
    """A filter as conditions on fields."""
    match filter:
        case Comparison(key=key, operator="ne", value=value):
            return _compared(key, "==", value, negated=not negated)
        case Comparison(key=key, operator=operator, value=value):
            return _compared(key, _SIGNS[operator], value, negated=negated)
        case In(key=key, values=values):
            return _joined([_compared(key, "==", value, negated=negated) for value in values], every=negated)
        case And(filters=filters):
            return _joined([typed_condition(each, negated=negated) for each in filters], every=not negated)
        case Or(filters=filters):
            return _joined([typed_condition(each, negated=negated) for each in filters], every=negated)
        case Not(filter=inner):
            return typed_condition(inner, negated=not negated)
        case _:
            raise TypeError(f"{type(filter).__name__} is no filter of agentlab.retrieval.filters")


def number_field(key: str) -> str:
    """The field that holds the number under a key."""
    return f"n_{_name(key)}"


def no_order(store: str, condition: Compares) -> UnsupportedCapability:
    """The error of an engine that cannot order text."""
    return UnsupportedCapability(
        f"{store} cannot filter by the order of text ({condition.sign} {condition.value!r}); "
        "store what is ordered as a number, or use `SqliteVectorStore` or `InMemoryVectorStore`"
    )


def _name(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else f"hex_{key.encode().hex()}"


def _compared(key: str, sign: Sign, value: Value, *, negated: bool) -> TypedCondition:
    name = _name(key)
    if value is None:
        return Has(f"p_{name}") if negated else Lacks(f"p_{name}")
    field = f"{_LETTERS[kind_of(value)]}_{name}"
    wanted = value if isinstance(value, str | bool) else float(value)
    if negated:
        return AnyOf((Lacks(field), Compares(field, _OPPOSITES[sign], wanted)))
    return Compares(field, sign, wanted)


def _joined(conditions: list[TypedCondition], *, every: bool) -> TypedCondition:
    if not conditions:
        return Has(_EVERYTHING) if every else Lacks(_EVERYTHING)
    if len(conditions) == 1:
        return conditions[0]
    return AllOf(tuple(conditions)) if every else AnyOf(tuple(conditions))
