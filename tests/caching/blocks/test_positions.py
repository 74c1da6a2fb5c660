from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.blocks.block import make_block
from agentlab.caching.blocks.positions import Positions

TEXTS = st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=12)


def _blocks(texts):
    return tuple(make_block("message", "user", {"role": "user", "content": text}) for text in texts)


@given(TEXTS, st.integers(0, 10_000))
def test_blocks_always_fill_the_recorded_length_in_order(texts, total):
    ends = Positions().ends(_blocks(texts), total)
    assert (ends[0], ends[-1]) == (0, total)
    assert list(ends) == sorted(ends)
    assert len(ends) == len(texts) + 1


@given(TEXTS, TEXTS, st.integers(0, 5000), st.integers(0, 5000))
def test_a_position_once_reported_holds_in_every_longer_prompt(texts, more, known, rest):
    positions = Positions()
    first = _blocks(texts)
    positions.learn(first, len(first) - 1, known)
    assert positions.ends(_blocks([*texts, *more]), known + rest)[len(texts)] == known


def test_a_position_past_the_end_of_a_prompt_is_not_believed():
    positions = Positions()
    blocks = _blocks(["a", "b"])
    positions.learn(blocks, 0, 500)
    assert positions.ends(blocks, 100)[-1] == 100
    assert positions.ends(blocks, 100)[1] < 100


def test_a_position_does_not_hold_behind_another_beginning():
    positions = Positions()
    positions.learn(_blocks(["one", "two"]), 1, 900)
    assert positions.ends(_blocks(["uno", "two", "three"]), 1000)[2] != 900


def test_only_a_changed_position_is_news():
    positions = Positions()
    blocks = _blocks(["one", "two"])
    assert [positions.learn(blocks, 1, at) for at in (9, 9, 8)] == [True, False, True]
    assert positions.knows(blocks)
    assert not positions.knows(blocks[:1])


def test_what_does_not_fit_the_sizes_is_borne_by_the_long_text():
    blocks = (make_block("system", "system", "long " * 500, role="system"), *_blocks(["short", "short"]))
    sizes = (500, 305, 5)
    assert Positions().ends(blocks, 810, sizes=sizes) == (0, 500, 805, 810)
    assert Positions().ends(blocks, 860, sizes=sizes) == (0, 550, 855, 860)


@given(TEXTS, st.data())
def test_sizes_that_fit_are_met_exactly_whatever_is_known_before(texts, data):
    blocks = _blocks(texts)
    sizes = data.draw(st.lists(st.integers(0, 90), min_size=len(blocks), max_size=len(blocks)))
    ends = [0, *accumulate(sizes)]
    positions = Positions()
    for index in data.draw(st.sets(st.integers(0, len(blocks) - 1))):
        positions.learn(blocks, index, ends[index + 1])
    assert list(positions.ends(blocks, ends[-1], sizes=sizes)) == ends
