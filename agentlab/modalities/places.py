"""Putting a value at a place in JSON and reading it from there; a place is written as steps between dots. Pure."""

from __future__ import annotations

from typing import Any

__all__ = ["put", "read"]


def put(body: dict[str, Any], place: str, value: Any) -> None:
    """Put a value into a body; objects and lists on the way are made.

    Args:
        body: Changed.
        place: Names, and numbers for the members of a list: `contents.0.parts.1.text`.
        value: What goes there.
    """
    steps = [int(step) if step.isdigit() else step for step in place.split(".")]
    at: Any = body
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        inner: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int):
            at += [{} for _ in range(step + 1 - len(at))]
            at[step] = inner if following is None else at[step] or inner
        elif following is None:
            at[step] = inner
        else:
            at.setdefault(step, inner)
        at = at[step]


def read(payload: Any, place: str) -> list[Any]:
    """All values at a place, in order; empty where there is nothing.

    Args:
        payload: Decoded JSON.
        place: As in `put`; `*` stands for every member of a list.
    """
    found = [payload]
    for step in place.split("."):
        found = [inner for value in found for inner in _inside(value, step)]
    return found


def _inside(value: Any, step: str) -> list[Any]:
    if isinstance(value, dict):
        return [value[step]] if value.get(step) is not None else []
    if isinstance(value, list):
        if step == "*":
            return value
        return [value[int(step)]] if step.isdigit() and int(step) < len(value) else []
    return []
