"""Where two JSON values first differ, to the member and to the character."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from agentlab.caching.blocks.common_text import common_start

__all__ = ["Difference", "first_difference", "member"]


class Difference(Struct, frozen=True):
    """The first difference of two values.

    Attributes:
        path: Keys and indexes down to it.
        before: The earlier text, or the JSON of the earlier value; empty where it is new.
        after: The later one; empty where it is gone.
        character: For two texts, the number of equal characters before the first that differs.
        reordered: Whether the same members stand in another order, which is another byte sequence.
    """

    path: tuple[str | int, ...]
    before: str
    after: str
    character: int | None = None
    reordered: bool = False


def first_difference(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> Difference | None:
    """The first difference in the order of the earlier value's members; None where both are the same bytes.

    Args:
        before: The earlier value, as decoded.
        after: The later one.
        path: Where they stand.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        return _of_objects(before, after, path)
    if isinstance(before, list) and isinstance(after, list):
        return _of_lists(before, after, path)
    if isinstance(before, str) and isinstance(after, str):
        if before == after:
            return None
        return Difference(path, before, after, common_start(before, after))
    if before == after and type(before) is type(after):
        return None
    return Difference(path, _json(before), _json(after))


def member(path: tuple[str | int, ...]) -> str:
    """A path as it is written: `parameters.properties.city`, `content[1].text`."""
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return written.removeprefix(".")


def _of_objects(
    before: dict[str, Any], after: dict[str, Any], path: tuple[str | int, ...]
) -> Difference | None:
    for key, old in before.items():
        if key not in after:
            return Difference((*path, key), _json(old), "")
        found = first_difference(old, after[key], (*path, key))
        if found is not None:
            return found
    for key, new in after.items():
        if key not in before:
            return Difference((*path, key), "", _json(new))
    if list(before) != list(after):
        return Difference(path, _json(before), _json(after), reordered=True)
    return None


def _of_lists(before: list[Any], after: list[Any], path: tuple[str | int, ...]) -> Difference | None:
    if before != after and sorted(map(_json, before)) == sorted(map(_json, after)):
        return Difference(path, _json(before), _json(after), reordered=True)
    for index, (old, new) in enumerate(zip(before, after, strict=False)):
        found = first_difference(old, new, (*path, index))
        if found is not None:
            return found
    if len(before) > len(after):
        return Difference((*path, len(after)), _json(before[len(after)]), "")
    if len(after) > len(before):
        return Difference((*path, len(before)), "", _json(after[len(before)]))
    return None


def _json(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
