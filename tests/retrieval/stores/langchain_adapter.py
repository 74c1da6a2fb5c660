"""A store behind LangChain's `VectorStore`, no more than its public suite needs."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import VectorStore

from agentlab.retrieval.index import EmbeddedDocument
from agentlab.retrieval.index import VectorStore as Store
from agentlab.retrieval.stores.memory import InMemoryVectorStore

__all__ = ["LangChainStore"]


class LangChainStore(VectorStore):
    def __init__(self, store: Store, embeddings: Embeddings) -> None:
        self._store = store
        self._embeddings = embeddings

    def add_documents(
        self, documents: list[Document], ids: list[str] | None = None, **options: Any
    ) -> list[str]:
        given = ids or [document.id for document in documents]
        names = [name or str(uuid.uuid4()) for name in given]
        vectors = self._embeddings.embed_documents([document.page_content for document in documents])
        rows = zip(names, documents, vectors, strict=True)
        written = [
            EmbeddedDocument(name, each.page_content, vector, each.metadata) for name, each, vector in rows
        ]
        asyncio.run(self._store.upsert(written))
        return names

    def similarity_search(self, query: str, k: int = 4, **options: Any) -> list[Document]:
        hits = asyncio.run(self._store.top_n(self._embeddings.embed_query(query), k))
        return [Document(id=hit.id, page_content=hit.document, metadata=dict(hit.metadata)) for hit in hits]

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        found = asyncio.run(self._store.get(ids))
        return [
            Document(id=each.id, page_content=each.document, metadata=dict(each.metadata)) for each in found
        ]

    def delete(self, ids: list[str] | None = None, **options: Any) -> bool:
        asyncio.run(self._store.delete(ids or []))
        return True

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        **options: Any,
    ) -> LangChainStore:
        made = cls(InMemoryVectorStore(), embedding)
        made.add_texts(texts, metadatas, **options)
        return made
