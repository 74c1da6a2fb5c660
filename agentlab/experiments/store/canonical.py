"""One spelling for a value: what is equal to a reader hashes equally, in every process and on every machine."""

from __future__ import annotations

import hashlib
import json
import math
import numbers
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from agentlab.errors import UsageError

__all__ = ["canonical_json", "digest"]


def canonical_json(value: object, name: str = "value") -> str:
    """Write a value as JSON that depends on nothing but what it says.

    Keys are sorted, a tuple is a list, a set is sorted, `1.0` is `1`, bytes are their hash, and what JSON has no word
    for (NaN, infinity) has one here. msgspec structs, dataclasses, dates, decimals and numpy's scalars are taken too.

    Args:
        value: What to write.
        name: What it is called in an error.

    Raises:
        UsageError: Something in it has no content to write, such as a function; the message says where.
    """
    return json.dumps(_plain(value, name), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """SHA-256 of a text, as hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: object, where: str) -> Any:
    match value:
        case None | bool() | str():
            return value
        case numbers.Integral():
            return int(value)
        case numbers.Real():
            return _number(float(value))
        case bytes() | bytearray():
            return {"$bytes": hashlib.sha256(value).hexdigest()}
        case Mapping():
            return {_key(key, where): _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
        case AbstractSet():
            return sorted((_plain(item, where) for item in value), key=_sortable)
        case Sequence():
            return [_plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
        case _:
            return _plain(_opened(value, where), where)


def _number(value: float) -> Any:
    if not math.isfinite(value):
        return {"$float": repr(value)}
    return int(value) if value.is_integer() else value


def _key(key: object, where: str) -> str:
    if isinstance(key, str):
        return key
    raise UsageError(
        f"{where} has the key {key!r}; keys must be strings to be hashed the same way everywhere"
    )


def _sortable(plain: object) -> str:
    return json.dumps(plain, sort_keys=True)


def _opened(value: object, where: str) -> object:
    """The content of a struct, dataclass, date, decimal or numpy scalar, one level or more."""
    item = getattr(value, "item", None)
    try:
        opened = item() if callable(item) else msgspec.to_builtins(value)
    except (TypeError, ValueError):
        opened = value
    if type(opened) is type(value):
        raise UsageError(
            f"{where} is a {type(value).__name__}, which has no content to hash; "
            "give its parts as text, numbers, lists and dictionaries"
        )
    return opened
