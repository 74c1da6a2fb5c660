"""What it takes to hear, draw and speak: three small interfaces, for models of vendors and for your own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from agentlab.messages import Audio
from agentlab.modalities.results import GeneratedImages, Speech, Transcription

__all__ = ["ImageGenerationModel", "SpeechModel", "TranscriptionModel"]


@runtime_checkable
class TranscriptionModel(Protocol):
    """Writes down what is said."""

    @property
    def name(self) -> str:
        """Its name, `"vendor:model"`."""

    async def transcribe(
        self,
        audio: bytes | str | Path | Audio,
        *,
        language: str | None = None,
        prompt: str | None = None,
        temperature: float | None = None,
        additional_params: Mapping[str, Any] | None = None,
    ) -> Transcription:
        """Write down what is said in a recording.

        Args:
            audio: Its bytes, the path of a file, or a part of a message.
            language: The language spoken (ISO 639-1, `"en"`); found out where None.
            prompt: Names and spellings to expect.
            temperature: Sampling temperature.
            additional_params: Merged into the request.
        """


@runtime_checkable
class ImageGenerationModel(Protocol):
    """Makes images."""

    @property
    def name(self) -> str:
        """Its name, `"vendor:model"`."""

    async def generate(
        self,
        prompt: str,
        *,
        width: int | None = None,
        height: int | None = None,
        n: int | None = None,
        additional_params: Mapping[str, Any] | None = None,
    ) -> GeneratedImages:
        """Make images of what a text describes.

        Args:
            prompt: The text.
            width: In pixels; the vendor's own where None. Vendors that only know proportions take width and height as such.
            height: In pixels; goes with `width`.
            n: How many; one where None.
            additional_params: Merged into the request.
        """


@runtime_checkable
class SpeechModel(Protocol):
    """Speaks."""

    @property
    def name(self) -> str:
        """Its name, `"vendor:model"`."""

    async def speak(
        self,
        text: str,
        *,
        voice: str | None = None,
        speed: float | None = None,
        format: str | None = None,  # noqa: A002 - the field's name for it
        additional_params: Mapping[str, Any] | None = None,
    ) -> Speech:
        """Say a text.

        Args:
            text: The text.
            voice: Whose voice.
            speed: How fast, 1 being the voice's own pace.
            format: The kind of sound file, such as `"mp3"` or `"wav"`.
            additional_params: Merged into the request.
        """
