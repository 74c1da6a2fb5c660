"""The first difference of two JSON values is found, and only where there is one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.blocks.common_text import common_start
from agentlab.caching.explaining.character_diff import character_diff
from agentlab.caching.explaining.json_difference import Difference, first_difference, member
from tests.messages.strategies import json_values

TEXTS = st.text(st.sampled_from("ab c\n“é数"), max_size=40)


@given(json_values, json_values)
def test_there_is_a_difference_exactly_if_the_bytes_differ(one: Any, other: Any) -> None:
    found = first_difference(one, other)
    assert (found is None) == (msgspec.json.encode(one) == msgspec.json.encode(other))


@given(TEXTS, TEXTS)
def test_the_common_start_is_exact(one: str, other: str) -> None:
    place = common_start(one, other)
    assert one[:place] == other[:place]
    assert place == min(len(one), len(other)) or one[place] != other[place]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": "xyz"}, {"a": "xyw"}, Difference(("a",), "xyz", "xyw", 2)),
        ({"a": 1, "b": 2}, {"b": 2}, Difference(("a",), "1", "")),
        ({"b": 2}, {"b": 2, "a": [1]}, Difference(("a",), "", "[1]")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, Difference((), '{"a":1,"b":2}', '{"b":2,"a":1}', reordered=True)),
        (["x", "y"], ["y", "x"], Difference((), '["x","y"]', '["y","x"]', reordered=True)),
        ([1], [1, 2], Difference((1,), "", "2")),
        ([1, 2], [1], Difference((1,), "2", "")),
        ({"a": 1}, {"a": True}, Difference(("a",), "1", "true")),
        ({"a": 1}, {"a": 1.0}, Difference(("a",), "1", "1.0")),
        ({"a": None}, {"a": "x"}, Difference(("a",), "null", "x")),
    ],
)  # fmt: skip
def test_differences_are_named_by_path_and_text(one: Any, other: Any, expected: Difference) -> None:
    assert first_difference(one, other) == expected


def test_a_path_is_written_as_programmers_write_it() -> None:
    assert member(("content", 1, "text")) == "content[1].text"
    assert member((0, "a")) == "[0].a"
    assert member(()) == ""


@given(TEXTS, TEXTS)
def test_the_segments_of_a_diff_add_up_to_both_texts(one: str, other: str) -> None:
    segments = character_diff(one, other)
    assert "".join(each.text for each in segments if each.kind != "new") == one
    assert "".join(each.text for each in segments if each.kind != "gone") == other
    assert all(each.text for each in segments)
    assert ([each.kind for each in segments] in ([], ["same"])) == (one == other)


def test_a_diff_of_long_texts_is_one_change_between_what_is_the_same() -> None:
    one, other = "start " + "a b " * 2_000 + "end", "start " + "c d " * 2_000 + "end"
    kinds = [each.kind for each in character_diff(one, other)]
    assert kinds == ["same", "gone", "new", "same"]
