"""Which settings of a request move its cached prefix, and what the vendor calls it: data of `moving_settings.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.caching.blocks.prefix import same_objects

__all__ = [
    "Level",
    "MovedSetting",
    "Vocabulary",
    "home_vendor",
    "moved_settings",
    "setting_name",
    "vocabulary",
]

Level = Literal["tools", "system", "messages"]
"""The levels of a prompt in render order; a change at one makes it and all later ones unreadable."""

_MISSING: Final = object()


class Setting(Struct, frozen=True, rename={"level": "from"}):
    """A row: see the head of the table."""

    path: str
    name: str
    level: Level
    reason: str | None = None
    default: Any = None
    assumed: bool = False
    part_type: str | None = None


class Vocabulary(Struct, frozen=True):
    """The words of one vendor's diagnosis.

    Attributes:
        providers: Vendors whose diagnosis uses them.
        tools: Word for a change in the tools.
        system: Word for a change in the system prompt.
        messages: Word for a change in the conversation.
        compaction: Word for a conversation that was replaced by a shorter one; None where there is none.
    """

    providers: tuple[str, ...]
    tools: str
    system: str
    messages: str
    compaction: str | None = None


class MovedSetting(Struct, frozen=True):
    """A setting that differs between two requests and moves the prefix.

    Attributes:
        setting: Its row.
        before: JSON of the earlier value; empty where it was left out.
        after: JSON of the later value; empty where it is left out.
    """

    setting: Setting
    before: str
    after: str


class _Wire(Struct, frozen=True):
    settings: tuple[Setting, ...] = ()
    also: tuple[str, ...] = ()
    home: str | None = None
    vocabulary: str | None = None


class _Table(Struct, frozen=True):
    wires: dict[str, _Wire]
    vocabularies: dict[str, Vocabulary]


@cache
def _table() -> _Table:
    text = (
        resources.files("agentlab.caching.explaining")
        .joinpath("moving_settings.toml")
        .read_text(encoding="utf-8")
    )
    rows = tomllib.loads(text)
    words = rows.pop("vocabularies")
    return msgspec.convert({"wires": rows, "vocabularies": words}, _Table)


def moved_settings(
    wire: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[MovedSetting, ...]:
    """The settings that changed from one request to the next and move the prefix, in render order.

    Args:
        wire: The wire of both bodies.
        before: The earlier body.
        after: The later body.
    """
    known = _wire(wire)
    found: list[MovedSetting] = []
    for setting in known.settings if known is not None else ():
        if setting.part_type is not None:
            old, new = _parts(setting.part_type, before.get(setting.path), after.get(setting.path))
        else:
            old, new = _value(setting, before), _value(setting, after)
        if old != new:
            found.append(MovedSetting(setting, _json(old), _json(new)))
    return tuple(found)


def setting_name(path: str) -> str:
    """What a reader calls the setting at a path, whatever the wire; the path itself where no row has it."""
    rows = (setting for wire in _table().wires.values() for setting in wire.settings)
    return next((setting.name for setting in rows if setting.path == path), path)


def home_vendor(wire: str | None) -> str | None:
    """The vendor a wire comes from; None where many speak it, or it is not known."""
    known = _wire(wire)
    return known.home if known is not None else None


def vocabulary(wire: str | None, provider: str | None) -> Vocabulary | None:
    """The words of a vendor's diagnosis; None where it has none.

    Args:
        wire: The wire; its home vendor is meant where no provider is named.
        provider: The vendor's name.
    """
    table = _table()
    if provider is not None:
        spoken = table.vocabularies.values()
        return next((words for words in spoken if provider in words.providers), None)
    known = _wire(wire)
    return table.vocabularies.get(known.vocabulary) if known is not None and known.vocabulary else None


def _wire(name: str | None) -> _Wire | None:
    """A wire by any of its names."""
    spelled = (name or "").replace("_", "-")
    wires = _table().wires
    return wires.get(spelled) or next((wire for wire in wires.values() if spelled in wire.also), None)


def _value(setting: Setting, body: Mapping[str, Any]) -> Any:
    value: Any = body
    for key in setting.path.split("."):
        value = value.get(key, _MISSING) if isinstance(value, Mapping) else _MISSING
    if value is None or value == setting.default:
        return _MISSING
    return value


def _parts(part_type: str, before: Any, after: Any) -> tuple[Any, Any]:
    """Whether each of two lists holds a part of a type. What both share, as one object, is read only where it decides."""
    if isinstance(before, list) and isinstance(after, list):
        equal = same_objects(before, after)
        pairs = [pair for pair in zip(before[equal:], after[equal:], strict=False) if pair[0] is not pair[1]]
        length = min(len(before), len(after))
        old = _holds([*(was for was, _ in pairs), *before[length:]], part_type)
        new = _holds([*(now for _, now in pairs), *after[length:]], part_type)
        if old != new and _holds(
            [was for was, now in zip(before, after, strict=False) if was is now], part_type
        ):
            old = new = True
    else:
        old, new = _holds(before, part_type), _holds(after, part_type)
    return (True if old else _MISSING), (True if new else _MISSING)


def _holds(value: Any, part_type: str) -> bool:
    if isinstance(value, dict):
        return value.get("type") == part_type or any(_holds(inner, part_type) for inner in value.values())
    return isinstance(value, list) and any(_holds(inner, part_type) for inner in value)


def _json(value: Any) -> str:
    return "" if value is _MISSING else msgspec.json.encode(value).decode()
