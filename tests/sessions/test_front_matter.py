"""YAML at the head of a transcript: what is written is read back, and nothing of YAML's beyond plain data is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import UsageError
from agentlab.sessions.front_matter import front_matter_text, read_front_matter, split_front_matter
from tests.sessions.gauntlet import GAUNTLET

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=500 if GAUNTLET else 50)
@given(st.dictionaries(texts, values, max_size=4), texts)
def test_fields_and_the_text_below_come_back(fields: dict[str, Any], below: str) -> None:
    head, rest = split_front_matter(front_matter_text(fields) + below)
    assert rest == below
    assert head is not None
    assert read_front_matter(head) == fields


def test_shared_values_are_written_out() -> None:
    shared = ["a"]
    assert "&" not in front_matter_text({"one": shared, "two": shared})


def test_a_persona_of_several_lines_stays_readable() -> None:
    assert "preamble: |\n  Be kind.\n  Be brief.\n" in front_matter_text(
        {"preamble": "Be kind.\nBe brief.\n"}
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['touch gone']",
        "a: !!python/name:os.system ''",
        "a: !own {b: 1}",
        "a: &x [1]\nb: *x",
        "a: [1",
        "- 1",
        "a: " + "[" * 2000,
        "x" * 1_000_001,
        "a: \x00",
    ],
    ids=lambda text: text[:24],
)
def test_what_is_no_plain_data_is_refused_and_nothing_is_made_of_it(text: str) -> None:
    with pytest.raises(UsageError, match="front matter"):
        read_front_matter(text)


def test_scalars_that_json_has_not_are_texts() -> None:
    assert read_front_matter("day: 2026-11-21\n1: .nan\n") == {"day": "2026-11-21", "1": "nan"}


@pytest.mark.parametrize("text", ["", "no head", "---", "---\nnever closed\n", " ---\n---\n"])
def test_a_text_without_a_head_is_all_body(text: str) -> None:
    assert split_front_matter(text) == (None, text)


def test_line_ends_of_windows_are_read() -> None:
    head, rest = split_front_matter("---\r\na: 1\r\n---\r\nbody")
    assert (head, rest) == ("a: 1\r\n", "body")
