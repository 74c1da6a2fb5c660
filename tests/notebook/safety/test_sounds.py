"""A sound is played where its bytes are one; nothing else makes a player."""

from __future__ import annotations

import pytest

from agentlab.notebook.safety.safe_html import audio, sanitise
from agentlab.notebook.safety.sounds import LARGEST_SOUND, examined_sound
from tests.modalities.provider import FLAC, MP3, OGG, PNG, WAV


@pytest.mark.parametrize(
    ("raw", "kind"),
    [(WAV, "audio/wav"), (MP3, "audio/mpeg"), (OGG, "audio/ogg"), (FLAC, "audio/flac")],
)
def test_a_sound_is_known_by_its_bytes(raw: bytes, kind: str) -> None:
    sound = examined_sound(raw)
    assert sound is not None
    assert sound.kind == kind
    assert sound.address.startswith(f"data:{kind};base64,")
    assert audio(sound).html.startswith('<audio controls="" preload="none"')


@pytest.mark.parametrize(
    "raw", [b"", b"<svg onload=x>", PNG, b"FORM\0\0\0\0AIFF", WAV + b"\0" * LARGEST_SOUND]
)
def test_what_is_no_sound_or_too_long_is_not_played(raw: bytes) -> None:
    assert examined_sound(raw) is None


def test_no_html_of_a_model_makes_a_player() -> None:
    assert (
        "<audio"
        not in sanitise("<audio src='data:audio/wav;base64,UklGRg==' controls autoplay>x</audio>").html
    )
