"""A quick proof, on the text of two bodies, that the later one only appends messages to the earlier one.

Nearly every turn of a run does just that. Then the bodies are equal up to the end of the list of messages and again
from there on, which a comparison of memory shows without reading half a megabyte of JSON. A proof that fails says
nothing: then the bodies are split and compared block by block.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from agentlab.caching.blocks.common_text import common_start

__all__ = ["only_appends"]

_MARKER: Final = re.compile(
    r',"(?:cache_control|prompt_cache_breakpoint)":\{[^{}]*\}|,\{"cachePoint":\{[^{}]*\}\}'
)
"""A cache marker after another member. Quotes inside strings are escaped, so a match is never inside one."""

_MOST_MARKERS: Final = 8
_ITEM_TYPES: Final = frozenset(
    [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    ]
)


def only_appends(previous: str, current: str) -> bool:
    """Whether the later body is proved to be the earlier one with whole messages appended, or only markers moved.

    Args:
        previous: The earlier JSON body.
        current: The later one, of the same wire.

    Returns:
        True where it is proved; False where it is not, which is no proof of the contrary.
    """
    if previous == current:
        return True
    place = _parting(previous, current)
    if place is None:
        return False
    here, there = place
    if not previous.startswith("]", here):
        return False
    rest = previous[here:]
    if not current.endswith(rest):
        return False
    added = current[there : len(current) - len(rest)]
    return added.startswith(",") and _closes_top_level(rest) and _are_messages(added)


def _parting(previous: str, current: str) -> tuple[int, int] | None:
    """Where the two part, cache markers on either side passed over; None where there are too many of them."""
    here = there = 0
    for _ in range(_MOST_MARKERS):
        equal = common_start(previous, current, here, there)
        here, there = here + equal, there + equal
        # The texts may agree on the comma before a marker: `,"cache_control"` against `,"next"` or `,{`.
        back = 1 if equal and previous[here - 1 : here] == "," else 0
        mine = _MARKER.match(previous, here - back)
        theirs = _MARKER.match(current, there - back)
        if (mine is None) == (theirs is None):
            return here, there
        if mine is not None:
            here, there = mine.end(), there - back
        elif theirs is not None:
            here, there = here - back, theirs.end()
    return None


def _closes_top_level(rest: str) -> bool:
    """Whether `]` and what follows close a list of the body itself: then the rest is an object without its brace."""
    tail = rest[1:]
    if tail == "}":
        return True
    return tail.startswith(",") and isinstance(_decoded("{" + tail[1:]), dict)


def _are_messages(added: str) -> bool:
    """Whether the text appended to the list is whole messages, and no tool, document or image among them.

    An image makes a difference to some vendors wherever it stands, so it is left to the careful comparison.
    """
    items = _decoded(f"[{added[1:]}]")
    return (
        isinstance(items, list)
        and all(
            isinstance(item, dict) and ("role" in item or item.get("type") in _ITEM_TYPES) for item in items
        )
        and '"image' not in added
        and "compaction" not in added
    )


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
