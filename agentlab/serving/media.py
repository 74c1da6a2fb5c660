"""Media as OpenAI's interfaces carry them: `data:` URLs, web addresses, ids of files."""

from __future__ import annotations

import re
from typing import Any, Final

from agentlab.errors import UsageError
from agentlab.messages import Audio, Document, Image
from agentlab.messages.media import Base64Source, FileSource, UrlSource, media_type_of
from agentlab.serving.refusals import invalid

__all__ = ["data_url", "file_document", "image_of", "sound_of"]

_DATA_URL: Final = re.compile(
    r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,(?P<data>[A-Za-z0-9+/=\s]*)"
)


def image_of(url: str | None, detail: Any, where: str, *, file_id: str | None = None) -> Image:
    """An image from a URL, a `data:` URL or the id of a file.

    Args:
        url: The URL.
        detail: How closely the model looks; one of OpenAI's words.
        where: The field of the request, for the refusal.
        file_id: Its id at the provider.

    Raises:
        Refused: There is neither, or the URL is of another kind.
    """
    known = detail if detail in {"low", "high", "auto"} else None
    if file_id is not None:
        return Image(FileSource(file_id), detail=known)
    if url is not None and url.startswith(("http://", "https://")):
        return Image(UrlSource(url), detail=known)
    media_type, data = _from_data_url(url or "", where)
    return Image(Base64Source(data), media_type or "image/png", detail=known)


def sound_of(data: str, form: str, where: str) -> Audio:
    """Sound from base64 and the suffix of its format.

    Raises:
        Refused: No such format is known.
    """
    try:
        return Audio(Base64Source(data), media_type_of(f"sound.{form}", "audio"))
    except UsageError:
        raise invalid(f"no sound format is called `{form}`", where) from None


def file_document(
    file_data: str | None,
    file_id: str | None,
    filename: str | None,
    where: str,
    *,
    file_url: str | None = None,
) -> Document:
    """A document from a file's bytes as a `data:` URL, its id, or its address.

    Raises:
        Refused: There is none of them, or the bytes are no `data:` URL.
    """
    if file_id is not None:
        return Document(FileSource(file_id), title=filename)
    if file_url is not None:
        return Document(UrlSource(file_url), title=filename, media_type="application/pdf")
    if file_data is None:
        raise invalid("a file needs its data, an id or an address", where)
    media_type, data = _from_data_url(file_data, where)
    if media_type is None:
        try:
            media_type = media_type_of(filename or "file.pdf")
        except UsageError as error:
            raise invalid(str(error), where) from None
    return Document(Base64Source(data), title=filename, media_type=media_type)


def data_url(image: Image) -> str | None:
    """Where an image of the model's is: its address, or the image itself as a `data:` URL; None for a provider's file."""
    if isinstance(image.source, UrlSource):
        return image.source.url
    if isinstance(image.source, Base64Source):
        return f"data:{image.media_type or 'image/png'};base64,{image.source.data}"
    return None


def _from_data_url(url: str, where: str) -> tuple[str | None, str]:
    match = _DATA_URL.fullmatch(url)
    if match is None:
        raise invalid("the URL is neither `https://...` nor `data:<type>;base64,...`", where)
    return match["type"], match["data"]
