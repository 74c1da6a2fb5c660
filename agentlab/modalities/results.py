"""What came of hearing, drawing and speaking: objects that can be saved, sent on and seen in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from msgspec import Struct

from agentlab.errors import UsageError
from agentlab.messages import Audio, Base64Source, Image, Usage
from agentlab.rich_display import html_of
from agentlab.short_repr import one_line

__all__ = ["GeneratedImage", "GeneratedImages", "Speech", "Transcription"]


class Transcription(Struct, frozen=True, kw_only=True):
    """What was said in a recording.

    Attributes:
        text: The words.
        model: Who heard them, `"vendor:model"`.
        language: The language, where it was reported.
        audio_s: Seconds of sound, where they were reported.
        usage: Tokens, where they were reported; `reported_cost_usd` is the vendor's own price.
        request_id: The provider's id of the request.
        raw: The provider's answer: segments, words and whatever else it holds.
    """

    text: str
    model: str
    language: str | None = None
    audio_s: float | None = None
    usage: Usage = Usage()
    request_id: str | None = None
    raw: dict[str, Any] | None = None

    def save(self, path: str | Path) -> Path:
        """Write the words to a file, which must not be there yet, and give its path."""
        return _written(path, self.text.encode())

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return one_line(f"Transcription({_shortened(self.text)}, model={_shortened(self.model)})")

    def _repr_html_(self) -> str:
        return html_of(self)


class GeneratedImage(Struct, frozen=True, kw_only=True):
    """An image that a model made.

    Attributes:
        image: Its bytes.
        media_type: What they are, by how they begin.
    """

    image: bytes
    media_type: str

    @property
    def part(self) -> Image:
        """It as a part of a prompt."""
        return Image(Base64Source.from_bytes(self.image), self.media_type)

    def save(self, path: str | Path) -> Path:
        """Write it to a file, which must not be there yet, and give its path."""
        return _written(path, self.image)

    def __repr__(self) -> str:
        return one_line(f"GeneratedImage({_shortened(self.media_type)}, {len(self.image):,} bytes)")

    def _repr_html_(self) -> str:
        return html_of(self)


class GeneratedImages(Struct, frozen=True, kw_only=True):
    """The images of one request; iterate them, or take the first with `image`.

    Attributes:
        images: In the order they came.
        model: Who made them, `"vendor:model"`.
        prompt: What was asked for.
        usage: Tokens, where they were reported; `reported_cost_usd` is the vendor's own price.
        request_id: The provider's id of the request.
        raw: The provider's answer.
    """

    images: tuple[GeneratedImage, ...]
    model: str
    prompt: str
    usage: Usage = Usage()
    request_id: str | None = None
    raw: dict[str, Any] | None = None

    @property
    def image(self) -> GeneratedImage:
        """The first."""
        return self.images[0]

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write them to files, which must not be there yet, and give their paths.

        Args:
            path: Of the first; the others have a number behind their name: `cat.png`, `cat-2.png`.
        """
        first = Path(path)
        names = [
            first if number == 1 else first.with_stem(f"{first.stem}-{number}")
            for number in range(1, len(self.images) + 1)
        ]
        return tuple(image.save(name) for image, name in zip(self.images, names, strict=True))

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[GeneratedImage]:
        return iter(self.images)

    @overload
    def __getitem__(self, place: int) -> GeneratedImage: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[GeneratedImage]: ...
    def __getitem__(self, place: int | slice) -> GeneratedImage | Sequence[GeneratedImage]:
        return self.images[place]

    def __repr__(self) -> str:
        return one_line(
            f"GeneratedImages({len(self.images)}, prompt={_shortened(self.prompt)}, model={_shortened(self.model)})"
        )

    def _repr_html_(self) -> str:
        return html_of(self)


class Speech(Struct, frozen=True, kw_only=True):
    """A text, spoken.

    Attributes:
        audio: The sound.
        media_type: What it is, by how it begins; for sound without a header, what was asked for.
        model: Who speaks, `"vendor:model"`.
        text: What is said.
        voice: Whose voice it is; None where the vendor chose.
        usage: Tokens, where they were reported; `reported_cost_usd` is the vendor's own price.
        request_id: The provider's id of the request.
        raw: The provider's answer, where it was JSON.
    """

    audio: bytes
    media_type: str
    model: str
    text: str
    voice: str | None = None
    usage: Usage = Usage()
    request_id: str | None = None
    raw: dict[str, Any] | None = None

    @property
    def part(self) -> Audio:
        """It as a part of a prompt."""
        return Audio(Base64Source.from_bytes(self.audio), self.media_type)

    def save(self, path: str | Path) -> Path:
        """Write it to a file, which must not be there yet, and give its path."""
        return _written(path, self.audio)

    def __repr__(self) -> str:
        kind, model = _shortened(self.media_type), _shortened(self.model)
        return one_line(
            f"Speech({kind}, {len(self.audio):,} bytes, text={_shortened(self.text)}, model={model})"
        )

    def _repr_html_(self) -> str:
        return html_of(self)


def _written(path: str | Path, content: bytes) -> Path:
    target = Path(path)
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise UsageError(f"{target} is there already, and is left as it is; give another name") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None
    return target


def _shortened(text: str, limit: int = 60) -> str:
    return repr(text if len(text) <= limit else f"{text[: limit - 1]}…")
