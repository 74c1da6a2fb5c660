"""What OpenAI's and Google's own SDKs send is what we send, byte for byte apart from a form's boundary."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from agentlab.modalities import image_model, speech_model, transcription_model
from tests.modalities.provider import MP3, PNG, WAV, Asked, provider

pytestmark = pytest.mark.anyio

IMAGES = {
    "created": 1,
    "data": [{"b64_json": base64.b64encode(PNG).decode()}],
    "usage": {"input_tokens": 5, "output_tokens": 9, "total_tokens": 14},
}


def client_at(url: str) -> Any:
    import openai  # noqa: PLC0415 - heavy

    return openai.AsyncOpenAI(api_key="k", base_url=url, max_retries=0)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"language": "en"},
        {"language": "de", "prompt": "Grüße, agentlab", "temperature": 0.5},
    ],
)
async def test_a_transcription_is_asked_for_as_openais_sdk_does(options: dict[str, Any]) -> None:
    async with provider({"text": "hello", "usage": {"type": "duration", "seconds": 1.5}}) as server:
        async with client_at(server.url) as client:
            theirs = await client.audio.transcriptions.create(
                model="gpt-4o-transcribe", file=("audio.wav", WAV, "audio/wav"), **options
            )
        model = transcription_model("openai:gpt-4o-transcribe", api_key="k", base_url=server.url)
        ours = await model.transcribe(WAV, **options)
    sdk, mine = server.asked
    assert fields_of(mine) == fields_of(sdk)
    assert ours.text == theirs.text
    assert ours.audio_s == 1.5


async def test_the_entries_of_a_form_are_written_as_the_sdk_writes_them() -> None:
    extra = {"timestamp_granularities": ["word", "segment"], "response_format": "verbose_json"}
    async with provider({"text": "hello"}) as server:
        async with client_at(server.url) as client:
            await client.audio.transcriptions.create(
                model="whisper-1", file=("audio.mp3", MP3, "audio/mpeg"), **extra
            )
        model = transcription_model("openai:whisper-1", api_key="k", base_url=server.url)
        await model.transcribe(MP3, additional_params=extra)
    sdk, mine = server.asked
    assert fields_of(mine) == fields_of(sdk)


def fields_of(asked: Asked) -> list[bytes]:
    """The entries of a form, in an order of their own: the SDK's depends on its parameters' names."""
    assert asked.headers["content-length"] == str(len(asked.body))
    assert asked.form.startswith(b"--BOUNDARY\r\n")
    assert asked.form.endswith(b"\r\n--BOUNDARY--\r\n")
    return sorted(asked.form.removesuffix(b"--BOUNDARY--\r\n").split(b"--BOUNDARY\r\n"))


async def test_an_image_is_asked_for_as_openais_sdk_does() -> None:
    async with provider(IMAGES) as server:
        async with client_at(server.url) as client:
            theirs = await client.images.generate(
                prompt="a cat",
                model="gpt-image-2.5-flare",
                n=1,
                size="1024x1536",
                extra_body={"quality": "low"},
            )
        model = image_model("openai:gpt-image-2.5-flare", api_key="k", base_url=server.url)
        ours = await model.generate(
            "a cat", width=1024, height=1536, n=1, additional_params={"quality": "low"}
        )
    sdk, mine = server.asked
    assert (mine.path, mine.json) == (sdk.path, sdk.json)
    assert mine.headers["authorization"] == sdk.headers["authorization"]
    assert ours.image.image == base64.b64decode(theirs.data[0].b64_json)
    assert ours.usage.output_tokens == theirs.usage.output_tokens


async def test_speech_is_asked_for_as_openais_sdk_does() -> None:
    async with provider(MP3) as server:
        async with client_at(server.url) as client:
            theirs = await client.audio.speech.create(
                model="gpt-4o-mini-tts", input="Grüße", voice="coral", response_format="mp3", speed=1.25
            )
        model = speech_model("openai:gpt-4o-mini-tts", api_key="k", base_url=server.url)
        ours = await model.speak("Grüße", voice="coral", format="mp3", speed=1.25)
    sdk, mine = server.asked
    assert (mine.path, mine.json) == (sdk.path, sdk.json)
    assert ours.audio == theirs.content
    assert ours.media_type == "audio/mpeg"


async def test_a_picture_of_gemini_is_asked_for_as_googles_sdk_does() -> None:
    from google import genai  # noqa: PLC0415 - heavy
    from google.genai import types  # noqa: PLC0415 - heavy

    inline = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}}
    answer = {"candidates": [{"content": {"role": "model", "parts": [inline]}, "finishReason": "STOP"}]}
    async with provider(answer) as server:
        options = types.HttpOptions(base_url=server.url, api_version="v1beta")
        client = genai.Client(api_key="k", vertexai=False, http_options=options)
        theirs = await asyncio.to_thread(
            client.models.generate_content,
            model="gemini-2.5-flash-image",
            contents="a cat",
            config=types.GenerateContentConfig(
                response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio="16:9")
            ),
        )
        client.close()
        model = image_model("gemini:gemini-2.5-flash-image", api_key="k", base_url=f"{server.url}/v1beta")
        ours = await model.generate("a cat", width=1600, height=900)
    sdk, mine = server.asked
    assert mine.path == sdk.path
    assert without_role(mine.json) == without_role(sdk.json)
    assert mine.headers["x-goog-api-key"] == sdk.headers["x-goog-api-key"]
    parts = theirs.candidates[0].content.parts if theirs.candidates and theirs.candidates[0].content else None
    assert parts is not None
    assert parts[0].inline_data is not None
    assert ours.image.image == parts[0].inline_data.data


def without_role(body: dict[str, Any]) -> dict[str, Any]:
    """The body without the role, which the SDK sets and the API takes for granted."""
    contents = [{key: value for key, value in each.items() if key != "role"} for each in body["contents"]]
    return {**body, "contents": contents}
