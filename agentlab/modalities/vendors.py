"""The table of vendors that hear, draw and speak: data, in `vendors.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from agentlab.errors import UsageError
from agentlab.models.vendors import vendors as model_vendors
from agentlab.models.wire import Vendor

__all__ = [
    "Form",
    "ImageRow",
    "Sides",
    "SpeechRow",
    "TranscriptionRow",
    "address_of",
    "own_vendors",
    "row_of",
]


class Form(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request and its answer look like.

    Attributes:
        form: How the request's body is written: JSON, the form of an HTML page, or the bytes of the sound alone.
        path: Where; `{model}` stands for the model.
        fields: Where in the body each option goes, in steps between dots; what is not here is not taken.
        body: Sent with every request.
        query: Sent with every request, in the address.
        answer: Where the result stands, in steps between dots, `*` for each of a list; empty where the answer is it.
        reason: Where it says why there is no result.
    """

    form: Literal["json", "multipart", "bytes"]
    path: str
    fields: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    answer: str
    reason: tuple[str, ...] = ()


class TranscriptionRow(Form, frozen=True, kw_only=True):
    """How a vendor hears.

    Attributes:
        formats: Kinds of sound it takes; not checked where empty.
        max_bytes: Most bytes of sound; None where there is no such limit.
        instruction: What a model that can do more is told to do.
    """

    formats: tuple[str, ...] = ()
    max_bytes: int | None = None
    instruction: str = ""


class Sides(Struct, frozen=True, forbid_unknown_fields=True):
    """What a side of an image may measure, in pixels."""

    least: int
    most: int
    step: int


class ImageRow(Form, frozen=True, kw_only=True):
    """How a vendor draws.

    Attributes:
        max_images: Most images in a request.
        max_characters: Most letters of a prompt; None where there is no such limit.
        sides: What width and height may be; not checked where None.
        ratios: Proportions it knows, where only those can be asked for.
    """

    max_images: int = 1
    max_characters: int | None = None
    sides: Sides | None = None
    ratios: tuple[str, ...] = ()


class SpeechRow(Form, frozen=True, kw_only=True):
    """How a vendor speaks.

    Attributes:
        formats: Kinds of sound it makes; not checked where empty.
        voices: Its voices; not checked where empty.
        default_voice: Which one speaks where none is named; None leaves it to the vendor.
        needs_voice: Whether one must be named.
        speeds: Slowest and fastest, 1 being its own; not checked where None.
        max_characters: Most letters of a text; None where there is no such limit.
    """

    formats: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    default_voice: str | None = None
    needs_voice: bool = False
    speeds: tuple[float, float] | None = None
    max_characters: int | None = None


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    vendors: dict[str, dict[str, Any]]
    transcription: dict[str, TranscriptionRow]
    images: dict[str, ImageRow]
    speech: dict[str, SpeechRow]


Row = TypeVar("Row", TranscriptionRow, ImageRow, SpeechRow)
_DOES = {TranscriptionRow: "transcribes", ImageRow: "makes images", SpeechRow: "speaks"}


@cache
def _table() -> _Table:
    text = resources.files("agentlab.modalities").joinpath("vendors.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Table, strict=True)


def row_of(kind: type[Row], vendor: str) -> Row:
    """How a vendor hears, draws or speaks.

    Args:
        kind: Which of the three.
        vendor: Its name.

    Raises:
        UsageError: None of that name does.
    """
    table = _table()
    rows: Mapping[type, Mapping[str, Any]] = {
        TranscriptionRow: table.transcription,
        ImageRow: table.images,
        SpeechRow: table.speech,
    }
    row = rows[kind].get(vendor)
    if row is None:
        raise UsageError(f"no vendor `{vendor}` {_DOES[kind]} here; those who do are {', '.join(rows[kind])}")
    found: Row = row
    return found


def address_of(vendor: str) -> Vendor:
    """Where a vendor is, and with which key."""
    own = _table().vendors.get(vendor)
    if own is None:
        return model_vendors()[vendor]
    return msgspec.convert({"name": vendor, "wire": "", **own}, Vendor, strict=True)


def own_vendors() -> dict[str, Vendor]:
    """The vendors that have no chat models, by name: where they are, and with which key."""
    return {name: address_of(name) for name in _table().vendors}
