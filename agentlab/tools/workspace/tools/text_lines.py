r"""The lines of a file, taken from its bytes in bounded memory: counted, cut to a window, gone through one by one.

A line ends at "\n"; a "\r" before it belongs to the line end and is not part of the line.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["blocks", "count_lines", "each_line", "lines_between"]

_BLOCK = 64 * 1024


def count_lines(data: bytes) -> int:
    """Lines of a file; an unfinished last one counts."""
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def lines_between(data: bytes, first: int, last: int) -> list[bytes]:
    """The lines from `first` (counted from 0) up to and without `last`, without line ends."""
    start = _start_of(data, first)
    end = _start_of(data, last, start, first)
    found = data[start:end].split(b"\n")
    if found[-1] == b"":
        found.pop()
    return [line.removesuffix(b"\r") for line in found]


def blocks(data: bytes, size: int = _BLOCK) -> Iterator[bytes]:
    """The bytes in pieces of whole lines: as many as fit in `size`, at least one."""
    start = 0
    while start < len(data):
        if start + size >= len(data):
            end = len(data)
        else:
            end = data.rfind(b"\n", start, start + size) + 1
            if end == 0:
                end = data.find(b"\n", start + size) + 1 or len(data)
        yield data[start:end]
        start = end


def each_line(data: bytes) -> Iterator[bytes]:
    """The lines without line ends."""
    for block in blocks(data):
        lines = block.split(b"\n")
        if lines[-1] == b"":
            lines.pop()
        for line in lines:
            yield line.removesuffix(b"\r")


def _start_of(data: bytes, line: int, position: int = 0, passed: int = 0) -> int:
    """Where a line starts; counting begins at `position`, the start of line `passed`."""
    while position < len(data) and passed < line:
        in_block = data.count(b"\n", position, position + _BLOCK)
        if passed + in_block < line:
            passed += in_block
            position += _BLOCK
            continue
        while passed < line:
            position = data.index(b"\n", position) + 1
            passed += 1
    return min(position, len(data))
