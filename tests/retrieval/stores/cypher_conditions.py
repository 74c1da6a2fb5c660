"""The conditions of Cypher that a vector store writes, tried on one node; null is neither true nor false."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["holds"]

_TOKEN = re.compile(r"\s*(\(|\)|AND\b|OR\b|TRUE\b|IS NOT NULL\b|IS NULL\b|<>|>=|<=|=|>|<|d\.\w+|\$\w+)")
_SIGNS = {
    "=": operator.eq,
    "<>": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def holds(condition: str, node: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether a node passes; what cannot be read raises ValueError, as a server's syntax error."""
    tokens: list[str] = []
    place = 0
    while place < len(condition):
        found = _TOKEN.match(condition, place)
        if found is None:
            raise ValueError(f"Invalid input {condition[place:]!r}")
        tokens.append(found[1])
        place = found.end()
    answer = _either(tokens, node, values)
    if tokens:
        raise ValueError(f"Invalid input {tokens!r}")
    return answer is True


def _either(tokens: list[str], node: Mapping[str, Any], values: Mapping[str, Any]) -> bool | None:
    parts = [_both(tokens, node, values)]
    while tokens[:1] == ["OR"]:
        tokens.pop(0)
        parts.append(_both(tokens, node, values))
    return True if True in parts else None if None in parts else False


def _both(tokens: list[str], node: Mapping[str, Any], values: Mapping[str, Any]) -> bool | None:
    parts = [_leaf(tokens, node, values)]
    while tokens[:1] == ["AND"]:
        tokens.pop(0)
        parts.append(_leaf(tokens, node, values))
    return False if False in parts else None if None in parts else True


def _leaf(tokens: list[str], node: Mapping[str, Any], values: Mapping[str, Any]) -> bool | None:
    first = tokens.pop(0)
    if first == "(":
        inner = _either(tokens, node, values)
        if tokens.pop(0) != ")":
            raise ValueError("Invalid input: ')' is missing")
        return inner
    if first == "TRUE":
        return True
    found = node.get(first.removeprefix("d."))
    sign = tokens.pop(0)
    if sign.startswith("IS"):
        return (found is None) is (sign == "IS NULL")
    wanted = values[tokens.pop(0).removeprefix("$")]
    if found is None or wanted is None:
        return None
    answer: bool = _SIGNS[sign](found, wanted)
    return answer
