"""What decides an answer or a score, as a text and as a hash: functions, objects and whole agents.

A function counts with its source, its defaults, what it closes over or is bound to, and the functions, classes and
constants of its own module that it names. What it takes from other modules is not followed: a library is named by its
version, not by its text. Two agents with equal parts are the same for a result store.
"""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

import msgspec

from agentlab.agent.agent import Agent
from agentlab.agent.composition.agent_tool import AgentTool
from agentlab.agent.composition.inner_tools import all_tools
from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools
from agentlab.agent.settings import AgentSettings
from agentlab.errors import UsageError
from agentlab.models.model import WireModel
from agentlab.models.vendors import base_url_of
from agentlab.tools import Tool
from agentlab.tools.declared import reach_of, returns_untrusted

__all__ = ["agent_parts", "description_of", "fingerprint_of"]

_NO_MATTER: Final = frozenset(
    {"name", "description", "record_content", "tool_concurrency", "tool_timeout_s", "tool_context"}
)
"""Options that change what is logged, or how fast, and not what is said."""

_OWN_TEXT: Final = frozenset(
    {
        "tools",
        "dynamic_context",
        "dynamic_tools",
        "hooks",
        "approver",
        "approvals",
        "memory",
        "volatile",
        "ordering",
    }
)
_OF_A_SEARCH: Final = ("name", "n", "threshold", "filter", "placement", "render", "index")
_PLAIN: Final = (str, int, float, complex, bool, bytes, type(None), type(...))
_HELD: Final = (*_PLAIN, Mapping, list, tuple, set, frozenset, FunctionType, MethodType, partial)
_LENGTH: Final = 16
_ATTEMPTS: Final = 20


def agent_parts(agent: Agent) -> dict[str, str]:
    """Part name to its text; a part that has its default is left out, so new options keep old keys."""
    settings, plain = agent.settings, AgentSettings()
    parts = {"model": agent.model.name}
    place = _place(agent)
    if place:
        parts["base_url"] = place
    for name in settings.__dataclass_fields__:
        value = getattr(settings, name)
        if name in _NO_MATTER | _OWN_TEXT or value == getattr(plain, name):
            continue
        parts[name] = value if isinstance(value, str) else _json(value)
    if len(settings.tools):
        parts["tools"] = "\n".join(_tool_text(tool) for tool in settings.tools)
    parts |= _search_parts(settings) | _approval_parts(settings)
    if settings.hooks:
        parts["hooks"] = "\n".join(description_of(hook) for hook in settings.hooks)
    if settings.approver is not None:
        parts["approver"] = description_of(settings.approver)
    if settings.memory is not None:
        parts["memory"] = description_of(settings.memory)
    if settings.volatile:
        parts["volatile"] = "\n".join(
            fact if isinstance(fact, str) else description_of(fact) for fact in settings.volatile
        )
    if settings.ordering.parts != plain.ordering.parts:
        parts["ordering"] = " ".join(settings.ordering.parts)
    return parts


def fingerprint_of(*parts: Any) -> str:
    """A hash of values, options and functions; the same in every process.

    Args:
        *parts: As in `description_of`.

    Returns:
        16 hexadecimal digits.
    """
    return hashlib.sha256(description_of(*parts).encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]


def description_of(*parts: Any) -> str:
    """Values, options and functions as JSON, without an address or a path; the same in every process.

    Args:
        *parts: Plain values, containers of them, functions, classes and objects. An object counts by its class and
            attributes; of an object in a private attribute (a connection, a lock) only the class does.
    """
    reader = _Reader()
    described = [reader.value(part, ()) for part in parts]
    return msgspec.json.encode([described, reader.functions], order="deterministic").decode()


def _place(agent: Agent) -> str:
    """A base URL of the user's own; where a vendor is by default, and the simulator's changing port, are not named."""
    model = agent.model
    if not isinstance(model, WireModel) or model.name.startswith("sim:"):
        return ""
    try:
        usual = base_url_of(model.vendor)
    except UsageError:  # a place of its address was given in the program
        return model.base_url
    return "" if model.base_url == usual else model.base_url


