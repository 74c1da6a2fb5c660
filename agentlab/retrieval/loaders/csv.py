"""CSV: a document a row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final

from agentlab.retrieval.documents import Document, MetadataValue
from agentlab.retrieval.loaders.source import Limits, SourceFile, decoded

__all__ = ["read_csv"]

_DELIMITERS: Final = ",;\t|"
_INTEGER: Final = re.compile(
    r"-?(0|[1-9][0-9]{0,17})"
)  # what starts with a zero is a number plate, not a number
_FLOAT: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}([eE][-+]?[0-9]{1,2})?")


def read_csv(
    source: SourceFile,
    limits: Limits,
    *,
    text_columns: Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
) -> Iterator[Document]:
    """Each row as a document: its text is `column: value`, a line for each column; all columns are metadata.

    Values that are numbers as Python writes them become numbers in the metadata, so that filters compare them.

    Args:
        source: The file; its first row names the columns.
        limits: What it may be at most.
        text_columns: Columns that make the text; if it is a single one, the value alone is the text. All where None.
        delimiter: What parts the columns; where None the most frequent of comma, semicolon, tab and bar in the first row.
        encoding: Of its characters, where no byte order mark tells it.

    Raises:
        LoadFailed: It is no table, or a column is missing.
    """
    text = decoded(source, encoding)
    first = text.lstrip("\n").partition("\n")[0]
    found = delimiter or max(_DELIMITERS, key=first.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=found, strict=True)
        columns = next(rows, [])
        _check_columns(source, columns, text_columns)
        for number, row in enumerate(rows, 1):
            if not any(row):
                continue
            if number > limits.parts:
                raise source.failure(f"has more than {limits.parts:,} rows; raise `Limits.parts` to load it")
            if len(row) != len(columns):
                raise source.failure(
                    f"has {len(row)} fields in line {rows.line_num}, and {len(columns)} columns in its first"
                )
            yield _document(source, dict(zip(columns, row, strict=True)), number, text_columns)
    except csv.Error as error:
        raise source.failure(f"is no CSV: {error}") from None


def _check_columns(source: SourceFile, columns: list[str], wanted: Sequence[str] | None) -> None:
    if not any(columns):
        raise source.failure("holds no table: its first row names no column")
    if len(set(columns)) < len(columns):
        raise source.failure(f"names a column twice: {', '.join(columns)}")
    missing = [name for name in wanted or () if name not in columns]
    if missing:
        raise source.failure(f"has no column {', '.join(missing)}; it has {', '.join(columns)}")


def _document(
    source: SourceFile, values: dict[str, str], number: int, text_columns: Sequence[str] | None
) -> Document:
    names = list(text_columns or values)
    if text_columns is not None and len(names) == 1:
        text = values[names[0]]
    else:
        text = "\n".join(f"{name}: {values[name]}" for name in names if values[name])
    facts: dict[str, MetadataValue] = {name: _value(value) for name, value in values.items() if value}
    return Document(f"{source.name}#row={number}", text, {**facts, "path": source.name, "row": number})


def _value(text: str) -> MetadataValue:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
