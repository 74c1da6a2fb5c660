"""Which texts of a document are embedded: all of a plain one, the marked fields of a dataclass or a model.

@dataclass
class Article:
    title: Annotated[str, embed]
    tags: Annotated[list[str], embed]        # one vector for each
    price: Annotated[float, embed(lambda price: f"It costs {price} euros.")]
    body: str                                # not embedded
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import pydantic

from agentlab.errors import UsageError
from agentlab.messages import Document as DocumentPart
from agentlab.messages import TextSource
from agentlab.retrieval.documents import Document

__all__ = ["Embed", "embed", "texts_of"]


@dataclasses.dataclass(frozen=True, slots=True)
class Embed:
    """The mark of a field that is embedded: `Annotated[str, embed]`.

    Attributes:
        text: Gives the text or texts of the field's value; the value itself where None.
    """

    text: Callable[[Any], Any] | None = None

    def __call__(self, text: Callable[[Any], Any]) -> Embed:
        """The mark of a field whose value becomes text by a function."""
        return Embed(text)


embed: Final = Embed()
"""Marks a field as embedded; `embed(function)` embeds what the function makes of its value."""


def texts_of(document: Any) -> list[str]:
    """The texts of a document that are embedded, in the order of its fields.

    Strings stand for themselves, numbers and JSON objects for their JSON, lists for each of their elements. Of a
    dataclass, a pydantic model or a msgspec struct the fields marked with `embed` count, and None in one counts for
    nothing.

    Args:
        document: Anything of those; a `Document` of this library counts with its text.

    Returns:
        One text or more, none of them empty.

    Raises:
        UsageError: There is nothing to embed in it; the message names it.
    """
    texts = list(_texts(document))
    if not texts:
        raise UsageError(f"there is nothing to embed in {_shown(document)}: it gives no text")
    if not all(texts):
        raise UsageError(
            f"there is an empty text in {_shown(document)}: providers refuse a request that holds one"
        )
    return texts


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        for element in value:
            yield from _texts(element)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, bool | int | float | Mapping):
        yield msgspec.json.encode(value).decode()
    elif isinstance(value, Document):
        yield value.text
    elif isinstance(value, DocumentPart):
        yield _text_of_part(value)
    elif value is not None:
        for name, mark in _marked(value):
            found = getattr(value, name)
            if found is not None:
                yield from _texts(found if mark.text is None else mark.text(found))


def _text_of_part(part: DocumentPart) -> str:
    if not isinstance(part.source, TextSource):
        raise UsageError(f"document {part.id or part.title or ''!r} is not text; load it first")
    return part.source.text


def _marked(value: Any) -> list[tuple[str, Embed]]:
    """The marked fields of an object."""
    kind = type(value)
    if isinstance(value, pydantic.BaseModel):
        metadata = {name: field.metadata for name, field in kind.model_fields.items()}
    elif dataclasses.is_dataclass(value) or isinstance(value, msgspec.Struct):
        hints = _hints(kind)
        names = (
            [field.name for field in dataclasses.fields(value)]
            if dataclasses.is_dataclass(value)
            else list(kind.__struct_fields__)
        )
        metadata = {name: list(getattr(hints.get(name), "__metadata__", ())) for name in names}
    else:
        raise UsageError(
            f"{_shown(value)} cannot be embedded: give text, JSON, a list of those, or a dataclass or pydantic model "
            "with fields marked `Annotated[str, embed]`"
        )
    marked = [(name, mark) for name, marks in metadata.items() for mark in marks if isinstance(mark, Embed)]
    if not marked:
        raise UsageError(f"no field of `{kind.__name__}` is marked: write `Annotated[str, embed]` for one")
    return marked


def _hints(kind: type[Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise UsageError(
            f"the annotations of `{kind.__name__}` cannot be read ({error}); define it, and what it names, at the top "
            "of its module"
        ) from None


def _shown(document: Any) -> str:
    if isinstance(document, Document | DocumentPart) and document.id:
        return f"document `{document.id}`"
    return f"the {type(document).__name__} {document!r:.80}"
