"""The tool `cat`: files one after another, with what is hard to see made visible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agentlab.errors import WorkspaceError
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.limits import MOST_BYTES, MOST_CHARACTERS
from agentlab.tools.workspace.tools.read import Limit
from agentlab.tools.workspace.tools.read_multiple_files import Paths
from agentlab.tools.workspace.tools.text_file import Binary, opened
from agentlab.tools.workspace.tools.text_lines import blocks
from agentlab.tools.workspace.tools.window import shortened
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["cat_tool"]


@dataclass(frozen=True)
class _Look:
    show_ends: bool
    show_tabs: bool
    squeeze_blank: bool
    number_lines: bool
    headers: bool


def cat_tool(workspace: Workspace) -> FunctionTool:
    """The tool that joins files."""

    @tool(effect="read", returns="untrusted")
    def cat(
        paths: Paths,
        *,
        show_ends: bool = False,
        show_tabs: bool = False,
        squeeze_blank: bool = False,
        number_lines: bool = False,
        headers: bool = False,
        offset: int = 0,
        limit: Limit = 500,
    ) -> str:
        """Show text files one after another, as one text; the first line of the answer says which lines of it follow.

        Args:
            paths: The files, in order.
            show_ends: Whether each line end is shown as "$", and as "^M$" where it is CRLF.
            show_tabs: Whether tabs are shown as "^I".
            squeeze_blank: Whether several empty lines become one.
            number_lines: Whether each line comes after its number in its file and a tab.
            headers: Whether a line "==> path <==" comes before each file.
            offset: Lines to skip; negative counts from the end.
            limit: Lines to return at most.
        """
        look = _Look(show_ends, show_tabs, squeeze_blank, number_lines, headers)
        files, failed = _files(workspace, paths)
        return _answer(files, look, offset, limit, failed)

    return cat


def _files(workspace: Workspace, paths: list[str]) -> tuple[list[tuple[str, bytes]], list[str]]:
    """The texts, of all files together at most `MOST_BYTES`, and what is not among them and why."""
    files: list[tuple[str, bytes]] = []
    failed: list[str] = []
    room = MOST_BYTES
    for path in paths:
        try:
            file = opened(workspace, path)
        except WorkspaceError as error:
            failed.append(str(error))
            continue
        if isinstance(file, Binary):
            failed.append(f"{path}: {file.description}")
        elif len(file.data) > room:
            failed.append(f"{path}: together the files have more than {MOST_BYTES} bytes; read it by itself")
        else:
            room -= len(file.data)
            files.append((path, file.data))
            failed += [] if file.digest else [f"{path}: after its first {MOST_BYTES} bytes"]
    return files, failed


def _answer(files: list[tuple[str, bytes]], look: _Look, offset: int, limit: int, failed: list[str]) -> str:
    total = sum(1 for _ in _lines(files, look))
    first = max(0, total + offset) if offset < 0 else offset
    shown: list[str] = []
    used, cut = 0, 0
    for number, line in enumerate(_lines(files, look)):
        if number < first:
            continue
        text, left = shortened(_written(line, look))
        used += len(text) + 1
        if len(shown) == limit or (shown and used > MOST_CHARACTERS):
            break
        shown.append(text)
        cut += bool(left)
    return "\n".join(
        [_header(first, len(shown), total, cut), *(f"not shown: {each}" for each in failed), *shown]
    )


def _header(first: int, shown: int, total: int, cut: int) -> str:
    said = (
        f"lines {first + 1}-{first + shown} of {total}" if shown else f"no lines at offset={first} of {total}"
    )
    if cut:
        said += f", {cut} long ones cut (read with column shows their ends)"
    left = total - first - shown
    return f"{said}, {left} more lines: offset={first + shown}" if left > 0 else said


@dataclass(frozen=True)
class _Line:
    number: int
    text: bytes
    end: str
    is_header: bool = False


def _lines(files: list[tuple[str, bytes]], look: _Look) -> Iterator[_Line]:
    was_blank = False
    for path, data in files:
        if look.headers:
            yield _Line(0, f"==> {path} <==".encode(), "", is_header=True)
        number = 0
        for block in blocks(data):
            for raw in _split(block):
                number += 1
                text = raw.removesuffix(b"\n")
                end = "$" if text != raw else ""
                if end and text.endswith(b"\r"):
                    text, end = text[:-1], "^M$"
                if look.squeeze_blank and was_blank and not text:
                    continue
                was_blank = not text
                yield _Line(number, text, end)


def _written(line: _Line, look: _Look) -> str:
    text = line.text.decode(errors="ignore")
    if line.is_header:
        return text
    if look.show_tabs:
        text = text.replace("\t", "^I")
    if look.show_ends:
        text += line.end
    return f"{line.number}\t{text}" if look.number_lines else text


def _split(block: bytes) -> list[bytes]:
    r"""Lines with their ends; a lone "\r" ends none."""
    pieces = block.split(b"\n")
    last = pieces.pop()
    return [piece + b"\n" for piece in pieces] + ([last] if last else [])
