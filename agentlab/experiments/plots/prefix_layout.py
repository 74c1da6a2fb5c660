"""Where the blocks of a tree of prompts stand: shared beginnings once, branches below each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import pandas as pd

from agentlab.errors import UsageError

__all__ = ["PrefixBlock", "prefix_blocks"]


@dataclass(frozen=True)
class PrefixBlock:
    """One block of the tree.

    Attributes:
        hash: Chain hash: the block and everything before it.
        start: Tokens before it.
        tokens: Its own tokens.
        top: Prompts drawn above it.
        prompts: How many prompts contain it.
        cached: Share of its tokens that the cache served over those prompts that say what they read; None where none
            does.
        segment: Which part of the request it is.
    """

    hash: str
    start: float
    tokens: float
    top: float
    prompts: float
    cached: float | None
    segment: str


@dataclass(frozen=True)
class _Tree:
    """Blocks by hash: what follows each, its tokens and segment; `order` has every block after what it follows."""

    children: Mapping[str | None, Sequence[str]]
    tokens: Mapping[str, float]
    segments: Mapping[str, str]
    order: Sequence[str]


def prefix_blocks(
    messages: pd.DataFrame, reads: Mapping[str, Sequence[float | None]] | None = None
) -> Iterator[PrefixBlock]:
    """Lay the tree out, the busiest branch first.

    Args:
        messages: Blocks with `hash`, `parent_hash`, `tokens` and `segment`; a hash may come more than once.
        reads: For the block a prompt ends with, what each call with that prompt read (None: not said). Blocks that no
            call sent are left out. Without it each leaf is one prompt, and `cached` is what a cache that forgets
            nothing would serve: every prompt but the first.

    Raises:
        UsageError: If a block follows one that is not there.
    """
    tree = _tree(messages)
    passing = _passing(tree, reads) if reads is not None else None
    weight = _leaves(tree) if passing is None else {name: len(each) for name, each in passing.items()}
    waiting = [(0.0, *place) for place in _stacked(tree.children[None], weight, 0)]
    while waiting:
        start, top, name = waiting.pop()
        tokens, prompts = tree.tokens[name], weight[name]
        if prompts:
            cached = (prompts - 1) / prompts if passing is None else _share(start, tokens, passing[name])
            yield PrefixBlock(name, start, tokens, top, prompts, cached, tree.segments[name])
            below = tree.children.get(name, ())
            waiting.extend((start + tokens, *place) for place in _stacked(below, weight, top))


def _tree(messages: pd.DataFrame) -> _Tree:
    once = messages.drop_duplicates("hash")
    names = [str(name) for name in once["hash"]]
    parents = [str(parent) if pd.notna(parent) else None for parent in once["parent_hash"]]
    known = set(names)
    children: dict[str | None, list[str]] = defaultdict(list)
    for name, parent in zip(names, parents, strict=True):
        if parent is not None and parent not in known:
            raise UsageError(
                f"block `{name}` follows `{parent}`, which is not in the frame; give whole prompts"
            )
        children[parent].append(name)
    order: list[str] = []
    waiting = list(children[None])
    while waiting:
        name = waiting.pop()
        order.append(name)
        waiting.extend(children.get(name, ()))
    if len(order) < len(names):
        raise UsageError("the blocks follow each other in a circle: `hash` and `parent_hash` make no tree")
    tokens = once["tokens"].astype("Float64").fillna(0).astype(float)
    segments = once["segment"].astype(str) if "segment" in once else [""] * len(once)
    return _Tree(
        children, dict(zip(names, tokens, strict=True)), dict(zip(names, segments, strict=True)), order
    )


def _leaves(tree: _Tree) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in reversed(tree.order):
        found[name] = sum(found[each] for each in tree.children.get(name, ())) or 1
    return found


def _passing(tree: _Tree, reads: Mapping[str, Sequence[float | None]]) -> dict[str, list[float | None]]:
    """What was read by every call whose prompt contains the block."""
    found: dict[str, list[float | None]] = {}
    for name in reversed(tree.order):
        found[name] = list(reads.get(name, ()))
        for each in tree.children.get(name, ()):
            found[name] += found[each]
    return found


def _stacked(names: Sequence[str], weight: Mapping[str, int], top: float) -> list[tuple[float, str]]:
    """Where each of the branches begins, the busiest first; last to first, as a stack is worked off."""
    ordered = sorted(names, key=lambda name: -weight[name])
    tops = accumulate((weight[name] for name in ordered), initial=top)
    return list(zip(tops, ordered, strict=False))[::-1]


def _share(start: float, tokens: float, reads: Sequence[float | None]) -> float | None:
    known = [read for read in reads if read is not None]
    if not known:
        return None
    if tokens <= 0:
        return sum(read > start for read in known) / len(known)
    return sum(min(max(read - start, 0.0), tokens) for read in known) / (tokens * len(known))
