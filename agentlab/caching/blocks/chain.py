"""A conversation as a chain of hashes: equal links mean equal prefixes, so a conversation is a path in a prefix tree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from agentlab.caching.blocks.block import Block

__all__ = ["chain"]


def chain(blocks: Iterable[Block]) -> tuple[str, ...]:
    """The digest of the prefix that ends at each block.

    Two requests share their first n blocks exactly if their n-th links are equal.
    """
    links: list[str] = []
    previous = b""
    for block in blocks:
        previous = hashlib.blake2b(previous + block.digest.encode(), digest_size=16).digest()
        links.append(previous.hex())
    return tuple(links)
