"""What a server offers besides tools: resources to be read, and prompts to be filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from agentlab.messages import (
    AssistantMessage,
    Audio,
    Base64Source,
    Document,
    Image,
    Json,
    Message,
    Text,
    TextSource,
    UserMessage,
)
from agentlab.plain_text import well_formed
from agentlab.short_repr import ShortRepr
from agentlab.tools.mcp.contents import content_of

if TYPE_CHECKING:
    from mcp import types

__all__ = [
    "McpPrompt",
    "McpPromptArgument",
    "McpResource",
    "McpResourceTemplate",
    "ResourcePart",
    "messages_of",
    "prompt_of",
    "resource_of",
    "resource_parts",
    "template_of",
]

ResourcePart = Document | Image | Audio


class McpResource(ShortRepr, Struct, frozen=True):
    """A resource that can be read.

    Attributes:
        uri: Its address, for `read_resource`.
        name: Its name.
        description: What it is.
        media_type: MIME type, or None where the server does not say.
        size: Its size in bytes, or None where the server does not say.
    """

    uri: str
    name: str
    description: str = ""
    media_type: str | None = None
    size: int | None = None


class McpResourceTemplate(ShortRepr, Struct, frozen=True):
    """A pattern of addresses, such as `notes://{id}` (RFC 6570); fill it in and read it as any resource."""

    uri_template: str
    name: str
    description: str = ""
    media_type: str | None = None


class McpPromptArgument(ShortRepr, Struct, frozen=True):
    """An argument of a prompt."""

    name: str
    description: str = ""
    required: bool = False


class McpPrompt(ShortRepr, Struct, frozen=True):
    """A prompt that can be filled in with `get_prompt`."""

    name: str
    description: str = ""
    arguments: tuple[McpPromptArgument, ...] = ()


def resource_of(listed: types.Resource) -> McpResource:
    """A resource as its server lists it."""
    return McpResource(listed.uri, listed.name, listed.description or "", listed.mime_type, listed.size)


def template_of(listed: types.ResourceTemplate) -> McpResourceTemplate:
    """A template as its server lists it."""
    return McpResourceTemplate(listed.uri_template, listed.name, listed.description or "", listed.mime_type)


def prompt_of(listed: types.Prompt) -> McpPrompt:
    """A prompt as its server lists it."""
    arguments = tuple(
        McpPromptArgument(each.name, each.description or "", bool(each.required))
        for each in listed.arguments or ()
    )
    return McpPrompt(listed.name, listed.description or "", arguments)


def resource_parts(answer: types.ReadResourceResult) -> tuple[ResourcePart, ...]:
    """A resource's contents as parts of a prompt: images and sound as such, all else as documents named by address."""
    return tuple(_contents(each) for each in answer.contents)


def messages_of(answer: types.GetPromptResult) -> tuple[Message, ...]:
    """A filled-in prompt as messages."""
    return tuple(_message(each) for each in answer.messages)


def _contents(contents: Any) -> ResourcePart:
    media_type = contents.mime_type
    if hasattr(contents, "text"):
        return Document(TextSource(well_formed(contents.text)), id=contents.uri, media_type=media_type)
    source = Base64Source(contents.blob)
    if (media_type or "").startswith("image/"):
        return Image(source, media_type)
    if (media_type or "").startswith("audio/"):
        return Audio(source, media_type)
    return Document(source, id=contents.uri, media_type=media_type or "application/octet-stream")


def _message(message: types.PromptMessage) -> Message:
    block = message.content
    if message.role == "user":
        if block.type == "audio":
            return UserMessage((Audio(Base64Source(block.data), block.mime_type),))
        if block.type == "resource":
            return UserMessage((_contents(block.resource),))
    part = content_of([block])[0]
    shown = _in_words(part.value) if isinstance(part, Json) else part
    return UserMessage((shown,)) if message.role == "user" else AssistantMessage((shown,))


def _in_words(resource: dict[str, Any]) -> Text:
    return Text(
        resource["text"] if "text" in resource else f"[{resource.get('name')}]({resource.get('uri')})"
    )
