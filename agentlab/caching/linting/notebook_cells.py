"""The code cells of a notebook as Python: magics and shell lines are left out, line numbers stay."""

from __future__ import annotations

import ast
import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from agentlab.errors import UsageError

__all__ = ["Cell", "code_cells"]

_TRANSPARENT: Final = frozenset(["%%time", "%%timeit", "%%capture", "%%prun"])
"""Cell magics whose cell is still Python of this kernel."""

_NO_PYTHON: Final = re.compile(r"^\s*(?:[%!?]|.*\?\s*$)")


class Cell(Struct, frozen=True):
    """A code cell.

    Attributes:
        number: Its place among all cells, from 1.
        tree: Its code; None where it is no Python.
    """

    number: int
    tree: ast.Module | None


def code_cells(notebook: str | bytes) -> tuple[Cell, ...]:
    """The code cells of a notebook, in order.

    Args:
        notebook: The text of an `.ipynb` file.

    Raises:
        UsageError: It is not the JSON of a notebook.
    """
    if not notebook.strip():
        raise UsageError("this is no notebook: the file is empty")
    try:
        read: Any = msgspec.json.decode(notebook)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UsageError(f"this is no notebook, which would be JSON: {error}") from None
    cells = read.get("cells") if isinstance(read, dict) else None
    if not isinstance(cells, list):
        raise UsageError("this is JSON, but no notebook: it has no list of `cells`")
    found: list[Cell] = []
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or "cell_type" not in cell:
            raise UsageError(f"this is no notebook: cell {number} has no `cell_type`")
        if cell["cell_type"] == "code":
            found.append(Cell(number, _parsed(_source(cell, number))))
    return tuple(found)


def _source(cell: dict[str, Any], number: int) -> str:
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    if not isinstance(source, str):
        raise UsageError(f"this is no notebook: the `source` of cell {number} is no text")
    return source


def _parsed(source: str) -> ast.Module | None:
    lines = source.splitlines()
    if lines and lines[0].startswith("%%"):
        if lines[0].split()[0] not in _TRANSPARENT:
            return ast.Module([], [])
        lines[0] = ""
    for text in (source, "\n".join("" if _NO_PYTHON.match(line) else line for line in lines)):
        try:
            flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            tree = compile(text, "<cell>", "exec", flags)
        except (SyntaxError, ValueError):
            continue
        assert isinstance(tree, ast.Module)
        return tree
    return None
