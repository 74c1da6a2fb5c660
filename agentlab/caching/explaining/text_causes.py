"""What changed in the system prompt and the conversation of a request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import Final

from msgspec import Struct, structs

from agentlab.caching.blocks.canonical import canonical, canonical_bytes, readable
from agentlab.caching.blocks.prefix import same_objects
from agentlab.caching.blocks.splitting import Block
from agentlab.caching.explaining.cause import Aspect, Cause, Part
from agentlab.caching.explaining.json_difference import Difference, first_difference, member
from agentlab.caching.explaining.tool_causes import Placed

__all__ = ["Conversation", "message_causes", "system_causes"]

_DOCUMENT: Final = re.compile(r"<file id: ([^>\n]*)>\n")
_RENDERED_APART: Final[tuple[Part, ...]] = ("document", "preamble")
_TEXT_MEMBERS: Final = frozenset(["text", "content", "output", "input_text", "output_text", "parts"])


def system_causes(before: Sequence[Placed], after: Sequence[Placed], end: int) -> list[Cause]:
    """The causes in the system prompt, which may be several texts, and in documents that are rendered beside it (Cohere).

    Args:
        before: The earlier request's system blocks.
        after: Those of the later one.
        end: Index of the block that followed them in the earlier request.
    """
    causes: list[Cause] = []
    for part in _RENDERED_APART:
        was, now = (_of_part(part, side) for side in (before, after))
        causes += _list_causes(part, was, now, end)
    return causes


def _of_part(part: Part, placed: Sequence[Placed]) -> list[Placed]:
    return [each for each in placed if (each.block.part == "documents") == (part == "document")]


def _list_causes(part: Part, before: Sequence[Placed], after: Sequence[Placed], end: int) -> list[Cause]:
    """The causes in one list of texts, which are compared by their place in it."""
    causes: list[Cause] = []
    for number, (was, now) in enumerate(zip(before, after, strict=False)):
        found = _between(was.block, now.block)
        if found is not None:
            causes.append(_cause(part, _name_of(part, number, was.block), was.index, now.block, found))
    for number, now in enumerate(after[len(before) :], len(before)):
        causes.append(_whole(part, _name_of(part, number, now.block), "added", end, now.block))
    for number, was in enumerate(before[len(after) :], len(after)):
        causes.append(_whole(part, _name_of(part, number, was.block), "removed", was.index, was.block))
    return causes


def message_causes(before: Conversation, after: Conversation) -> list[Cause]:
    """The causes in the conversation; messages appended at its end are none.

    Args:
        before: The earlier request's.
        after: That of the later one.
    """
    shared = _shared_messages(before.blocks, after.blocks)
    until = _same_again(before.blocks, after.blocks, shared)
    goes_on = until < len(before.blocks)
    old = _messages(before, shared, until)
    new = _messages(after, shared, until if goes_on else len(after.blocks))
    end = before.begins + until
    equal = 0
    while equal < min(len(old), len(new)) and _same(old[equal], new[equal]):
        equal += 1
    if equal == len(old):
        return []
    keys_before, keys_after = ([each.key() for each in side[equal:]] for side in (old, new))
    causes: list[Cause] = []
    steps = SequenceMatcher(None, keys_before, keys_after, autojunk=False).get_opcodes()
    for step, low, high, start, stop in steps:
        was, now = old[equal + low : equal + high], new[equal + start : equal + stop]
        place = was[0].index if was else (old[equal + low].index if equal + low < len(old) else end)
        if step == "insert" and (goes_on or equal + low < len(old)):
            causes += [_moved(message, "added", place) for message in now]
        elif step == "delete":
            causes += [_moved(message, "removed", message.index) for message in was]
        elif step == "replace":
            causes += _replaced(was, now, last=not goes_on and equal + high == len(old))
    return causes


class Conversation(Struct, frozen=True):
    """The blocks of a request's messages, and the index at which they begin."""

    begins: int
    blocks: tuple[Block, ...]


class _Message(Struct, frozen=True):
    """The blocks of one message."""

    number: int
    index: int
    blocks: tuple[Block, ...]

    def key(self) -> bytes:
        """What the cache compares."""
        return b"\0".join([canonical_bytes(block) for block in self.blocks])

    @property
    def role(self) -> str:
        return self.blocks[0].role or self.blocks[0].label


def _shared_messages(before: Sequence[Block], after: Sequence[Block]) -> int:
    """How many blocks at the start are those of the same whole messages; most are one object in both."""
    shared = same_objects(before, after)
    for one, other in zip(before[shared:], after[shared:], strict=False):
        if not _is_same(one, other):
            break
        shared += 1
    while shared and not before[shared - 1].ends_message:
        shared -= 1
    return shared


def _same_again(before: Sequence[Block], after: Sequence[Block], shared: int) -> int:
    """From which block on the earlier conversation stands whole and in its place in the later one; its end where not.

    So of two conversations that differ in one message, only that one is looked at. Most blocks are one object in both.
    """
    last = len(before)
    if len(after) < last or shared == last:
        return last
    was, now = before[::-1], after[last - 1 :: -1]
    same, most = 0, last - shared
    while True:
        same += same_objects(was[same:], now[same:])
        if same >= most or was[same].message != now[same].message or not _is_same(was[same], now[same]):
            break
        same += 1
    until = max(last - same, shared)
    while 0 < until < last and not (before[until - 1].ends_message and after[until - 1].ends_message):
        until += 1
    return until


