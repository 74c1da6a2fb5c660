"""A store behind Haystack's `DocumentStore`, no more than its public suite needs.

Every document gets the same vector, so that a search by it gives what passes the filter, in the order of insertion.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haystack.dataclasses import Document
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.errors import FilterError

from agentlab.retrieval.filters import And, Comparison, Filter, In, Not, Or
from agentlab.retrieval.index import EmbeddedDocument, VectorStore

__all__ = ["HaystackStore"]

_VECTOR = [1.0, 0.0]
_OPERATORS = {"==": "eq", "!=": "ne", ">": "gt", "<": "lt", ">=": "ge", "<=": "le"}


class HaystackStore:
    def __init__(self, store: VectorStore) -> None:
        self._store = store

    def count_documents(self) -> int:
        return asyncio.run(self._store.count())

    def filter_documents(self, filters: dict[str, Any] | None = None) -> list[Document]:
        condition = translated(filters) if filters else None
        hits = asyncio.run(self._store.top_n(_VECTOR, max(1, self.count_documents()), filter=condition))
        return [Document.from_dict(hit.document) for hit in hits]

    def write_documents(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        if not isinstance(documents, list) or not all(isinstance(each, Document) for each in documents):
            raise ValueError("a list of documents is asked for")
        stored = {each.id for each in asyncio.run(self._store.get([each.id for each in documents]))}
        if stored and policy in {DuplicatePolicy.FAIL, DuplicatePolicy.NONE}:
            raise DuplicateDocumentError(f"already stored: {stored}")
        kept = [each for each in documents if policy != DuplicatePolicy.SKIP or each.id not in stored]
        written = [
            EmbeddedDocument(each.id, each.to_dict(flatten=False), _VECTOR, each.meta) for each in kept
        ]
        asyncio.run(self._store.upsert(written))
        return len(kept)

    def delete_documents(self, document_ids: list[str]) -> None:
        asyncio.run(self._store.delete(document_ids))


def translated(filters: Mapping[str, Any]) -> Filter:
    if "field" in filters:
        return _comparison(filters)
    if "operator" not in filters or "conditions" not in filters:
        raise FilterError(f"operator or conditions missing in {filters}")
    inner: Any = tuple(translated(each) for each in filters["conditions"])
    match filters["operator"]:
        case "AND":
            return And(inner)
        case "OR":
            return Or(inner)
        case _:
            return Not(And(inner))


def _comparison(filters: Mapping[str, Any]) -> Filter:
    if "operator" not in filters or "value" not in filters:
        raise FilterError(f"operator or value missing in {filters}")
    key, operator, value = filters["field"].removeprefix("meta."), filters["operator"], filters["value"]
    if operator in {"in", "not in"}:
        if not isinstance(value, list):
            raise FilterError(f"{operator} takes a list")
        found = In(key, tuple(value))
        return found if operator == "in" else Not(found)
    if operator not in {"==", "!="}:
        if value is None:
            return Or(())
        if isinstance(value, list) or (isinstance(value, str) and not _is_date(value)):
            raise FilterError(f"{value!r} has no order")
    return Comparison(key, _OPERATORS[operator], value)


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
