"""Images, documents, films and sound as Converse takes them: a format by name, and bytes or an object in S3."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any, Final

from agentlab.errors import UnsupportedCapability
from agentlab.messages import Audio, Base64Source, Document, Image, TextSource, UrlSource, Video

__all__ = ["media_block"]

Block = dict[str, Any]

_FORMATS: Final[dict[str, dict[str, str]]] = {
    "image": {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"},
    "document": {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "application/msword": "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
        "text/html": "html",
        "text/plain": "txt",
        "text/markdown": "md",
    },
    "video": {
        "video/mp4": "mp4",
        "video/quicktime": "mov",
        "video/mov": "mov",
        "video/x-matroska": "mkv",
        "video/webm": "webm",
        "video/x-flv": "flv",
        "video/mpeg": "mpeg",
        "video/x-ms-wmv": "wmv",
        "video/3gpp": "three_gp",
    },
    "audio": {
        "audio/mp3": "mp3",
        "audio/mpeg": "mp3",
        "audio/wav": "wav",
        "audio/aac": "aac",
        "audio/flac": "flac",
        "audio/ogg": "ogg",
        "audio/m4a": "m4a",
        "audio/opus": "opus",
        "audio/webm": "webm",
        "audio/pcm16": "pcm",
    },
}
_SAME: Final = {"jpg": "jpeg", "mpg": "mpeg", "3gp": "three_gp", "htm": "html"}
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9\s\-()\[\]]+")
_LONGEST_NAME: Final = 200


def media_block(part: Image | Audio | Video | Document) -> Block:
    """The block of a part that holds a file.

    A document that is text is told as text, as on other wires, unless its metadata ask for citations
    (`citations: "true"`): only documents of their own are cited.

    Raises:
        UnsupportedCapability: The wire has no such format, or no way to reach the bytes.

    Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
    """
    if isinstance(part, Document):
        return _document(part)
    kind = "image" if isinstance(part, Image) else "video" if isinstance(part, Video) else "audio"
    return {kind: {"format": _format(part, kind), "source": _source(part, kind)}}


def _document(document: Document) -> Block:
    cited = document.metadata.get("citations") == "true"
    if isinstance(document.source, TextSource):
        if not cited:
            return {"text": document.rendered()}
        block: Block = {"format": "txt", "name": _name(document), "source": {"text": document.source.text}}
    else:
        block = {
            "format": _format(document, "document"),
            "name": _name(document),
            "source": _source(document, "document"),
        }
    facts = [f"{key}: {value}" for key, value in sorted(document.metadata.items()) if key != "citations"]
    if facts:
        block["context"] = "\n".join(facts)
    if cited:
        block["citations"] = {"enabled": True}
    return {"document": block}


def _name(document: Document) -> str:
    """The document's name in the letters the wire allows, no two blanks in a row."""
    name = _NOT_IN_NAMES.sub("-", document.title or document.id or "document")
    return " ".join(name.split()).strip("-")[:_LONGEST_NAME] or "document"


def _format(part: Image | Audio | Video | Document, kind: str) -> str:
    formats = _FORMATS[kind]
    if part.media_type in formats:
        return formats[part.media_type]
    if part.media_type is None and isinstance(part.source, UrlSource):
        suffix = PurePosixPath(part.source.url).suffix.lstrip(".").lower()
        found = _SAME.get(suffix, suffix)
        if found in formats.values():
            return found
    raise UnsupportedCapability(
        f"Bedrock takes no {kind} of type {part.media_type or 'unknown'}; give `media_type`, one of {', '.join(formats)}"
    )


def _source(part: Image | Audio | Video | Document, kind: str) -> Block:
    source = part.source
    if isinstance(source, Base64Source):
        return {"bytes": source.data}
    if isinstance(source, UrlSource) and source.url.startswith("s3://"):
        return {"s3Location": {"uri": source.url}}
    raise UnsupportedCapability(
        f"Bedrock takes a{'n' if kind[0] in 'ai' else ''} {kind} inline or from S3 (`s3://bucket/key`), not by other "
        "addresses or file ids: read the bytes first"
    )
