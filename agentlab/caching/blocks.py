"""A request body cut into the blocks a provider's cache sees, in the order the provider renders them.

Prompt caches match a prefix of the *rendered* prompt, not of the JSON: Anthropic renders tools, system, messages
(https://platform.claude.com/docs/en/build-with-claude/prompt-caching), OpenAI settings and tools before the
conversation (https://platform.openai.com/docs/guides/prompt-caching), Gemini tools, system instruction, contents.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from agentlab.caching.tokens import tokenize
from agentlab.errors import UsageError

__all__ = ["Block", "BlockKind", "split", "split_object"]

BlockKind = Literal["tool", "system", "message", "setting"]

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
_MEDIA: Final = frozenset(["data", "file_data", "fileData", "image_url", "images", "input_audio"])


class Block(Struct, frozen=True):
    """One item of a prompt: a tool, a system text, a message, or a setting that is rendered into the prompt.

    Attributes:
        kind: What it is.
        label: Its name for readers: the tool's name, the message's role, the setting's field.
        text: Its JSON, keys in the order they were sent, cache markers left out. Equal texts are equal blocks.
        tokens: Estimated tokens, the same as `len(token_ids())`.
    """

    kind: BlockKind
    label: str
    text: str
    tokens: int

    def token_ids(self) -> list[int]:
        """Estimated tokens as ids, to find where two blocks part. Read anew from `text` on each call."""
        return _token_ids(self.kind, msgspec.json.decode(self.text))


def split(wire: str, body: str | bytes) -> tuple[Block, ...]:
    """Cut a request body into blocks.

    Args:
        wire: `openai-chat`, `openai-responses`, `anthropic-messages`, `gemini` or `ollama`.
        body: The request's JSON body.

    Returns:
        The blocks in render order, one for each list item; `cache_control` is taken out at every depth, because a
        marker that moves changes nothing the model sees.

    Raises:
        UsageError: The wire is not known, or the body is not a JSON object.
    """
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise UsageError("the body is not a JSON object")
    return split_object(wire, parsed)


def split_object(wire: str, body: dict[str, Any]) -> tuple[Block, ...]:
    """The same as `split` for a body already parsed."""
    try:
        layout = _LAYOUTS[_ALIASES.get(wire, wire.replace("_", "-"))]
    except KeyError:
        raise UsageError(
            f"no render order is known for the wire {wire!r}; one of {sorted(_LAYOUTS)}"
        ) from None
    return tuple(block for kind, path in layout for block in _blocks(kind, path, body))


# Where each wire keeps what it renders, in render order. A setting stands where its change starts to miss.
_Layout = tuple[tuple[BlockKind, str], ...]
_OPENAI_CHAT: Final[_Layout] = (
    ("setting", "response_format"),
    ("setting", "reasoning_effort"),
    ("setting", "verbosity"),
    ("tool", "tools"),
    ("message", "messages"),
)
_LAYOUTS: Final[dict[str, _Layout]] = {
    "openai-chat": _OPENAI_CHAT,
    "openai-responses": (
        ("setting", "text"),
        ("setting", "reasoning.effort"),
        ("tool", "tools"),
        ("system", "instructions"),
        ("message", "input"),
    ),
    "anthropic-messages": (
        ("setting", "output_config.format"),
        ("tool", "tools"),
        ("system", "system"),
        ("setting", "tool_choice"),
        ("setting", "thinking"),
        ("setting", "output_config.effort"),
        ("message", "messages"),
    ),
    "gemini": (
        ("tool", "tools"),
        ("system", "systemInstruction"),
        ("system", "system_instruction"),
        ("message", "contents"),
    ),
    "ollama": (("tool", "tools"), ("message", "messages")),
}
_ALIASES: Final = {"anthropic": "anthropic-messages"}


def _blocks(kind: BlockKind, path: str, body: dict[str, Any]) -> Iterator[Block]:
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None or value == []:
        return
    if kind == "setting":
        yield _block(kind, path, {path: value})
        return
    for item in _items(kind, value):
        yield _block(_kind(kind, item), _label(kind, item), item)


def _items(kind: BlockKind, value: Any) -> Iterable[Any]:
    """One item for each block; Gemini's tools are lists of declarations inside a list."""
    for item in value if isinstance(value, list) else [value]:
        declarations = (
            (item.get("functionDeclarations") or item.get("function_declarations"))
            if isinstance(item, dict)
            else None
        )
        if kind == "tool" and isinstance(declarations, list):
            yield from declarations
        else:
            yield item


def _kind(kind: BlockKind, item: Any) -> BlockKind:
    system = kind == "message" and isinstance(item, dict) and item.get("role") in ("system", "developer")
    return "system" if system else kind


def _label(kind: BlockKind, item: Any) -> str:
    if kind == "system":
        return "system"
    if not isinstance(item, dict):
        return "user"
    if kind == "message":
        return str(item.get("role") or item.get("type") or "message")
    function = item.get("function")
    named = function if isinstance(function, dict) else item
    return str(named.get("name") or item.get("type") or next(iter(item), "tool"))


def _block(kind: BlockKind, label: str, item: Any) -> Block:
    bare = _without_markers(item)
    return Block(kind, label, msgspec.json.encode(bare).decode(), len(_token_ids(kind, bare)))


def _without_markers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_markers(inner) for key, inner in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [_without_markers(inner) for inner in value]
    return value


def _token_ids(kind: BlockKind, item: Any) -> list[int]:
    """Tokens of an item: tools as their JSON, everything else as the texts in it, framed as chat templates do."""
    if kind in {"tool", "setting"}:
        return tokenize(msgspec.json.encode(item).decode())
    role = item.get("role") if isinstance(item, dict) else None
    frame = [zlib.crc32(f"<{kind} {role}>".encode())] * _FRAME_TOKENS
    for leaf in _leaves(item, ""):
        frame += leaf
    return frame


def _leaves(value: Any, key: str) -> Iterator[list[int]]:
    if key == "role" or key in _UNSEEN:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    elif (
        isinstance(value, str) and len(value) > MEDIA_TOKENS and (key in _MEDIA or value.startswith("data:"))
    ):
        yield [zlib.crc32(value.encode())] * MEDIA_TOKENS
    elif value is not None:
        yield tokenize(value if isinstance(value, str) else msgspec.json.encode(value).decode())
