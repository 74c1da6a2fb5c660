"""A body cut at any event is never taken for a whole one."""

from __future__ import annotations

import re

import pytest

from agentlab.http import Frame
from tests.corpus.conftest import GAUNTLET
from tests.corpus.recordings import Recording, decode_frames, frames_of

CUTS_SAMPLED = 12

# What ends a stream, read off the raw frame: a witness that owes nothing to the decoders.
TERMINAL = {
    "openai-chat": re.compile(rb"^\s*\[DONE\]"),
    "openai-responses": re.compile(rb'"type":\s*"response\.(completed|incomplete|failed)"'),
    "anthropic-messages": re.compile(rb'"type":\s*"message_stop"'),
    "gemini": re.compile(rb'"finishReason":\s*("(?!")|\d)|"blockReason":\s*("(?!")|\d)'),
    "ollama": re.compile(rb'"done":\s*true'),
    "cohere-chat": re.compile(rb'"type":\s*"message-end"'),
    "bedrock-converse": re.compile(rb'"usage":\s*\{'),
}
FINISH_REASON = re.compile(rb'"finish_reason":\s*"')


def terminal_index(recording: Recording, frames: list[Frame]) -> int:
    """Index of the frame that ends the answer; the number of frames where none does."""
    pattern = TERMINAL[recording.wire_name]
    if recording.wire_name == "openai-chat" and recording.vendor.dialect.get("terminal") == "finish_reason":
        pattern = FINISH_REASON
    return next((i for i, frame in enumerate(frames) if pattern.search(frame.data)), len(frames))


def check_cuts(recording: Recording, most: int | None) -> int:
    """Cut one body before each event up to its end; gives the number of cuts."""
    frames = frames_of(recording)
    whole = decode_frames(recording, frames)
    last = terminal_index(recording, frames)
    places = range(last + 1) if last < len(frames) else range(last)
    step = max(1, len(places) // most) if most else 1
    cuts = 0
    for place in [*places[::step], *places[-1:]]:
        result = decode_frames(recording, frames[:place])
        cuts += 1
        assert not result.complete, (recording.id, place, len(frames))
        assert whole.message.text.startswith(result.message.text), (recording.id, place)
        assert result.message.interrupted
    return cuts


def test_sampled_cuts_are_never_complete(
    streams: tuple[Recording, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    cuts = sum(check_cuts(recording, CUTS_SAMPLED) for recording in streams)
    with capsys.disabled():
        print(f"\ntruncation: {cuts} cuts of {len(streams)} bodies, none complete")
    assert cuts >= len(streams)


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="the whole set runs in `make gauntlet`")
def test_no_cut_is_ever_complete(streams: tuple[Recording, ...], capsys: pytest.CaptureFixture[str]) -> None:
    cuts = sum(check_cuts(recording, None) for recording in streams)
    with capsys.disabled():
        print(f"\ntruncation: {cuts} cuts of {len(streams)} bodies, none complete")
    assert cuts >= len(streams)
