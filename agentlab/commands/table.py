"""Rows as a plain table, or as JSON for other programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

__all__ = ["print_json", "print_table"]


def print_table(rows: Sequence[Struct], headings: Sequence[str]) -> None:
    """Print rows in aligned columns, numbers to the right; what is not known is `-`."""
    cells = [[_shown(value) for value in structs.astuple(row)] for row in rows]
    right = [
        all(isinstance(value, int | float | None) for value in column)
        and any(value is not None for value in column)
        for column in zip(*(structs.astuple(row) for row in rows), strict=True)
    ] or [False] * len(headings)
    widths = [
        max(len(heading), *(len(row[place]) for row in cells), 0) for place, heading in enumerate(headings)
    ]
    for line in ([*headings], *cells):
        aligned = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        print("  ".join(aligned).rstrip())


def print_json(rows: Sequence[Struct]) -> None:
    """Print rows as a JSON list of objects."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(list(rows)), indent=2).decode() + "\n")


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
