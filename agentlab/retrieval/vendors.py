"""The table of vendors that embed and rerank: data, in `vendors.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from agentlab.errors import UsageError
from agentlab.models.vendors import vendors as model_vendors
from agentlab.models.wire import Vendor

__all__ = ["EmbeddingRow", "RerankingRow", "address_of", "embedding_row", "own_vendors", "reranking_row"]


Row = TypeVar("Row")


class EmbeddingRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a vendor embeds.

    Attributes:
        wire: The wire format.
        max_documents: Most texts in a request.
        max_request_tokens: Most tokens in a request; None where there is no such limit.
        path: Where, on the OpenAI wire.
        dimensions_field: What it calls the width asked for; empty where it takes none.
        encoding: The encoding of vectors asked for; none is asked for where it is None.
        input_types: Its names of `document` and `query`; empty where it does not tell them apart.
        prefixes: What to put before a text instead, by model and input type.
        body: Sent with every request.
        models: Widths of the vectors of models.
        image_models: Models, by the beginning of their names, that take images.
        max_images: Most images in a request.
        priced_as: The vendor's name in the price table, where it is another one.
    """

    wire: Literal["openai", "gemini", "cohere", "ollama"]
    max_documents: int
    max_request_tokens: int | None = None
    path: str = "/embeddings"
    dimensions_field: str = "dimensions"
    encoding: Literal["base64", "base64_int8", "float"] | None = None
    input_types: dict[str, str] = field(default_factory=dict)
    prefixes: dict[str, dict[str, str]] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    image_models: tuple[str, ...] = ()
    max_images: int = 1
    priced_as: str | None = None


class RerankingRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a vendor reranks.

    Attributes:
        path: Where.
        max_documents: Most documents in a request.
        limit_field: What it calls the number of results asked for.
        results_field: Where the results stand in its answer.
        body: Sent with every request.
        priced_as: The vendor's name in the price table, where it is another one.
    """

    path: str
    max_documents: int
    limit_field: str = "top_n"
    results_field: str = "results"
    body: dict[str, Any] = field(default_factory=dict)
    priced_as: str | None = None


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    vendors: dict[str, dict[str, Any]]
    embeddings: dict[str, EmbeddingRow]
    reranking: dict[str, RerankingRow]


@cache
def _table() -> _Table:
    text = resources.files("agentlab.retrieval").joinpath("vendors.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Table, strict=True)


def embedding_row(vendor: str) -> EmbeddingRow:
    """How a vendor embeds.

    Raises:
        UsageError: None of that name does.
    """
    return _found(vendor, _table().embeddings, "embedding models")


def reranking_row(vendor: str) -> RerankingRow:
    """How a vendor reranks.

    Raises:
        UsageError: None of that name does.
    """
    return _found(vendor, _table().reranking, "rerankers")


def address_of(vendor: str) -> Vendor:
    """Where a vendor is, and with which key."""
    own = _table().vendors.get(vendor)
    if own is None:
        return model_vendors()[vendor]
    return msgspec.convert({"name": vendor, "wire": "", **own}, Vendor, strict=True)


def own_vendors() -> dict[str, Vendor]:
    """The vendors that have no chat models, by name: where they are, and with which key."""
    return {name: address_of(name) for name in _table().vendors}


def _found(vendor: str, rows: Mapping[str, Row], what: str) -> Row:
    row = rows.get(vendor)
    if row is None:
        raise UsageError(f"no vendor `{vendor}` has {what} here; {_hint(vendor, rows)}")
    return row


def _hint(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(f"`{each}`" for each in near) + "?"
    return "known are " + ", ".join(names)
