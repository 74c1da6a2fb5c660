"""Lines out of a stream of bytes, none longer than a limit."""

from __future__ import annotations

__all__ = ["BoundedLines", "LineTooLong", "Tail"]


class LineTooLong(Exception):
    """A line is longer than the limit; what follows cannot be trusted to begin a line."""


class BoundedLines:
    """Splits bytes at newlines.

    Args:
        limit: Longest line, in bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: list[bytes] = []
        self._length = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes, without their ends, blank ones left out.

        Raises:
            LineTooLong: A line is longer than the limit.
        """
        *complete, rest = data.split(b"\n")
        lines: list[bytes] = []
        for piece in complete:
            self._take(piece)
            line = b"".join(self._open).strip()
            self._open, self._length = [], 0
            if line:
                lines.append(line)
        self._take(rest)
        return lines

    def _take(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > self._limit:
            raise LineTooLong
        if piece:
            self._open.append(piece)


class Tail:
    """The end of a text of any length, for error messages.

    Args:
        limit: Bytes that are kept.
    """

    def __init__(self, limit: int = 8_192) -> None:
        self._limit = limit
        self._kept = b""
        self._dropped = 0

    def feed(self, data: bytes) -> None:
        """Take more of the text."""
        whole = self._kept + data
        self._dropped += max(0, len(whole) - self._limit)
        self._kept = whole[-self._limit :]

    @property
    def text(self) -> str:
        """What was kept, with a note of how much came before it."""
        kept = self._kept.decode("utf-8", "replace").strip()
        return f"[{self._dropped:,} bytes before] {kept}" if self._dropped else kept
