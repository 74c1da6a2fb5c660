"""A block that was printed for good is one that the rest of the answer would have left as it is."""

from __future__ import annotations

import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentlab.terminal.markdown_blocks import markdown, settled_length, split_code
from agentlab.terminal.screen import Screen

PIECES = st.lists(
    st.sampled_from(
        [
            "# head",
            "para",
            "---",
            "===",
            "- item",
            "  more",
            "1. one",
            "> said",
            "```",
            "| a | b |",
            "|---|---|",
            "",
            "",
            "    code",
            "<b>x</b>",
            "*em*",
            "~~~",
        ]
    ),
    max_size=12,
).map("\n".join)


def shown(text: str) -> str:
    screen = Screen(io.StringIO(), size=lambda: (60, 20))
    screen._open()
    return "\n".join(screen._lines(markdown(text)))


@settings(max_examples=40)
@given(PIECES, PIECES)
@example("> said\n---", "# head")
@example("para\n", "===")
@example("- one\n\n", "  more")
@example("```\ncode\n\n", "```\nafter")
def test_what_is_settled_is_shown_the_same_whatever_follows(text: str, later: str) -> None:
    length = settled_length(text)
    assert 0 <= length <= len(text)
    whole = shown(text + later)
    if text[:length].strip():
        assert whole.startswith(shown(text[:length]))


def test_all_blocks_but_the_last_are_settled() -> None:
    text = "# Head\n\npara\n\n- a\n- b\n\nlast\n"
    assert text[settled_length(text) :] == "last\n"
    assert settled_length(text) == settled_length(f"{text}# not ye")
    assert settled_length("only one\nparagraph") == 0


@given(st.integers(0, 200), st.booleans(), st.sampled_from(["```python", "~~~", "  ````"]))
def test_a_long_block_of_code_is_parted_without_losing_a_line(
    count: int, is_closed: bool, opening: str
) -> None:
    code = [f"line {number}" for number in range(count)]
    rest = "\n".join([opening, *code, *([opening.strip().removesuffix("python")] if is_closed else [])])
    pieces = []
    while (parted := split_code(rest)) is not None:
        pieces.append(parted[0])
        rest = parted[1]
    pieces.append(rest)
    assert [line for piece in pieces for line in piece.split("\n") if line.startswith("line")] == code
    assert all(len(piece.split("\n")) <= 183 for piece in pieces)
    assert len(rest.split("\n")) <= 61


def test_only_code_that_stands_alone_is_parted() -> None:
    long = "\n".join(["x"] * 200)
    assert split_code(long) is None
    assert split_code(f"- a\n\n  ```\n  {long}") is None
    assert split_code(f"```\n{long}\n```\n\nafter") is None


def test_html_and_addresses_stay_readable() -> None:
    seen = shown("<script>x</script> and [here](https://example.com/)")
    assert "<script>x</script>" in seen
    assert "https://example.com/" in seen
    assert "\x1b]8" not in seen
