"""A conversation as a chain of hashes: equal links mean equal prefixes, so a conversation is a path in a prefix tree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from agentlab.caching.blocks.block import Block

__all__ = ["chain", "next_link"]


def chain(blocks: Iterable[Block], *, after: str = "") -> tuple[str, ...]:
    """The digest of the prefix that ends at each block.

    Two requests share their first n blocks exactly if their n-th links are equal.

    Args:
        blocks: The blocks.
        after: The link of the prefix they follow; empty where they begin the prompt.
    """
    links: list[str] = []
    link = after
    for block in blocks:
        link = next_link(link, block)
        links.append(link)
    return tuple(links)


def next_link(link: str, block: Block) -> str:
    """The link of a prefix that is one block longer.

    Args:
        link: That of the prefix; empty for none.
        block: The block behind it.
    """
    return hashlib.blake2b(f"{link}{block.digest}".encode(), digest_size=16).hexdigest()