def _tool_text(tool: Tool) -> str:
    if isinstance(tool, AgentTool):
        return _json([tool.definition, agent_parts(tool.agent)])
    function = getattr(tool, "function", None)
    return f"{_json(tool.definition)}\n{description_of(function if callable(function) else tool)}"


def _search_parts(settings: AgentSettings) -> dict[str, str]:
    parts: dict[str, str] = {}
    if settings.dynamic_context:
        parts["dynamic_context"] = "\n".join(_search_text(entry) for entry in settings.dynamic_context)
    if settings.dynamic_tools:
        searches = [
            (_search_text(entry), *map(_tool_text, entry.toolset)) for entry in settings.dynamic_tools
        ]
        parts["dynamic_tools"] = "\n".join(text for search in searches for text in search)
    return parts


def _approval_parts(settings: AgentSettings) -> dict[str, str]:
    """The policy, and what the tools declare, which decides with it."""
    if settings.approvals is None:
        return {}
    declared = [
        [tool.definition.name, reach_of(tool), returns_untrusted(tool)] for tool in all_tools(settings)
    ]
    return {"approvals": _json([settings.approvals, declared])}


def _search_text(entry: DynamicContext | DynamicTools) -> str:
    """An index and how it is asked, the same before and after it was: what it makes for itself does not count."""
    reader = _Reader(lasting=True)
    described = [[name, reader.value(getattr(entry, name, None), ())] for name in _OF_A_SEARCH]
    return msgspec.json.encode([described, reader.functions], order="deterministic").decode()


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


class _Reader:
    """Describes values as JSON; each function once, referred to by its number, so that recursion comes to an end.

    Args:
        lasting: Whether private attributes count only where they hold plain values: not what an object makes when it is
            first used, a connection, a lock, a model.

    Attributes:
        functions: What was found out of each function.
    """

    def __init__(self, *, lasting: bool = False) -> None:
        self.functions: list[Any] = []
        self._lasting = lasting
        self._numbers: dict[FunctionType, int] = {}

    def value(self, value: Any, above: tuple[int, ...]) -> Any:
        """A value as JSON that differs where the value does. `above` are the objects it stands in: a cycle ends there."""
        if isinstance(value, _PLAIN):
            return [type(value).__name__, repr(value)]
        if id(value) in above:
            return ["again", len(above) - above.index(id(value))]
        inside = (*above, id(value))
        if isinstance(value, Mapping):
            return ["map", sorted([str(key), self.value(item, inside)] for key, item in _items(value))]
        if isinstance(value, list | tuple):
            return ["list", [self.value(item, inside) for item in tuple(value)]]
        if isinstance(value, set | frozenset):
            # Members in any order: each is described apart, so that none is numbered by its turn.
            return ["set", sorted(description_of(item) for item in frozenset(value))]
        return self._code(value, inside)

    def _code(self, value: Any, inside: tuple[int, ...]) -> Any:
        """What is no plain value: functions by what they do, objects by their class and what they hold."""
        if isinstance(value, partial):
            return [
                "partial",
                *(self.value(part, inside) for part in (value.func, value.args, value.keywords)),
            ]
        if isinstance(value, MethodType):
            return ["method", self.value(value.__func__, inside), self.value(value.__self__, inside)]
        if isinstance(value, FunctionType):
            return self._function(value, inside)
        if isinstance(value, type):
            source = _source(value)
            members = [[name, self.value(each, inside)] for name, each in _members(value, source=source)]
            return ["class", value.__qualname__, source, members]
        if isinstance(value, CodeType):
            return ["code", *_compiled(value)]
        if inspect.isbuiltin(value) or inspect.ismodule(value):
            return ["named", getattr(value, "__module__", ""), getattr(value, "__name__", "")]
        held = {
            name: self._attribute(name, item, inside)
            for name, item in _attributes(value)
            if not (self._lasting and _may_be_made_later(name, item))
        }
        return ["object", self.value(type(value), inside), sorted(held.items())]

    def _attribute(self, name: str, value: Any, inside: tuple[int, ...]) -> Any:
        if name.startswith("_") and not isinstance(value, _HELD):
            return ["private", type(value).__module__, type(value).__qualname__]
        return self.value(value, inside)

    def _function(self, function: FunctionType, above: tuple[int, ...]) -> Any:
        known = self._numbers.get(function)
        if known is not None:
            return ["function", known]
        number = self._numbers[function] = len(self.functions)
        self.functions.append(None)
        inner = inspect.unwrap(function)
        self.functions[number] = [
            function.__qualname__,
            _source(function.__code__) or _compiled(function.__code__),
            self.value([function.__defaults__, function.__kwdefaults__], above),
            [self.value(_content(cell), above) for cell in function.__closure__ or ()],
            [[name, self.value(found, above)] for name, found in _named(function)],
            self.value(inner, above) if isinstance(inner, FunctionType) and inner is not function else None,
        ]
        return ["function", number]


