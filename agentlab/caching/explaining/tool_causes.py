"""What changed in the tools of a request: one's description, schema or name, which there are, their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from agentlab.caching.blocks.common_text import common_start
from agentlab.caching.blocks.splitting import Block
from agentlab.caching.explaining.cause import Aspect, Cause
from agentlab.caching.explaining.json_difference import first_difference, member

__all__ = ["Placed", "tool_causes"]

_SCHEMAS: Final = frozenset(["parameters", "input_schema", "parametersJsonSchema", "inputSchema", "schema"])
_WRAPPERS: Final = frozenset(["function", "toolSpec", "custom"])


class Placed(Struct, frozen=True):
    """A block and its index in its request."""

    index: int
    block: Block


class _Tool(Struct, frozen=True):
    name: str
    index: int
    block: Block
    body: Any


def tool_causes(before: Sequence[Placed], after: Sequence[Placed], end: int) -> list[Cause]:
    """The causes in the tools, those of the earlier request's first tools first.

    Args:
        before: Its tool blocks.
        after: Those of the later request.
        end: Index of the block that followed the tools in the earlier request.
    """
    if [each.block.text for each in before] == [each.block.text for each in after]:
        return []
    old, new = _tools(before), _tools(after)
    old_names, new_names = {tool.name for tool in old}, {tool.name for tool in new}
    gone = [tool for tool in old if tool.name not in new_names]
    come = [tool for tool in new if tool.name not in old_names]
    causes = [_renamed(was, now) for was, now in _renamings(gone, come)]
    renamed = {cause.before for cause in causes} | {cause.after for cause in causes}
    causes += [_removed(tool) for tool in gone if tool.name not in renamed]
    causes += [
        _added(tool, _place_of(number, old, end))
        for number, tool in enumerate(new)
        if tool.name not in old_names and tool.name not in renamed
    ]
    causes += _changed(old, new)
    causes += _order(old, new)
    return sorted(causes, key=lambda cause: cause.block)


def _tools(placed: Sequence[Placed]) -> list[_Tool]:
    """The tools the cache sees, under names that are theirs alone; deferred ones stand outside the prefix."""
    found: list[_Tool] = []
    seen: dict[str, int] = {}
    for each in placed:
        body = msgspec.json.decode(each.block.text)
        if isinstance(body, dict) and body.get("defer_loading") is True:
            continue
        label = each.block.label
        seen[label] = seen.get(label, 0) + 1
        name = label if seen[label] == 1 else f"{label} ({seen[label]})"
        found.append(_Tool(name, each.index, each.block, body))
    return found


def _renamings(gone: list[_Tool], come: list[_Tool]) -> list[tuple[_Tool, _Tool]]:
    """Tools that differ in nothing but their name."""
    pairs: list[tuple[_Tool, _Tool]] = []
    left = list(come)
    for was in gone:
        for now in left:
            if _nameless(was) == _nameless(now):
                pairs.append((was, now))
                left.remove(now)
                break
    return pairs


def _nameless(tool: _Tool) -> Any:
    if not isinstance(tool.body, dict):
        return tool.body
    for wrapper in ("function", "toolSpec"):
        inner = tool.body.get(wrapper)
        if isinstance(inner, dict):
            return {**tool.body, wrapper: {**inner, "name": None}}
    return {**tool.body, "name": None}


def _place_of(number: int, old: list[_Tool], end: int) -> int:
    return old[number].index if number < len(old) else end


def _renamed(was: _Tool, now: _Tool) -> Cause:
    character = common_start(was.name, now.name)
    return Cause(
        "tool",
        was.name,
        "name",
        f"{now.block.path}.name",
        was.index,
        character=character,
        before=was.name,
        after=now.name,
    )


def _removed(tool: _Tool) -> Cause:
    return Cause("tool", tool.name, "removed", tool.block.path, tool.index)


def _added(tool: _Tool, block: int) -> Cause:
    return Cause("tool", tool.name, "added", tool.block.path, block)


def _changed(old: list[_Tool], new: list[_Tool]) -> list[Cause]:
    later = {tool.name: tool for tool in new}
    return [
        cause
        for was in old
        if (now := later.get(was.name)) is not None and (cause := _difference(was, now)) is not None
    ]


def _difference(was: _Tool, now: _Tool) -> Cause | None:
    found = first_difference(was.body, now.body)
    if found is None:
        return None
    steps = found.path[1:] if found.path and found.path[0] in _WRAPPERS else found.path
    head = steps[0] if steps else ""
    aspect: Aspect = "changed"
    detail = member(steps)
    if head == "description" or head in _SCHEMAS:
        aspect = "description" if head == "description" else "schema"
        detail = member(steps[1:])
    if found.reordered:
        aspect, detail = "reordered", member(steps)
    path = f"{now.block.path}.{member(found.path)}".rstrip(".")
    cause = Cause("tool", was.name, aspect, path, was.index)
    return structs.replace(
        cause, detail=detail, character=found.character, before=found.before, after=found.after
    )


def _order(old: list[_Tool], new: list[_Tool]) -> list[Cause]:
    """The tools of both requests in another order."""
    both = {tool.name for tool in old} & {tool.name for tool in new}
    was = [tool for tool in old if tool.name in both]
    now = [tool for tool in new if tool.name in both]
    for one, other in zip(was, now, strict=True):
        if one.name != other.name:
            before, after = (", ".join(tool.name for tool in each) for each in (was, now))
            return [Cause("tools", "", "order", "tools", one.index, before=before, after=after)]
    return []
