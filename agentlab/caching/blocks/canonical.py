"""Two ways to write one text that a provider renders alike: a string, and a list with one text part.

A client often sends the string and, where a cache marker must stand on it, the list; the marker moves on and the string
is back. The prompt is the same, so a comparison of prompts must not see a difference.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from agentlab.caching.blocks.splitting import Block

__all__ = ["canonical", "canonical_bytes", "readable"]

_BYTES: Final = "canonical_bytes"

_TEXT_TYPES: Final = frozenset(["text", "input_text", "output_text"])
_HOLDERS: Final = frozenset(["content", "output"])


def canonical(block: Block) -> Any:
    """The JSON value of a block with its texts written in one way; tools and settings as they are."""
    value = msgspec.json.decode(block.text)
    if block.kind in {"tool", "setting"}:
        return value
    return {"text": value} if isinstance(value, str) else _folded(value)


def canonical_bytes(block: Block) -> bytes:
    """Equal for blocks of which a comparison of prompts must see no difference. Computed once for a block."""
    known: bytes | None = block.__dict__.get(_BYTES)
    if known is None:
        known = block.__dict__[_BYTES] = msgspec.json.encode((block.kind, block.role, canonical(block)))
    return known


def readable(block: Block) -> str:
    """The text of a block, where it is just that; else its JSON."""
    value = canonical(block)
    while isinstance(value, dict | list):
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        else:
            value = next(
                (value[name] for name in ("text", "content", "parts", "output") if name in value), None
            )
    return value if isinstance(value, str) else block.text


def _folded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() == {"type", "text"} and value["type"] in _TEXT_TYPES:
        return {"text": value["text"]}
    return {key: _pieces(inner) if key in _HOLDERS else inner for key, inner in value.items()}


def _pieces(value: Any) -> Any:
    if isinstance(value, str):
        return [{"text": value}]
    if isinstance(value, list):
        return [_folded(inner) for inner in value]
    return [_folded(value)] if isinstance(value, dict) else value
