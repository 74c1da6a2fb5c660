"""A document as loaders give it and splitters cut it: text with an id and facts that filters can see."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct, field

from agentlab.messages import Document as DocumentPart
from agentlab.messages import TextSource

__all__ = ["Document", "Metadata", "MetadataValue"]

MetadataValue: TypeAlias = str | int | float | bool | None
Metadata: TypeAlias = dict[str, MetadataValue]


class Document(Struct, frozen=True, omit_defaults=True):
    """A text to be found again.

    Attributes:
        id: Tells it apart from all others; the same source gives the same id each time, so that a store can replace it.
        text: The text.
        metadata: Facts about it, such as `path`, `page` or `row`; filters compare them, so numbers stay numbers.
    """

    id: str
    text: str
    metadata: Metadata = field(default_factory=dict)

    def part(self) -> DocumentPart:
        """The document as a part of a message or of an agent's context; its facts become text."""
        facts = {key: _as_text(value) for key, value in self.metadata.items() if value is not None}
        return DocumentPart(TextSource(self.text), id=self.id, metadata=facts)


def _as_text(value: MetadataValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
