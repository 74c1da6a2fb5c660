"""What makes a transcript tell by itself whether it is as it was written: a seal in its head, a running checksum in its body.

Nothing here guards against malice: the log is the truth, and a transcript that does not fit is written anew from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from agentlab.sessions.entries import Configured, ModelChanged, Stored
from agentlab.sessions.front_matter import front_matter_text
from agentlab.sessions.transcript_markdown import block_of, marker_of
from agentlab.sessions.transcript_parts import TranscriptPart, parts_of

__all__ = [
    "Body",
    "Head",
    "cut_at",
    "digest_of_fields",
    "head_text",
    "models_after",
    "read_body",
    "read_head",
]

FORMAT_VERSION: Final = 1

_SEAL: Final = "# agentlab "
_HEAD: Final = re.compile(rb"---\n(.*?\n)# agentlab (\{[^\n]*\})\n---\n", re.DOTALL)
_MARKER: Final = re.compile(rb"<!-- agentlab (\{[^\n]*\}) -->\n")
_OPENING: Final = b"\n<!-- agentlab "
_NEAR: Final = 1 << 14  # bytes that are looked through one piece after the other


class Head(Struct, frozen=True):
    """The seal of a front matter.

    Attributes:
        fields: Digest of its fields.
        text: Digest of its YAML.
        branch: The branch that the body shows.
        models: Which models that branch has had, each with the id of the entry that named it.
    """

    fields: str
    text: str
    branch: str
    models: tuple[tuple[int, str], ...] = ()


class _Marker(Struct, frozen=True):
    """What is needed of the comment that ends a piece, and where it ends."""

    entry: int = 0
    sum: str = ""
    end: int = 0


_DECODER: Final = msgspec.json.Decoder(_Marker)


class Body:
    """The running state of a body that grows.

    Attributes:
        entry: Id of the last entry it has taken.
    """

    def __init__(self, entry: int = 0, text: bytes | memoryview = b"") -> None:
        self.entry = entry
        self._hash = blake2b(text, digest_size=8)

    def closes_with(self, checksum: str, marker: bytes) -> bool:
        """Take the comment that ends a piece; whether its checksum is that of the text before it."""
        fits = self._hash.hexdigest() == checksum
        self._hash.update(marker)
        return fits

    def take(self, entries: Iterable[Stored]) -> bytes:
        """The text of entries that follow, each closed by a checksum of all text up to there."""
        written: list[bytes] = []
        seen: Stored | None = None
        for stored in entries:
            parts = parts_of(stored)
            seen = None if parts else stored
            for place, part in enumerate(parts, start=1):
                written.append(self._closed(part, block_of(part), last=place == len(parts)))
            self.entry = stored.id
        if seen is not None:
            # Without it every opening would look for what to tell of entries that a reader need not see.
            written.append(self._closed(TranscriptPart("seen", entry=seen.id, at=seen.at), "", last=True))
        return b"".join(written)

    def _closed(self, part: TranscriptPart, block: str, *, last: bool) -> bytes:
        text = block.encode()
        self._hash.update(text)
        marker = marker_of(part, self._hash.hexdigest() if last else None).encode()
        self._hash.update(marker)
        return text + marker


def head_text(fields: Mapping[str, Any], branch: str, models: Sequence[tuple[int, str]]) -> str:
    """A front matter with its seal.

    Args:
        fields: JSON values.
        branch: The branch that the body shows.
        models: As in `Head`.
    """
    opening, closing = "---\n", "---\n"
    yaml_text = front_matter_text(fields).removeprefix(opening).removesuffix(closing)
    seal = Head(digest_of_fields(fields), _digest(yaml_text.encode()), branch, tuple(models))
    # Escaped to ASCII, since some letters end a comment of YAML's.
    return f"{opening}{yaml_text}{_SEAL}{json.dumps(msgspec.to_builtins(seal))}\n{closing}"


def read_head(data: bytes) -> tuple[Head, int] | None:
    """The seal of a file's front matter and where its body begins; None where it is not as it was written."""
    found = _HEAD.match(data)
    if found is None:
        return None
    try:
        head = msgspec.json.decode(found[2], type=Head)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return (head, found.end()) if head.text == _digest(found[1]) else None


def read_body(body: bytes) -> Body | None:
    """The state of a body; None where it is not as it was written, to the last byte."""
    if not body:
        return Body()
    begin = body.rfind(_OPENING) + 1
    told = _marker_at(body, begin)
    if told is None or told.end != len(body):
        return None
    state = Body(told.entry, memoryview(body)[:begin])
    return state if state.closes_with(told.sum, body[begin:]) else None


def cut_at(body: bytes, entry: int) -> bytes:
    """The part of a body, as it was written, that tells of entries up to an id."""
    low, end = 0, len(body)
    while end - low > _NEAR:  # ids grow along the body
        middle = (low + end) // 2
        begin = body.rfind(_OPENING, low, middle) + 1
        told = _marker_at(body, begin)
        if told is not None and told.entry > entry:
            end = begin
        else:
            low = middle
    while end:
        begin = body.rfind(_OPENING, 0, end) + 1
        told = _marker_at(body, begin)
        if told is not None and told.sum and told.entry <= entry:
            return body[: told.end]
        end = begin
    return b""


def models_after(models: Sequence[tuple[int, str]], entries: Iterable[Stored]) -> tuple[tuple[int, str], ...]:
    """The models a branch has had once entries follow, where it had `models` before them."""
    named = list(models)
    for stored in entries:
        match stored.entry:
            case ModelChanged(model=model):
                named.append((stored.id, model))
            case Configured(config=config) if isinstance(configured := config.get("model"), str):
                named.append((stored.id, configured))
            case _:
                pass
    return tuple(named)


def digest_of_fields(fields: Mapping[str, Any]) -> str:
    """A digest of a front matter's fields, without making YAML of them."""
    return _digest(json.dumps(fields).encode())


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


def _marker_at(body: bytes, place: int) -> _Marker | None:
    """The comment that ends a piece, where one stands at a place."""
    found = _MARKER.match(body, place)
    try:
        return None if found is None else structs.replace(_DECODER.decode(found[1]), end=found.end())
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
