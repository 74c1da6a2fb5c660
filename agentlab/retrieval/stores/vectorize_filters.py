"""Filters for Vectorize, which knows "and" alone: one condition a property, and no property may be missing.

So every document keeps, for each key that can be filtered, a digest of its value (also of None, and of what is missing),
and the number itself where it is one. An "or" becomes several queries, whose results are put together.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

from agentlab.errors import UnsupportedCapability
from agentlab.retrieval.filters import And, Comparison, Filter, In, Not, Or, Value, kind_of
from agentlab.retrieval.stores.typed_fields import number_field

__all__ = ["Conjunction", "conjunctions", "digest", "digest_field"]

_MOST: Final = 16  # queries for one filter
_RANGES: Final = {"gt": "$gt", "lt": "$lt", "ge": "$gte", "le": "$lte"}


def digest_field(key: str) -> str:
    """The property that holds the digest of the value under a key."""
    return f"d_{number_field(key)[2:]}"


def digest(value: object) -> str:
    """64 characters, as many as Vectorize looks at: equal for equal values of the same kind."""
    kind = kind_of(value)
    plain = float(value) + 0.0 if kind == "number" else value  # type: ignore[arg-type]  # so that 1 is 1.0
    text = json.dumps([kind, None if kind == "other" else plain])
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Conjunction:
    """Conditions that hold together.

    Attributes:
        allowed: By property, the digests of which one must be there.
        denied: By property, the digests that must not be there.
        ranges: By property, bounds of the number.
    """

    allowed: dict[str, frozenset[str]] = field(default_factory=dict)
    denied: dict[str, frozenset[str]] = field(default_factory=dict)
    ranges: dict[str, dict[str, float]] = field(default_factory=dict)

    def __and__(self, other: Conjunction) -> Conjunction:
        allowed, denied = dict(self.allowed), dict(self.denied)
        for name, digests in other.allowed.items():
            allowed[name] = allowed.get(name, digests) & digests
        for name, digests in other.denied.items():
            denied[name] = denied.get(name, frozenset()) | digests
        ranges = {name: dict(bounds) for name, bounds in self.ranges.items()}
        for name, bounds in other.ranges.items():
            for sign, value in bounds.items():
                _range(ranges.setdefault(name, {}), sign, value)
        return Conjunction(allowed, denied, ranges)

    def to_json(self) -> dict[str, Any] | None:
        """The filter of a query; None where nothing can pass."""
        written: dict[str, Any] = dict(self.ranges)
        for name in self.allowed.keys() | self.denied.keys():
            denied = self.denied.get(name, frozenset())
            if name in self.allowed:
                written[name] = {"$in": sorted(self.allowed[name] - denied)}
            else:
                written[name] = {"$nin": sorted(denied)}
        return None if {"$in": []} in written.values() else written


def conjunctions(filter: Filter, *, negated: bool = False) -> list[Conjunction]:
    """A filter as conjunctions of which one must hold; none where nothing can pass.

    Raises:
        UnsupportedCapability: It takes too many, orders text, or asks for what is not greater or not less.
    """
    match filter:
        case Comparison(key=key, operator="eq" | "ne" as operator, value=value):
            return _equal(key, (value,), negated=negated is (operator == "eq"))
        case Comparison(key=key, operator=operator, value=value):
            if isinstance(value, str) or value is None or negated:
                raise _refusal(f"the order of text or the negation of an order ({key!r}, {value!r})")
            return [Conjunction(ranges={number_field(key): {_RANGES[operator]: float(value)}})]
        case In(key=key, values=values):
            return _equal(key, values, negated=negated)
        case Not(filter=inner):
            return conjunctions(inner, negated=not negated)
        case And(filters=filters) | Or(filters=filters):
            parts = [conjunctions(each, negated=negated) for each in filters]
            if isinstance(filter, And) is negated:
                return _few([each for part in parts for each in part])
            joined = [Conjunction()]
            for part in parts:
                joined = _few([left & right for left in joined for right in part])
            return joined
        case _:
            raise TypeError(f"{type(filter).__name__} is no filter of agentlab.retrieval.filters")


def _equal(key: str, values: tuple[Value, ...], *, negated: bool) -> list[Conjunction]:
    digests = frozenset(map(digest, values))
    if not digests:
        return [Conjunction()] if negated else []
    name = digest_field(key)
    return [Conjunction(denied={name: digests}) if negated else Conjunction(allowed={name: digests})]


def _few(found: list[Conjunction]) -> list[Conjunction]:
    if len(found) > _MOST:
        raise _refusal(
            f'so many "or" ({len(found)} alternatives, {_MOST} at most); for values of one key write `is_in`'
        )
    return found


def _range(bounds: dict[str, float], sign: str, value: float) -> None:
    """Add a bound; of two on one side the narrower counts."""
    lower = sign.startswith("$g")
    for other in ("$gt", "$gte") if lower else ("$lt", "$lte"):
        if other in bounds:
            kept = bounds.pop(other)
            if kept == value:
                sign = min(sign, other, key=len)  # the strict one
            elif (kept > value) is lower:
                sign, value = other, kept
    bounds[sign] = value


def _refusal(what: str) -> UnsupportedCapability:
    return UnsupportedCapability(
        f"Vectorize cannot filter by {what}; or use a store that can, such as SqliteVectorStore"
    )
