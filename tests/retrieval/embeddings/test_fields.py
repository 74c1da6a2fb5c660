"""What of a document is embedded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import pydantic
import pytest

from agentlab.errors import UsageError
from agentlab.messages import Document as DocumentPart
from agentlab.retrieval.documents import Document
from agentlab.retrieval.embeddings import embed, texts_of


@dataclass
class Article:
    title: Annotated[str, embed]
    tags: Annotated[list[str], embed]
    price: Annotated[float, embed(lambda price: f"It costs {price} euros.")]
    body: str = "not embedded"
    subtitle: Annotated[str | None, embed] = None


class ArticleModel(pydantic.BaseModel):
    title: Annotated[str, embed]
    tags: Annotated[list[str], embed]
    price: Annotated[float, embed(lambda price: f"It costs {price} euros.")]
    body: str = "not embedded"
    subtitle: Annotated[str | None, embed] = None


class ArticleStruct(msgspec.Struct):
    title: Annotated[str, embed]
    tags: Annotated[list[str], embed]
    price: Annotated[float, embed(lambda price: f"It costs {price} euros.")]
    body: str = "not embedded"
    subtitle: Annotated[str | None, embed] = None


@dataclass
class Book:
    article: Annotated[Article, embed]
    notes: list[str] = field(default_factory=list)


@dataclass
class Longer(Article):
    summary: Annotated[str, embed] = "short"


@dataclass
class Unmarked:
    title: str = "t"


@pytest.mark.parametrize("kind", [Article, ArticleModel, ArticleStruct])
def test_marked_fields_count_in_order_with_one_text_for_each_element(kind: Any) -> None:
    article = kind(title="T", tags=["a", "b"], price=3.5)
    assert texts_of(article) == ["T", "a", "b", "It costs 3.5 euros."]
    assert texts_of(kind(title="T", tags=[], price=1.5, subtitle="S")) == ["T", "It costs 1.5 euros.", "S"]


def test_marks_are_found_in_nested_and_inherited_fields() -> None:
    assert texts_of(Book(Article("T", ["x"], 1))) == ["T", "x", "It costs 1 euros."]
    assert texts_of(Longer("T", [], 1)) == ["T", "It costs 1 euros.", "short"]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("text", ["text"]),
        (7, ["7"]),
        (True, ["true"]),
        (2.5, ["2.5"]),
        ({"b": 1, "a": [1, 2]}, ['{"b":1,"a":[1,2]}']),
        (["a", ["b", 3]], ["a", "b", "3"]),
        (("a", None), ["a"]),
        (Document("id", "body", {"page": 3}), ["body"]),
        (DocumentPart.from_text("body"), ["body"]),
    ],
)
def test_plain_values_give_their_texts(value: Any, texts: list[str]) -> None:
    assert texts_of(value) == texts


def test_what_cannot_be_embedded_says_what_to_do() -> None:
    with pytest.raises(
        UsageError, match=r"no field of `Unmarked` is marked: write `Annotated\[str, embed\]`"
    ):
        texts_of(Unmarked())
    with pytest.raises(UsageError, match="cannot be embedded"):
        texts_of(object())
    with pytest.raises(UsageError, match="cannot be embedded"):
        texts_of(b"bytes")
    with pytest.raises(UsageError, match="empty text"):
        texts_of(["a", ""])
    with pytest.raises(UsageError, match="is not text"):
        texts_of(DocumentPart.from_file(__file__))


def test_a_class_whose_annotations_cannot_be_read_says_so() -> None:
    Hidden = str  # noqa: N806 - a type

    @dataclass
    class Local:
        title: Annotated[Hidden, embed] = "t"

    with pytest.raises(UsageError, match="at the top of its module"):
        texts_of(Local())
