"""Each vendor is asked to speak in its own way; what comes back is known by its bytes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import ProtocolError, UnsupportedCapability, UsageError
from agentlab.http import ManualClock
from agentlab.messages import Base64Source
from agentlab.modalities import RemoteSpeechModel, SpeechModel, speech_model
from tests.modalities.provider import MP3, OGG, WAV, Reply, provider

pytestmark = pytest.mark.anyio


def model_at(url: str, name: str) -> RemoteSpeechModel:
    return speech_model(name, api_key="k", base_url=url, clock=ManualClock(), seed=1)


@pytest.mark.parametrize(
    ("name", "wish", "path", "body"),
    [
        (
            "azure:my-voice",
            {"format": "wav"},
            "/audio/speech?api-version=preview",
            {"model": "my-voice", "input": "Hello", "voice": "alloy", "response_format": "wav"},
        ),
        (
            "openrouter:hexgrad/kokoro",
            {"voice": "af_sky"},
            "/audio/speech",
            {"model": "hexgrad/kokoro", "input": "Hello", "voice": "af_sky"},
        ),
        (
            "venice:tts-kokoro",
            {"speed": 2},
            "/audio/speech",
            {"model": "tts-kokoro", "input": "Hello", "speed": 2},
        ),
        (
            "xai:tts",
            {"voice": "eve", "format": "wav", "speed": 1.1},
            "/tts",
            {
                "text": "Hello",
                "voice_id": "eve",
                "language": "auto",
                "output_format": {"codec": "wav"},
                "speed": 1.1,
            },
        ),
    ],
)
async def test_voice_speed_and_format_go_where_the_vendor_wants_them(
    name: str, wish: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    async with provider(Reply(WAV, headers=("x-request-id: r-2",))) as server:
        said = await model_at(server.url, name).speak("Hello", **wish)
    (asked,) = server.asked
    assert (asked.path, asked.json) == (path, body)
    assert (said.audio, said.media_type, said.text, said.request_id) == (WAV, "audio/wav", "Hello", "r-2")


async def test_hyperbolic_answers_in_json() -> None:
    async with provider({"audio": base64.b64encode(MP3).decode(), "duration": 1.5}) as server:
        said = await model_at(server.url, "hyperbolic:EN").speak("Hello", voice="EN-US", speed=1)
    assert server.asked[0].path == "/audio/generation"
    assert server.asked[0].json == {"language": "EN", "text": "Hello", "speaker": "EN-US", "speed": 1}
    assert (said.audio, said.media_type) == (MP3, "audio/mpeg")
    assert said.raw is not None
    assert said.raw["duration"] == 1.5


async def test_sound_without_a_header_is_what_was_asked_for_and_other_sound_what_it_is() -> None:
    async with provider(b"\0\1" * 10) as server:
        model = model_at(server.url, "openai:tts-1")
        assert (await model.speak("Hello", format="pcm")).media_type == "audio/pcm16"
        assert (await model.speak("Hello")).media_type == "application/octet-stream"
    async with provider(OGG) as server:
        assert (
            await model_at(server.url, "openai:tts-1").speak("Hello", format="mp3")
        ).media_type == "audio/ogg"


async def test_a_wrong_wish_is_refused_before_anything_is_sent() -> None:
    async with provider(MP3) as server:
        for name, wish, error, said in (
            ("openai:m", {"text": ""}, UsageError, "the text is empty"),
            ("openai:m", {"text": "x" * 4097}, UsageError, "says 4,096 characters at once"),
            ("openai:m", {"voice": "nobody"}, UsageError, "no voice `nobody`; it has alloy"),
            ("openai:m", {"speed": 5}, UsageError, "a speed of 0.25 to 4.0, not 5"),
            ("openai:m", {"format": "aiff"}, UsageError, "makes mp3, opus"),
            ("openrouter:m", {}, UsageError, "wants a voice"),
            ("xai:m", {"speed": 0}, UsageError, "above 0"),
            ("hyperbolic:m", {"format": "mp3"}, UnsupportedCapability, "does not take `format`"),
            ("openai:m", {"text": "\ud800"}, UsageError, "lone surrogate"),
        ):
            with pytest.raises(error, match=said):
                await model_at(server.url, name).speak(**{"text": "Hello", **wish})
    assert not server.asked


async def test_a_voice_of_ones_own_goes_around_the_list() -> None:
    async with provider(MP3) as server:
        model = model_at(server.url, "openai:gpt-4o-mini-tts")
        await model.speak("Hello", additional_params={"voice": {"id": "voice_1"}, "instructions": "softly"})
    assert server.asked[0].json == {
        "model": "gpt-4o-mini-tts",
        "input": "Hello",
        "voice": {"id": "voice_1"},
        "instructions": "softly",
    }


@pytest.mark.parametrize("answer", [{"detail": "no"}, b"", b"<html>"])
async def test_an_answer_that_is_no_sound_is_an_error(answer: Any) -> None:
    async with provider(answer) as server:
        with pytest.raises(ProtocolError, match="bytes were expected"):
            await model_at(server.url, "openai:tts-1").speak("Hello")


async def test_speech_is_saved_and_sent_on(tmp_path: Path) -> None:
    async with provider(MP3) as server:
        said = await model_at(server.url, "openai:tts-1").speak("Hello " * 100)
    assert said.save(tmp_path / "hello.mp3").read_bytes() == MP3
    assert isinstance(said.part.source, Base64Source)
    assert said.part.media_type == "audio/mpeg"
    assert len(repr(said)) < 250
    assert isinstance(model_at("http://127.0.0.1:1", "openai:tts-1"), SpeechModel)
