"""However a body is cut on its way, the result is the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.corpus.conftest import GAUNTLET
from tests.corpus.recordings import Recording, decode_frames, frames_of

LONGEST_SAMPLED = 20_000
CUT_SETS = 20


def cut(body: bytes, places: list[int]) -> Iterator[bytes]:
    """The body in pieces that end at these places."""
    start = 0
    for end in [*places, len(body)]:
        yield body[start:end]
        start = end


def random_cuts(body: bytes, seed: str) -> Iterator[list[int]]:
    """Twenty sets of places, from few to many."""
    source = random.Random(seed)
    for _ in range(CUT_SETS):
        number = source.randint(1, max(1, min(200, len(body) - 1)))
        yield sorted(source.sample(range(1, len(body)), min(number, len(body) - 1)))


def check_splits(recording: Recording) -> int:
    """Compare every cut of one body with the whole; gives the number of cut sets."""
    body = recording.body
    whole = frames_of(recording)
    expected = decode_frames(recording, whole)
    byte_by_byte = frames_of(recording, (body[i : i + 1] for i in range(len(body))))
    assert decode_frames(recording, byte_by_byte).same_as(expected), recording.id
    assert byte_by_byte == whole, recording.id
    for places in random_cuts(body, recording.id):
        frames = frames_of(recording, cut(body, places))
        assert frames == whole, (recording.id, places)
        assert decode_frames(recording, frames).same_as(expected), (recording.id, places)
    return CUT_SETS + 1


def test_sampled_bodies_decode_the_same_at_every_cut(
    streams: tuple[Recording, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    sample = [each for each in streams if len(each.body) <= LONGEST_SAMPLED][::4]
    sets = sum(check_splits(recording) for recording in sample)
    with capsys.disabled():
        print(f"\nsplits: {len(sample)} of {len(streams)} bodies, {sets} cut sets, all equal")
    assert sets >= CUT_SETS * len(sample)


@pytest.mark.gauntlet
@pytest.mark.skipif(not GAUNTLET, reason="the whole set runs in `make gauntlet`")
def test_every_body_decodes_the_same_at_every_cut(
    streams: tuple[Recording, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    sets = sum(check_splits(recording) for recording in streams)
    with capsys.disabled():
        print(f"\nsplits: {len(streams)} bodies, {sets} cut sets, all equal")
    assert sets >= CUT_SETS * len(streams)
