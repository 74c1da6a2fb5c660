"""A hash of everything that decides what a scorer says: its options, and the source of its functions.

A function is described by its source, its defaults, what it closes over, and the functions of its own module that it
calls. What it calls in other modules is not followed: a library is named by its version, not by its text.
"""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

import msgspec

__all__ = ["fingerprint_of"]

_PLAIN: Final = (str, int, float, bool, bytes, type(None))
_LENGTH: Final = 16


def fingerprint_of(*parts: Any) -> str:
    """A hash of values, options and functions; the same in every process.

    Args:
        *parts: Plain values, containers of them, functions, classes and objects. An object counts by its class and
            attributes.

    Returns:
        16 hexadecimal digits.
    """
    written = msgspec.json.encode([_described(part, ()) for part in parts], order="deterministic")
    return hashlib.sha256(written).hexdigest()[:_LENGTH]


def _described(value: Any, above: tuple[int, ...]) -> Any:
    """A value as JSON that differs where the value does. `above` are the objects it stands in: a cycle ends there."""
    if isinstance(value, _PLAIN):
        return [type(value).__name__, repr(value)]
    if id(value) in above:
        return ["again"]
    inside = (*above, id(value))
    if isinstance(value, Mapping):
        return ["map", sorted([str(key), _described(item, inside)] for key, item in value.items())]
    if isinstance(value, list | tuple):
        return ["list", [_described(item, inside) for item in value]]
    if isinstance(value, set | frozenset):
        return ["set", sorted((_described(item, inside) for item in value), key=repr)]
    return _code_described(value, inside)


def _code_described(value: Any, inside: tuple[int, ...]) -> Any:
    """What is no plain value: functions by what they do, objects by their class and what they hold."""
    if isinstance(value, partial):
        return ["partial", *(_described(part, inside) for part in (value.func, value.args, value.keywords))]
    if isinstance(value, MethodType):
        return ["method", _described(value.__func__, inside), _described(value.__self__, inside)]
    if isinstance(value, FunctionType):
        return _function(value, inside)
    if isinstance(value, type):
        return ["class", value.__qualname__, _source(value)]
    if inspect.isbuiltin(value) or inspect.ismodule(value):
        return ["named", getattr(value, "__module__", ""), getattr(value, "__name__", "")]
    return ["object", _described(type(value), inside), _described(_attributes(value), inside)]


def _function(function: FunctionType, above: tuple[int, ...]) -> list[Any]:
    code = function.__code__
    closed = [_described(_content(cell), above) for cell in function.__closure__ or ()]
    called = {
        name: _described(found, (*above, id(function)))
        for name in sorted(_names(code))
        if isinstance(found := function.__globals__.get(name), (FunctionType, *_PLAIN))
        and getattr(found, "__module__", function.__module__) == function.__module__
    }
    defaults = [function.__defaults__, function.__kwdefaults__]
    return ["function", _source(function), _described(defaults, above), closed, called]


def _names(code: CodeType) -> set[str]:
    """The names a function looks up outside itself, those of the functions within it included."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _source(thing: Callable[..., Any] | type) -> Any:
    """Its source; where there is none (an interactive prompt), its code or its name."""
    try:
        return textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError):
        code = getattr(thing, "__code__", None)
        return [code.co_code.hex(), repr(code.co_consts), list(code.co_names)] if code else thing.__qualname__


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a function that names itself before it is made
        return None


def _attributes(value: Any) -> dict[str, Any]:
    """What an object holds, without what begins with an underscore: caches and connections decide nothing."""
    held = dict(getattr(value, "__dict__", {}))
    for name in getattr(type(value), "__struct_fields__", ()) or getattr(type(value), "__slots__", ()):
        held[name] = getattr(value, name, None)
    return {name: item for name, item in held.items() if not name.startswith("_")}
