"""Makes JSON values and texts shorter at their own borders, and says how much is left out.

What is left out is told where it was: in a list as its last entry, in an object under the key "...", in a text between its
head and its tail.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

__all__ = ["LEAST", "as_json", "head_and_tail", "shrunk"]

LEAST: Final = 200
"""Characters below which nothing is made shorter: a remark alone needs some."""

_LEAST_PART: Final = 40


def as_json(value: Any) -> str:
    """A value as JSON, without spaces, as `ToolResult.text` writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def shrunk(value: Any, most: int) -> Any:
    """A value whose JSON has at most so many characters.

    Small members are kept whole as long as any can be; entries of lists are kept whole, from the first.

    Args:
        value: A JSON value.
        most: Characters of `as_json`.
    """
    if len(as_json(value)) <= most:
        return value
    if isinstance(value, str):
        return _shrunk_text(value, most)
    if isinstance(value, list):
        return _shrunk_list(value, most)
    if isinstance(value, dict):
        return _shrunk_object(value, most)
    return None


def head_and_tail(text: str, most: int) -> str:
    """The beginning and the end of a text, cut between lines where there are any, and a remark between them.

    Args:
        text: The text.
        most: Characters of what is returned, `LEAST` or more.
    """
    if len(text) <= most:
        return text
    room = most - len(_remark(len(text))) - 2
    head, tail = _head(text, room * 2 // 3), _tail(text, room // 3)
    return f"{head}\n{_remark(len(text) - len(head) - len(tail))}\n{tail}"


def _remark(characters: int) -> str:
    return f"[{characters} characters left out]"


def _head(text: str, most: int) -> str:
    cut = text.rfind("\n", most // 2, most + 1)
    return text[: most if cut < 0 else cut]


def _tail(text: str, most: int) -> str:
    cut = text.find("\n", len(text) - most - 1, len(text) - most // 2)
    return text[len(text) - most if cut < 0 else cut + 1 :]


def _shrunk_text(text: str, most: int) -> Any:
    """The text cut so that its JSON fits, which escapes may make longer than it is."""
    found: Any = None
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        candidate = _cut_to(text, middle)
        if len(as_json(candidate)) <= most:
            found, low = candidate, middle
        else:
            high = middle - 1
    return found


def _cut_to(text: str, kept: int) -> str:
    head = kept * 2 // 3
    tail = kept - head
    return f"{text[:head]}{_remark(len(text) - kept)}{text[len(text) - tail :]}"


def _shrunk_list(entries: Sequence[Any], most: int) -> Any:
    sizes = [len(as_json(entry)) + 1 for entry in entries]
    kept = _as_many_as_fit(sizes, lambda count: most - 2 - len(as_json(_more(len(entries) - count))))
    if kept:
        return [*entries[:kept], _more(len(entries) - kept)]
    rest = [_more(len(entries) - 1)] if len(entries) > 1 else []
    room = most - len(as_json(rest)) - 1
    first = shrunk(entries[0], room) if room >= _LEAST_PART else None
    if first is not None:
        return [first, *rest]
    alone = [_more(len(entries))]
    return alone if len(as_json(alone)) <= most else None


def _more(count: int) -> str:
    return f"[{count} more left out]"


def _shrunk_object(value: Mapping[str, Any], most: int) -> Any:
    """The small members whole, the large ones shrunk to equal shares; keys that find no room are counted."""
    names = sorted(value, key=lambda name: (len(as_json(value[name])), name))
    sizes = [len(as_json({name: None})) - 5 for name in names]
    count = _as_many_as_fit(
        [size + min(len(as_json(value[name])), _LEAST_PART) for size, name in zip(sizes, names, strict=True)],
        lambda count: most - 2 - (len(_others(len(names) - count)) if count < len(names) else 0),
    )
    room = most - 2 - (len(_others(len(names) - count)) if count < len(names) else 0) - sum(sizes[:count])
    kept: dict[str, Any] = {}
    for number, name in enumerate(names[:count]):
        share = room // (count - number)
        kept[name] = shrunk(value[name], share)
        room -= len(as_json(kept[name]))
    if count < len(names):
        kept["..."] = f"{len(names) - count} more keys left out"
    return kept if len(as_json(kept)) <= most else None


def _others(count: int) -> str:
    return as_json({"...": f"{count} more keys left out"})


def _as_many_as_fit(sizes: Sequence[int], room_for: Callable[[int], int]) -> int:
    """How many of the first fit into the room that is left when so many are kept."""
    total, kept = 0, 0
    for count, size in enumerate(sizes, 1):
        total += size
        if total <= room_for(count):
            kept = count
        elif total > room_for(len(sizes)):
            break
    return kept