def _is_same(one: Block, other: Block) -> bool:
    return (one.role, one.text, one.ends_message) == (other.role, other.text, other.ends_message)


def _messages(conversation: Conversation, skipped: int, until: int) -> list[_Message]:
    """The messages behind so many blocks, up to a block."""

    def number(each: tuple[int, Block]) -> int:
        index, block = each
        return index if block.message is None else block.message

    placed = enumerate(conversation.blocks[skipped:until], conversation.begins + skipped)
    found: list[_Message] = []
    for which, group in groupby(placed, number):
        members = list(group)
        found.append(_Message(which, members[0][0], tuple(block for _, block in members)))
    return found


def _same(one: _Message, other: _Message) -> bool:
    if [(block.role, block.text) for block in one.blocks] == [
        (block.role, block.text) for block in other.blocks
    ]:
        return True
    return one.key() == other.key()


def _replaced(was: list[_Message], now: list[_Message], *, last: bool) -> list[Cause]:
    """Messages that stand where others stood: edited one by one, the rest removed or, before the end, added."""
    causes = [
        cause
        for one, other in zip(was, now, strict=False)
        for cause in _edited(one, other, last=last and one is was[-1])
    ]
    causes += [_moved(message, "removed", message.index) for message in was[len(now) :]]
    if not last:
        causes += [_moved(message, "added", was[-1].index) for message in now[len(was) :]]
    return causes


def _edited(was: _Message, now: _Message, *, last: bool) -> list[Cause]:
    """What became of a message that still has its place; a block appended to the last one leaves the prefix whole."""
    if was.role != now.role:
        before, after = readable(was.blocks[0]), readable(now.blocks[0])
        if before == after:
            return [_role_changed(was, now)]
        path = _path(now.blocks[0])
        return [
            Cause("message", was.role, "changed", path, was.index, was.number, before=before, after=after)
        ]
    for offset, (one, other) in enumerate(zip(was.blocks, now.blocks, strict=False)):
        found = _between(one, other)
        if found is not None:
            return [_cause("message", now.role, was.index + offset, other, found, number=was.number)]
    if len(now.blocks) < len(was.blocks):
        at = len(now.blocks)
        return [_whole("message", was.role, "removed", was.index + at, was.blocks[at], number=was.number)]
    if len(now.blocks) > len(was.blocks) and not last:
        at = len(was.blocks)
        return [_whole("message", now.role, "extended", was.index + at, now.blocks[at], number=was.number)]
    return []


def _role_changed(was: _Message, now: _Message) -> Cause:
    cause = Cause("message", was.role, "role", _path(now.blocks[0]), was.index, was.number)
    return structs.replace(cause, before=was.role, after=now.role)


def _moved(message: _Message, aspect: Aspect, block: int) -> Cause:
    return _whole("message", message.role, aspect, block, message.blocks[0], number=message.number)


def _whole(
    part: Part, name: str, aspect: Aspect, index: int, block: Block, *, number: int | None = None
) -> Cause:
    text = readable(block)
    before, after = (text, "") if aspect == "removed" else ("", text)
    return Cause(part, name, aspect, _path(block), index, number, before=before, after=after)


def _between(was: Block, now: Block) -> Difference | None:
    if was.text == now.text:
        return None
    return first_difference(canonical(was), canonical(now))


def _cause(
    part: Part, name: str, index: int, now: Block, found: Difference, *, number: int | None = None
) -> Cause:
    """A text or another member of a block that changed, and the static document it is in, where it is in one."""
    character = found.character
    aspect: Aspect = "reordered" if found.reordered else "changed"
    if character is not None and character == len(found.before) < len(found.after):
        aspect = "extended"
    before, after = found.before, found.after
    document = _document(before, after, character) if part == "message" else None
    if document is not None:
        part, (name, start) = "document", document
        before, after, character = before[start:], after[start:], (character or 0) - start
    detail = "" if _is_text(found.path) else member(found.path)
    return Cause(part, name, aspect, _path(now), index, number, detail, character, before=before, after=after)


def _document(before: str, after: str, character: int | None) -> tuple[str, int] | None:
    """The static document a character is in, and where its text begins; documents stand in a message of their own."""
    if character is None or not (before.startswith("<file id: ") or after.startswith("<file id: ")):
        return None
    found = None
    for opening in _DOCUMENT.finditer(before, 0):
        if opening.start() > character:
            break
        found = (opening.group(1), opening.end() if opening.end() <= character else opening.start())
    return found


def _is_text(path: tuple[str | int, ...]) -> bool:
    return all(isinstance(step, int) or step in _TEXT_MEMBERS for step in path)


def _name_of(part: Part, number: int, block: Block) -> str:
    """What a text is called: a document by its id where it has one, the rest by their place."""
    if part == "document":
        content = canonical(block)
        name = content.get("id") if isinstance(content, dict) else None
        return name if isinstance(name, str) else f"document {number + 1}"
    return "preamble" if number == 0 else f"preamble (text {number + 1})"


def _path(block: Block) -> str:
    return block.path or block.label
