"""A schema that a prompt asks for in words: no field of the request holds the answer to it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

__all__ = ["told_schema"]

_ANNOUNCED: Final = re.compile(r"JSON Schema:?\s*(?=\{)", re.IGNORECASE)


def told_schema(preamble: str | None) -> dict[str, Any] | None:
    """The last JSON Schema that a preamble announces and then writes out; None where there is none.

    Args:
        preamble: The system prompt.
    """
    for found in reversed(list(_ANNOUNCED.finditer(preamble or ""))):
        try:
            schema, _ = json.JSONDecoder().raw_decode(preamble or "", found.end())
        except json.JSONDecodeError:
            continue
        if isinstance(schema, dict):
            return schema
    return None
