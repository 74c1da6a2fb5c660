"""The parts a message is made of. Pure data: frozen, comparable, JSON in and out without loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

from agentlab.errors import InvalidHistory, InvalidToolArguments
from agentlab.messages.media import Base64Source, Source, TextSource, UrlSource, media_type_of
from agentlab.short_repr import ShortRepr

__all__ = [
    "AssistantPart",
    "Audio",
    "Citation",
    "Document",
    "Image",
    "Json",
    "ProviderPart",
    "Reasoning",
    "ReasoningContent",
    "ReasoningEncrypted",
    "ReasoningRedacted",
    "ReasoningSummary",
    "ReasoningText",
    "Refusal",
    "Text",
    "ToolCall",
    "ToolResult",
    "ToolResultContent",
    "ToolStatus",
    "UserPart",
    "Video",
]

JsonObject = dict[str, Any]


class Citation(ShortRepr, Struct, frozen=True, omit_defaults=True):
    """Where a passage of an answer comes from.

    Attributes:
        title: Title of the cited document or page.
        url: Its address, where it has one.
        quote: The cited words, where the provider gives them.
        raw: The provider's own citation object, replayed to the same wire.
    """

    title: str | None = None
    url: str | None = None
    quote: str | None = None
    raw: JsonObject | None = None


class Text(ShortRepr, Struct, frozen=True, tag="text", tag_field="type", omit_defaults=True):
    """Plain text.

    Attributes:
        text: The text, never altered.
        citations: Sources of the text, in the order given.
        signature: A provider's signature over this text (Gemini), replayed where it came from.
        extra: Provider fields replayed with the text (Responses item id, phase).
    """

    text: str
    citations: tuple[Citation, ...] = ()
    signature: str | None = None
    extra: JsonObject | None = None


class Image(ShortRepr, Struct, frozen=True, tag="image", tag_field="type", omit_defaults=True):
    """An image, in a prompt, an answer or a tool's result.

    Attributes:
        source: Where the bytes are.
        media_type: MIME type, such as `image/png`; None only where the source is a URL or file id.
        detail: How closely the model looks (OpenAI).
        signature: A provider's signature over an image it made (Gemini), replayed where it came from.
    """

    source: Source
    media_type: str | None = None
    detail: Literal["low", "high", "auto"] | None = None
    signature: str | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> Image:
        """Read an image file; its media type follows from the suffix."""
        return cls(Base64Source.from_bytes(Path(path).read_bytes()), media_type_of(path, "image"))

    @classmethod
    def from_bytes(cls, data: bytes, media_type: str = "image/png") -> Image:
        """Take raw image bytes."""
        return cls(Base64Source.from_bytes(data), media_type)

    @classmethod
    def from_url(cls, url: str, media_type: str | None = None) -> Image:
        """Name an image that the provider fetches."""
        return cls(UrlSource(url), media_type)


class Audio(ShortRepr, Struct, frozen=True, tag="audio", tag_field="type", omit_defaults=True):
    """Sound in a prompt or an answer; fields as in `Image`."""

    source: Source
    media_type: str | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> Audio:
        """Read a sound file; its media type follows from the suffix."""
        return cls(Base64Source.from_bytes(Path(path).read_bytes()), media_type_of(path, "audio"))


class Video(ShortRepr, Struct, frozen=True, tag="video", tag_field="type", omit_defaults=True):
    """A film in a prompt; fields as in `Image`."""

    source: Source
    media_type: str | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> Video:
        """Read a film file; its media type follows from the suffix."""
        return cls(Base64Source.from_bytes(Path(path).read_bytes()), media_type_of(path, "video"))


class Document(ShortRepr, Struct, frozen=True, tag="document", tag_field="type", omit_defaults=True):
    """A document in a prompt, or a piece of an agent's context.

    Attributes:
        source: Its text, or where its bytes are.
        id: Name under which the model sees it.
        title: Human title, where the wire has a place for it.
        media_type: MIME type of the bytes; None for text.
        metadata: Facts about it, shown to the model sorted by key.
    """

    source: Source
    id: str | None = None
    title: str | None = None
    media_type: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_text(cls, text: str, id: str | None = None, **metadata: str) -> Document:  # noqa: A002 - Rig's name
        """Make a text document."""
        return cls(TextSource(text), id=id, metadata=metadata)

    @classmethod
    def from_file(cls, path: str | Path) -> Document:
        """Read a file; its media type follows from the suffix."""
        return cls(
            Base64Source.from_bytes(Path(path).read_bytes()),
            title=Path(path).name,
            media_type=media_type_of(path),
        )

    def rendered(self) -> str:
        """The document as the model sees it where the wire has no document part (Rig's form, metadata sorted).

        Raises:
            InvalidHistory: The document is not text.
        """
        from_text = self.source.text if isinstance(self.source, TextSource) else None
        if (
            from_text is None
            and isinstance(self.source, Base64Source)
            and (self.media_type or "").startswith("text/")
        ):
            from_text = self.source.to_bytes().decode("utf-8", "replace")
        if from_text is None:
            raise InvalidHistory(
                f"document {self.id or self.title or ''!r} of type {self.media_type} has no text form"
            )
        facts = "".join(f' {key}: "{value}"' for key, value in sorted(self.metadata.items()))
        opening = f"<metadata{facts} />\n" if facts else ""
        return f"<file id: {self.id or self.title or 'document'}>\n{opening}{from_text}\n</file>\n"


class ReasoningText(ShortRepr, Struct, frozen=True, tag="text", tag_field="type", omit_defaults=True):
    """Reasoning in clear; `signature` is replayed verbatim to the provider that signed it."""

    text: str
    signature: str | None = None


class ReasoningEncrypted(ShortRepr, Struct, frozen=True, tag="encrypted", tag_field="type"):
    """Reasoning only the provider can read (OpenAI Responses); replayed verbatim."""

    data: str


class ReasoningRedacted(ShortRepr, Struct, frozen=True, tag="redacted", tag_field="type"):
    """Reasoning the provider withheld (Anthropic); replayed verbatim."""

    data: str


class ReasoningSummary(ShortRepr, Struct, frozen=True, tag="summary", tag_field="type"):
    """The provider's summary of its reasoning."""

    text: str


ReasoningContent = ReasoningText | ReasoningEncrypted | ReasoningRedacted | ReasoningSummary


class Reasoning(ShortRepr, Struct, frozen=True, tag="reasoning", tag_field="type", omit_defaults=True):
    """One block of reasoning, complete as the provider gave it.

    Attributes:
        content: Its pieces, in order.
        id: The provider's id of the block (`rs_...`), where it has one.
        extra: Provider fields replayed with the block.
    """

    content: tuple[ReasoningContent, ...] = ()
    id: str | None = None
    extra: JsonObject | None = None

    @property
    def text(self) -> str:
        """What a reader may see: clear text, or summaries, joined by newlines."""
        return "\n".join(
            piece.text
            for piece in self.content
            if isinstance(piece, ReasoningText | ReasoningSummary) and piece.text
        )

    def merged(self, later: Reasoning) -> Reasoning | None:
        """This block with a later one appended, or None where they are two blocks.

        They are one only if both have an id and the ids are equal (the rule of Rig's `merge_reasoning_blocks`).
        """
        if self.id is None or self.id != later.id:
            return None
        return Reasoning(self.content + later.content, id=self.id, extra=later.extra or self.extra)


class Refusal(ShortRepr, Struct, frozen=True, tag="refusal", tag_field="type"):
    """The model declined, in a channel of its own (OpenAI)."""

    text: str


class ToolCall(ShortRepr, Struct, frozen=True, tag="tool_call", tag_field="type", omit_defaults=True):
    """The model asks for a tool. Also the event that says the call is complete.

    Attributes:
        id: Never empty: the provider's id, or one minted here. Results refer to it.
        name: The tool.
        arguments_json: The arguments exactly as the model wrote them; may be empty or broken JSON.
        provider_id: The provider's id (`call_...`, `toolu_...`), None where the wire has none.
        item_id: The provider's id of the item that holds the call (`fc_...`, OpenAI Responses).
        signature: A provider's signature over the call (Gemini), replayed verbatim.
        extra: Provider fields replayed with the call.
    """

    id: str
    name: str
    arguments_json: str = "{}"
    provider_id: str | None = None
    item_id: str | None = None
    signature: str | None = None
    extra: JsonObject | None = None

    @property
    def arguments(self) -> JsonObject:
        """The parsed arguments; an empty text is an empty object, the text of a free-text call its `input`.

        Raises:
            InvalidToolArguments: The text is not a JSON object.
        """
        if self.extra is not None and self.extra.get("custom"):
            return {"input": self.arguments_json}
        if not self.arguments_json.strip():
            return {}
        try:
            parsed = msgspec.json.decode(self.arguments_json)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise InvalidToolArguments(
                f"the arguments of `{self.name}` are not valid JSON: {error}"
            ) from None
        if not isinstance(parsed, dict):
            raise InvalidToolArguments(
                f"the arguments of `{self.name}` are not a JSON object but {type(parsed).__name__}"
            )
        return parsed

    @property
    def has_valid_arguments(self) -> bool:
        """Whether `arguments` can be read."""
        try:
            self.arguments  # noqa: B018 - reading it is the test
        except InvalidToolArguments:
            return False
        return True


class Json(ShortRepr, Struct, frozen=True, tag="json", tag_field="type"):
    """A structured value returned by a tool; stays JSON, is never parsed from a string."""

    value: Any


ToolResultContent = Text | Json | Image
ToolStatus = Literal["success", "failed", "skipped", "interrupted"]


class ToolResult(ShortRepr, Struct, frozen=True, tag="tool_result", tag_field="type", omit_defaults=True):
    """What a tool answered. Also the event that says the tool is done.

    Attributes:
        call_id: `ToolCall.id` of the call it answers.
        name: The tool that was executed.
        content: What the model is shown.
        status: `success`; `failed` (the text says why); `skipped` by a hook; `interrupted` before it had a result.
        provider_id: `ToolCall.provider_id` of the call.
        untrusted: Whether it may be anybody's words, which taint a run that has it in its history.
    """

    call_id: str
    name: str
    content: tuple[ToolResultContent, ...] = ()
    status: ToolStatus = "success"
    provider_id: str | None = None
    untrusted: bool = False

    @property
    def is_error(self) -> bool:
        """Whether the model should take the content as an error."""
        return self.status in {"failed", "interrupted"}

    @property
    def text(self) -> str:
        """The content as text: JSON compact with sorted keys, images named."""
        return "\n".join(_as_text(piece) for piece in self.content)


class ProviderPart(ShortRepr, Struct, frozen=True, tag="provider", tag_field="type"):
    """A block only its own wire understands (server tools, their results, compaction), kept verbatim.

    Attributes:
        wire: The wire it came from, and the only one it is sent to.
        kind: The provider's type of the block.
        payload: The block.
    """

    wire: str
    kind: str
    payload: JsonObject


UserPart = Text | Image | Audio | Video | Document | ToolResult
AssistantPart = Text | Reasoning | ToolCall | Image | Audio | Refusal | ProviderPart


def _as_text(piece: ToolResultContent) -> str:
    if isinstance(piece, Text):
        return piece.text
    if isinstance(piece, Json):
        return msgspec.json.encode(piece.value, order="sorted").decode()
    return f"[image {piece.media_type or ''}]".replace(" ]", "]")
