"""Haystack's public suite for document stores passes on five stores through a thin adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from haystack.dataclasses import Document
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.testing.document_store import DocumentStoreBaseTests

from agentlab.errors import UnsupportedCapability
from tests.retrieval.stores.engines import Engine, engine
from tests.retrieval.stores.haystack_adapter import HaystackStore


@pytest.fixture(scope="module", params=["memory", "sqlite", "qdrant", "lancedb", "pgvector"])
def adapted(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with engine(request.param) as found:
        yield found


class TestHaystack(DocumentStoreBaseTests):
    @pytest.fixture
    def document_store(self, adapted: Engine, fresh_name: str) -> Iterator[HaystackStore]:
        store = adapted.open(fresh_name)
        yield HaystackStore(store)
        asyncio.run(store.close())

    def test_write_documents(self, document_store: HaystackStore) -> None:
        """The one test that an adapter gives itself: what writing without a policy does."""
        assert document_store.write_documents([Document(id="1", content="one")]) == 1
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents([Document(id="1", content="other")])
        assert [each.content for each in document_store.filter_documents()] == ["one"]


def _refused_by_qdrant(name: str) -> None:
    original = getattr(DocumentStoreBaseTests, name)

    def test(
        self: TestHaystack, document_store: HaystackStore, filterable_docs: list[Document], adapted: Engine
    ) -> None:
        if "Qdrant" not in type(adapted).__name__:
            original(self, document_store, filterable_docs)
            return
        with pytest.raises(UnsupportedCapability, match="order of text"):
            original(self, document_store, filterable_docs)

    setattr(TestHaystack, name, test)


# Dates are text, which Qdrant cannot order: it refuses instead of answering something else.
for _operator in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
    _refused_by_qdrant(f"test_comparison_{_operator}_with_iso_date")
