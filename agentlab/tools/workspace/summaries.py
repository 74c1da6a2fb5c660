"""Short forms of what tools were given and answered, for storing beside the full text and for telling a model again.

A short form has at most as many characters as asked for, says how much it leaves out, is JSON where the full text is, and is its
own short form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from agentlab.errors import UsageError
from agentlab.tools.workspace.shrinking import LEAST, as_json, head_and_tail, shrunk

__all__ = ["summary_of_arguments", "summary_of_result"]

_MATCH: Final = re.compile(r"[0-9]+:")
_CONTEXT: Final = re.compile(r"[0-9]+-")


def summary_of_arguments(tool: str, arguments: Mapping[str, Any] | str, most_chars: int) -> str:
    """The arguments of a call with long texts shortened (the contents of `write` and `edit`, say).

    Args:
        tool: Name of the tool.
        arguments: The arguments, or their JSON as the model wrote it.
        most_chars: Characters at most, 200 or more.

    Returns:
        JSON, unless the arguments were text that is none. What is short enough comes back as it was.

    Raises:
        UsageError: `most_chars` is too small to say anything.
    """
    text = arguments if isinstance(arguments, str) else as_json(dict(arguments))
    return summary_of_result(tool, text, most_chars)


def summary_of_result(tool: str, content: str, most_chars: int) -> str:
    """What a tool answered, shortened.

    `grep` is cut between matches, JSON (`ls`, `glob`, `find` and any other tool's) between entries and stays JSON; of other text
    the head and the tail are kept.

    Args:
        tool: Name of the tool.
        content: Its answer as text (`ToolResult.text`).
        most_chars: Characters at most, 200 or more.

    Raises:
        UsageError: `most_chars` is too small to say anything.
    """
    if most_chars < LEAST:
        raise UsageError(f"a summary of {most_chars} characters says nothing; ask for {LEAST} or more")
    if len(content) <= most_chars:
        return content
    value = _json_of(content)
    if value is not None:
        shorter = shrunk(value, most_chars)
        return as_json(f"[JSON of {len(content)} characters left out]" if shorter is None else shorter)
    if tool == "grep":
        return _of_matches(content, most_chars)
    return head_and_tail(content, most_chars)


def _json_of(content: str) -> Any:
    """The value of JSON that has parts; None for all other text."""
    if content.lstrip()[:1] not in {"{", "[", '"'}:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _of_matches(content: str, most: int) -> str:
    """The first line and as many whole matches as fit; files that lost some are counted by their matches."""
    lines = content.split("\n")
    units = _units(lines)
    matches = sum(1 for line in lines if _MATCH.match(line))
    room = most - len(_matches_left(matches)) - 1
    kept: list[str] = []
    used = 0
    for unit in units:
        size = sum(len(line) + 1 for line in unit)
        if used + size > room:
            break
        kept += unit
        used += size
    if not kept:
        return head_and_tail(content, most)
    while kept[-1] == "--" or kept[-1].startswith("== "):
        kept.pop()
    shown = sum(1 for line in kept if _MATCH.match(line))
    return "\n".join([*kept, _matches_left(matches - shown)])


def _matches_left(count: int) -> str:
    return f"[{count} matches left out]"


def _units(lines: list[str]) -> list[list[str]]:
    """What is kept or left out as a whole: a match with the lines around it, a heading, a separator."""
    units: list[list[str]] = []
    for line in lines:
        is_context = bool(_CONTEXT.match(line))
        last = units[-1][-1] if units else ""
        joins = bool(_CONTEXT.match(last)) or (is_context and bool(_MATCH.match(last)))
        if joins and (is_context or _MATCH.match(line)):
            units[-1].append(line)
        else:
            units.append([line])
    return units
