"""An estimate that grows with its text is the estimate of the text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.tokens import estimate_tokens
from agentlab.notebook.run.growing_count import GrowingCount

_TEXT = st.text(alphabet="ab Zé漢1234.,:!\n\t_", max_size=40)


@given(st.lists(_TEXT | st.text(max_size=10), max_size=12))
def test_it_counts_what_the_whole_text_counts_however_it_is_cut(pieces: list[str]) -> None:
    count = GrowingCount()
    for piece in pieces:
        count.feed(piece)
    assert count.tokens == estimate_tokens("".join(pieces))


def test_a_long_run_of_whitespace_is_not_read_again_and_again() -> None:
    count = GrowingCount()
    for _ in range(10_000):
        count.feed(" ")
    assert len(count._open) <= 65
    assert 0 < count.tokens < 200
