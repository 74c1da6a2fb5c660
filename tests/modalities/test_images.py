"""Each vendor is asked for images in its own way; what comes back can be saved and sent on."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import ContentFiltered, ProtocolError, UnsupportedCapability, UsageError
from agentlab.http import ManualClock
from agentlab.messages import Base64Source
from agentlab.modalities import ImageGenerationModel, RemoteImageModel, image_model
from tests.modalities.provider import JPEG, PNG, provider

pytestmark = pytest.mark.anyio

PNG64, JPEG64 = (base64.b64encode(each).decode() for each in (PNG, JPEG))


def model_at(url: str, name: str) -> RemoteImageModel:
    return image_model(name, api_key="k", base_url=url, clock=ManualClock(), seed=1)


@pytest.mark.parametrize(
    ("name", "path", "body", "answer"),
    [
        (
            "azure:my-images",
            "/images/generations?api-version=preview",
            {"prompt": "a cat", "model": "my-images", "n": 2, "size": "1024x1024"},
            {"data": [{"b64_json": PNG64}, {"b64_json": JPEG64}]},
        ),
        (
            "xai:grok-imagine-image-quality",
            "/images/generations",
            {
                "prompt": "a cat",
                "model": "grok-imagine-image-quality",
                "n": 2,
                "aspect_ratio": "1:1",
                "response_format": "b64_json",
            },
            {"data": [{"b64_json": f"data:image/png;base64,{PNG64}"}, {"b64_json": JPEG64}]},
        ),
        (
            "venice:qwen-image-2",
            "/image/generate",
            {"prompt": "a cat", "model": "qwen-image-2", "variants": 2, "width": 1024, "height": 1024},
            {"id": "x", "images": [PNG64, JPEG64]},
        ),
        (
            "hyperbolic:SDXL1.0-base",
            "/image/generation",
            {"prompt": "a cat", "model_name": "SDXL1.0-base", "n": 2, "width": 1024, "height": 1024},
            {"images": [{"image": PNG64}, {"image": JPEG64}]},
        ),
    ],
)
async def test_size_and_number_go_where_the_vendor_wants_them(
    name: str, path: str, body: dict[str, Any], answer: dict[str, Any]
) -> None:
    async with provider(answer) as server:
        made = await model_at(server.url, name).generate("a cat", width=1024, height=1024, n=2)
    (asked,) = server.asked
    assert (asked.path, asked.json) == (path, body)
    assert [each.media_type for each in made] == ["image/png", "image/jpeg"]
    assert [made[0].image, made[1].image] == [PNG, JPEG]
    assert (len(made), made.prompt, made.model, made.raw) == (2, "a cat", name, answer)


async def test_hugging_face_answers_with_the_picture_itself() -> None:
    async with provider(PNG) as server:
        model = model_at(server.url, "huggingface:black-forest-labs/FLUX.1-schnell")
        made = await model.generate(
            "a cat", width=64, height=32, additional_params={"parameters": {"seed": 3}}
        )
    (asked,) = server.asked
    assert asked.path == "/models/black-forest-labs/FLUX.1-schnell"
    assert asked.json == {"inputs": "a cat", "parameters": {"width": 64, "height": 32, "seed": 3}}
    assert (made.image.image, made.raw) == (PNG, None)


async def test_two_requests_do_not_share_a_body() -> None:
    inline = {"inlineData": {"mimeType": "image/png", "data": PNG64}}
    async with provider({"candidates": [{"content": {"parts": [{"text": "Here."}, inline]}}]}) as server:
        model = model_at(server.url, "gemini:gemini-2.5-flash-image")
        await model.generate("a cat", width=1600, height=900)
        await model.generate("a dog")
    first, second = (asked.json["generationConfig"] for asked in server.asked)
    assert first == {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "16:9"}}
    assert second == {"responseModalities": ["IMAGE"]}


async def test_xais_price_is_read_in_its_ticks() -> None:
    answer = {"data": [{"b64_json": PNG64}], "usage": {"cost_in_usd_ticks": 700_000_000}}
    async with provider(answer) as server:
        made = await model_at(server.url, "xai:grok-imagine-image").generate("a cat")
    assert made.usage.reported_cost_usd == pytest.approx(0.07)


async def test_a_wrong_wish_is_refused_before_anything_is_sent() -> None:
    async with provider({}) as server:
        for name, wish, error, said in (
            ("openai:m", {"prompt": " \n"}, UsageError, "the prompt is empty"),
            ("openai:m", {"prompt": "x" * 32_001}, UsageError, "takes prompts of 32,000 characters"),
            ("openai:m", {"width": 1000, "height": 1000}, UsageError, "multiples of 16, not 1000 by 1000"),
            ("openai:m", {"width": 1024}, UsageError, "a width and a height"),
            ("openai:m", {"width": -16, "height": 16}, UsageError, "a width and a height"),
            ("openai:m", {"n": 11}, UnsupportedCapability, "at most 10 at once"),
            ("openai:m", {"n": 0}, UsageError, "one image or more"),
            ("gemini:m", {"width": 1000, "height": 100}, UsageError, "none of them"),
            ("gemini:m", {"n": 2}, UnsupportedCapability, "at most 1 at once"),
            ("hyperbolic:m", {"width": 32, "height": 64}, UsageError, "64 to 2048 pixels"),
        ):
            with pytest.raises(error, match=said):
                await model_at(server.url, name).generate(**{"prompt": "a cat", **wish})
    assert not server.asked


async def test_a_phone_sized_wish_finds_its_proportion() -> None:
    async with provider({"data": [{"b64_json": PNG64}]}) as server:
        await model_at(server.url, "xai:m").generate("a cat", width=1080, height=2340)
    assert server.asked[0].json["aspect_ratio"] == "9:19.5"


@pytest.mark.parametrize(
    ("name", "answer", "error", "said"),
    [
        ("openai:m", {"data": [{"url": "https://a.invalid/x.png"}]}, ProtocolError, "nothing at"),
        ("openai:m", {"data": [{"b64_json": "?!"}]}, ProtocolError, "base64 was expected"),
        ("openai:m", {"data": [{"b64_json": 3}]}, ProtocolError, "base64 was expected"),
        ("huggingface:m", {"error": "still loading"}, ProtocolError, "bytes were expected"),
        ("huggingface:m", b"", ProtocolError, "bytes were expected"),
        ("gemini:m", {"candidates": [{"finishReason": "IMAGE_SAFETY"}]}, ContentFiltered, "IMAGE_SAFETY"),
    ],
)
async def test_an_answer_without_an_image_is_an_error(
    name: str, answer: Any, error: type[Exception], said: str
) -> None:
    async with provider(answer) as server:
        with pytest.raises(error, match=said):
            await model_at(server.url, name).generate("a cat")
    assert len(server.asked) == 1


async def test_images_are_saved_and_sent_on(tmp_path: Path) -> None:
    async with provider({"data": [{"b64_json": PNG64}, {"b64_json": JPEG64}]}) as server:
        made = await model_at(server.url, "openai:m").generate("a cat", n=2)
    paths = made.save(tmp_path / "cat.png")
    assert [path.name for path in paths] == ["cat.png", "cat-2.png"]
    assert [path.read_bytes() for path in paths] == [PNG, JPEG]
    with pytest.raises(UsageError, match="is there already"):
        made.image.save(tmp_path / "cat.png")
    with pytest.raises(UsageError, match="cannot be written"):
        made.image.save(tmp_path / "no" / "cat.png")
    part = made.image.part
    assert isinstance(part.source, Base64Source)
    assert (part.source.to_bytes(), part.media_type) == (PNG, "image/png")
    assert len(repr(made)) < 200


def test_it_is_an_image_generation_model() -> None:
    assert isinstance(model_at("http://127.0.0.1:1", "openai:m"), ImageGenerationModel)
    with pytest.raises(UsageError, match="no vendor `groq` makes images here"):
        image_model("groq:m")
