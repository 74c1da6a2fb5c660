"""From the bytes of one answer to its events: framing, decoding and the check that the answer is whole. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final

from agentlab.errors import ProtocolError, StreamInterrupted
from agentlab.http import EventStreamFramer, Frame, Framer, NDJSONFramer, SSEFramer
from agentlab.messages import ModelEvent
from agentlab.models.wire import Decoder, Framing, Wire

__all__ = ["StreamedAnswer", "WholeAnswer"]

_FRAMERS: Final[dict[Framing, Callable[[], Framer]]] = {
    "sse": SSEFramer,
    "ndjson": NDJSONFramer,
    "event-stream": EventStreamFramer,
}


class StreamedAnswer:
    """An answer that comes in pieces.

    Args:
        wire: Its wire.
        decoder: What reads its frames.
        name: Who answers, for messages.

    Attributes:
        decoder: What reads it.
    """

    def __init__(self, wire: Wire, decoder: Decoder, name: str) -> None:
        self._wire = wire
        self.decoder = decoder
        self._name = name
        self._framer = _FRAMERS[wire.framing]()

    def feed(self, chunk: bytes) -> Iterable[ModelEvent]:
        """The events of the next bytes. Where a frame among them is broken, those before it are given first."""
        frames = self._framer.feed(chunk)
        if len(frames) == 1 and frames[0].data:
            return self.decoder.frame(frames[0])
        return self._decoded(frames)

    def finish(self) -> list[ModelEvent]:
        """The events of the end.

        Raises:
            StreamInterrupted: The answer is not whole.
        """
        last = [*self._tail(), *self.decoder.end()]
        return [*last, *_closed(self.decoder, self._name, "; ".join(self._framer.stray_lines))]

    def _decoded(self, frames: list[Frame]) -> Iterator[ModelEvent]:
        for frame in frames:
            if frame.data:  # an SSE block whose data is empty is an event, but says nothing on any wire
                yield from self.decoder.frame(frame)

    def _tail(self) -> list[ModelEvent]:
        """What the last bytes say. A frame they cut in the middle says nothing: the answer is truncated."""
        events: list[ModelEvent] = []
        for frame in self._framer.finish(dispatch_tail=self._wire.dispatch_tail):
            with suppress(ProtocolError):
                events += self.decoder.frame(frame)
        return events


class WholeAnswer:
    """An answer that came as one body.

    Args:
        decoder: What reads it.
        body: All of it.
        name: Who answers, for messages.

    Attributes:
        decoder: What reads it.
    """

    def __init__(self, decoder: Decoder, body: bytes, name: str) -> None:
        self.decoder = decoder
        self._body = body
        self._name = name

    def feed(self, chunk: bytes) -> Iterable[ModelEvent]:  # noqa: ARG002 - as of an answer in pieces
        """Nothing: the body was read before."""
        return ()

    def finish(self) -> list[ModelEvent]:
        """All events.

        Raises:
            StreamInterrupted: The answer is not whole.
        """
        return [*self.decoder.body(self._body), *_closed(self.decoder, self._name)]


def _closed(decoder: Decoder, name: str, hint: str = "") -> list[ModelEvent]:
    """Complete what is open, if the terminal event was seen."""
    if decoder.assembly.complete:
        return decoder.assembly.close()
    said = f"; the server said {hint!r}" if hint else ""
    raise StreamInterrupted(f"{name}: the answer ended before it was complete{said}")
