"""What was heard, drawn and spoken, as a notebook shows it: the words, the images, a player."""

from __future__ import annotations

from typing import assert_never

from agentlab.messages import Usage
from agentlab.modalities.results import GeneratedImage, GeneratedImages, Speech, Transcription
from agentlab.notebook.objects.panel import fact, facts, one_line, panel, text_block
from agentlab.notebook.run.inline_styles import MUTED
from agentlab.notebook.safety.pictures import LARGEST_ALBUM, examined
from agentlab.notebook.safety.safe_html import SafeHTML, audio, element, image
from agentlab.notebook.safety.sounds import examined_sound

__all__ = ["media_html"]

_PICTURE = "max-width: 100%; max-height: 480px; width: auto; height: auto"


def media_html(shown: Transcription | GeneratedImage | GeneratedImages | Speech) -> SafeHTML:
    """What came of hearing, drawing or speaking."""
    match shown:
        case Transcription():
            return _transcription(shown)
        case GeneratedImage():
            return panel("Image", shown.media_type, _shown(shown, LARGEST_ALBUM)[0])
        case GeneratedImages():
            return _images(shown)
        case Speech():
            return _speech(shown)
        case _:
            assert_never(shown)


def _transcription(heard: Transcription) -> SafeHTML:
    """The words of a recording, and what is known of it."""
    seconds = None if heard.audio_s is None else f"{heard.audio_s:,.1f} s"
    known = facts(
        [fact("language", one_line(heard.language or "")), fact("length", seconds), *_reported(heard.usage)]
    )
    return panel("Transcription", heard.model, known, text_block(heard.text))


def _images(made: GeneratedImages) -> SafeHTML:
    """Images, as many as a page can hold, and a line for each that is not among them."""
    room, pieces = LARGEST_ALBUM, []
    for one in made.images:
        shown, taken = _shown(one, room)
        room -= taken
        pieces.append(shown)
    known = facts([fact("prompt", one_line(made.prompt, 300)), *_reported(made.usage)])
    return panel("Images", made.model, known, *pieces)


def _speech(said: Speech) -> SafeHTML:
    """A text and a player for its sound."""
    sound = examined_sound(said.audio)
    player = (
        _line(
            f"[{one_line(said.media_type)}, {len(said.audio):,} bytes: not shown, no browser plays it from a page; `save` it]"
        )
        if sound is None
        else element("div", audio(sound), style="margin: 6px 0")
    )
    known = facts([fact("voice", one_line(said.voice or "")), *_reported(said.usage)])
    return panel("Speech", said.model, player, known, text_block(said.text))


def _shown(made: GeneratedImage, room: int) -> tuple[SafeHTML, int]:
    """An image, or a line in its place, and how many bytes of the room it took."""
    size = len(made.image)
    if size > room:
        return _line(f"[{one_line(made.media_type)}: not shown, {size:,} bytes are too many; `save` it]"), 0
    picture = examined(made.image)
    if picture is None:
        return _line(
            f"[{one_line(made.media_type)}: not shown, its bytes are no PNG, JPEG, GIF or WebP of a size to show]"
        ), 0
    return element("div", image(picture, style=_PICTURE), style="margin: 6px 0"), size


def _reported(usage: Usage) -> list[SafeHTML]:
    cost, tokens = usage.reported_cost_usd, usage.total_tokens
    return [
        fact("tokens", None if tokens is None else f"{tokens:,}"),
        fact("cost, as reported", None if cost is None else f"${cost:,.6f}"),
    ]


def _line(text: str) -> SafeHTML:
    return element("div", text, style=MUTED)
