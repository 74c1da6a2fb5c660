"""The tools of the dataset `arithmetic_tools`."""

from __future__ import annotations

from typing import Final

from agentlab.errors import ToolError
from agentlab.tools import Tool, tool

__all__ = ["TOOLS", "add", "divide", "multiply", "subtract"]


@tool
def add(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return _whole(a + b)


@tool
def subtract(a: float, b: float) -> float:
    """Subtract the second number from the first: a minus b.

    Args:
        a: The number to subtract from.
        b: The number to subtract.
    """
    return _whole(a - b)


@tool
def multiply(a: float, b: float) -> float:
    """Multiply two numbers.

    Args:
        a: The first number.
        b: The second number.
    """
    return _whole(a * b)


@tool
def divide(a: float, b: float) -> float:
    """Divide the first number by the second: a over b.

    Args:
        a: The number to divide.
        b: The number to divide by.
    """
    if b == 0:
        raise ToolError("division by zero has no result")
    return _whole(a / b)


def _whole(value: float) -> float:
    """The value, without the `.0` of a whole one."""
    return int(value) if value.is_integer() else value


TOOLS: Final[tuple[Tool, ...]] = (add, subtract, multiply, divide)
