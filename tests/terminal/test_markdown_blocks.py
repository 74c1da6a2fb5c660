"""A block that was printed for good is one that the rest of the answer would have left as it is."""

from __future__ import annotations

import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agentlab.terminal.markdown_blocks import markdown, settled_length
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


def test_html_and_addresses_stay_readable() -> None:
    seen = shown("<script>x</script> and [here](https://example.com/)")
    assert "<script>x</script>" in seen
    assert "https://example.com/" in seen
    assert "\x1b]8" not in seen
