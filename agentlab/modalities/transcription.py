"""Transcription models behind a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from agentlab.errors import ProtocolError, UsageError
from agentlab.http import Clock, HttpClient, Retry, Secret
from agentlab.messages import Audio, Base64Source
from agentlab.messages.sniffing import sniffed_media_type
from agentlab.modalities.remote import RemoteModel, Upload, decoded_base64, endpoint_of
from agentlab.modalities.results import Transcription
from agentlab.modalities.vendors import TranscriptionRow, row_of
from agentlab.models.vendors import split_name

__all__ = ["RemoteTranscriptionModel", "transcription_model"]

# What vendors call the kinds of sound, and what files of them end in.
_FORMATS: Final = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "audio/m4a": "m4a",
    "audio/webm": "webm",
    "audio/aiff": "aiff",
}


class RemoteTranscriptionModel(RemoteModel[TranscriptionRow]):
    """A transcription model reached over HTTP; made by `transcription_model`."""

    async def transcribe(
        self,
        audio: bytes | str | Path | Audio,
        *,
        language: str | None = None,
        prompt: str | None = None,
        temperature: float | None = None,
        additional_params: Mapping[str, Any] | None = None,
    ) -> Transcription:
        """Write down what is said in a recording; arguments as in `TranscriptionModel.transcribe`.

        Raises:
            UsageError: There is no sound, too much of it, or of a kind the vendor does not take; nothing was sent.
            UnsupportedCapability: The vendor does not take an option; nothing was sent.
            ModelError: The request failed, after retries.
        """
        upload = _upload_of(audio)
        self._check(upload)
        options: dict[str, Any] = {"language": language, "prompt": prompt, "temperature": temperature}
        if self._row.instruction:
            options = {"temperature": temperature, "instruction": self._told(language, prompt)}
        if "model" in self._row.fields:
            options = {"model": self._endpoint.model_id, **options}
        if self._row.form == "json":
            known = {"media_type": upload.media_type, "format": _FORMATS.get(upload.media_type, "wav")}
            options |= {name: value for name, value in known.items() if name in self._row.fields}
            options["audio"] = Base64Source.from_bytes(upload.content).data
        answered = await self._ask(options, additional_params, upload)
        payload = answered.payload or {}
        heard = payload.get("language")
        return Transcription(
            text="".join(str(value) for value in answered.values),
            model=self.name,
            language=heard if isinstance(heard, str) else None,
            audio_s=answered.audio_s,
            usage=answered.usage,
            request_id=answered.answer.request_id,
            raw=payload,
        )

    def _told(self, language: str | None, prompt: str | None) -> str:
        spoken = f" The language is {language}." if language else ""
        expected = f" It may be about: {prompt}" if prompt else ""
        return f"{self._row.instruction}{spoken}{expected}"

    def _check(self, upload: Upload) -> None:
        row, vendor = self._row, self._endpoint.vendor.name
        kind = _FORMATS.get(upload.media_type, upload.media_type)
        if row.formats and kind not in row.formats:
            raise UsageError(f"`{vendor}` takes {', '.join(row.formats)}, and this sound is {kind}")
        if row.max_bytes is not None and len(upload.content) > row.max_bytes:
            raise UsageError(
                f"`{vendor}` takes at most {row.max_bytes:,} bytes of sound, and this has {len(upload.content):,}: "
                "cut it, or compress it (mp3, ogg)"
            )


def transcription_model(
    name: str,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> RemoteTranscriptionModel:
    """A transcription model by name.

        heard = await transcription_model("openai:gpt-4o-transcribe").transcribe("meeting.mp3")

    Args:
        name: `"openai:gpt-4o-transcribe"`, `"groq:whisper-large-v3-turbo"`, `"gemini:gemini-2.5-flash"`.
        api_key: The key; else the vendor's environment variable, else the keyring.
        base_url: Another address: a proxy, a gateway, a server of your own.
        http: A client with timeouts of your choice; one that waits for minutes where None.
        retry: When a failed request is sent again.
        clock: Time; for tests.
        seed: Seed of the retries' jitter.

    Raises:
        UsageError: The name is not of that form, or no vendor of that name transcribes.
        MissingKey: The vendor needs a key and there is none.
    """
    vendor, model_id = split_name(name)
    row = row_of(TranscriptionRow, vendor)
    endpoint = endpoint_of(
        vendor, model_id, api_key=api_key, base_url=base_url, http=http, retry=retry, clock=clock, seed=seed
    )
    return RemoteTranscriptionModel(endpoint, row)


def _upload_of(audio: bytes | str | Path | Audio) -> Upload:
    """The sound, looked at.

    Raises:
        UsageError: There is none, or nothing says what it is.
    """
    name, said = "", None
    if isinstance(audio, Audio):
        if not isinstance(audio.source, Base64Source):
            raise UsageError("this sound is elsewhere: give its bytes, `Audio.from_file(...)` or a path")
        said = audio.media_type
        try:
            content = decoded_base64(audio.source.data)
        except ProtocolError:
            raise UsageError("the base64 of this sound is broken or empty") from None
    elif isinstance(audio, str | Path):
        path = Path(audio)
        name = path.name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    else:
        content = bytes(audio)
    if not content:
        raise UsageError("the sound is empty: it has no bytes")
    kind = sniffed_media_type(content) or said
    if kind is None:
        raise UsageError(
            f"this does not begin as a sound file does ({content[:8]!r}); known are {', '.join(sorted(set(_FORMATS.values())))}. "
            "For another kind give `Audio(Base64Source.from_bytes(...), media_type=...)`"
        )
    if not kind.startswith("audio/"):
        raise UsageError(f"this is {kind}, and a sound is wanted")
    return Upload(content, kind, name or f"audio.{_FORMATS.get(kind, 'bin')}")
