"""What the run-time prefix check costs a turn, beside encoding the same request.

    python -m benchmarks.prefix_check

One row a wire and length of history: microseconds a turn to encode, to check by pieces, and to check by comparing both
bodies (what a model without pieces pays); the check as a share of the encoding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Final, TypeVar

from msgspec import Struct, structs

from agentlab.agent.prefix_check import PrefixCheck
from agentlab.messages import AssistantMessage, Message, Request, RequestSent, Text, UserMessage
from agentlab.models.registry import WIRES, wire_for
from agentlab.models.vendors import vendor

__all__ = ["Row", "measure"]

Result = TypeVar("Result")

LENGTHS: Final = (10, 100, 1000)
MESSAGE: Final = "The quick brown fox jumps over the lazy dog. " * 20
VENDORS: Final = {
    "anthropic-messages": "anthropic",
    "bedrock-converse": "bedrock",
    "cohere-chat": "cohere",
    "gemini": "gemini",
    "ollama": "ollama",
    "openai-chat": "openai-chat",
    "openai-responses": "openai",
}


class Row(Struct, frozen=True):
    """What one turn costs.

    Attributes:
        wire: The wire.
        messages: Messages in the history.
        encode_us: Microseconds to encode the request, its earlier messages being known.
        check_us: Microseconds to check its prefix by pieces.
        bodies_us: Microseconds to check it by the bodies.
    """

    wire: str
    messages: int
    encode_us: float
    check_us: float
    bodies_us: float

    @property
    def share(self) -> float:
        """The check as a share of the encoding."""
        return self.check_us / self.encode_us


def measure(wire: str, messages: int, *, repeats: int = 7) -> Row:
    """Time the turn after a history of this length.

    Args:
        wire: The wire.
        messages: Messages in the history.
        repeats: How often each is timed; the fastest counts.
    """
    speaker, row = wire_for(wire), vendor(VENDORS[wire])
    history = tuple(_message(place) for place in range(messages))
    earlier = Request(model="m", preamble="You are terse.", messages=history)
    before = speaker.encode(earlier, row)
    sent = RequestSent(wire, "", before.body.decode())
    encode_s: list[float] = []
    check_s: list[float] = []
    bodies_s: list[float] = []
    for _ in range(repeats):
        later = structs.replace(earlier, messages=(*history, _message(1), _message(0)))
        seconds, after = _timed(partial(speaker.encode, later, row))
        encode_s.append(seconds)
        now = RequestSent(wire, "", after.body.decode())
        given: tuple[tuple[list[float], tuple[bytes, ...], tuple[bytes, ...]], ...] = (
            (check_s, before.pieces, after.pieces),
            (bodies_s, (), ()),
        )
        for found, first, second in given:
            check = PrefixCheck()
            check.notice(sent, first)
            seconds, notice = _timed(partial(check.notice, now, second))
            found.append(seconds)
            if notice is not None:
                raise AssertionError(f"the prefix of {wire} moved: {notice.text}")
    return Row(wire, messages, *(min(found) * 1e6 for found in (encode_s, check_s, bodies_s)))


def _message(place: int) -> Message:
    text = f"{place} {MESSAGE}"
    return AssistantMessage((Text(text),)) if place % 2 else UserMessage.of(text)


def _timed(action: Callable[[], Result]) -> tuple[float, Result]:
    start = perf_counter()
    result = action()
    return perf_counter() - start, result


def main() -> None:
    """Print the table."""
    out = sys.stdout.write
    out(f"{'wire':<20}{'messages':>9}{'encode us':>11}{'check us':>10}{'share':>8}{'by bodies us':>14}\n")
    for wire in WIRES:
        for length in LENGTHS:
            row = measure(wire, length)
            out(f"{row.wire:<20}{row.messages:>9}{row.encode_us:>11.1f}{row.check_us:>10.2f}")
            out(f"{row.share:>8.2%}{row.bodies_us:>14.0f}\n")


if __name__ == "__main__":
    main()
