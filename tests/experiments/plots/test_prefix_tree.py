"""The tree of prompts: where blocks stand, how many prompts share them, what was read."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.experiments import plots
from agentlab.experiments.plots.prefix_layout import prefix_blocks
from tests.experiments.plots.frames import call_frame, message_frame

MESSAGES = message_frame()


def blocks(messages, reads=None):
    return {block.hash: block for block in prefix_blocks(messages, reads)}


def test_a_block_begins_where_its_prefix_ends_and_is_as_high_as_its_prompts():
    found = blocks(MESSAGES)
    assert (found["tools"].start, found["tools"].tokens, found["tools"].prompts) == (0, 600, 6)
    assert (found["document 1"].start, found["document 1"].prompts) == (1500, 3)
    assert found["question 5"].start == 600 + 900 + 2400
    assert {found["document 0"].top, found["document 1"].top} == {0, 3}


def test_without_calls_the_colour_is_what_a_cache_that_forgets_nothing_could_serve():
    found = blocks(MESSAGES)
    assert found["tools"].cached == pytest.approx(5 / 6)
    assert found["document 0"].cached == pytest.approx(2 / 3)
    assert found["question 0"].cached == 0


def test_with_calls_height_is_calls_and_colour_the_share_that_they_read():
    found = blocks(MESSAGES, {"question 0": [0.0, 2700.0, None], "document 1": [600.0]})
    assert (found["tools"].prompts, found["document 0"].prompts, found["document 1"].prompts) == (4, 3, 1)
    assert found["tools"].cached == pytest.approx(2 / 3)
    assert found["document 0"].cached == pytest.approx((0 + 1200 / 2400) / 2)
    assert found["document 1"].cached == 0


def test_what_no_call_sent_is_left_out():
    assert set(blocks(MESSAGES, {"question 4": [0.0]})) == {"tools", "preamble", "document 1", "question 4"}


def test_every_block_is_a_rectangle():
    ax = plots.prefix_tree(MESSAGES)
    drawn = {
        patch.get_gid(): (patch.get_x(), patch.get_y(), patch.get_width(), patch.get_height())
        for patch in ax.patches
    }
    assert drawn == {
        block.hash: (block.start, block.top, block.tokens, block.prompts) for block in prefix_blocks(MESSAGES)
    }


def test_blocks_that_were_read_alike_have_one_colour():
    ax = plots.prefix_tree(MESSAGES, turns=call_frame({"question 0": [1500] * 4}))
    faces = {patch.get_gid(): patch.get_facecolor() for patch in ax.patches}
    assert faces["tools"] == faces["preamble"] != faces["document 0"]
    assert ax.get_ylabel() == "calls"


def test_calls_that_do_not_say_what_they_read_and_calls_from_elsewhere_are_counted():
    ax = plots.prefix_tree(
        MESSAGES, turns=call_frame({"question 0": [None], "question 5": [9], "other": [1, 1]})
    )
    said = "".join(text.get_text() for text in ax.texts)
    assert "Hatched: 2 blocks" in said  # its document and its question
    assert "2 calls are not in it" in said


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=5), min_size=1, max_size=12))
@settings(max_examples=40)
def test_branches_fill_their_parent_from_its_top_and_never_overlap(prompts):
    rows = [
        {"hash": "".join(prompt[: end + 1]), "parent_hash": "".join(prompt[:end]) or None, "tokens": 10}
        for prompt in prompts
        for end in range(len(prompt))
    ]
    reads: dict[str, list[float | None]] = {}
    for prompt in prompts:
        reads.setdefault("".join(prompt), []).append(0.0)
    found = blocks(pd.DataFrame(rows), reads)
    assert set(found) == {row["hash"] for row in rows}
    for block in found.values():
        assert block.prompts == sum("".join(prompt).startswith(block.hash) for prompt in prompts)
        below = sorted(
            (each.top, each.top + each.prompts) for each in found.values() if each.hash[:-1] == block.hash
        )
        edge = block.top
        for top, bottom in below:
            assert top == edge
            edge = bottom
        assert edge <= block.top + block.prompts


@pytest.mark.parametrize(
    ("messages", "turns", "words"),
    [
        (MESSAGES[MESSAGES["hash"] != "tools"], None, "give whole prompts"),
        (pd.DataFrame({"hash": ["a", "b"], "parent_hash": ["b", "a"], "tokens": [1, 1]}), None, "circle"),
        (MESSAGES, call_frame({"elsewhere": [1]}), "of one sweep"),
        (MESSAGES, call_frame({}).drop(columns="prefix_hash"), "no column `prefix_hash`"),
    ],
    ids=["cut", "circle", "another sweep", "no hash"],
)
def test_what_makes_no_tree_is_refused(messages, turns, words):
    with pytest.raises(UsageError, match=words):
        plots.prefix_tree(messages, turns=turns)
