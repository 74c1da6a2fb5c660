"""Finds what keeps a value from being pickled: the deepest part that cannot be, and the way to it in a reader's words."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any, Final

__all__ = ["what_holds_it_back"]

_DEPTH: Final = 8


def what_holds_it_back(value: object, dumps: Callable[[object], bytes]) -> str:
    """Name the smallest part of a value that cannot be pickled.

    Args:
        value: What could not be pickled.
        dumps: The pickler; whatever it raises means no.

    Returns:
        A clause such as "`lookup` uses `client`, an `AsyncClient`"; empty where no part is to blame by itself.
    """
    way: list[str] = []
    found, seen = value, [value]
    while len(seen) <= _DEPTH:
        parts = (part for part in _parts(found) if not any(part[2] is each for each in seen))
        worse = next((part for part in parts if not _goes(part[2], dumps)), None)
        if worse is None:
            break
        how, name, found = worse
        way.append(f"{how} {name}")
        seen.append(found)
    return f"it {', which '.join(way)}, {_kind(found)}" if way else ""


def _goes(value: object, dumps: Callable[[object], bytes]) -> bool:
    try:
        dumps(value)
    except Exception:  # noqa: BLE001 - picklers raise whatever they like
        return False
    return True


def _parts(value: Any) -> Iterator[tuple[str, str, Any]]:
    """What a value holds: how, under which name, and what."""
    if isinstance(value, MethodType):
        yield "belongs to", "an object", value.__self__
        value = value.__func__
    if isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, functools.partial):
        yield from (("is given", f"`{name}`", each) for name, each in value.keywords.items())
        yield from (("is given", f"argument {place}", each) for place, each in enumerate(value.args, 1))
        yield "calls", f"`{getattr(value.func, '__name__', 'a function')}`", value.func
    elif isinstance(value, Mapping):
        yield from (("holds", f"`{name}`", each) for name, each in value.items())
    elif isinstance(value, list | tuple | set | frozenset):
        yield from (("holds", f"item {place}", each) for place, each in enumerate(value, 1))
    elif not isinstance(value, type):
        yield from (("has", f"`{name.lstrip('_')}`", each) for name, each in _attributes(value))


def _of_function(function: FunctionType) -> Iterator[tuple[str, str, Any]]:
    try:
        used = inspect.getclosurevars(function)
    except ValueError:  # a variable that is not bound yet
        return
    for name, each in {**used.nonlocals, **used.globals}.items():
        yield "uses", f"`{name}`", each
    for each in function.__defaults__ or ():
        yield "has", "a default", each


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(value, "__dict__", {}).items()
    for name in getattr(value, "__struct_fields__", ()):
        yield name, getattr(value, name)


def _kind(value: object) -> str:
    name = value.__qualname__ if isinstance(value, type) else type(value).__qualname__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} `{name}`"
