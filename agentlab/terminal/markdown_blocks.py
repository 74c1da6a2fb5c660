"""Markdown for a terminal: a text as it is shown, and how much of one that still grows is settled."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from rich.markdown import Markdown

__all__ = ["markdown", "settled_length", "split_code"]

_MOST_CODE_LINES: Final = 60
_KEPT_CODE_LINES: Final = 20


@cache
def _parser() -> MarkdownIt:
    """CommonMark with tables; HTML is text, so that none of an answer is lost."""
    return MarkdownIt("js-default")


@cache
def _block_parser() -> MarkdownIt:
    return MarkdownIt("js-default").disable("inline")


def settled_length(text: str) -> int:
    """How much of a text, from its beginning, further text leaves as it is.

    The last block can still grow or become another one (a line below a paragraph makes a heading of it), those before it
    cannot. (A link's address that is given later is not waited for.)

    Args:
        text: The text so far, with line ends as a line feed.

    Returns:
        Where the last block begins, in characters; 0 where there is one block or none.
    """
    lines = text.split("\n")[:-1]  # a line that is not ended can still become anything
    tokens = _block_parser().parse("\n".join(lines))
    starts = [token.map[0] for token in tokens if token.level == 0 and token.map]
    if len(starts) < 2:
        return 0
    return sum(len(line) + 1 for line in lines[: starts[-1]])


def split_code(text: str) -> tuple[str, str] | None:
    """Part a long block of code in two, so that its beginning can be printed for good while it grows.

    Args:
        text: A text whose last block begins where it does.

    Returns:
        The first lines as a block of their own, and a block of the last lines, which grows on; None where the text is no
        fenced code, or is not long.
    """
    tokens = _block_parser().parse(text)
    if len(tokens) != 1 or tokens[0].type != "fence" or tokens[0].map is None:
        return None
    lines = text.split("\n")
    opening = tokens[0].map[0]
    if len(lines) - opening <= _MOST_CODE_LINES:
        return None
    cut = len(lines) - _KEPT_CODE_LINES
    first = [*lines[:cut], tokens[0].markup]
    return "\n".join(first), "\n".join([lines[opening], *lines[cut:]])


def markdown(text: str) -> Markdown:
    """A text as rich shows it: colours of the terminal's own theme, addresses of links in clear.

    Args:
        text: Markdown that holds no escape sequences.
    """
    from rich.markdown import Markdown  # noqa: PLC0415 - optional

    shown = Markdown("", code_theme="ansi_dark", hyperlinks=False)
    shown.parsed = _parser().parse(text)
    return shown
