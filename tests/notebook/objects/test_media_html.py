"""What was heard, drawn and spoken is seen and can be played, from its own bytes alone."""

from __future__ import annotations

import base64

from agentlab.messages import Usage
from agentlab.modalities import GeneratedImage, GeneratedImages, Speech, Transcription
from agentlab.notebook.safety.sounds import LARGEST_SOUND
from tests.modalities.provider import MP3, PNG, WAV
from tests.notebook.hostile import Contents

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.__ran = 1'/>"


def speech(raw: bytes, media_type: str = "audio/mpeg") -> Speech:
    return Speech(
        audio=raw, media_type=media_type, model="openai:tts-1", text="Good <morning>.", voice="coral"
    )


def test_speech_is_a_player_of_its_own_bytes_that_waits_to_be_started() -> None:
    contents = Contents(speech(WAV)._repr_html_())
    attributes = {name: value for tag, name, value in contents.attributes if tag == "audio"}
    assert attributes["src"] == f"data:audio/wav;base64,{base64.b64encode(WAV).decode()}"
    assert (attributes["preload"], attributes["controls"]) == ("none", "")
    assert "sound, wav, 52 bytes" in attributes["aria-label"]
    for part in ("openai:tts-1", "coral", "Good <morning>."):
        assert part in contents.text


def test_a_sound_that_is_said_to_be_one_and_is_none_has_no_player() -> None:
    for raw in (SVG, b"\0\1" * 9, b"", b"FORM\0\0\0\0AIFF", WAV + b"\0" * LARGEST_SOUND, PNG):
        contents = Contents(speech(raw)._repr_html_())
        assert "audio" not in contents.tags
        assert "not shown" in contents.text


def test_images_are_shown_where_they_are_images_and_the_rest_is_told() -> None:
    made = GeneratedImages(
        images=tuple(GeneratedImage(image=each, media_type="image/png") for each in (PNG, SVG)),
        model="openai:gpt-image-2.5-flare",
        prompt="a cat",
        usage=Usage(input_tokens=3, output_tokens=4, reported_cost_usd=0.07),
    )
    contents = Contents(made._repr_html_())
    sources = [value for tag, name, value in contents.attributes if (tag, name) == ("img", "src")]
    assert sources == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"]
    assert "svg" not in contents.tags
    for part in ("a cat", "not shown", "$0.070000", "7"):
        assert part in contents.text
    assert "<img" in made.image._repr_html_()


def test_a_page_holds_only_so_many_bytes_of_images() -> None:
    large = GeneratedImage(image=PNG + b"\0" * 5_000_000, media_type="image/png")
    made = GeneratedImages(images=(large, large), model="m", prompt="p")
    assert made._repr_html_().count("<img") == 1
    assert "5,000,0" in Contents(made._repr_html_()).text


def test_a_transcript_shows_its_words_and_what_is_known() -> None:
    heard = Transcription(text="So <b>be</b> it.", model="openai:whisper-1", language="english", audio_s=61.5)
    text = Contents(heard._repr_html_()).text
    for part in ("So <b>be</b> it.", "english", "61.5 s", "openai:whisper-1"):
        assert part in text
    assert len(speech(MP3)._repr_html_()) < 3_000
