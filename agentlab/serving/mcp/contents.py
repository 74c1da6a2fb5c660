"""Tools and their results in MCP's terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from agentlab.messages import Image, Json, Text, ToolDefinition, ToolResultContent
from agentlab.messages.media import Base64Source, UrlSource

if TYPE_CHECKING:
    from mcp.types import CallToolResult, ContentBlock, Tool

__all__ = ["failed_call", "tool_listing", "tool_result"]


def tool_listing(definition: ToolDefinition) -> Tool:
    """A tool as MCP lists it."""
    from mcp.types import Tool  # noqa: PLC0415 - of the extra `mcp`

    return Tool(
        name=definition.name,
        description=definition.description or None,
        input_schema={"type": "object", **definition.parameters},
    )


def tool_result(content: Sequence[ToolResultContent]) -> CallToolResult:
    """What a tool returned.

    One structured value is also given as such: an object as it is, anything else as the object `{"result": ...}`, since
    MCP before 2026 takes objects alone.
    """
    from mcp.types import CallToolResult  # noqa: PLC0415

    structured: Any = None
    if len(content) == 1 and isinstance(content[0], Json):
        value = content[0].value
        structured = value if isinstance(value, dict) else {"result": value}
    return CallToolResult(content=[_block(piece) for piece in content], structured_content=structured)


def failed_call(text: str) -> CallToolResult:
    """A result that says what went wrong; the model on the other side is shown it."""
    from mcp.types import CallToolResult, TextContent  # noqa: PLC0415

    return CallToolResult(content=[TextContent(text=text)], is_error=True)


def _block(piece: ToolResultContent) -> ContentBlock:
    from mcp.types import ImageContent, ResourceLink, TextContent  # noqa: PLC0415

    if isinstance(piece, Image):
        source = piece.source
        if isinstance(source, Base64Source):
            return ImageContent(data=source.data, mime_type=piece.media_type or "image/png")
        if isinstance(source, UrlSource):
            return ResourceLink(name="image", uri=source.url, mime_type=piece.media_type)
        return TextContent(text="[an image that only the provider holds]")
    return TextContent(text=piece.text if isinstance(piece, Text) else _as_json(piece))


def _as_json(piece: Json) -> str:
    return msgspec.json.encode(piece.value, order="sorted").decode()
