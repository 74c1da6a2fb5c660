"""What a splitter is, and documents cut by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from agentlab.errors import UsageError
from agentlab.retrieval.documents import Document, Metadata

__all__ = ["Span", "Splitter", "check_sizes", "split_documents"]


class Span(NamedTuple):
    """A piece of a text: `text[start:end]`."""

    start: int
    end: int


class Splitter(Protocol):
    """Says where to cut a text."""

    def spans(self, text: str) -> Sequence[Span]:
        """The pieces, in order, none empty. Together they hold every character; neighbours may overlap."""
        ...


def split_documents(documents: Iterable[Document], splitter: Splitter) -> Iterator[Document]:
    """Cut documents into chunks that are documents too.

    A chunk keeps its document's metadata and adds `source` (the document's id), `chunk` (its number, from 0), `start`
    and `end` (its characters in the document). Its id is the document's with `#` and the number. Chunks of white space
    alone are left out: there is nothing in them to find.

    Args:
        documents: The documents.
        splitter: Where to cut.
    """
    for document in documents:
        number = 0
        for start, end in splitter.spans(document.text):
            text = document.text[start:end]
            if text.isspace():
                continue
            place: Metadata = {"source": document.id, "chunk": number, "start": start, "end": end}
            yield Document(f"{document.id}#{number}", text, {**document.metadata, **place})
            number += 1


def check_sizes(size: int, overlap: int) -> None:
    """Refuse sizes that no text can be cut by.

    Raises:
        UsageError: The size is below 1, or the overlap not between 0 and the size.
    """
    if size < 1:
        raise UsageError(f"a chunk has a size of 1 or more, not {size}")
    if not 0 <= overlap < size:
        raise UsageError(f"an overlap is 0 or more and less than the size of {size}, not {overlap}")
