"""The opened change: both texts as far as they are shown, bounded, and nothing in it invisible."""

from __future__ import annotations

import time
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.caching.explaining.cause import Cause
from agentlab.notebook.cache.opened_change import opened, place_in_text, shown_characters

TEXTS = st.text(st.characters(categories=("L", "N", "P")), max_size=120)


def cause(before: str, after: str, character: int | None = None) -> Cause:
    return Cause(
        "preamble", "preamble", "changed", "system", 0, character=character, before=before, after=after
    )


@given(before=TEXTS, after=TEXTS)
def test_short_texts_are_shown_whole(before: str, after: str) -> None:
    pieces = opened(cause(before, after))
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == after


@settings(max_examples=40)
@given(before=st.text(max_size=60), after=st.text(max_size=60), size=st.integers(0, 9))
def test_the_shown_text_is_bounded_and_all_of_it_can_be_seen(before: str, after: str, size: int) -> None:
    around = "same " * 4**size
    pieces = opened(cause(around + before * 60 + around, around + after * 60 + around))
    assert sum(len(piece.text) for piece in pieces) < 200_000
    shown = "".join(piece.text for piece in pieces)
    assert all(unicodedata.category(letter) not in {"Cf", "Cs"} for letter in shown)
    assert all(letter in "\n\t" or letter >= " " for letter in shown)


def test_of_long_equal_texts_only_what_is_next_to_the_change_is_shown() -> None:
    pieces = opened(cause("a" * 9_000 + "X" + "b" * 9_000, "a" * 9_000 + "Y" + "b" * 9_000))
    assert [piece.kind for piece in pieces] == ["cut", "same", "gone", "new", "same", "cut"]
    assert [len(piece.text) for piece in pieces if piece.kind == "same"] == [160, 160]
    assert "8,840 equal characters" in pieces[0].text


def test_a_change_of_nothing_but_space_can_be_seen() -> None:
    pieces = opened(cause("one two", "one\n\ttwo"))
    assert [(piece.kind, piece.text) for piece in pieces if piece.kind in {"gone", "new"}] == [
        ("gone", "·"),
        ("new", "↵\n⇥\t"),
    ]


def test_a_long_rewritten_text_says_how_much_is_left_out() -> None:
    pieces = opened(cause("a" * 5_000, "b" * 7_000))
    assert [piece.kind for piece in pieces] == ["gone", "cut", "new", "cut"]
    assert "5,800 characters more" in pieces[-1].text


def test_direction_and_zero_width_characters_are_written_out() -> None:
    assert shown_characters("a\u202eb\u200bc\x1b[0m\n") == "a\\u202eb\\u200bc\\u001b[0m\n"


def test_the_place_in_a_text_of_several_lines_is_counted_from_one() -> None:
    assert place_in_text(cause("one\ntwo", "one\ntoo", 5)) == "line 2, column 2"
    assert place_in_text(cause("one", "ore", 1)) == ""


def test_texts_that_repeat_themselves_are_compared_in_bounded_time() -> None:
    began = time.perf_counter()
    opened(cause("a b " * 400 + "x", "b a a b " * 200 + "y"))
    opened(cause("a " * 900 + "x", "b a" * 900 + "y"))
    assert time.perf_counter() - began < 5
