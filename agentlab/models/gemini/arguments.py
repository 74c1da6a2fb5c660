"""Arguments of a Gemini tool call that arrive value by value, each with the JSON path it belongs to.

Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling (streaming of function
call arguments); paths are those of RFC 9535 that name one place.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from agentlab.errors import ProtocolError

__all__ = ["PartialArgument", "StreamedArguments"]

_STEP: Final = re.compile(
    r"""\.(?P<name>[^.\[\]]+) | \[(?P<index>\d+)\] | \['(?P<single>(?:[^'\\]|\\.)*)'\] | \["(?P<double>(?:[^"\\]|\\.)*)"\]""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")


class PartialArgument(Struct, rename="camel"):
    """One value, or the next piece of a text whose rest is still to come."""

    json_path: str
    string_value: str | UnsetType = UNSET
    number_value: int | float | UnsetType = UNSET
    bool_value: bool | UnsetType = UNSET
    null_value: Any = UNSET
    will_continue: bool = False


class StreamedArguments:
    """Puts the arguments of one call together."""

    def __init__(self) -> None:
        self._arguments: dict[str, Any] = {}
        self._continuing: set[str] = set()

    def add(self, part: PartialArgument) -> None:
        """Lay a value at its place; a text that was to continue grows.

        Raises:
            ProtocolError: The path names no place that could hold the value.
        """
        steps = _steps(part.json_path)
        try:
            holder, last = self._holder(steps)
            if part.string_value is not UNSET and part.json_path in self._continuing:
                holder[last] += part.string_value
            else:
                _put(holder, last, _value(part))
        except (AttributeError, IndexError, KeyError, TypeError):
            raise ProtocolError(f"a streamed argument has no place at {part.json_path!r}") from None
        if part.will_continue:
            self._continuing.add(part.json_path)
        else:
            self._continuing.discard(part.json_path)

    def to_json(self) -> str:
        """The arguments so far, as JSON text."""
        return msgspec.json.encode(self._arguments).decode()

    def _holder(self, steps: list[str | int]) -> tuple[Any, str | int]:
        holder: Any = self._arguments
        for step, following in pairwise(steps):
            fresh: Any = [] if isinstance(following, int) else {}
            if isinstance(holder, list) and isinstance(step, int):
                if step == len(holder):
                    holder.append(fresh)
                holder = holder[step]
            else:
                holder = holder.setdefault(step, fresh)
        return holder, steps[-1]


def _put(holder: Any, last: str | int, value: Any) -> None:
    if isinstance(holder, list) and last == len(holder):
        holder.append(value)
    elif isinstance(holder, list) != isinstance(last, int):
        raise TypeError
    else:
        holder[last] = value


def _value(part: PartialArgument) -> Any:
    for value in (part.string_value, part.number_value, part.bool_value):
        if value is not UNSET:
            return value
    return "" if part.null_value is UNSET and part.will_continue else None


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    position = 1
    while position < len(path) and (match := _STEP.match(path, position)):
        position = match.end()
        if match["index"] is not None:
            steps.append(int(match["index"]))
        else:
            quoted = match["single"] if match["single"] is not None else match["double"]
            steps.append(match["name"] if quoted is None else _ESCAPE.sub(r"\1", quoted))
    if not path.startswith("$") or position < len(path) or not steps:
        raise ProtocolError(f"a streamed argument names the path {path!r}, which is no single place")
    return steps
