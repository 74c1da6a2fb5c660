"""Cutting texts into requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["batches"]


def batches(texts: Sequence[str], max_documents: int, max_bytes: int | None = None) -> Iterator[range]:
    """Places of the texts that go into one request each, in order, as few requests as the limits allow.

    Args:
        texts: All texts.
        max_documents: Most texts in a request.
        max_bytes: Most UTF-8 bytes of text in a request; a text longer than that goes alone.
    """
    start = 0
    size = 0
    for place, text in enumerate(texts):
        length = len(text.encode("utf-8", "replace")) if max_bytes is not None else 0
        full = place - start >= max_documents
        if max_bytes is not None and place > start and size + length > max_bytes:
            full = True
        if full:
            yield range(start, place)
            start, size = place, 0
        size += length
    if start < len(texts):
        yield range(start, len(texts))
