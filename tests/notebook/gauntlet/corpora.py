"""Public collections of hostile text, read from wherever their copies lie; none of them is kept here.

`AGENTLAB_XSS` names a folder. In it are looked for, at any depth:

    *.json            `{"vectors": [{"payload_html": ...}]}`     EmilStenstrom/justhtml-xss-bench, folder `vectors`
    expect.mjs        an array of `{"payload": ...}`             cure53/DOMPurify, `test/fixtures`
    *.txt, *.md       a payload a line; of Markdown, the lines of its fences   swisskyrepo/PayloadsAllTheThings
    *.svg, *.htm...   one payload a file                         the same
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.notebook.javascript.node import node_path

__all__ = ["collected"]

LONGEST: Final = 20_000
_FILES: Final = (".svg", ".htm", ".html", ".xhtml", ".xht", ".xml", ".vml", ".xsl", ".rdf")


def collected(folder: Path) -> Mapping[str, list[str]]:
    """Payloads by source, each once, in the order they are found.

    Raises:
        ValueError: The folder holds none.
    """
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        read = _READERS.get(path.suffix)
        if read is None or not path.is_file():
            continue
        new = [text for text in dict.fromkeys(read(path)) if text.strip() and text not in seen]
        if new:
            seen.update(new)
            found.setdefault(path.relative_to(folder).parts[0], []).extend(text[:LONGEST] for text in new)
    if not found:
        raise ValueError(f"{folder} holds no hostile text: see the notes in {__name__}")
    return found


def _vectors(path: Path) -> list[str]:
    written = json.loads(path.read_text(encoding="utf-8"))
    vectors = written.get("vectors", []) if isinstance(written, dict) else []
    return [vector["payload_html"] for vector in vectors]


def _expectations(path: Path) -> list[str]:
    """The array is a JavaScript expression, with comments and joined strings, so JavaScript reads it."""
    program = "import(process.argv[1]).then(({ default: all }) => console.log(JSON.stringify(all.map((one) => one.payload))))"
    ended = subprocess.run(
        [node_path(), "--input-type=module", "-e", program, path.as_uri()],
        capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    return [text for text in json.loads(ended.stdout) if isinstance(text, str)]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _fenced(path: Path) -> Iterator[str]:
    """The lines of the fences, and each fence whole."""
    fence: list[str] | None = None
    for line in _lines(path):
        if line.lstrip().startswith("```"):
            if fence:
                yield from fence
                yield "\n".join(fence)
            fence = [] if fence is None else None
        elif fence is not None:
            fence.append(line)


def _whole(path: Path) -> list[str]:
    return [path.read_text(encoding="utf-8", errors="replace")]


_READERS: Final[Mapping[str, Callable[[Path], list[str] | Iterator[str]]]] = {
    ".json": _vectors,
    ".mjs": _expectations,
    ".txt": _lines,
    ".md": _fenced,
    **dict.fromkeys(_FILES, _whole),
}
