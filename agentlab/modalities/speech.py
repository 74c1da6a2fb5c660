"""Models behind a network that speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.http import Clock, HttpClient, Retry, Secret
from agentlab.messages.sniffing import sniffed_media_type
from agentlab.modalities.remote import RemoteModel, endpoint_of
from agentlab.modalities.results import Speech
from agentlab.modalities.vendors import SpeechRow, row_of
from agentlab.models.vendors import split_name

__all__ = ["RemoteSpeechModel", "speech_model"]

# Sound without a header of its own is what was asked for (RFC 3551 names the two telephone codes).
_HEADERLESS: Final = {"pcm": "audio/pcm16", "mulaw": "audio/basic", "alaw": "audio/x-alaw-basic"}
_UNKNOWN: Final = "application/octet-stream"


class RemoteSpeechModel(RemoteModel[SpeechRow]):
    """A model that speaks, reached over HTTP; made by `speech_model`."""

    async def speak(
        self,
        text: str,
        *,
        voice: str | None = None,
        speed: float | None = None,
        format: str | None = None,  # noqa: A002 - the field's name for it
        additional_params: Mapping[str, Any] | None = None,
    ) -> Speech:
        """Say a text; arguments as in `SpeechModel.speak`.

        Raises:
            UsageError: The text is empty or too long, or a voice, a speed or a format is not one of the vendor's; nothing
                was sent.
            UnsupportedCapability: The vendor does not take an option; nothing was sent.
            ModelError: The request failed, after retries.
        """
        voice = self._row.default_voice if voice is None else voice
        self._check(text, voice, speed, format)
        options: dict[str, Any] = {"text": text, "voice": voice, "format": format, "speed": speed}
        if "model" in self._row.fields:
            options = {"model": self._endpoint.model_id, **options}
        answered = await self._ask(options, additional_params)
        audio = self._decoded(answered.values[0], answered)
        headerless = _HEADERLESS.get(format or "")
        return Speech(
            audio=audio,
            media_type=headerless or sniffed_media_type(audio) or _UNKNOWN,
            model=self.name,
            text=text,
            voice=voice,
            usage=answered.usage,
            request_id=answered.answer.request_id,
            raw=answered.payload,
        )

    def _check(self, text: str, voice: str | None, speed: float | None, sound: str | None) -> None:
        row, vendor = self._row, self._endpoint.vendor.name
        if not text.strip():
            raise UsageError("the text is empty; there is nothing to say")
        if row.max_characters is not None and len(text) > row.max_characters:
            raise UsageError(
                f"`{vendor}` says {row.max_characters:,} characters at once, and this has {len(text):,}: say it in parts"
            )
        if voice is None and row.needs_voice:
            raise UsageError(f"`{vendor}` wants a voice: the page of the model names them")
        if voice is not None and row.voices and voice not in row.voices:
            raise UsageError(
                f"`{vendor}` has no voice `{voice}`; it has {', '.join(row.voices)}. One of your own goes into "
                f"`additional_params={{{row.fields['voice']!r}: ...}}`"
            )
        if speed is not None and row.speeds is not None and not row.speeds[0] <= speed <= row.speeds[1]:
            raise UsageError(
                f"`{vendor}` speaks at a speed of {row.speeds[0]} to {row.speeds[1]}, not {speed}"
            )
        if speed is not None and not speed > 0:
            raise UsageError(f"a speed is above 0, not {speed}")
        if sound is not None and "format" not in row.fields:
            raise UnsupportedCapability(f"`{vendor}` does not take `format`; leave it out")
        if sound is not None and row.formats and sound not in row.formats:
            raise UsageError(f"`{vendor}` makes {', '.join(row.formats)}, not {sound}")


def speech_model(
    name: str,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> RemoteSpeechModel:
    """A model that speaks, by name.

        said = await speech_model("openai:gpt-4o-mini-tts").speak("Good morning.", voice="coral")
        said.save("morning.mp3")

    Args:
        name: `"openai:gpt-4o-mini-tts"`, `"venice:tts-kokoro"`, `"xai:tts"` (its one model has no name of its own).
        api_key: The key; else the vendor's environment variable, else the keyring.
        base_url: Another address: a proxy, a gateway, a server of your own.
        http: A client with timeouts of your choice; one that waits for minutes where None.
        retry: When a failed request is sent again.
        clock: Time; for tests.
        seed: Seed of the retries' jitter.

    Raises:
        UsageError: The name is not of that form, or no vendor of that name speaks.
        MissingKey: The vendor needs a key and there is none.
    """
    vendor, model_id = split_name(name)
    row = row_of(SpeechRow, vendor)
    endpoint = endpoint_of(
        vendor, model_id, api_key=api_key, base_url=base_url, http=http, retry=retry, clock=clock, seed=seed
    )
    return RemoteSpeechModel(endpoint, row)
