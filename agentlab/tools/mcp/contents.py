"""What a server answers, as content for a model: bounded, images kept, what no model reads named."""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from agentlab.messages import Base64Source, Image, Json, Text, ToolResultContent
from agentlab.plain_text import well_formed
from agentlab.short_repr import ShortRepr

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock

__all__ = ["McpResult", "bounded", "content_of", "result_of"]

_MOST_PARTS: Final = 64
_MOST_IMAGE_CHARACTERS: Final = 8_000_000
_SHOWN_IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What every wire with images takes; a provider refuses the whole request for one image of another type."""


class McpResult(ShortRepr, Struct, frozen=True):
    """What a server answered to a tool call.

    Attributes:
        tool: The server's name of the tool.
        content: What a model is shown.
        structured: The structured result as the server sent it, or None.
        meta: The result's `_meta`: for the program, never shown to a model.
        is_error: Whether the tool says that it failed.
        raw: The whole result as the server sent it.
    """

    tool: str
    content: tuple[ToolResultContent, ...]
    structured: Any = None
    meta: dict[str, Any] = msgspec.field(default_factory=dict)
    is_error: bool = False
    raw: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def text(self) -> str:
        """The content as text, images named."""
        return "\n".join(_text(part) for part in self.content)


def result_of(tool: str, answer: CallToolResult, limit: int) -> McpResult:
    """A server's answer to a call.

    Where it is structured, the structure is preferred, and text that only repeats it is left out; other text and images stay.

    Args:
        tool: The server's name of the tool.
        answer: The answer.
        limit: Characters of text and JSON that a model is shown.
    """
    parts = content_of(answer.content)
    structured = answer.structured_content
    if structured is not None:
        parts = (Json(structured), *(part for part in parts if not _repeats(part, structured)))
    return McpResult(
        tool,
        bounded(parts, limit),
        structured,
        dict(answer.meta or {}),
        answer.is_error,
        answer.model_dump(mode="json", by_alias=True, exclude_unset=True),
    )


def content_of(blocks: Iterable[ContentBlock]) -> tuple[ToolResultContent, ...]:
    """The blocks as parts: text, images, and for the rest JSON or a note of what it is."""
    return tuple(_part(block) for block in blocks)


def bounded(parts: Iterable[ToolResultContent], limit: int) -> tuple[ToolResultContent, ...]:
    """The parts up to a limit, with a note of how much more there was.

    Args:
        parts: Any number of parts.
        limit: Characters of text and JSON together; images have a limit of their own.
    """
    given = list(parts)
    kept: list[ToolResultContent] = []
    left, images = limit, _MOST_IMAGE_CHARACTERS
    for part in given[:_MOST_PARTS]:
        if isinstance(part, Image):
            size = len(part.source.data) if isinstance(part.source, Base64Source) else 0
            images -= size
            kept.append(
                part if images >= 0 else Text(f"[image {part.media_type}, {size * 3 // 4:,} bytes, left out]")
            )
            continue
        text = _text(part)
        kept.append(
            part if len(text) <= left else Text(f"{text[:left]}… [{len(text) - left:,} more characters]")
        )
        left = max(0, left - len(text))
    if len(given) > _MOST_PARTS:
        kept.append(Text(f"[{len(given) - _MOST_PARTS:,} more parts]"))
    return tuple(kept)


def _part(block: ContentBlock) -> ToolResultContent:
    if block.type == "text":
        return Text(well_formed(block.text))
    if block.type == "image":
        return _image(block.data, block.mime_type)
    if block.type == "audio":
        return Text(f"[audio {block.mime_type}, {len(block.data) * 3 // 4:,} bytes]")
    if block.type == "resource_link":
        return Json(
            block.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"meta", "icons"})
        )
    resource = block.resource
    if hasattr(resource, "text"):
        return Json(
            {"uri": resource.uri, "mimeType": resource.mime_type or "text/plain", "text": resource.text}
        )
    if (resource.mime_type or "").startswith("image/"):
        return _image(resource.blob, resource.mime_type or "")
    return Text(
        f"[resource {resource.uri}, {resource.mime_type or 'bytes'}, {len(resource.blob) * 3 // 4:,} bytes]"
    )


def _image(data: str, media_type: str) -> Image | Text:
    if media_type not in _SHOWN_IMAGES:
        return Text(
            f"[image {media_type}, {len(data) * 3 // 4:,} bytes, of a type that models are not shown]"
        )
    try:
        binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        return Text(f"[image {media_type}, whose data cannot be read]")
    return Image(Base64Source(data), media_type)


def _text(part: ToolResultContent) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Json):
        return msgspec.json.encode(part.value, order="sorted").decode()
    return f"[image {part.media_type}]"


def _repeats(part: ToolResultContent, structured: Any) -> bool:
    """Whether a part is the text form of a structured result, or of the `result` that a plain value is wrapped in."""
    if not isinstance(part, Text):
        return False
    values = [structured]
    if isinstance(structured, Mapping) and structured.keys() == {"result"}:
        result = structured["result"]
        values += [result, *(result if isinstance(result, list) else ())]
    try:
        return msgspec.json.decode(part.text) in values
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return part.text in values
