"""Framing: from the bytes of a streamed body to frames, without I/O.

A framer is fed chunks as they come from the socket, cut anywhere, and hands back the frames that are complete. How
the bytes are cut never changes the frames.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections import deque
from itertools import takewhile

from msgspec import Struct

from agentlab.errors import ProtocolError

__all__ = ["DEFAULT_MAX_EVENT_BYTES", "Frame", "Framer", "SSEFramer"]

DEFAULT_MAX_EVENT_BYTES = 8 * 1024 * 1024
"""Largest single frame, in bytes: room for an image in base64, far below a machine's memory."""

_BOM = b"\xef\xbb\xbf"
_STRAY_LINES_KEPT = 5
_STRAY_LINE_BYTES = 2000
_RETRY_DIGITS = 12
_LONGEST_CACHED = 100
_LF = 0x0A
_SLICE_BYTES = 1024 * 1024  # a larger chunk is taken in such slices: its copies stay small


class Frame(Struct, frozen=True, gc=False):
    """One unit of a streamed body.

    Attributes:
        data: The payload, UTF-8 JSON on every wire here.
        event: The SSE event type, or the `:event-type` of AWS event streams; `""` where there is none.
    """

    data: bytes
    event: str = ""


class Framer(ABC):
    """Cuts a streamed body into frames.

    Args:
        max_event_bytes: Largest frame held, in bytes. A larger one raises `ProtocolError` before it is buffered.
    """

    def __init__(self, *, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        self.max_event_bytes = max_event_bytes
        self._pending = bytearray()  # what is not a whole frame yet
        self._failure: ProtocolError | None = None

    @property
    def stray_lines(self) -> tuple[str, ...]:
        """The last lines the format says to ignore; an error about a truncated stream quotes them."""
        return ()

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take the next bytes of the body; return the frames they complete.

        Raises:
            ProtocolError: The body breaks its format, or a frame is larger than `max_event_bytes`. Frames before the
                fault are returned first, and the next call raises.
        """
        if self._failure is not None:
            raise self._failure
        frames: list[Frame] = []
        try:
            if len(chunk) > _SLICE_BYTES:
                for start in range(0, len(chunk), _SLICE_BYTES):
                    self._take(chunk[start : start + _SLICE_BYTES], frames)
            elif chunk:
                self._take(chunk, frames)
        except ProtocolError as failure:
            self._failure = failure
            self._pending = bytearray()
            if not frames:
                raise
        return frames

    def finish(self, *, dispatch_tail: bool = False) -> list[Frame]:
        """Take the end of the body.

        Args:
            dispatch_tail: Return the last frame although the body ended before it was closed.

        Raises:
            ProtocolError: The fault for which `feed` held its error back.
        """
        if self._failure is not None:
            raise self._failure
        tail = self._tail(dispatch=dispatch_tail)
        self._pending = bytearray()
        return [tail] if tail is not None and dispatch_tail else []

    @abstractmethod
    def _take(self, chunk: bytes, frames: list[Frame]) -> None:
        """Append to `frames` what the chunk, not empty, completes."""

    @abstractmethod
    def _tail(self, *, dispatch: bool) -> Frame | None:
        """Return the frame that the end of the body cut, if it can be one."""

    def _over_the_cap(self) -> ProtocolError:
        return ProtocolError(f"The provider sent a single event of more than {self.max_event_bytes:,} bytes.")


class SSEFramer(Framer):
    """Server-sent events, to the letter of the WHATWG rules.

    A block without a `data` line dispatches nothing, and neither does a block that the end of the body cuts. Lines end
    in LF, CR or CRLF. Comments are counted; unknown fields are ignored, and the last few are kept in `stray_lines`
    because some servers send an error under a field name of their own (`error: {...}`).

    Args:
        max_event_bytes: Largest event held, in bytes. A larger one raises `ProtocolError` before it is buffered.

    Attributes:
        comments: How many comment lines have come.
        last_event_id: The last `id` seen, `""` before the first.
        retry_ms: The last valid `retry`, in milliseconds, or None.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """

    def __init__(self, *, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        super().__init__(max_event_bytes=max_event_bytes)
        self.comments = 0
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._stray: deque[str] = deque(maxlen=_STRAY_LINES_KEPT)
        self._start: bytes | None = b""  # the first bytes, while they may still be a byte order mark
        self._after_cr = False

    @property
    def stray_lines(self) -> tuple[str, ...]:
        """The last lines with an unknown field name, oldest first, each cut to 2000 bytes."""
        return tuple(self._stray)

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take the next bytes; see `Framer`. Nearly every chunk is one event, whole: it is cut here, a third cheaper."""
        if chunk.endswith(b"\n\n") and len(chunk) <= self.max_event_bytes and self._between_blocks():
            frame = _only_event(chunk)
            if frame is not None:
                return [frame]
        return super().feed(chunk)

    def _between_blocks(self) -> bool:
        """Whether what comes next begins a block, and nothing is known of how it begins."""
        return not self._pending and self._start is None and not self._after_cr and self._failure is None

    def _take(self, chunk: bytes, frames: list[Frame]) -> None:
        if self._start is not None:
            chunk = self._without_bom(chunk)
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if chunk:
            self._cut(chunk, frames)

    def _tail(self, *, dispatch: bool) -> Frame | None:
        if self._start:
            self._pending += self._start
        self._start = None
        seen = self.last_event_id
        frame = self._parse(bytes(self._pending).split(b"\n"))
        if not dispatch:
            self.last_event_id = seen
        return frame

    def _without_bom(self, chunk: bytes) -> bytes:
        """Hold the first bytes back until it is clear whether they are a byte order mark."""
        assert self._start is not None
        start = self._start + chunk
        if len(start) < len(_BOM) and _BOM.startswith(start):
            self._start = start
            return b""
        self._start = None
        return start.removeprefix(_BOM)

    def _cut(self, chunk: bytes, frames: list[Frame]) -> None:
        """Cut at blank lines. Only new bytes are searched, so small chunks cost no more than large ones."""
        pending = self._pending  # the block under way; never begins with a line end
        if pending:
            if b"\n\n" not in chunk and not (chunk[0] == _LF and pending[-1] == _LF):
                self._hold(chunk)
                return
            pending += chunk
            chunk = bytes(pending)
            pending.clear()
        blocks = chunk.split(b"\n\n")
        tail = blocks.pop()
        if len(chunk) > self.max_event_bytes:
            fitting = list(takewhile(self._fits, blocks))
            self._dispatch(fitting, frames)
            if len(fitting) < len(blocks):
                raise self._over_the_cap()
        else:
            self._dispatch(blocks, frames)
        if tail:
            self._hold(tail.lstrip(b"\n"))

    def _hold(self, piece: bytes) -> None:
        """Keep a piece of the block under way; a line end that may close the block does not count for the cap."""
        if len(self._pending) + len(piece) - piece.endswith(b"\n") > self.max_event_bytes:
            raise self._over_the_cap()
        self._pending += piece

    def _fits(self, block: bytes) -> bool:
        return len(block.lstrip(b"\n")) <= self.max_event_bytes

    def _dispatch(self, blocks: list[bytes], frames: list[Frame]) -> None:
        """Interpret blocks. Nearly every event is a data line, alone or behind an event line: those come first."""
        for block in blocks:
            lines = block.split(b"\n")
            if len(lines) == 1 and block.startswith(b"data: "):
                frames.append(Frame(block[6:]))
            elif len(lines) == 2 and lines[1].startswith(b"data: ") and lines[0].startswith(b"event: "):
                frames.append(Frame(lines[1][6:], _text(lines[0][7:])))
            else:
                frame = self._parse(lines)
                if frame is not None:
                    frames.append(frame)

    def _parse(self, lines: list[bytes]) -> Frame | None:
        """Interpret one block line by line; return its event, or None if it holds no data line."""
        data: list[bytes] = []
        event = ""
        for line in lines:
            name, _, value = line.partition(b":")
            if value.startswith(b" "):
                value = value[1:]
            if name == b"data":
                data.append(value)
            elif name == b"event":
                event = _text(value)
            elif line:
                self._other_field(name, value, line)
        return Frame(b"\n".join(data), event) if data else None

    def _other_field(self, name: bytes, value: bytes, line: bytes) -> None:
        """Take a line that is no part of an event: an id, a retry time, a comment, or what the rules ignore."""
        if not name:
            self.comments += 1
        elif name == b"id":
            if b"\0" not in value:
                self.last_event_id = value.decode("utf-8", "replace")
        elif name == b"retry":
            if value.isdigit() and len(value) <= _RETRY_DIGITS:
                self.retry_ms = int(value)
        else:
            self._stray.append(line[:_STRAY_LINE_BYTES].decode("utf-8", "replace"))


def _only_event(chunk: bytes) -> Frame | None:
    """The event of a chunk that is a data line, alone or behind an event line, and the blank line; None for any other."""
    event, start = "", 0
    if chunk.startswith(b"event: "):
        start = chunk.find(b"\n") + 1
        event = _text(chunk[7 : start - 1])
    if (
        chunk.startswith(b"data: ", start)
        and chunk.find(b"\n", start) == len(chunk) - 2
        and b"\r" not in chunk
    ):
        return Frame(chunk[start + 6 : -2], event)
    return None


def _text(name: bytes) -> str:
    """Decode a field; event types are few and come again and again."""
    return _short_text(name) if len(name) < _LONGEST_CACHED else name.decode("utf-8", "replace")


@functools.lru_cache(maxsize=256)
def _short_text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
