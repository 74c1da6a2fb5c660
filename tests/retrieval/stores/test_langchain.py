"""LangChain's public suite for vector stores passes on five stores through a thin adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from langchain_tests.integration_tests import VectorStoreIntegrationTests

from tests.retrieval.stores.engines import Engine, engine
from tests.retrieval.stores.langchain_adapter import LangChainStore

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["memory", "sqlite", "qdrant", "lancedb", "pgvector"])
def adapted(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with engine(request.param) as found:
        yield found


class TestLangChain(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, adapted: Engine, fresh_name: str) -> Iterator[LangChainStore]:
        store = adapted.open(fresh_name)
        yield LangChainStore(store, self.get_embeddings())
        asyncio.run(store.close())
