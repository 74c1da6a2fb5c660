"""Files of every kind are known by their first bytes, whatever they are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.messages.sniffing import sniffed_media_type


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"\xff\xd8\xff\xdb", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"FORM\0\0\0\0AIFFCOMM", "audio/aiff"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"OggS\0\2", "audio/ogg"),
        (b"ID3\4\0", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf3\x18\xc4", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\xff\xf9\x50\x80", "audio/aac"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x20ftypheic", None),
        (b"\x1aE\xdf\xa3", "audio/webm"),
        (b"<svg xmlns=", None),
        (b"<script>", None),
        (b"", None),
    ],
)
def test_a_beginning_tells_the_kind(beginning: bytes, kind: str | None) -> None:
    assert sniffed_media_type(beginning) == kind


@given(st.binary(max_size=40))
def test_any_bytes_have_a_kind_or_none(raw: bytes) -> None:
    kind = sniffed_media_type(raw)
    assert kind is None or kind.split("/")[0] in {"image", "audio"}
