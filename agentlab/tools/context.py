"""What the program gives a tool besides the model's arguments."""

from __future__ import annotations

from typing import Any, TypeVar

from agentlab.errors import ToolError

__all__ = ["ToolContext"]

Value = TypeVar("Value")


class ToolContext:
    """Values for tools, by type: a database, the current user, a budget.

    A tool that names a parameter of type `ToolContext` receives it; the model never sees it. Each call gets a copy, so
    that what one tool inserts reaches no other.

    Args:
        values: The values; of two with one type the later wins.
    """

    def __init__(self, *values: Any) -> None:
        self._values: dict[type, Any] = {type(value): value for value in values}

    def insert(self, value: Any) -> None:
        """Add a value under its type."""
        self._values[type(value)] = value

    def get(self, kind: type[Value]) -> Value | None:
        """The value of a type, or of a subclass of it; None where there is none."""
        if kind in self._values:
            found: Value = self._values[kind]
            return found
        return next((value for value in self._values.values() if isinstance(value, kind)), None)

    def require(self, kind: type[Value]) -> Value:
        """The value of a type.

        Raises:
            ToolError: There is none; the message names the type.
        """
        value = self.get(kind)
        if value is None:
            raise ToolError(f"this tool needs a `{kind.__name__}` in its context, and none was given")
        return value

    def over(self, below: ToolContext) -> ToolContext:
        """A context with these values, and those of another one where their types are not among these."""
        return ToolContext(*below._values.values(), *self._values.values())

    def copy(self) -> ToolContext:
        """A context with the same values."""
        return ToolContext(*self._values.values())

    def __repr__(self) -> str:
        return f"ToolContext({', '.join(kind.__name__ for kind in self._values)})"
