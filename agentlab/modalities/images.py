"""Models behind a network that make images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.http import Clock, HttpClient, Retry, Secret
from agentlab.messages.sniffing import sniffed_media_type
from agentlab.modalities.remote import RemoteModel, endpoint_of
from agentlab.modalities.results import GeneratedImage, GeneratedImages
from agentlab.modalities.vendors import ImageRow, row_of
from agentlab.models.vendors import split_name

__all__ = ["RemoteImageModel", "image_model"]

_SAME_RATIO: Final = 0.01
_UNKNOWN: Final = "application/octet-stream"


class RemoteImageModel(RemoteModel[ImageRow]):
    """A model that makes images, reached over HTTP; made by `image_model`."""

    async def generate(
        self,
        prompt: str,
        *,
        width: int | None = None,
        height: int | None = None,
        n: int | None = None,
        additional_params: Mapping[str, Any] | None = None,
    ) -> GeneratedImages:
        """Make images of what a text describes; arguments as in `ImageGenerationModel.generate`.

        Raises:
            UsageError: The prompt is empty or too long, or a size is not one the vendor takes; nothing was sent.
            UnsupportedCapability: The vendor does not make so many at once; nothing was sent.
            ContentFiltered: The provider would not draw this.
            ModelError: The request failed, after retries.
        """
        self._check(prompt, n)
        options: dict[str, Any] = {"prompt": prompt}
        if "model" in self._row.fields:
            options["model"] = self._endpoint.model_id
        if n is not None and "n" in self._row.fields:
            options["n"] = n
        answered = await self._ask(options | self._size(width, height), additional_params)
        images = (self._decoded(value, answered) for value in answered.values)
        return GeneratedImages(
            images=tuple(
                GeneratedImage(image=each, media_type=sniffed_media_type(each) or _UNKNOWN) for each in images
            ),
            model=self.name,
            prompt=prompt,
            usage=answered.usage,
            request_id=answered.answer.request_id,
            raw=answered.payload,
        )

    def _check(self, prompt: str, n: int | None) -> None:
        row, vendor = self._row, self._endpoint.vendor.name
        if not prompt.strip():
            raise UsageError("the prompt is empty; say what is to be seen")
        if row.max_characters is not None and len(prompt) > row.max_characters:
            raise UsageError(
                f"`{vendor}` takes prompts of {row.max_characters:,} characters, and this has {len(prompt):,}"
            )
        if n is not None and n < 1:
            raise UsageError(f"one image or more can be made, not {n}")
        if n is not None and n > row.max_images:
            raise UnsupportedCapability(
                f"`{vendor}` makes at most {row.max_images} at once, not {n}; ask several times"
            )

    def _size(self, width: int | None, height: int | None) -> dict[str, Any]:
        """Width and height as the vendor wants them."""
        if width is None and height is None:
            return {}
        if width is None or height is None or width < 1 or height < 1:
            raise UsageError(f"an image has a width and a height in pixels; given are {width} and {height}")
        fields, sides = self._row.fields, self._row.sides
        if sides is not None and any(
            not sides.least <= side <= sides.most or side % sides.step for side in (width, height)
        ):
            step = f", multiples of {sides.step}" if sides.step > 1 else ""
            raise UsageError(
                f"`{self._endpoint.vendor.name}` makes sides of {sides.least} to {sides.most} pixels{step}, "
                f"not {width} by {height}"
            )
        if "size" in fields:
            return {"size": f"{width}x{height}"}
        if "aspect_ratio" in fields:
            return {"aspect_ratio": self._ratio(width, height)}
        return {"width": width, "height": height}

    def _ratio(self, width: int, height: int) -> str:
        for ratio in self._row.ratios:
            across, down = map(float, ratio.split(":"))
            if abs(width * down / (height * across) - 1) < _SAME_RATIO:
                return ratio
        known = ", ".join(self._row.ratios)
        raise UsageError(
            f"`{self._endpoint.vendor.name}` knows the proportions {known}; {width} by {height} is none of them"
        )


def image_model(
    name: str,
    *,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> RemoteImageModel:
    """A model that makes images, by name.

        made = await image_model("openai:gpt-image-2.5-flare").generate("a cat on a bench", width=1024, height=1024)
        made.image.save("cat.png")

    Args:
        name: `"openai:gpt-image-2.5-flare"`, `"gemini:gemini-2.5-flash-image"`, `"xai:grok-imagine-image-quality"`.
        api_key: The key; else the vendor's environment variable, else the keyring.
        base_url: Another address: a proxy, a gateway, a server of your own.
        http: A client with timeouts of your choice; one that waits for minutes where None.
        retry: When a failed request is sent again.
        clock: Time; for tests.
        seed: Seed of the retries' jitter.

    Raises:
        UsageError: The name is not of that form, or no vendor of that name makes images.
        MissingKey: The vendor needs a key and there is none.
    """
    vendor, model_id = split_name(name)
    row = row_of(ImageRow, vendor)
    endpoint = endpoint_of(
        vendor, model_id, api_key=api_key, base_url=base_url, http=http, retry=retry, clock=clock, seed=seed
    )
    return RemoteImageModel(endpoint, row)
