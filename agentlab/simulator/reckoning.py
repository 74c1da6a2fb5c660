"""Sums worked out without tools: the first arithmetic expression of a text, with `+ - * /` and brackets."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Final

__all__ = ["reckoned", "with_signs"]

_SIGNS: Final = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}
_SAID: Final = re.compile(rf"(?<=\d) (?:{'|'.join(_SIGNS)}) (?=-?\d)", re.IGNORECASE)
_LONGEST: Final = 200
_OPERATIONS: Final[dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def with_signs(text: str) -> str:
    """A text with `3 times 4` written as `3 * 4`."""
    return _SAID.sub(lambda found: f" {_SIGNS[found[0].strip().lower()]} ", text)


def reckoned(expression: str) -> Fraction | None:
    """The value of an expression; None where it is not one of plain numbers and the four operations.

    Args:
        expression: Such as `(3 + 4) * 5`; `\u00d7` and `\u00f7` count as `*` and `/`, commas between digits as nothing.
    """
    written = expression.replace("\u00d7", "*").replace("\u00f7", "/").replace(",", "").strip(" .")
    if len(written) > _LONGEST:
        return None
    try:
        return _value(ast.parse(written, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return None


def _value(node: ast.expr) -> Fraction:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        return _OPERATIONS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError("not an arithmetic expression")
