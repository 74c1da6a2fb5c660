"""A tree that remembers the prompt it stored last answers as one that walks every prompt from its start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.blocks.block import Block, make_block
from agentlab.caching.blocks.chain import chain
from agentlab.caching.blocks.prefix_tree import Held, PrefixTree

WORDS = [make_block("message", "user", {"content": f"word {number}"}, role="user") for number in range(3)]
PROMPTS = st.lists(st.sampled_from(WORDS), max_size=5).map(tuple)
MOMENTS = st.integers(0, 12)


class Plain:
    """What a prefix tree holds, by the chain of each prefix: when it ends, when it can be read, how often it was used."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[float, float, int]] = {}

    def held(self, blocks: tuple[Block, ...], now: float) -> Held:
        uses = 0
        for index, link in enumerate(chain(blocks)):
            ends, readable, used = self.kept.get(link, (-1.0, 0.0, 0))
            if ends < now or readable >= now:
                return Held(index, 0, uses, link in self.kept and ends < now)
            uses = used
        return Held(len(blocks), 0, uses)

    def store(self, blocks: tuple[Block, ...], now: float, ttl_s: float, ready_s: float) -> None:
        for link in chain(blocks):
            ends, readable, used = self.kept.get(link, (-1.0, 0.0, 0))
            if link not in self.kept or ends < now:
                readable, used = now + ready_s, 0
            self.kept[link] = (max(ends, now + ttl_s), readable, used + 1)


@given(st.lists(st.tuples(PROMPTS, MOMENTS, st.integers(0, 5), st.integers(0, 3)), max_size=12))
def test_what_is_held_is_what_a_walk_from_the_start_finds(
    stored: list[tuple[tuple[Block, ...], int, int, int]],
) -> None:
    tree, plain = PrefixTree(), Plain()
    for blocks, now, ttl_s, ready_s in stored:
        assert tree.held(blocks, now, within_block=False) == plain.held(blocks, now)
        tree.store(blocks, now, ttl_s, ready_s=ready_s)
        plain.store(blocks, now, ttl_s, ready_s)


@given(PROMPTS, st.integers(0, 5))
def test_a_chain_goes_on_from_a_link(blocks: tuple[Block, ...], cut: int) -> None:
    links = chain(blocks)
    begun = links[:cut]
    assert (*begun, *chain(blocks[cut:], after=begun[-1] if begun else "")) == links
