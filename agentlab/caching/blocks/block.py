"""A request as the blocks a provider's cache sees, in the order the provider renders them.

Prompt caches match a prefix of the *rendered* prompt, not of the JSON: Anthropic renders tools, system, messages
(https://platform.claude.com/docs/en/build-with-claude/prompt-caching), OpenAI settings and tools before the
conversation (https://platform.openai.com/docs/guides/prompt-caching), Gemini tools, system instruction, contents. A
message of several parts is several blocks: markers, and the places a cache looks back to, stand at parts.
"""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.caching.tokens import estimate_tokens, tokenize
from agentlab.short_repr import ShortRepr

__all__ = ["Block", "BlockKind", "PartName", "make_block"]

BlockKind = Literal["tool", "system", "message", "setting"]
PartName = Literal[
    "settings", "tools", "preamble", "documents", "few_shots", "history", "retrieved", "volatile", "prompt"
]

MEDIA_TOKENS: Final = 256
"""Flat estimate for an image or file sent inline: its base64 is no text, and its price depends on its pixels."""

_FRAME_TOKENS: Final = 4
_UNSEEN: Final = frozenset(
    [
        "type",
        "id",
        "call_id",
        "tool_call_id",
        "tool_use_id",
        "toolCallId",
        "toolUseId",
        "detail",
        "media_type",
        "mime_type",
        "mimeType",
        "status",
        "signature",
        "thoughtSignature",
        "thought_signature",
        "encrypted_content",
        "index",
    ]
)
_MEDIA: Final = frozenset(["data", "bytes", "file_data", "fileData", "image_url", "images", "input_audio"])
MARKER_KEYS: Final = frozenset(["cache_control", "prompt_cache_breakpoint", "cachePoint"])


class Block(ShortRepr, Struct, frozen=True, dict=True):
    """One piece of a prompt: a tool, a system text, a part of a message, or a setting rendered into the prompt.

    Attributes:
        kind: What it is.
        label: Its name for readers: the tool's name, the message's role, the setting's field.
        text: Its JSON, keys in the order they were sent, cache markers left out.
        tokens: Estimated tokens, the same as `len(token_ids())`.
        role: Who speaks, where it is part of a message.
        path: Where it stands in the body: `tools[2]`, `messages[3].content[1]`.
        marker: Lifetime of an explicit cache breakpoint that ends here (`5m`, `1h`, `30m`), or None.
        message: Index of the message it is part of, None for other kinds.
        ends_message: Whether it is the last part of its message.
        part: Which part of the agent it comes from, as far as that can be told.
    """

    kind: BlockKind
    label: str
    text: str
    tokens: int
    role: str = ""
    path: str = ""
    marker: str | None = None
    message: int | None = None
    ends_message: bool = True
    part: PartName = "history"

    @cached_property
    def digest(self) -> str:
        """What the cache compares: kind, role and text. Where it stands and what is marked does not count."""
        content = f"{self.kind}\0{self.role}\0{self.text}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    def token_ids(self) -> list[int]:
        """Estimated tokens as ids, to find where two blocks part. Read from `text` once, and kept in four bytes each."""
        return self._packed_ids.tolist()

    @cached_property
    def _packed_ids(self) -> array[int]:
        return array("I", _token_ids(self.kind, msgspec.json.decode(self.text)))


def make_block(
    kind: BlockKind,
    label: str,
    item: Any,
    *,
    role: str = "",
    path: str = "",
    marker: str | None = None,
    message: int | None = None,
    ends_message: bool = True,
    part: PartName = "history",
) -> Block:
    """A block of a JSON value; markers in the value are taken out, and the last one is its marker."""
    bare, found = without_markers(item)
    text = msgspec.json.encode(bare).decode()
    return Block(
        kind,
        label,
        text,
        _token_count(kind, bare),
        role,
        path,
        marker or found,
        message,
        ends_message,
        part,
    )


def without_markers(value: Any) -> tuple[Any, str | None]:
    """A JSON value without cache markers, and the lifetime the last of them names."""
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        last: str | None = None
        for key, inner in value.items():
            if key in MARKER_KEYS:
                last = lifetime(inner) or last
            else:
                kept[key], found = without_markers(inner)
                last = found or last
        return kept, last
    if isinstance(value, list):
        items = [without_markers(inner) for inner in value]
        return [item for item, _ in items], next((found for _, found in reversed(items) if found), None)
    return value, None


def lifetime(marker: Any) -> str | None:
    """The lifetime a marker asks for; `default` where it names none, None where it is no marker."""
    if not isinstance(marker, dict):
        return "default" if marker else None
    return str(marker.get("ttl") or "default")


def _token_ids(kind: BlockKind, item: Any) -> list[int]:
    """Tokens of a block: tools as their JSON, everything else as the texts in it, framed as chat templates do."""
    if kind in {"tool", "setting"}:
        return tokenize(msgspec.json.encode(item).decode())
    role = item.get("role") if isinstance(item, dict) else None
    ids = [zlib.crc32(f"<{kind} {role}>".encode())] * _frame(kind, item)
    for text, is_media in _leaves(item, ""):
        if is_media:
            ids += [zlib.crc32(text.encode("utf-8", "surrogatepass"))] * MEDIA_TOKENS
        else:
            ids += tokenize(text)
    return ids


def _token_count(kind: BlockKind, item: Any) -> int:
    """How many tokens `_token_ids` gives, at less than half its time."""
    if kind in {"tool", "setting"}:
        return estimate_tokens(msgspec.json.encode(item).decode())
    texts = _leaves(item, "")
    said = sum(MEDIA_TOKENS if is_media else estimate_tokens(text) for text, is_media in texts)
    return _frame(kind, item) + said


def _frame(kind: BlockKind, item: Any) -> int:
    begins = isinstance(item, dict) and item.get("role") is not None
    return _FRAME_TOKENS if kind == "system" or begins else 0


def _leaves(value: Any, key: str) -> Iterator[tuple[str, bool]]:
    """The texts a model sees, and whether each is media sent inline."""
    if key == "role" or key in _UNSEEN:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    elif isinstance(value, str):
        yield value, len(value) > MEDIA_TOKENS and (key in _MEDIA or value.startswith("data:"))
    elif value is not None:
        yield msgspec.json.encode(value).decode(), False
