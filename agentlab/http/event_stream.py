"""Framing of AWS event streams (`application/vnd.amazon.eventstream`), the binary format of Bedrock."""

from __future__ import annotations

import json
import struct
from binascii import crc32

from agentlab.errors import ProtocolError
from agentlab.http.framing import DEFAULT_MAX_EVENT_BYTES, Frame, Framer

__all__ = ["EventStreamFramer"]

_PRELUDE = struct.Struct("!III")  # total length, headers length, CRC of the two
_CRC = struct.Struct("!I")
_SHORT = struct.Struct("!H")
_SMALLEST_MESSAGE = _PRELUDE.size + _CRC.size
_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_BYTES, _STRING = 6, 7


class EventStreamFramer(Framer):
    """AWS event stream messages: length-prefixed, with typed headers and two checksums.

    A frame's `event` is the `:event-type` header, or `:exception-type` or `:error-code` where the message is an error;
    its `data` is the payload. An error message without payload gets `{"message": ...}` from its `:error-message`. A
    wrong checksum or length raises `ProtocolError`, and so does the prelude of a message over the cap.

    Source: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html (event stream encoding)
    """

    def __init__(self, *, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        super().__init__(max_event_bytes=max_event_bytes)
        self._needed = _PRELUDE.size  # bytes to have before the next step is worth trying

    def _take(self, chunk: bytes, frames: list[Frame]) -> None:
        self._pending += chunk
        if len(self._pending) < self._needed:
            return
        body = bytes(self._pending)
        position = 0
        while (length := self._next_length(body, position)) is not None:
            frames.append(_frame(body[position : position + length]))
            position += length
        del self._pending[:position]

    def _tail(self, *, dispatch: bool) -> Frame | None:  # noqa: ARG002 - the framers' common face
        """Return None: a message that the end cut has no checksum, so it is never a frame."""
        return None

    def _next_length(self, body: bytes, position: int) -> int | None:
        """Return the length of the message at `position`, or None while it is not complete."""
        available = len(body) - position
        self._needed = _PRELUDE.size
        if available < self._needed:
            return None
        total, headers, checksum = _PRELUDE.unpack_from(body, position)
        if crc32(body[position : position + 8]) != checksum:
            raise ProtocolError("The prelude of an AWS event stream message has a wrong checksum.")
        if total > self.max_event_bytes:
            raise self._over_the_cap()
        if total < _SMALLEST_MESSAGE + headers:
            raise ProtocolError("An AWS event stream message is shorter than its own headers.")
        if available < total:
            self._needed = total
            return None
        return int(total)


def _frame(message: bytes) -> Frame:
    """Check and open one whole message."""
    if crc32(message[: -_CRC.size]) != _CRC.unpack_from(message, len(message) - _CRC.size)[0]:
        raise ProtocolError("An AWS event stream message has a wrong checksum.")
    payload_start = _PRELUDE.size + _PRELUDE.unpack_from(message)[1]
    headers = _string_headers(message[_PRELUDE.size : payload_start])
    payload = message[payload_start : -_CRC.size]
    event = headers.get(":event-type") or headers.get(":exception-type") or headers.get(":error-code") or ""
    if not payload and ":error-message" in headers:
        payload = json.dumps({"message": headers[":error-message"]}).encode()
    return Frame(payload, event)


def _string_headers(block: bytes) -> dict[str, str]:
    """Read the headers whose values are strings; skip over those of other types."""
    headers: dict[str, str] = {}
    position = 0
    try:
        while position < len(block):
            name_end = position + 1 + block[position]
            name = block[position + 1 : name_end].decode()
            kind = block[name_end]
            position = name_end + 1
            if kind in {_BYTES, _STRING}:
                size = _SHORT.unpack_from(block, position)[0]
                position += _SHORT.size
            else:
                size = _FIXED_SIZES[kind]
            if position + size > len(block):
                raise ProtocolError("An AWS event stream header runs over the end of its headers.")
            if kind == _STRING:
                headers[name] = block[position : position + size].decode()
            position += size
    except (IndexError, KeyError, UnicodeDecodeError, struct.error):
        raise ProtocolError("An AWS event stream message has a malformed header.") from None
    return headers
