"""Filters of MongoDB's query language, as Atlas, S3 Vectors and Vectorize document their parts of it, over one record."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["matches"]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches(record: Mapping[str, Any], condition: Mapping[str, Any]) -> bool:
    """Whether a record passes; an array passes where one of its elements does. Unknown operators raise."""
    return all(_passes(record, key, wanted) for key, wanted in condition.items())


def _passes(record: Mapping[str, Any], key: str, wanted: Any) -> bool:
    if key == "$and":
        return all(matches(record, each) for each in wanted)
    if key == "$or":
        return any(matches(record, each) for each in wanted)
    if key.startswith("$"):
        raise ValueError(f"unknown operator {key}")
    found: Any = record
    for step in key.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    clauses = wanted if isinstance(wanted, Mapping) else {"$eq": wanted}
    return all(_holds(found, sign, value) for sign, value in clauses.items())


def _holds(found: Any, sign: str, wanted: Any) -> bool:
    elements = found if isinstance(found, list) else [] if found is None else [found]
    match sign:
        case "$exists":
            return (found is not None) is wanted
        case "$eq":
            return any(_same(each, wanted) for each in elements)
        case "$ne":
            return not any(_same(each, wanted) for each in elements)
        case "$in":
            return any(_same(each, one) for each in elements for one in wanted)
        case "$nin":
            return not any(_same(each, one) for each in elements for one in wanted)
        case _:
            return any(_kind(each) == _kind(wanted) and _ORDERS[sign](each, wanted) for each in elements)


def _kind(value: Any) -> str:
    return "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "text"


def _same(found: Any, wanted: Any) -> bool:
    return _kind(found) == _kind(wanted) and bool(found == wanted)
