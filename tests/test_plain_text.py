"""Text that is safe to print."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.plain_text import terminal_safe, well_formed

_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b[]m;\x07\x9b\x9d\\\u202e\r\n\t\ud800")))
)
def test_nothing_that_acts_on_a_terminal_is_left(text: str) -> None:
    safe = terminal_safe(text)
    assert not [one for one in safe if unicodedata.category(one) in {"Cc", "Cs"} and one not in "\n\t"]
    assert not set(safe) & _BIDI
    assert terminal_safe(safe) == safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;https://x.invalid\x07click\x1b]8;;\x07", "click"),
        ("\x1b]0;title\x1b\\after", "after"),
        ("\x9b31mred", "red"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\u202egnp.exe", "gnp.exe"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("naïve 🙂 العربية", "naïve 🙂 العربية"),
    ],
)
def test_escape_sequences_go_whole_and_text_stays(text: str, shown: str) -> None:
    assert terminal_safe(text) == shown


def test_lone_surrogates_are_replaced_so_that_the_text_can_be_sent() -> None:
    assert well_formed("a\ud800b").encode() == "a\ufffdb".encode()
