"""A tool's definition, pinned by hash: what was seen first is what may be called.

A server may show a harmless tool while it is looked at, and another one later. So the first definition seen is kept, and a
tool whose definition differs from it is not called until somebody has accepted the new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["ListedTool", "difference", "pin_of", "read_pins"]


class ListedTool(ShortRepr, Struct, frozen=True):
    """A tool as its server lists it.

    Attributes:
        name: The server's own name of it.
        description: What it does.
        input_schema: JSON Schema of its arguments.
        title: A name for people.
        annotations: What the server says of its effects (`readOnlyHint`, `destructiveHint`); a claim, not a fact.
        as_task: Whether it must be called as a task; no part of its pin.
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    title: str = ""
    annotations: dict[str, Any] = msgspec.field(default_factory=dict)
    as_task: bool = False


def pin_of(tool: ListedTool) -> str:
    """The pin of a definition: a hash each for its description, its schema and what it claims of its effects.

    The parts are kept apart so that a pin read from a file can still say which of them changed.
    """
    return " ".join(f"{part}:{_digest(value)}" for part, value in _parts(tool).items())


def difference(pinned: ListedTool | None, pin: str, now: ListedTool) -> str:
    """What is other in a definition than in the pinned one, in words; empty where nothing is.

    Args:
        pinned: The definition that was pinned; None where only its hash is known.
        pin: Its pin.
        now: The definition that is listed now.
    """
    if pin == pin_of(now):
        return ""
    was = dict(part.split(":", 1) for part in pin.split())
    before = {} if pinned is None else _parts(pinned)
    changed = [part for part, value in _parts(now).items() if was.get(part) != _digest(value)]
    return "; ".join(_told(part, before.get(part), _parts(now)[part]) for part in changed)


def read_pins(pins: Mapping[str, str]) -> dict[str, str]:
    """Saved pins, checked.

    Raises:
        UsageError: A value is not a pin that `McpClient.pins` gave.
    """
    for name, pin in pins.items():
        parts = [part.partition(":")[0] for part in str(pin).split()]
        if parts != ["description", "schema", "effects"]:
            raise UsageError(
                f"the pin of `{name}` is not one: {pin!r}; pass a mapping that `McpClient.pins` gave"
            )
    return dict(pins)


def _parts(tool: ListedTool) -> dict[str, Any]:
    return {
        "description": [tool.description, tool.title],
        "schema": tool.input_schema,
        "effects": tool.annotations,
    }


def _digest(value: Any) -> str:
    text = msgspec.json.encode(value, order="deterministic")
    return hashlib.sha256(text).hexdigest()


def _told(part: str, before: Any, now: Any) -> str:
    if before is None:
        return f"its {part} is not the one that was pinned"
    return f"its {part} was {_short(before)} and is {_short(now)}"


def _short(value: Any) -> str:
    text = msgspec.json.encode(value, order="deterministic").decode()
    return text if len(text) <= 160 else f"{text[:160]}… ({len(text):,} characters)"
