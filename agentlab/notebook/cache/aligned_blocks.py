"""The blocks of two requests as two rows that begin alike: what is shared, what changed, what comes after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from agentlab.caching.blocks.canonical import canonical_bytes
from agentlab.caching.blocks.splitting import Block, BlockKind
from agentlab.notebook.cache.request_pair import RequestPair

__all__ = ["STATE_WORDS", "BlockRun", "BlockState", "aligned"]

BlockState = Literal["shared", "changed", "behind", "gone", "new"]

STATE_WORDS: Final[dict[BlockState, str]] = {
    "shared": "shared prefix",
    "changed": "first change",
    "behind": "same, but behind the change",
    "gone": "gone or rewritten",
    "new": "new or rewritten",
}

_LEVELS: Final[dict[BlockKind, str]] = {
    "setting": "settings",
    "tool": "tools",
    "system": "system",
    "message": "messages",
}
_NARROWEST: Final = 0.02
_MOST_RUNS: Final = 48


@dataclass(frozen=True, slots=True)
class BlockRun:
    """Blocks next to each other that are shown as one.

    Attributes:
        state: What became of them.
        level: Level of the prompt they are at: tools, system, messages, settings.
        label: Name of the block; of the first and the last where there are several.
        role: Who speaks; empty where nobody does, or several do.
        blocks: How many there are.
        tokens: Their tokens, estimated, and scaled to what the provider reported where it did.
    """

    state: BlockState
    level: str
    label: str
    role: str
    blocks: int
    tokens: int


def aligned(pair: RequestPair) -> tuple[tuple[BlockRun, ...], tuple[BlockRun, ...]]:
    """The earlier and the later request as runs of blocks, at most some fifty each.

    Blocks that are too small to be seen are put together with their neighbours of the same state and level, by the same
    rule in both requests: so their shared start is cut alike.

    Args:
        pair: The requests.
    """
    first = pair.first_moved
    before, after = pair.previous, pair.current
    widest = max(1, *(sum(block.tokens for block in blocks) for blocks in (before, after)))
    here = _states(before, after, first, "gone")
    there = _states(after, before, first, "new")
    runs = (_runs(zip(here, before, strict=True), widest), _runs(zip(there, after, strict=True), widest))
    earlier, later = (tuple(_scaled(run, pair.scale) for run in side) for side in runs)
    return earlier, later


def _states(
    blocks: Sequence[Block], others: Sequence[Block], first: int, alone: Literal["gone", "new"]
) -> Iterator[BlockState]:
    """What became of each block, seen from one of the two requests."""
    left = Counter(map(canonical_bytes, others[first:]))
    for index, block in enumerate(blocks):
        if index < first:
            yield "shared"
            continue
        written = canonical_bytes(block)
        if index == first and index < len(others) and written != canonical_bytes(others[index]):
            yield "changed"
        elif left[written]:
            left[written] -= 1
            yield "behind"
        else:
            yield alone


def _runs(judged: Iterable[tuple[BlockState, Block]], widest: int) -> tuple[BlockRun, ...]:
    narrowest = _NARROWEST
    listed = list(judged)
    while True:
        runs = tuple(_run(state, group) for state, group in _grouped(listed, narrowest * widest))
        if len(runs) <= _MOST_RUNS or narrowest > 1:
            return runs
        narrowest *= 2


def _grouped(
    judged: Iterable[tuple[BlockState, Block]], narrowest: float
) -> Iterator[tuple[BlockState, list[Block]]]:
    """Neighbours of one state and level, as long as they are narrow together."""
    group: list[Block] = []
    kind: tuple[BlockState, BlockKind] | None = None
    tokens = 0
    for state, block in judged:
        if group and (kind != (state, block.kind) or tokens + block.tokens > narrowest):
            yield kind[0] if kind else state, group
            group, tokens = [], 0
        group.append(block)
        kind, tokens = (state, block.kind), tokens + block.tokens
    if kind is not None:
        yield kind[0], group


def _run(state: BlockState, group: Sequence[Block]) -> BlockRun:
    first, last = group[0], group[-1]
    roles = {block.role for block in group}
    label = _name(first) if len(group) == 1 else f"{_name(first)} … {_name(last)}"
    return BlockRun(
        state,
        _LEVELS[first.kind],
        label,
        first.role if len(roles) == 1 else "",
        len(group),
        sum(block.tokens for block in group),
    )


def _scaled(run: BlockRun, scale: float) -> BlockRun:
    return replace(run, tokens=round(run.tokens * scale))


def _name(block: Block) -> str:
    """What a reader calls a block: the tool's name, the preamble, `message 3 (user)`."""
    if block.kind != "message" or block.message is None:
        return "preamble" if block.part == "preamble" and block.kind == "system" else block.label
    return f"message {block.message}"
