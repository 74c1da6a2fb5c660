"""Cuts the bodies of one conversation into blocks, each message once, however many bodies carry it.

A history is sent again with every call, so cutting each body anew would be quadratic in the length of a run. A body is
compared with the one before it as text, from the start of the conversation on: what stands ahead of it (a clock in the
system prompt, a changed tool) may differ. Only what is new is read as JSON.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.caching.blocks.common_text import common_start
from agentlab.caching.blocks.list_blocks import ListBlocks
from agentlab.caching.blocks.splitting import (
    Block,
    Level,
    decoded_body,
    finished,
    level_blocks,
    levels_of,
    split_object,
    with_markers,
)

__all__ = ["SentBlocks", "SentBody"]

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class SentBody(Struct, frozen=True):
    """A body that was cut.

    Attributes:
        blocks: What `split` gives.
        settings: Its fields but the conversation; all of them where the conversation is no list.
        conversation: The field that holds the conversation; empty where it is no list.
        items: The conversation, decoded. An item that the body before held is the same object.
    """

    blocks: tuple[Block, ...]
    settings: dict[str, Any]
    conversation: str = ""
    items: tuple[Any, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """The whole body, decoded."""
        if not self.conversation:
            return self.settings
        return {**self.settings, self.conversation: list(self.items)}


class SentBlocks:
    """Cuts the bodies of one conversation, in the order they were sent. What does not go on is cut all the same."""

    def __init__(self) -> None:
        self._wire = ""
        self._head = _Head(())
        self._list = _GrowingList(("message", ""))

    def of(self, wire: str, body: str) -> tuple[tuple[Block, ...], dict[str, Any]]:
        """The blocks of a body, and its fields but the list that grows; see `read`."""
        read = self.read(wire, body)
        return read.blocks, read.settings

    def read(self, wire: str, body: str | bytes) -> SentBody:
        """Cut a body.

        Args:
            wire: Its wire, see `split`.
            body: The body.

        Raises:
            UsageError: The wire is not known, or the body is not a JSON object.
        """
        if wire != self._wire:
            levels = levels_of(wire)
            self._head, self._list = _Head(levels[:-1]), _GrowingList(levels[-1])
            self._wire = wire
        try:
            text = body if isinstance(body, str) else body.decode()
            fields = self._list.read(text)
        except (msgspec.DecodeError, UnicodeError):
            fields = None
        if fields is None:
            whole = decoded_body(body)
            return SentBody(split_object(wire, whole), whole)
        head, settings = self._head.read(fields)
        cut = self._list.cut
        blocks = [*head, *cut.blocks]
        if cut.marked:
            blocks = with_markers(blocks)
        return SentBody(finished(blocks, settings), settings, self._list.name, cut.values)


class _GrowingList:
    """The conversation: a list of which the text of one body mostly goes on in the next."""

    def __init__(self, level: Level) -> None:
        self.name = level[1]
        self.cut = ListBlocks(level)
        self._text = ""
        self._start = 0
        self._ends: list[int] = []

    def read(self, text: str) -> dict[str, bytes] | None:
        """Take in the next body; the JSON of its other fields, None where the conversation is no list.

        Raises:
            msgspec.DecodeError: The body is not a JSON object.
        """
        start = self._start_in(text)
        stretches = self._stretches(text, start) if start is not None else []
        # A last item that goes on here (a number with one more digit) makes this no JSON: then all is cut anew.
        read = _shortened(text, stretches)
        fields = {name: bytes(value) for name, value in _FIELDS.decode(read).items()}
        written = fields.get(self.name, b"")
        if start is not None and not read.startswith(written.decode(), start - 1):
            # The body has the field twice, and the last one counts.
            start, stretches = None, []
            written = bytes(_FIELDS.decode(text)[self.name])
        if not written.startswith(b"["):
            return None
        del fields[self.name]
        pieces: list[bytes | range] = [bytes(item) for item in _ITEMS.decode(written)]
        for stretch in stretches:
            pieces[stretch.place] = stretch.numbers
        self.cut.update(pieces)
        self._measure(text, start, pieces)
        return fields

    def _start_in(self, text: str) -> int | None:
        """Where the first item stands; None where it is not plain that the first such list is that of the body."""
        opening = f'"{self.name}":['
        start = text.find(opening) + len(opening)
        if start < len(opening):
            return None
        try:
            # Only a list of the body itself is closed by this.
            head = _FIELDS.decode(f"{text[:start]}]}}")
        except msgspec.DecodeError:
            return None
        return start if next(reversed(head)) == self.name and bytes(head[self.name]) == b"[]" else None

    def _stretches(self, text: str, start: int) -> list[_Stretch]:
        """Items of the body before, found again: from the start on, and behind one that changed."""
        ends = self._ends
        known = bisect_right(ends, common_start(self._text, text, self._start, start))
        found = [_Stretch(0, range(known), start, start + ends[known - 1])] if known else []
        if known + 1 < len(ends):
            behind = self._behind(text, start, known)
            found += [behind] if behind is not None else []
        return found

    def _behind(self, text: str, start: int, changed: int) -> _Stretch | None:
        """The items behind one that changed; None where they do not follow whatever stands in its place."""
        ends = self._ends
        here, after = self._start + ends[changed], self._start + ends[changed + 1]
        begin = start + (ends[changed - 1] + 1 if changed else 0)
        place = text.find(self._text[here:after], begin)
        if place < 0:
            return None
        try:
            new = [bytes(item) for item in _ITEMS.decode(f"[{text[begin:place]}]")]
        except msgspec.DecodeError:
            # Found inside of a text or of a longer item.
            return None
        if b",".join(new).decode() != text[begin:place]:
            return None
        equal = common_start(self._text, text, here, place)
        known = bisect_right(ends, ends[changed] + equal)
        numbers = range(changed + 1, known)
        return _Stretch(bool(changed) + len(new), numbers, place + 1, place + ends[known - 1] - ends[changed])

    def _measure(self, text: str, start: int | None, pieces: Sequence[bytes | range]) -> None:
        """Note where the items end in the text, as far as they are written without spaces between them."""
        before, ends = self._ends, list[int]()
        self._text, self._start, self._ends = text, start or 0, ends
        if start is None:
            return
        for piece in pieces:
            begin = ends[-1] + 1 if ends else 0
            if isinstance(piece, range):
                moved = begin - (before[piece.start - 1] + 1 if piece.start else 0)
                stretch = before[piece.start : piece.stop]
                ends += [end + moved for end in stretch] if moved else stretch
                continue
            written = piece.decode()
            if not text.startswith(written, start + begin):
                return
            ends.append(begin + len(written))


class _Stretch(Struct, frozen=True):
    """Items of the body before that stand in the next one as well.

    Attributes:
        place: Their place in the list that has one item in place of each stretch.
        numbers: Their numbers in the body before.
        begin: Where they begin in the next one.
        end: Where they end there.
    """

    place: int
    numbers: range
    begin: int
    end: int


def _shortened(text: str, stretches: Sequence[_Stretch]) -> str:
    """A body with `null` in place of the items that are known."""
    parts, place = list[str](), 0
    for stretch in stretches:
        parts += [text[place : stretch.begin], "null"]
        place = stretch.end
    return "".join([*parts, text[place:]])


class _Head:
    """What stands ahead of the conversation: settings, tools, the system prompt. Each is cut when it changed."""

    def __init__(self, levels: tuple[Level, ...]) -> None:
        self._levels = levels
        self._written: dict[str, bytes] = {}
        self._settings: dict[str, Any] = {}
        self._blocks: dict[Level, tuple[Block, ...]] = {}
        self._lists: dict[Level, ListBlocks] = {}

    def read(self, fields: dict[str, bytes]) -> tuple[list[Block], dict[str, Any]]:
        """The blocks, and the fields decoded."""
        old = self._written
        same = {name for name, written in fields.items() if old.get(name) == written}
        settings = {
            name: self._settings[name] if name in same else msgspec.json.decode(written)
            for name, written in fields.items()
        }
        for level in self._levels:
            name = level[1].partition(".")[0]
            if name not in same or level not in self._blocks:
                self._blocks[level] = self._cut(level, settings, fields)
        self._written, self._settings = fields, settings
        return with_markers(chain.from_iterable(self._blocks[level] for level in self._levels)), settings

    def _cut(self, level: Level, settings: dict[str, Any], fields: dict[str, bytes]) -> tuple[Block, ...]:
        kind, path = level
        if kind == "setting" or not isinstance(settings.get(path), list):
            return tuple(level_blocks(level, settings))
        held = self._lists.setdefault(level, ListBlocks(level))
        held.update([bytes(item) for item in _ITEMS.decode(fields[path])])
        return held.blocks
