"""Each vendor is asked for a transcript in its own way, and nothing wrong leaves the machine."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import (
    AuthenticationFailed,
    ContentFiltered,
    MissingKey,
    ProtocolError,
    UnsupportedCapability,
    UsageError,
)
from agentlab.http import ManualClock
from agentlab.messages import Audio, Base64Source, UrlSource
from agentlab.modalities import RemoteTranscriptionModel, TranscriptionModel, transcription_model
from tests.modalities.provider import FLAC, MP3, OGG, PNG, WAV, Reply, provider

pytestmark = pytest.mark.anyio

KEY = "sk-test-0123456789abcdef"


def model_at(url: str, name: str, **options: Any) -> RemoteTranscriptionModel:
    return transcription_model(name, api_key=KEY, base_url=url, clock=ManualClock(), seed=1, **options)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("openai:gpt-4o-transcribe", "/audio/transcriptions"),
        ("azure:my-whisper", "/audio/transcriptions?api-version=preview"),
        ("groq:whisper-large-v3-turbo", "/audio/transcriptions"),
        ("mistral:voxtral-mini-latest", "/audio/transcriptions"),
        ("venice:nvidia/parakeet-tdt-0.6b-v3", "/audio/transcriptions"),
    ],
)
async def test_a_form_holds_the_sound_the_model_and_the_language(
    name: str, path: str, tmp_path: Path
) -> None:
    file = tmp_path / 'one "two".flac'
    file.write_bytes(FLAC)
    async with provider({"text": "hello"}) as server:
        heard = await model_at(server.url, name).transcribe(file, language="en")
    (asked,) = server.asked
    assert asked.path == path
    assert name.partition(":")[2].encode() in asked.form
    assert b'name="language"\r\n\r\nen\r\n' in asked.form
    assert (
        b'name="file"; filename="one %22two%22.flac"\r\nContent-Type: audio/flac\r\n\r\n' + FLAC in asked.form
    )
    assert (heard.text, heard.model, str(heard)) == ("hello", name, "hello")


async def test_openrouter_takes_json_and_reports_its_price() -> None:
    answer = {
        "text": "hello",
        "usage": {"cost": 0.000508, "seconds": 9.2, "input_tokens": 83, "output_tokens": 30},
    }
    async with provider(Reply(answer, headers=("x-request-id: r-1",))) as server:
        heard = await model_at(server.url, "openrouter:openai/whisper-1").transcribe(MP3, temperature=0)
    assert server.asked[0].json == {
        "model": "openai/whisper-1",
        "temperature": 0,
        "input_audio": {"data": base64.b64encode(MP3).decode(), "format": "mp3"},
    }
    assert heard.usage.reported_cost_usd == pytest.approx(0.000508)
    assert (heard.usage.input_tokens, heard.usage.output_tokens, heard.audio_s) == (83, 30, 9.2)
    assert (heard.request_id, heard.raw) == ("r-1", answer)


async def test_gemini_is_told_what_to_do_and_its_parts_are_joined() -> None:
    answer = {
        "candidates": [{"content": {"parts": [{"text": "hel"}, {"text": "lo"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 3},
    }
    async with provider(answer) as server:
        model = model_at(server.url, "gemini:gemini-2.5-flash")
        heard = await model.transcribe(WAV, language="de", prompt="agentlab", temperature=0.2)
    (asked,) = server.asked
    assert asked.path == "/models/gemini-2.5-flash:generateContent"
    (content,) = asked.json["contents"]
    assert "language is de" in content["parts"][0]["text"]
    assert "agentlab" in content["parts"][0]["text"]
    assert content["parts"][1] == {
        "inlineData": {"mimeType": "audio/wav", "data": base64.b64encode(WAV).decode()}
    }
    assert asked.json["generationConfig"] == {"temperature": 0.2}
    assert heard.text == "hello"
    assert (heard.usage.output_tokens, heard.usage.reasoning_tokens) == (5, 3)


async def test_hugging_face_is_sent_the_bytes_alone() -> None:
    async with provider({"text": "hello"}) as server:
        await model_at(server.url, "huggingface:openai/whisper-large-v3").transcribe(OGG)
    (asked,) = server.asked
    assert (asked.path, asked.body) == ("/models/openai/whisper-large-v3", OGG)
    assert asked.headers["content-type"] == "audio/ogg"


async def test_a_wrong_sound_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    elsewhere = Audio(UrlSource("https://example.com/a.mp3"), "audio/mp3")
    async with provider({"text": "-"}) as server:
        openai = model_at(server.url, "openai:whisper-1")
        for audio, said in (
            (b"", "empty"),
            (b"not a sound at all", "does not begin as a sound"),
            (PNG, "image/png, and a sound is wanted"),
            (tmp_path / "missing.wav", "cannot be read"),
            (elsewhere, "is elsewhere"),
            (Audio(Base64Source("?"), "audio/wav"), "broken"),
            (WAV + b"\0" * 26_214_400, "takes at most 26,214,400 bytes"),
            (b"FORM\0\0\0\0AIFF", "takes flac, mp3, mp4, m4a, ogg, wav, webm, and this sound is aiff"),
        ):
            with pytest.raises(UsageError, match=said):
                await openai.transcribe(audio)
        for name, option in (("mistral:m", {"prompt": "x"}), ("huggingface:m", {"language": "en"})):
            with pytest.raises(UnsupportedCapability, match=f"does not take `{next(iter(option))}`"):
                await model_at(server.url, name).transcribe(WAV, **option)
        with pytest.raises(UsageError, match="lone surrogate"):
            await openai.transcribe(WAV, prompt="\ud800")
        with pytest.raises(UsageError, match="holds texts and numbers"):
            await openai.transcribe(WAV, additional_params={"x": {"y": 1}})
        with pytest.raises(UnsupportedCapability, match="the sound alone"):
            await model_at(server.url, "huggingface:m").transcribe(WAV, additional_params={"x": 1})
    assert not server.asked


async def test_what_is_said_of_a_sound_counts_only_where_its_bytes_do_not_say() -> None:
    async with provider({"text": "-"}) as server:
        model = model_at(server.url, "mistral:voxtral-mini-latest")
        await model.transcribe(Audio(Base64Source.from_bytes(WAV), "audio/mp3"))
        await model.transcribe(Audio(Base64Source.from_bytes(b"\0\1\0\1"), "audio/pcm16"))
    assert b"Content-Type: audio/wav" in server.asked[0].body
    assert b"Content-Type: audio/pcm16" in server.asked[1].body


async def test_wrong_names_and_missing_keys_are_told() -> None:
    with pytest.raises(UsageError, match="no vendor `anthropic` transcribes here; those who do are openai"):
        transcription_model("anthropic:claude")
    with pytest.raises(MissingKey):
        transcription_model("venice:x")
    assert isinstance(model_at("http://127.0.0.1:1", "openai:whisper-1"), TranscriptionModel)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (
            Reply({"error": {"message": f"bad key {KEY}"}}, "401 Unauthorized"),
            AuthenticationFailed,
            "HTTP 401",
        ),
        ({"segments": []}, ProtocolError, "nothing at `text`: it holds segments"),
        (b"<html>", ProtocolError, "not what the wire allows"),
        ([], ProtocolError, "not what the wire allows"),
    ],
)
async def test_a_failure_names_the_model_and_never_the_key(
    answer: Any, error: type[Exception], said: str
) -> None:
    async with provider(answer) as server:
        with pytest.raises(error, match=said) as failed:
            await model_at(server.url, "openai:whisper-1").transcribe(WAV)
    assert str(failed.value).startswith("openai:whisper-1: ")
    assert KEY not in str(failed.value)


async def test_a_busy_provider_is_asked_again_with_the_same_bytes() -> None:
    replies = iter([Reply({"error": "slow down"}, "429 Too Many Requests"), {"text": "hello"}])
    async with provider(lambda _: next(replies)) as server:
        await model_at(server.url, "openai:whisper-1").transcribe(WAV)
    first, second = server.asked
    assert first.body == second.body


async def test_gemini_says_why_it_refused() -> None:
    async with provider({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}) as server:
        with pytest.raises(ContentFiltered, match="PROHIBITED_CONTENT"):
            await model_at(server.url, "gemini:gemini-2.5-flash").transcribe(WAV)
