"""Framing of JSON bodies without SSE: a value a line, or one streamed array."""

from __future__ import annotations

import re

from agentlab.errors import ProtocolError
from agentlab.http.framing import DEFAULT_MAX_EVENT_BYTES, Frame, Framer

__all__ = ["JSONArrayFramer", "NDJSONFramer"]

_WHITESPACE = b" \t\r\n"


class NDJSONFramer(Framer):
    """One JSON value a line (`application/x-ndjson`); blank lines are skipped.

    Source: https://github.com/ndjson/ndjson-spec
    """

    def _take(self, chunk: bytes, frames: list[Frame]) -> None:
        lines = chunk.split(b"\n")
        tail = lines.pop()
        for line in lines:
            self._check(line)
            if self._pending:
                self._pending += line
                line = bytes(self._pending)  # noqa: PLW2901 - the line is this, with its beginning
                self._pending.clear()
            line = line.strip(_WHITESPACE)  # noqa: PLW2901 - as above
            if line:
                frames.append(Frame(line))
        self._check(tail)
        self._pending += tail

    def _tail(self, *, dispatch: bool) -> Frame | None:  # noqa: ARG002 - the framers' common face
        line = bytes(self._pending).strip(_WHITESPACE)
        return Frame(line) if line else None

    def _check(self, piece: bytes) -> None:
        if len(self._pending) + len(piece) > self.max_event_bytes:
            raise self._over_the_cap()


_STRING_REST = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_IN_STRING = re.compile(_STRING_REST, re.DOTALL)
# Everything up to the next bracket, over whole strings; stops at the quote of a string that the chunk cuts.
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"' + _STRING_REST + rb'"[^"{}\[\]]*+)*+', re.DOTALL)


class JSONArrayFramer(Framer):
    """One streamed JSON array of objects: a frame for each element, as soon as its last brace is there.

    Only the nesting is followed, so the elements themselves are not checked. A body that is one object instead of an
    array (an error, often) is one frame.
    """

    def __init__(self, *, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        super().__init__(max_event_bytes=max_event_bytes)
        self._expects = _START
        self._depth = 0
        self._in_string = False
        self._escaped = False  # the last byte was a backslash inside a string
        self._in_array = False

    def _take(self, chunk: bytes, frames: list[Frame]) -> None:
        position = 0
        while position < len(chunk):
            if self._depth:
                position = self._inside(chunk, position, frames)
            else:
                position = self._between(chunk, position)

    def _tail(self, *, dispatch: bool) -> Frame | None:  # noqa: ARG002 - the framers' common face
        return Frame(bytes(self._pending)) if self._pending else None

    def _between(self, chunk: bytes, position: int) -> int:
        """Take one byte outside of an element."""
        byte = chunk[position : position + 1]
        if byte in _WHITESPACE:
            return position + 1
        if byte == b"{" and self._expects in _BEFORE_ELEMENT:
            self._depth = 1
            self._pending += byte
        elif byte == b"[" and self._expects == _START:
            self._in_array = True
            self._expects = _ELEMENT_OR_END
        elif byte == b"," and self._expects == _COMMA_OR_END:
            self._expects = _ELEMENT
        elif byte == b"]" and self._expects in {_ELEMENT_OR_END, _COMMA_OR_END}:
            self._expects = _NOTHING
        else:
            raise ProtocolError(f"The provider sent {byte!r} where its JSON array needs {self._expects}.")
        return position + 1

    def _inside(self, chunk: bytes, position: int, frames: list[Frame]) -> int:
        """Take bytes up to the end of the element or of the chunk; return where they end."""
        end = self._element_end(chunk, position)
        if len(self._pending) + end - position > self.max_event_bytes:
            raise self._over_the_cap()
        self._pending += chunk[position:end]
        if not self._depth:
            frames.append(Frame(bytes(self._pending)))
            self._pending.clear()
            self._expects = _COMMA_OR_END if self._in_array else _NOTHING
        return end

    def _element_end(self, chunk: bytes, position: int) -> int:
        """Follow strings and brackets until the element closes or the chunk ends."""
        while position < len(chunk):
            if self._in_string:
                position = self._string_end(chunk, position)
                continue
            found = _TO_BRACKET.match(chunk, position)
            assert found is not None  # the pattern matches the empty string
            position = found.end() + 1
            byte = chunk[position - 1 : position]
            if byte == b'"':
                self._in_string = True
            elif byte in {b"{", b"["}:
                self._depth += 1
            elif byte:
                self._depth -= 1
                if not self._depth:
                    return position
        return len(chunk)

    def _string_end(self, chunk: bytes, position: int) -> int:
        if self._escaped:
            self._escaped = False
            position += 1
        found = _IN_STRING.match(chunk, position)
        assert found is not None  # the pattern matches the empty string
        position = found.end()
        if position < len(chunk):
            self._escaped = chunk[position] == ord("\\")  # then it is the last byte
            self._in_string = self._escaped
            position += 1
        return position


_START = "an array"
_ELEMENT_OR_END = "an object or its end"
_ELEMENT = "an object"
_COMMA_OR_END = "a comma or its end"
_NOTHING = "nothing more"
_BEFORE_ELEMENT = frozenset({_START, _ELEMENT_OR_END, _ELEMENT})
