"""Jupyter notebooks: a document a notebook, code between fences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

from agentlab.retrieval.documents import Document
from agentlab.retrieval.loaders.source import Limits, SourceFile, decoded

__all__ = ["read_notebook"]


class _Output(Struct, frozen=True):
    text: str | list[str] = ""
    data: dict[str, Any] = field(default_factory=dict)


class _Cell(Struct, frozen=True):
    cell_type: str
    source: str | list[str] = ""
    input: str | list[str] = ""  # its source in notebooks of version 3
    outputs: list[_Output] = field(default_factory=list)


class _Worksheet(Struct, frozen=True):
    cells: list[_Cell] = field(default_factory=list)


class _Notebook(Struct, frozen=True):
    nbformat: int
    cells: list[_Cell] = field(default_factory=list)
    worksheets: list[_Worksheet] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


def read_notebook(source: SourceFile, limits: Limits, *, outputs: bool = False) -> Iterator[Document]:
    """The notebook as one document: Markdown as it is, code between fences; metadata `cells` and `language`.

    Args:
        source: The file.
        limits: What it may be at most.
        outputs: Whether the text that code printed is kept too.

    Raises:
        LoadFailed: It is no notebook, or has no text.
    """
    try:
        notebook = msgspec.json.decode(decoded(source), type=_Notebook)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise source.failure(f"is no notebook: {error}") from None
    cells = [*notebook.cells, *(cell for sheet in notebook.worksheets for cell in sheet.cells)]
    if len(cells) > limits.parts:
        raise source.failure(f"has more than {limits.parts:,} cells; raise `Limits.parts` to load it")
    language = _language(notebook.metadata)
    texts = [text for cell in cells for text in _texts(cell, language, outputs=outputs)]
    if not texts:
        raise source.failure("holds no text")
    yield source.document("\n\n".join(texts), cells=len(cells), language=language or None)


def _texts(cell: _Cell, language: str, *, outputs: bool) -> Iterator[str]:
    text = _joined(cell.source or cell.input)
    if cell.cell_type == "code":
        if text.strip():
            yield f"```{language}\n{text}\n```"
        for output in cell.outputs if outputs else ():
            plain = output.data.get("text/plain", "")
            printed = _joined(output.text) or _joined(plain if isinstance(plain, str | list) else "")
            if printed.strip():
                yield f"```\n{printed.rstrip()}\n```"
    elif text.strip():
        yield text


def _joined(text: str | list[Any]) -> str:
    return text if isinstance(text, str) else "".join(str(line) for line in text)


def _language(metadata: dict[str, Any]) -> str:
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        found = metadata.get(key)
        if isinstance(found, dict) and isinstance(found.get(name), str):
            return str(found[name])
    return ""
