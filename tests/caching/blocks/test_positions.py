from __future__ import annotations

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


def test_text_of_the_vendors_own_ahead_of_the_messages_is_counted_to_the_first_of_them():
    blocks = (make_block("system", "system", "long " * 500, role="system"), *_blocks(["short", "short"]))
    plain, moved = Positions().ends(blocks, 815), Positions().ends(blocks, 815, tool_prompt=300)
    assert 290 < plain[1] - moved[1] < 310
    assert plain[-1] == moved[-1] == 815
