"""Writes the datasets: `python datasets/make.py [folder]`. The same bytes every time; a test compares them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from making import arithmetic, documents, preambles, towns

__all__ = ["write"]


def write(folder: Path) -> None:
    """Write every dataset that is made, beside the cards, which are written by hand.

    Args:
        folder: Where to; folders in it are made as needed.
    """
    _lines(folder / "arithmetic_tools/data.jsonl", arithmetic.rows())
    _lines(folder / "lookup_tools/data.jsonl", towns.rows())
    _lines(folder / "lookup_tools/towns.jsonl", towns.table())
    _lines(folder / "preamble_variants/data.jsonl", preambles.rows())
    _lines(folder / "long_documents/data.jsonl", documents.rows())
    for name, text in documents.documents().items():
        _written(folder / f"long_documents/documents/{name}.md", text)


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    _written(path, "".join(f"{msgspec.json.encode(row).decode()}\n" for row in rows))


def _written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
