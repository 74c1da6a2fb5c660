"""The blocks of two requests as two rows that begin alike: what is shared, what changed, what comes after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, Literal

from agentlab.caching.blocks.canonical import canonical_bytes
from agentlab.caching.blocks.splitting import Block, BlockKind
from agentlab.notebook.cache.request_pair import RequestPair

__all__ = ["STATE_WORDS", "BlockRun", "BlockState", "aligned", "fewer"]

BlockState = Literal["shared", "changed", "behind", "gone", "new", "mixed"]

STATE_WORDS: Final[dict[BlockState, str]] = {
    "shared": "shared prefix",
    "changed": "first change",
    "behind": "same, but behind the change",
    "gone": "gone or rewritten",
    "new": "new or rewritten",
    "mixed": "partly the same, partly rewritten",
}

_LEVELS: Final[dict[BlockKind, str]] = {
    "setting": "settings",
    "tool": "tools",
    "system": "system",
    "message": "messages",
}
_MOST_RUNS: Final = 40
_TO: Final = " … "
_CUTS: Final = tuple((is_coarse, 0.02 * 2**step) for is_coarse in (False, True) for step in range(6))
"""How blocks are put together, the finest way first: across states or not, up to which share of the longer request."""


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
    here = list(zip(_states(before, after, first, "gone"), before, strict=True))
    there = list(zip(_states(after, before, first, "new"), after, strict=True))
    widest = max(1, *(sum(block.tokens for block in blocks) for blocks in (before, after)))
    for is_coarse, narrowest in _CUTS:
        sides = [_runs(side, narrowest * widest, is_coarse=is_coarse) for side in (here, there)]
        if max(map(len, sides)) <= _MOST_RUNS:
            break
    earlier, later = (tuple(_scaled(run, pair.scale) for run in side) for side in sides)
    return earlier, later


def fewer(runs: Sequence[BlockRun], most: int) -> tuple[BlockRun, ...]:
    """Runs as they are where they are few; else neighbours of one state and level as one.

    Args:
        runs: Of one request, in order.
        most: Up to how many stay apart.
    """
    if len(runs) <= most:
        return tuple(runs)
    return tuple(_together(list(group)) for _, group in groupby(runs, key=lambda run: (run.state, run.level)))


def _together(runs: Sequence[BlockRun]) -> BlockRun:
    if len(runs) == 1:
        return runs[0]
    ends = (runs[0].label.partition(_TO)[0], runs[-1].label.rpartition(_TO)[2])
    blocks, tokens = (sum(getattr(run, name) for run in runs) for name in ("blocks", "tokens"))
    return replace(runs[0], label=_TO.join(ends), role="", blocks=blocks, tokens=tokens)


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


def _runs(
    judged: Sequence[tuple[BlockState, Block]], narrowest: float, *, is_coarse: bool
) -> tuple[BlockRun, ...]:
    return tuple(map(_run, _grouped(judged, narrowest, is_coarse=is_coarse)))


def _grouped(
    judged: Sequence[tuple[BlockState, Block]], narrowest: float, *, is_coarse: bool
) -> Iterator[list[tuple[BlockState, Block]]]:
    """Neighbours of one level and state, as long as they are narrow together; coarsely, of any state but two.

    The shared start and the first change stay apart from the rest whatever happens.
    """
    group: list[tuple[BlockState, Block]] = []
    kind, tokens = ("", ""), 0
    for state, block in judged:
        own = (block.kind, "rest" if is_coarse and state not in {"shared", "changed"} else state)
        if group and (own != kind or tokens + block.tokens > narrowest):
            yield group
            group, tokens = [], 0
        group.append((state, block))
        kind, tokens = own, tokens + block.tokens
    if group:
        yield group


def _run(judged: Sequence[tuple[BlockState, Block]]) -> BlockRun:
    states = {state for state, _ in judged}
    group = [block for _, block in judged]
    first, last = group[0], group[-1]
    roles = {block.role for block in group}
    label = _name(first) if len(group) == 1 else f"{_name(first)}{_TO}{_name(last)}"
    return BlockRun(
        states.pop() if len(states) == 1 else "mixed",
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
