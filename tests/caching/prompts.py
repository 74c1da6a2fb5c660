"""Prompts and conversations for policy tests: built from words, so that lengths are plain to see."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from hypothesis import strategies as st
from msgspec import structs

from agentlab.caching import Block, Prompt, common_tokens
from agentlab.caching.blocks.block import make_block
from agentlab.caching.policies.profile import Profile

_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def block(text: str, role: str = "user", *, marker: str | None = None, kind: str = "message") -> Block:
    """A block of a text; what it is called does not count."""
    return make_block(
        kind,  # type: ignore[arg-type]
        role,
        {"role": role, "content": text},
        role=role,
        marker=marker,
        message=0 if kind == "message" else None,
    )


def words(count: int, name: str = "w") -> str:
    """A text of so many estimated tokens; digits are written as letters, because they are tokens of their own."""
    return " ".join([name.translate(_LETTERS)] * count)


def prompt(*blocks: Block, scope: tuple[str, ...] = (), body: dict[str, object] | None = None) -> Prompt:
    return Prompt(tuple(blocks), scope, body or {})


def marked(blocks: Sequence[Block], place: int, ttl: str = "5m") -> tuple[Block, ...]:
    """The blocks with a marker at one of them, counted from 0 or from the end."""
    index = place % len(blocks)
    return (*blocks[:index], structs.replace(blocks[index], marker=ttl), *blocks[index + 1 :])


def common(one: Prompt, other: Prompt) -> int:
    """Tokens two prompts share from the start: the independent count that reads are held against."""
    total = 0
    for left, right in zip(one.blocks, other.blocks, strict=False):
        if left.digest == right.digest:
            total += left.tokens
            continue
        if (left.kind, left.role) == (right.kind, right.role):
            total += common_tokens(left.token_ids(), right.token_ids())
        break
    return total


def plain(profile: Profile) -> Profile:
    """The profile counting in estimated tokens, and without a minimum or a template, so that small prompts tell."""
    return structs.replace(
        profile,
        tokens_per_estimate=1.0,
        tool_overhead=0,
        message_overhead=0,
        min_tokens=min(profile.min_tokens, 24),
        template_tokens=0,
        granularity=min(profile.granularity, 8),
        report_floor=min(profile.report_floor, 8),
    )


TEXTS = [words(size, name) for size in (3, 11, 30) for name in ("a", "b", "c")]
ROLES = ["user", "assistant", "system"]
MARKERS = [None, None, None, "5m", "30m", "default"]
# All there are, made once: drawing the three parts of each block took most of the time of the laws of billing.
BLOCKS = st.sampled_from(
    [block(*parts, marker=marker) for marker in MARKERS for parts in product(TEXTS, ROLES)]
)


def _few_markers(blocks: list[Block]) -> tuple[Block, ...]:
    """At most four markers, as every provider that counts them takes."""
    seen, kept = 0, []
    for each in blocks:
        seen += each.marker is not None
        kept.append(structs.replace(each, marker=None) if seen > 4 else each)
    return tuple(kept)


PROMPT_BLOCKS = st.lists(BLOCKS, min_size=1, max_size=8).map(_few_markers)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Prompt, float]]:
    """Prompts with their times, rising; many begin like an earlier one."""
    found: list[tuple[Prompt, float]] = []
    now = 0.0
    for _ in range(draw(st.integers(1, 8))):
        now += draw(st.sampled_from([0.0, 1.0, 40.0, 200.0, 400.0, 4000.0, 90_000.0]))
        blocks = draw(PROMPT_BLOCKS)
        if found and draw(st.booleans()):
            earlier = draw(st.sampled_from(found))[0].blocks
            keep = draw(st.integers(0, len(earlier)))
            blocks = _few_markers([*earlier[:keep], *blocks])
        mode = draw(st.sampled_from([None, None, "explicit"]))
        body: dict[str, object] = {"prompt_cache_options": {"mode": mode}} if mode else {}
        scope = draw(st.sampled_from([("v", "m", ""), ("v", "m", ""), ("v", "m", "key")]))
        total = draw(st.sampled_from([None, None, "scaled"]))
        size = sum(each.tokens for each in blocks)
        found.append((Prompt(blocks, scope, body, size if total else None), now))
    return found
