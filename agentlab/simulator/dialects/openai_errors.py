"""The sentences OpenAI refuses requests with: text, code and the parameter at fault, as its API words them."""

from __future__ import annotations

import re
from typing import Any, Final

from agentlab.simulator.dialects.base import Rejected

__all__ = ["NAME", "ROLES", "bad_name", "bad_role", "empty_array", "missing", "null_content", "wrong_type"]

NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ROLES: Final = ("system", "assistant", "user", "function", "tool", "developer")


def missing(param: str) -> Rejected:
    """A required field is not there."""
    return Rejected.because(
        f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param
    )


def wrong_type(param: str, expected: str, value: Any) -> Rejected:
    """A field has another type than it should."""
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal number",
        str: "a string",
        dict: "an object",
    }
    got = "null" if value is None else names.get(type(value), "an array")
    return Rejected.because(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        code="invalid_type",
        param=param,
    )


def empty_array(param: str) -> Rejected:
    """A list is empty that must not be."""
    return Rejected.because(
        f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        code="empty_array",
        param=param,
    )


def null_content(where: str) -> Rejected:
    """A message has no content."""
    param = where.replace("[", ".[") + ".content"
    return Rejected.because("Invalid value for 'content': expected a string, got null.", param=param)


def bad_role(where: str, role: Any) -> Rejected:
    """A message has no role, or one OpenAI does not know."""
    if role is None:
        return missing(f"{where}.role")
    known = ", ".join(f"'{name}'" for name in ROLES[:-1])
    return Rejected.because(
        f"Invalid value: '{role}'. Supported values are: {known}, and 'developer'.",
        code="invalid_value",
        param=f"{where}.role",
    )


def bad_name(param: str) -> Rejected:
    """A name has characters it must not have."""
    return Rejected.because(
        f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern "
        "'^[a-zA-Z0-9_-]+$'.",
        code="invalid_value",
        param=param,
    )
