"""What can go wrong on the way, as data. The server carries it out; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from agentlab.errors import UsageError

__all__ = ["Disturbed", "Ending", "Fault", "FaultKind", "FaultQueue", "disturb"]

Ending = Literal["end", "fin", "rst", "stall"]

FaultKind = Literal["status", "stall", "fin", "rst", "truncate", "corrupt", "error_event"]


class Fault(Struct, frozen=True):
    """One thing that goes wrong.

    `status`: an HTTP error instead of an answer, before any body. `stall`: the socket stays open and silent until the
    client goes or the server stops. `fin`: the connection ends in the middle of the body. `rst`: it is reset
    (`SO_LINGER` 0). `truncate`: the body ends cleanly, but the terminal event never came. `corrupt`: one event is
    replaced by bytes that are not JSON, in the wire's framing. `error_event`: one event of the stream is the provider's
    error, then the body ends.

    Attributes:
        kind: What goes wrong.
        at_event: How many wire events are sent before it; None for `at_byte`, or the middle of the answer.
        at_byte: How many bytes of the body are sent before it.
        status: The HTTP status of `status` and `error_event`.
        message: The provider's sentence.
        code: Its error code; None takes the one of the status.
        retry_after: Seconds, for the `Retry-After` header of `status`.
        times: How many requests it hits before it is used up.
        vendor: Hits only requests of this vendor; None hits any.
        before_headers: Whether `stall`, `fin` and `rst` come before even the status line.
    """

    kind: FaultKind
    at_event: int | None = None
    at_byte: int | None = None
    status: int = 500
    message: str = "The simulated provider failed on request."
    code: str | None = None
    retry_after: float | None = None
    times: int = 1
    vendor: str | None = None
    before_headers: bool = False

    def __post_init__(self) -> None:
        if self.at_event is not None and self.at_byte is not None:
            raise UsageError("a fault has one place: give at_event or at_byte, not both")
        if self.times < 1:
            raise UsageError(f"a fault hits at least one request, not {self.times}")


class Disturbed(Struct, frozen=True):
    """A body with a fault in it.

    Attributes:
        chunks: What is sent, piece by piece.
        ending: How it ends: properly, with the connection closed or reset in mid-body, or not at all.
    """

    chunks: tuple[bytes, ...]
    ending: Ending = "end"


def disturb(events: Sequence[bytes], fault: Fault, error_event: bytes) -> Disturbed:
    """Put a fault into a body.

    Args:
        events: The whole body as wire events; one for a unary answer.
        fault: What goes wrong. `status` changes nothing here: it comes instead of a body.
        error_event: The provider's error as an event, for `error_event`.
    """
    if fault.kind == "status":
        return Disturbed(tuple(events))
    sent, rest = _cut(events, fault)
    if fault.kind == "corrupt":
        return Disturbed((*sent, *((_corrupted(rest[0]), *rest[1:]) if rest else ())))
    if fault.kind == "error_event":
        return Disturbed((*sent, error_event))
    endings: dict[FaultKind, Ending] = {"stall": "stall", "fin": "fin", "rst": "rst"}
    return Disturbed(sent, endings.get(fault.kind, "end"))


def _cut(events: Sequence[bytes], fault: Fault) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The body before the fault and after it; the last event is never before a fault that must lose or spoil it."""
    if fault.at_byte is None and (len(events) > 1 or fault.at_event == 0):
        most = len(events) if fault.kind in {"stall", "fin", "rst"} else len(events) - 1
        place = len(events) // 2 if fault.at_event is None else min(fault.at_event, most)
        return tuple(events[:place]), tuple(events[place:])
    left = sum(map(len, events)) // 2 if fault.at_byte is None else fault.at_byte
    for index, event in enumerate(events):
        if left < len(event):
            return (*events[:index], event[:left]), (event[left:], *events[index + 1 :])
        left -= len(event)
    return tuple(events), ()


def _corrupted(event: bytes) -> bytes:
    """The event with its JSON broken and its framing whole."""
    end = event.rfind(b"}")
    if end >= 0:
        return event[:end] + event[end + 1 :]
    return event.replace(b"data: ", b"data: {", 1) if event.startswith(b"data: ") else b"{" + event


class FaultQueue:
    """Faults that wait for requests, first added first used."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        """Let the next `fault.times` matching requests go wrong."""
        self._waiting.append((fault, fault.times))

    def take(self, vendor: str) -> Fault | None:
        """The fault the next request of a vendor meets, or None."""
        for index, (fault, left) in enumerate(self._waiting):
            if fault.vendor in {None, vendor}:
                self._waiting[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                return fault
        return None

    def clear(self) -> None:
        """Forget all that wait."""
        self._waiting.clear()
