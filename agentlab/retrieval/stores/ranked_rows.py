"""Makes documents of an engine's rows: one row a vector, as most engines have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument, Hit
from agentlab.retrieval.stores.preparing import Vector, read_document

__all__ = ["Row", "best_hits", "documents_of", "row_of"]

_MORE: Final = 4
_MARGIN: Final = 8


@dataclass(frozen=True, eq=False)
class Row:
    """One vector of a document, as it came from an engine.

    Attributes:
        score: Its cosine similarity; 0 where rows were read and not searched.
        number: The document's place in the order of insertion.
        place: The vector's place in the document.
        id: The document's id.
        document_json: What was stored.
        metadata_json: Its metadata.
        vector: The vector, where rows were read; None for a document that has none.
    """

    score: float
    number: int
    place: int
    id: str
    document_json: str
    metadata_json: str
    vector: Vector | Sequence[float] | None = None


def row_of(found: Mapping[str, Any], columns: Sequence[str], score: float, vector: Any = None) -> Row:
    """A row as an engine gave it.

    Args:
        found: Its values by column.
        columns: What the engine calls number, place, id, document and metadata.
        score: Its cosine similarity.
        vector: The vector, where rows were read.
    """
    number, place, name, document, metadata = (found[column] for column in columns)
    return Row(score, number, place, name, document, metadata, vector)


def best_hits(
    fetch: Callable[[int], Sequence[Row]], n: int, threshold: float | None, *, most: int | None = None
) -> list[Hit]:
    """The n best documents, ties in the order of insertion.

    More rows are fetched until n documents are among them and nothing that ties with the n-th is left out.

    Args:
        fetch: Gives the k best rows, the best first.
        n: How many documents.
        threshold: The least score.
        most: How many rows an engine gives at once; None for any number.
    """
    least = -np.inf if threshold is None else threshold - SCORE_SLACK
    asked = n + _MARGIN
    while True:
        asked = asked if most is None else min(asked, most)
        rows = fetch(asked)
        best: dict[str, Row] = {}
        for row in sorted(rows, key=lambda each: (-_score(each), each.number)):
            best.setdefault(row.id, row)
        ranked = list(best.values())
        last = rows[-1].score if rows else -np.inf
        complete = len(rows) < asked or asked == most or last < least
        if complete or (len(ranked) >= n and last < ranked[n - 1].score - SCORE_SLACK):
            return [_hit(row) for row in ranked[:n] if _score(row) >= least]
        asked *= _MORE


def documents_of(rows: Iterable[Row], dimensions: int) -> Iterable[EmbeddedDocument]:
    """The documents whose rows were read."""
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.id, []).append(row)
    for name, group in grouped.items():
        group.sort(key=lambda row: row.place)
        vectors = [row.vector for row in group if row.vector is not None]
        matrix = np.array(vectors, dtype=np.float32).reshape(-1, dimensions)
        yield read_document(name, group[0].document_json, group[0].metadata_json, matrix)


def _score(row: Row) -> float:
    return min(1.0, max(-1.0, row.score))


def _hit(row: Row) -> Hit:
    document, metadata = map(msgspec.json.decode, (row.document_json, row.metadata_json))
    return Hit(_score(row), row.id, document, metadata)
