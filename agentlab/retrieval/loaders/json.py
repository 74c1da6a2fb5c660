"""JSON and JSON Lines: a document an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from agentlab.retrieval.documents import Document, Metadata
from agentlab.retrieval.loaders.source import Limits, SourceFile, decoded

__all__ = ["read_json", "read_json_lines"]


def read_json(source: SourceFile, limits: Limits, *, text_key: str | None = None) -> Iterator[Document]:
    """The elements of an array, each as a document; anything else as one.

    The text is a string itself, the value of `text_key`, or the JSON, indented. An object's texts, numbers and truth
    values, `text_key` left out, are metadata.

    Args:
        source: The file.
        limits: What it may be at most.
        text_key: The key of the text in each object.

    Raises:
        LoadFailed: It is no JSON, or an object has no text under the key.
    """
    value = _parsed(source, decoded(source), "")
    if not isinstance(value, list):
        yield _document(source, value, "", None, text_key)
        return
    if len(value) > limits.parts:
        raise source.failure(f"has more than {limits.parts:,} elements; raise `Limits.parts` to load it")
    for number, element in enumerate(value):
        yield _document(source, element, f"#item={number}", number, text_key)


def read_json_lines(source: SourceFile, limits: Limits, *, text_key: str | None = None) -> Iterator[Document]:
    """Each line as a document; otherwise as `read_json`.

    Raises:
        LoadFailed: A line is no JSON, or has no text under the key; the message names it.
    """
    for number, line in enumerate(decoded(source).split("\n")):
        if not line.strip():
            continue
        if number >= limits.parts:
            raise source.failure(f"has more than {limits.parts:,} lines; raise `Limits.parts` to load it")
        value = _parsed(source, line, f" in line {number + 1}")
        yield _document(source, value, f"#line={number + 1}", number, text_key)


def _parsed(source: SourceFile, text: str, where: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise source.failure(f"is no JSON{where}: {error}") from None


def _document(
    source: SourceFile, value: Any, place: str, number: int | None, text_key: str | None
) -> Document:
    metadata: Metadata = {}
    if isinstance(value, dict):
        metadata = {
            key: each
            for key, each in value.items()
            if isinstance(each, str | int | float) and key != text_key
        }
    if text_key is not None:
        text = value.get(text_key) if isinstance(value, dict) else None
        if not isinstance(text, str):
            raise source.failure(f"has no text under `{text_key}`{f' at {place[1:]}' if place else ''}")
    else:
        text = value if isinstance(value, str) else _indented(value)
    if number is not None:
        metadata = {**metadata, "item": number}
    return Document(f"{source.name}{place}", text, {**metadata, "path": source.name})


def _indented(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
