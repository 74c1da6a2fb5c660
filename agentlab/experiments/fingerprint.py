"""What determines an agent's answers, part by part, as short texts: the parts of a cell's key.

Two agents with equal parts are the same for a result store. A part's text changes whenever what it stands for does,
functions included: a tool, a hook or a volatile fact counts with its source and what it closes over.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable
from typing import Any, Final

import msgspec

from agentlab.agent.agent import Agent
from agentlab.agent.settings import AgentSettings
from agentlab.models.model import WireModel
from agentlab.models.vendors import base_url_of
from agentlab.tools import Tool

__all__ = ["agent_parts", "function_text"]

_NO_MATTER: Final = frozenset(
    {"name", "description", "record_content", "tool_concurrency", "tool_timeout_s", "tool_context"}
)
"""Options that change what is logged, or how fast, and not what is said."""

_OWN_TEXT: Final = frozenset({"tools", "hooks", "volatile", "ordering"})


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
    if settings.hooks:
        parts["hooks"] = "\n".join(_object_text(hook) for hook in settings.hooks)
    if settings.volatile:
        parts["volatile"] = "\n".join(
            fact if isinstance(fact, str) else function_text(fact) for fact in settings.volatile
        )
    if settings.ordering.parts != plain.ordering.parts:
        parts["ordering"] = " ".join(settings.ordering.parts)
    return parts


def function_text(function: Callable[..., Any]) -> str:
    """A function as text: its source, and the values it closes over or was bound to.

    Where there is no source (typed into a shell), the compiled code and its constants stand for it.
    """
    if isinstance(function, functools.partial):
        return f"partial({function_text(function.func)}, {function.args!r}, {function.keywords!r})"
    inner = inspect.unwrap(function)
    bound = getattr(inner, "__self__", None)
    inner = getattr(inner, "__func__", inner)
    code = getattr(inner, "__code__", None)
    if code is None:
        return _object_text(inner)
    try:
        text = inspect.getsource(inner)
    except (OSError, TypeError):
        text = f"{code.co_code.hex()} {code.co_consts!r} {code.co_names!r}"
    closed = [
        _value_text(cell.cell_contents) for cell in getattr(inner, "__closure__", None) or () if _filled(cell)
    ]
    defaults = [_value_text(value) for value in getattr(inner, "__defaults__", None) or ()]
    owner = [_object_text(bound)] if bound is not None and not inspect.ismodule(bound) else []
    return "\n".join([text, *closed, *defaults, *owner])


def _filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _place(agent: Agent) -> str:
    """A base URL of the user's own; where a vendor is by default, and the simulator's changing port, are not named."""
    model = agent.model
    if not isinstance(model, WireModel) or model.name.startswith("sim:"):
        return ""
    return "" if model.base_url == base_url_of(model.vendor) else model.base_url


def _tool_text(tool: Tool) -> str:
    function = getattr(tool, "function", None)
    body = function_text(function) if callable(function) else _object_text(tool)
    return f"{_json(tool.definition)}\n{body}"


def _object_text(value: Any) -> str:
    """An object by its class and its plain attributes; never by its address."""
    kind = value if inspect.isclass(value) else type(value)
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):
        source = f"{kind.__module__}.{kind.__qualname__}"
    state = {} if inspect.isclass(value) else getattr(value, "__dict__", {})
    plain = {name: _value_text(each) for name, each in sorted(state.items())}
    return f"{source}\n{plain!r}"


def _value_text(value: Any) -> str:
    if inspect.isfunction(value) or inspect.ismethod(value):
        return hashlib.sha256(function_text(value).encode()).hexdigest()
    if isinstance(value, str | int | float | bool | bytes | type(None)):
        return repr(value)
    try:
        return _json(value)
    except (TypeError, ValueError):
        return f"{type(value).__module__}.{type(value).__qualname__}"


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
