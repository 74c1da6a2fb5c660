"""Feeding a framer in pieces, and keeping what came of it comparable."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import strategies as st

from agentlab.errors import ProtocolError
from agentlab.http import Frame, Framer

Outcome = tuple[list[Frame], str]


def outcome(framer: Framer, chunks: Iterable[bytes], *, dispatch_tail: bool = False) -> Outcome:
    """The frames of a body, and the error it ended with."""
    frames: list[Frame] = []
    try:
        for chunk in chunks:
            frames += framer.feed(chunk)
        frames += framer.finish(dispatch_tail=dispatch_tail)
    except ProtocolError as error:
        return frames, str(error)
    return frames, ""


def cut(body: bytes, places: Iterable[int]) -> list[bytes]:
    """The body in pieces, cut at the places."""
    bounds = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(bounds)]


def every_way(body: bytes) -> Iterable[list[bytes]]:
    """The body whole, cut once at every byte, and byte by byte."""
    yield [body]
    for place in range(1, len(body)):
        yield [body[:place], body[place:]]
    yield [body[index : index + 1] for index in range(len(body))]


def feed_all(framer: Framer, chunks: Iterable[bytes]) -> None:
    """Feed the chunks, for the error they end in."""
    for chunk in chunks:
        framer.feed(chunk)


places = st.lists(st.integers(min_value=0, max_value=10_000), max_size=12)
