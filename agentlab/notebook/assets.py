"""The scripts and style sheets of the widgets, each widget's as one text.

A widget's script is one ES module to the front end, and several files to a reader: a file imports others of this folder by
name, and here each import is replaced by what it names. Nothing is compiled, renamed or fetched. Comments and indentation
stay behind: every widget carries its script over the socket.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

__all__ = ["script", "style"]

_STATIC: Final = Path(__file__).parent / "static"
_IMPORT: Final = re.compile(r'^(?:import|export) \{[^}]*\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=class |function |const )", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ ]*(?:/\*\*.*?\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_INDENTATION: Final = re.compile(r"^[ ]+|\n(?=\n)", re.MULTILINE)


def script(name: str) -> str:
    """A widget's ES module, with the files of this folder that it imports, each once and before its first use.

    Args:
        name: The file whose default export the widget is.
    """
    parts: dict[str, str] = {}
    _gather(name, parts)
    return _INDENTATION.sub("", _COMMENT.sub("", "\n".join(parts.values()))).lstrip()


def style(*names: str) -> str:
    """Style sheets of this folder, one after the other."""
    return _INDENTATION.sub("", "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names))


def _gather(name: str, parts: dict[str, str]) -> None:
    text = (_STATIC / name).read_text(encoding="utf-8")
    for imported in _IMPORT.findall(text):
        if imported not in parts:
            _gather(imported, parts)
    parts[name] = _EXPORT.sub("", _IMPORT.sub("", text))
