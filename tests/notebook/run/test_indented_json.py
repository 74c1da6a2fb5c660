"""JSON laid out for readers is the same JSON."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.notebook.run.indented_json import INDENTED_UP_TO, WIDTH, indented

_SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_STRING = st.text(max_size=30) | st.sampled_from(["{", "[", "}", "a [", "x,", "] ", '"', "\n"])
_VALUE = st.recursive(
    _SCALAR | _STRING,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_STRING, inner, max_size=5),
    max_leaves=25,
)


@given(_VALUE)
def test_it_reads_back_as_what_it_was(value: object) -> None:
    assert json.loads(indented(json.dumps(value))) == value


@given(_VALUE)
def test_doing_it_twice_changes_nothing_more(value: object) -> None:
    once = indented(json.dumps(value))
    assert indented(once) == once


@given(_VALUE)
def test_only_white_space_is_changed(value: object) -> None:
    text = json.dumps(value)
    assert re.sub(r"\s", "", indented(text)) == re.sub(r"\s", "", text)


def test_what_is_short_stands_on_one_line_and_what_is_long_on_many() -> None:
    assert indented('{"a":1,"b":[1,2,{"c":null}]}') == '{"a": 1, "b": [1, 2, {"c": null}]}'
    long = json.dumps({"rows": [[1, 2], [3, 4]], "name": "x" * WIDTH})
    assert indented(long) == '{\n  "rows": [[1, 2], [3, 4]],\n  "name": "' + "x" * WIDTH + '"\n}'


def test_numbers_stay_as_they_are_written() -> None:
    assert indented('{"n":1.10,"big":123456789012345678901234567890}') == (
        '{"n": 1.10, "big": 123456789012345678901234567890}'
    )


@pytest.mark.parametrize("text", ["", "{", '{"a":', "plain", "[1,]", "\ud800", "[" * 5_000])
def test_what_is_no_json_stays_as_it_stands(text: str) -> None:
    assert indented(text) == text


def test_a_very_long_text_stays_as_it_stands() -> None:
    text = json.dumps(list(range(INDENTED_UP_TO // 5)))
    assert indented(text) == text
