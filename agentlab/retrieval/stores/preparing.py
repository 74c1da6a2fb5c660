"""Checks what is written to a store and what it is asked, before any engine sees it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from agentlab.errors import UsageError
from agentlab.retrieval.filters import check_key
from agentlab.retrieval.index import EmbeddedDocument

__all__ = [
    "InsertionOrder",
    "Matrix",
    "PreparedDocument",
    "Vector",
    "check_ids",
    "prepare",
    "prepare_query",
    "read_document",
]

Vector: TypeAlias = npt.NDArray[np.float32]
Matrix: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PreparedDocument:
    """A document that is ready to be written.

    Attributes:
        id: Its id.
        document_json: What is stored, as JSON.
        metadata: What filters see.
        metadata_json: The same as JSON.
        vectors: Shape (m, d): unit vectors; vectors of zeros are left out, so m may be 0.
    """

    id: str
    document_json: str
    metadata: dict[str, Any]
    metadata_json: str
    vectors: Matrix


class InsertionOrder:
    """Numbers that rise with every document, also across processes and restarts: nanoseconds, and never one twice."""

    def __init__(self) -> None:
        self._last = 0

    def take(self) -> int:
        """The next number, below 2**63."""
        self._last = max(self._last + 1, time.time_ns())
        return self._last


def prepare(documents: Iterable[EmbeddedDocument], dimensions: int | None) -> list[PreparedDocument]:
    """Check documents; of equal ids the last counts.

    Args:
        documents: What is to be written.
        dimensions: Width of the store; None where it is still empty, and the first vector decides.

    Raises:
        UsageError: A document is not well formed; the message names it.
    """
    prepared: dict[str, PreparedDocument] = {}
    for document in documents:
        (name,) = check_ids([document.id])
        vectors = _unit_vectors(document, dimensions)
        dimensions = vectors.shape[1]
        metadata = _metadata(document.metadata, name)
        prepared.pop(name, None)  # so that it stands where its last form stands
        prepared[name] = PreparedDocument(
            name,
            _json(document.document, f"document {name!r}"),
            metadata,
            _json(metadata, f"metadata of {name!r}"),
            vectors[np.any(vectors != 0, axis=1)],
        )
    return list(prepared.values())


def prepare_query(vector: object, dimensions: int | None) -> Vector | None:
    """The unit vector of a query, shape (d,); None for a vector of zeros, which has no direction.

    Raises:
        UsageError: It is no vector of finite numbers, or its width is not the store's.
    """
    found = _numbers(vector, "the query")
    if found.ndim != 1:
        raise UsageError(f"the query has the shape {found.shape}; one vector of shape (d,) is asked for")
    _check_width(found.shape[0], dimensions, "the query")
    return _normalized(found[None, :])[0] if np.any(found) else None


def check_ids(ids: Iterable[str]) -> list[str]:
    """The ids as a list.

    Raises:
        UsageError: One of them is no text, is empty or holds a NUL; or a bare text stands for the list.
    """
    if isinstance(ids, str):
        raise UsageError(f"ids are a list; write [{ids!r}]")
    found = list(ids)
    for each in found:
        _check_id(each)
    return found


def read_document(
    name: str, document_json: str, metadata_json: str, vectors: npt.NDArray[Any]
) -> EmbeddedDocument:
    """A document as it was written."""
    return EmbeddedDocument(
        name, msgspec.json.decode(document_json), vectors, msgspec.json.decode(metadata_json)
    )


def _check_id(each: object) -> None:
    if not isinstance(each, str) or not each or "\0" in each:
        raise UsageError(f"{each!r} is no id; an id is text, not empty and without NUL")


def _unit_vectors(document: EmbeddedDocument, dimensions: int | None) -> Matrix:
    name = f"document {document.id!r}"
    vectors = _numbers(document.vectors, name)
    vectors = vectors[None, :] if vectors.ndim == 1 and vectors.size else vectors
    if vectors.ndim != 2 or not vectors.shape[0] or not vectors.shape[1]:
        raise UsageError(
            f"{name} has vectors of the shape {vectors.shape}; give one or more vectors, shape (m, d)"
        )
    _check_width(vectors.shape[1], dimensions, name)
    return _normalized(vectors)


def _numbers(vectors: object, name: str) -> npt.NDArray[np.float64]:
    try:
        found = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name}: vectors are not an array of numbers: {error}") from error
    if not np.all(np.isfinite(found)):
        raise UsageError(f"{name} has a vector with NaN or infinity; look at what the embedding model gave")
    return found


def _check_width(width: int, dimensions: int | None, name: str) -> None:
    if dimensions is not None and width != dimensions:
        raise UsageError(
            f"{name} has {width} dimensions where the store has {dimensions}; "
            "use the embedding model that the store was filled with"
        )


def _normalized(vectors: npt.NDArray[np.float64]) -> Matrix:
    # Scaled by the largest component first, so that neither tiny nor huge vectors leave the range of floats.
    largest = np.max(np.abs(vectors), axis=1, keepdims=True)
    scaled = np.divide(vectors, largest, out=np.zeros_like(vectors), where=largest > 0)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit: Matrix = np.divide(scaled, lengths, out=scaled, where=lengths > 0).astype(np.float32)
    return unit


def _metadata(metadata: Mapping[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(metadata, Mapping):
        raise UsageError(f"metadata of {name!r} is a {type(metadata).__name__}; give a dictionary")
    for key, value in metadata.items():
        check_key(key)
        if isinstance(value, str) and "\0" in value:
            raise UsageError(
                f"metadata of {name!r}: the text of {key!r} holds a NUL, which engines cannot keep"
            )
    # Through JSON, so that what filters see is what a reopened store gives back.
    plain: dict[str, Any] = msgspec.json.decode(_json(dict(metadata), f"metadata of {name!r}"))
    return plain


def _json(value: object, name: str) -> str:
    try:
        encoded = msgspec.json.encode(value, enc_hook=_plain)
        _refuse_lost_numbers(value, name)
        return encoded.decode()
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise UsageError(f"{name} cannot be kept as JSON: {error}") from error


def _plain(value: object) -> object:
    """Numpy's scalars and arrays as JSON has them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} has no JSON; give text, numbers, lists and dictionaries")


def _refuse_lost_numbers(value: object, name: str) -> None:
    """NaN and infinity become null in JSON; that would lose them silently."""
    match value:
        case float() if not np.isfinite(value):
            raise UsageError(f"{name} holds {value!r}, which JSON has no word for; use None or text")
        case Mapping():
            for each in value.values():
                _refuse_lost_numbers(each, name)
        case list() | tuple():
            for each in value:
                _refuse_lost_numbers(each, name)
