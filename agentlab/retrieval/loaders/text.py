"""Plain text, Markdown, source code: a document a file."""

from __future__ import annotations

from collections.abc import Iterator

from agentlab.retrieval.documents import Document
from agentlab.retrieval.loaders.source import Limits, SourceFile, decoded

__all__ = ["read_text"]


def read_text(source: SourceFile, limits: Limits, *, encoding: str = "utf-8") -> Iterator[Document]:  # noqa: ARG001 - a reader's form
    """The file as one document.

    Args:
        source: The file.
        limits: What it may be at most.
        encoding: Of its characters, where no byte order mark tells it.

    Raises:
        LoadFailed: It is no text in that encoding, or empty.
    """
    text = decoded(source, encoding)
    if not text.strip():
        raise source.failure("holds no text")
    yield source.document(text)