def _named(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function names in its own module: functions, classes, and constants that cannot change."""
    for name in sorted(_names(function.__code__)):
        found = function.__globals__.get(name)
        if isinstance(found, (*_PLAIN, tuple, frozenset)):
            if name in function.__globals__:
                yield name, found
        elif isinstance(found, FunctionType | type) and found.__module__ == function.__module__:
            yield name, found


def _names(code: CodeType) -> set[str]:
    """The names a function looks up outside itself, those of the functions within it included."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _members(kind: type, *, source: str | None) -> Iterator[tuple[str, Any]]:
    """The functions a class defines, for what they name; and its values, where no source tells them."""
    for name, member in sorted(vars(kind).items()):
        inner = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if isinstance(inner, FunctionType):
            # The methods that a dataclass is given follow from its source, and their code from the version of Python.
            given = source is not None and inner.__code__.co_filename == "<string>"
            if inner.__module__ == kind.__module__ and not given:
                yield name, inner
        elif source is None and not name.startswith("__") and isinstance(inner, _HELD):
            yield name, inner


def _source(thing: CodeType | type) -> str | None:
    """Its source; None where there is none, as at an interactive prompt."""
    for attempt in range(_ATTEMPTS):
        try:
            return textwrap.dedent(inspect.getsource(thing))
        except (OSError, TypeError):
            return None
        except SystemError:
            # Before 3.13 a class is found by parsing its file, and CPython counts the depth of all threads' parsing as
            # one: two at a time can fail for no reason of their own (python/cpython#106905).
            if attempt == _ATTEMPTS - 1:
                raise
    return None


def _compiled(code: CodeType) -> list[Any]:
    """Compiled code without the places it was compiled at and stands at."""
    constants = [
        _compiled(each) if isinstance(each, CodeType) else _Reader().value(each, ())
        for each in code.co_consts
    ]
    names = [code.co_names, code.co_varnames, code.co_freevars]
    return [code.co_code.hex(), constants, names]


def _may_be_made_later(name: str, value: Any) -> bool:
    return name.startswith("_") and (value is None or not isinstance(value, _HELD))


def _items(mapping: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """What stands in a mapping now: the object it belongs to may be at work in another thread."""
    # A dict is copied in one step, under the interpreter's lock; its items one by one are not.
    return list((dict.copy(mapping) if isinstance(mapping, dict) else mapping).items())


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a function that names itself before it is made
        return None


def _attributes(value: Any) -> list[tuple[str, Any]]:
    """What an object holds, by name."""
    held = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            held[name] = getattr(value, name, None)
    for name in getattr(type(value), "__struct_fields__", ()):
        held[name] = getattr(value, name, None)
    return sorted((name, item) for name, item in held.items() if not name.startswith("__"))
