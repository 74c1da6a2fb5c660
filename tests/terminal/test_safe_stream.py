"""However a hostile text is cut, what is printed of it is the same, and nothing of it acts on a terminal."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from agentlab.plain_text import terminal_safe
from agentlab.terminal.safe_stream import SafeStream

PIECES = st.lists(
    st.text(
        st.sampled_from(list("ab1;[]\\P_^X?m \x1b\x07\x9b\x9c\x9d\x90\r\n\x08\u202e\u2028\ud800/")),
        max_size=8,
    ),
    max_size=12,
)


def fed(pieces: list[str]) -> str:
    stream = SafeStream()
    return "".join(map(stream.feed, pieces)) + stream.close()


@given(PIECES)
@example(["a\x1b", "]0;title\x07b"])
@example(["a\x1b]0;ti", "tle\x1b", "\\b"])
@example(["a\x1b]0;ti", "tle\x1b", "[2Jb"])
@example(["\x1b[3", "1mred\x1b[", "0m"])
@example(["one\r", "\ntwo\r", "three"])
def test_cutting_a_text_changes_nothing(pieces: list[str]) -> None:
    assert fed(pieces) == terminal_safe("".join(pieces))


def test_a_sequence_that_never_ends_is_not_kept_in_memory() -> None:
    stream = SafeStream()
    stream.feed("seen\x1b]0;")
    for _ in range(1_000):
        assert stream.feed("x" * 1_000) == ""
    assert len(stream._held) < 10
    assert stream.feed("\x07seen again") == "seen again"
