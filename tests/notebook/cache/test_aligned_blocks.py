"""Two requests drawn as rows of blocks: nothing lost, alike as far as they are alike, never too many pieces."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.caching.blocks.block import make_block
from agentlab.caching.blocks.splitting import Block
from agentlab.notebook.cache.aligned_blocks import aligned, fewer
from agentlab.notebook.cache.request_pair import RequestPair, pairs_of
from tests.caching.mutations import MUTATIONS, VENDORS, base_request, encoded


def message(number: int, words: int, text: str = "word") -> Block:
    item = {"role": "user", "content": f"{number} " + f"{text} " * words}
    return make_block("message", "user", item, role="user", message=number)


def pair(previous: list[Block], current: list[Block]) -> RequestPair:
    return pairs_of(previous, current)[0]


MESSAGES = st.lists(st.integers(0, 30), max_size=40)


@settings(max_examples=40)
@given(sizes=MESSAGES, changed=st.integers(0, 39), added=MESSAGES)
def test_every_block_is_drawn_once_and_the_shared_start_alike(
    sizes: list[int], changed: int, added: list[int]
) -> None:
    previous = [message(number, size) for number, size in enumerate(sizes)]
    current = [*previous, *(message(len(sizes) + number, size) for number, size in enumerate(added))]
    if not previous or not current:
        return
    if changed < len(sizes):
        current[changed] = message(changed, sizes[changed], "other")
    compared = pair(previous, current)
    before, after = aligned(compared)
    assert sum(run.blocks for run in before) == len(previous)
    assert sum(run.blocks for run in after) == len(current)
    shared = [[run for run in side if run.state == "shared"] for side in (before, after)]
    assert shared[0] == shared[1] == list(before[: len(shared[0])])
    assert sum(run.blocks for run in shared[0]) == compared.first_moved


def test_blocks_behind_a_change_are_told_from_those_that_are_gone_or_new() -> None:
    first, second, third, fourth = (message(number, 40) for number in range(4))
    edited = message(1, 40, "edited")
    before, after = aligned(pair([first, second, third, fourth], [first, edited, third, message(9, 40)]))
    assert [run.state for run in before] == ["shared", "changed", "behind", "gone"]
    assert [run.state for run in after] == ["shared", "changed", "behind", "new"]


def test_a_setting_that_changed_leaves_every_text_the_same() -> None:
    draw = random.Random("effort")
    request = base_request(draw, "anthropic")
    changed, _ = MUTATIONS["effort"](draw, request, "anthropic")
    compared = pairs_of(encoded(request, "anthropic"), encoded(changed, "anthropic"))[0]
    before, after = aligned(compared)
    assert compared.has_moved
    assert {run.state for run in before} <= {"shared", "behind", "changed"}
    assert sum(run.blocks for run in before) == sum(run.blocks for run in after)


def test_a_long_request_is_drawn_in_few_pieces() -> None:
    previous = [message(number, 1 + number % 7) for number in range(2_000)]
    current = [block for number, block in enumerate(previous) if number % 3 or number < 600]
    before, after = aligned(pair(previous, current))
    assert max(len(before), len(after)) <= 40
    assert [sum(run.blocks for run in side) for side in (before, after)] == [2_000, len(current)]
    assert "mixed" in {run.state for run in before}
    few = fewer(before, 12)
    assert len(few) == len({(run.state, run.level) for run in before})
    assert [sum(getattr(run, name) for run in few) for name in ("blocks", "tokens")] == [
        sum(getattr(run, name) for run in before) for name in ("blocks", "tokens")
    ]
    assert few[0].label == "message 0 … message 599"
    assert fewer(before, 99) == before


def test_the_bars_add_up_to_what_the_provider_reported() -> None:
    previous = [message(number, 30) for number in range(4)]
    compared = RequestPair("a", "b", tuple(previous), tuple(previous), 1_000, 0, is_estimated=False)
    before, _ = aligned(compared)
    assert abs(sum(run.tokens for run in before) - 1_000) <= len(before)


@pytest.mark.parametrize("vendor_name", VENDORS)
@pytest.mark.parametrize("name", MUTATIONS)
def test_whatever_changes_on_whatever_wire_has_a_place_in_the_picture(vendor_name: str, name: str) -> None:
    draw = random.Random(f"{vendor_name} {name}")
    request = base_request(draw, vendor_name, with_tools=name != "output_schema")
    changed, expected = MUTATIONS[name](draw, request, vendor_name)
    compared = pairs_of(encoded(request, vendor_name), encoded(changed, vendor_name))[0]
    before, after = aligned(compared)
    assert compared.has_moved == (expected.part is not None)
    if compared.has_moved:
        assert compared.lost_tokens > 0
        assert any(run.state != "shared" for run in (*before, *after))
