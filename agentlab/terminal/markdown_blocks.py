"""Markdown for a terminal: a text as it is shown, and how much of one that still grows is settled."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from rich.markdown import Markdown

__all__ = ["markdown", "settled_length"]


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


def markdown(text: str) -> Markdown:
    """A text as rich shows it: colours of the terminal's own theme, addresses of links in clear.

    Args:
        text: Markdown that holds no escape sequences.
    """
    from rich.markdown import Markdown  # noqa: PLC0415 - optional

    shown = Markdown("", code_theme="ansi_dark", hyperlinks=False)
    shown.parsed = _parser().parse(text)
    return shown
