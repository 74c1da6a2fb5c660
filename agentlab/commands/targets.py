"""Objects named on the command line as `module:name`: agents, tools, functions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from agentlab.errors import UsageError
from agentlab.tools import Tool, Toolset

__all__ = ["named_object", "named_tools"]


def named_object(name: str) -> Any:
    """The object a name stands for; modules of the working folder are found too.

    Args:
        name: `module:name`, or `package.module:object.attribute`.

    Raises:
        UsageError: It is not of that form, or the module has no such object. What the module itself raises is not caught.
    """
    module_name, colon, path = name.partition(":")
    if not (module_name and colon and path):
        raise UsageError(f"name an object as `module:name`, not `{name}`")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # a package that the module itself imports
        raise UsageError(f"there is no module `{error.name}` here or among the installed packages") from None
    for attribute in path.split("."):
        if not hasattr(found, attribute):
            raise UsageError(f"`{module_name}` has no `{path}`")
        found = getattr(found, attribute)
    return found


def named_tools(names: Iterable[str]) -> list[Tool | Callable[..., Any]]:
    """The tools that names stand for; each name is of a tool, a function, or several of them.

    Raises:
        UsageError: A name stands for no tool.
    """
    tools: list[Tool | Callable[..., Any]] = []
    for name in names:
        found = named_object(name)
        if isinstance(found, Toolset) or (isinstance(found, Sequence) and not isinstance(found, str)):
            tools.extend(found)
        else:
            tools.append(found)
    return tools
