"""A splitter without dependencies: at paragraphs where it can, else lines, sentences, words, characters."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agentlab.retrieval.chunking.splitter import Span, check_sizes

__all__ = ["SEPARATORS", "RecursiveSplitter"]

SEPARATORS: Final = ("\n\n", "\n", ". ", " ")


@dataclass(frozen=True)
class RecursiveSplitter:
    """Cuts a text at the strongest separator that gives pieces small enough, and fills chunks with those.

    A separator stays at the end of its piece, so that nothing is lost: without overlap the chunks together are the text.
    For chunks by tokens `SemanticSplitter` is faster; this one measures every piece anew.

    Args:
        size: Largest size of a chunk, in what `length` counts. Only a single character may exceed it.
        overlap: Largest size of what a chunk repeats of the one before it.
        separators: Where to cut, the strongest first; where none helps, between characters.
        length: Size of a text; characters by default. A longer text must not be smaller.

    Raises:
        UsageError: The sizes fit no text.
    """

    size: int = 1000
    overlap: int = 0
    separators: Sequence[str] = SEPARATORS
    length: Callable[[str], int] = len

    def __post_init__(self) -> None:
        check_sizes(self.size, self.overlap)

    def spans(self, text: str) -> list[Span]:
        """The chunks of a text, in order."""
        spans: list[Span] = []
        start = end = 0
        for piece in self._pieces(text, Span(0, len(text)), self.separators):
            if end > start and self.length(text[start : piece.end]) > self.size:
                spans.append(Span(start, end))
                start = self._start_after(text, Span(start, end), piece)
            end = piece.end
        return [*spans, Span(start, end)] if end > start else spans

    def _pieces(self, text: str, span: Span, separators: Sequence[str]) -> Iterator[Span]:
        """The span in pieces that fit, in order."""
        start, end = span
        if self.length(text[start:end]) <= self.size:
            if end > start:
                yield span
            return
        if not separators:
            while start < end:
                cut = self._last_that_fits(text, Span(start, end))
                yield Span(start, cut)
                start = cut
            return
        separator, *weaker = separators
        while start < end:
            found = text.find(separator, start, end)
            cut = end if found < 0 else found + len(separator)
            yield from self._pieces(text, Span(start, cut), weaker)
            start = cut

    def _last_that_fits(self, text: str, span: Span) -> int:
        """The farthest end of a chunk that begins with the span; one character on at least."""
        start, end = span
        reach = 1
        while start + reach < end and self.length(text[start : start + reach]) <= self.size:
            reach *= 2
        ends = range(start + 1, min(start + reach, end) + 1)
        return start + max(1, bisect_left(ends, self.size + 1, key=lambda cut: self.length(text[start:cut])))

    def _start_after(self, text: str, chunk: Span, piece: Span) -> int:
        """Where the chunk after this one begins, so that it repeats at most the overlap and the piece still fits."""
        if not self.overlap:
            return chunk.end
        least = max(
            self._first_that_fits(text, chunk, chunk.end, self.overlap),
            self._first_that_fits(text, chunk, piece.end, self.size),
        )
        for separator in self.separators:
            found = text.find(separator, max(least - len(separator), chunk.start), chunk.end)
            if 0 <= found < chunk.end - len(separator) and found + len(separator) >= least:
                return found + len(separator)
        return least

    def _first_that_fits(self, text: str, chunk: Span, end: int, size: int) -> int:
        """The first place within the chunk from which the text up to `end` is no larger than `size`."""
        places = range(chunk.start + 1, chunk.end)
        return places.start + bisect_left(places, -size, key=lambda place: -self.length(text[place:end]))
