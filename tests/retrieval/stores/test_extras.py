"""A store whose package is missing names the extra that brings it; an engine that cannot be reached is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import MissingExtra, StoreUnusable, UsageError
from agentlab.retrieval.index import EmbeddedDocument
from agentlab.retrieval.stores.chroma import ChromaVectorStore
from agentlab.retrieval.stores.duckdb import DuckDbVectorStore
from agentlab.retrieval.stores.helixdb import HelixVectorStore
from agentlab.retrieval.stores.lancedb import LanceDbVectorStore
from agentlab.retrieval.stores.milvus import MilvusVectorStore
from agentlab.retrieval.stores.mongodb import MongoVectorStore
from agentlab.retrieval.stores.neo4j import Neo4jVectorStore
from agentlab.retrieval.stores.pgvector import PostgresVectorStore
from agentlab.retrieval.stores.qdrant import QdrantVectorStore
from agentlab.retrieval.stores.redis import RedisVectorStore
from agentlab.retrieval.stores.s3_vectors import S3VectorStore
from agentlab.retrieval.stores.scylladb import ScyllaVectorStore
from agentlab.retrieval.stores.sqlite import SqliteVectorStore
from agentlab.retrieval.stores.surrealdb import SurrealVectorStore

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [
        (SqliteVectorStore, "sqlite_vec", "sqlite"),
        (DuckDbVectorStore, "duckdb", "duckdb"),
        (lambda: PostgresVectorStore("postgresql://localhost"), "psycopg", "pgvector"),
        (QdrantVectorStore, "qdrant_client", "qdrant"),
        (lambda: LanceDbVectorStore("memory://"), "lancedb", "lancedb"),
        (ChromaVectorStore, "chromadb", "chroma"),
        (lambda: MilvusVectorStore("x.db"), "pymilvus", "milvus"),
        (SurrealVectorStore, "surrealdb", "surrealdb"),
        (RedisVectorStore, "redis", "redis"),
        (lambda: HelixVectorStore("folder"), "helixdb_uniffi", "helixdb"),
        (lambda: MongoVectorStore("mongodb://localhost"), "pymongo", "mongodb"),
        (lambda: Neo4jVectorStore("bolt://localhost"), "neo4j", "neo4j"),
        (lambda: S3VectorStore("bucket"), "botocore.session", "s3-vectors"),
        (lambda: ScyllaVectorStore("space"), "cassandra.cluster", "scylladb"),
    ],
)
async def test_a_missing_package_is_named_with_its_extra(
    make: Any, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    async with make() as store:
        with pytest.raises(MissingExtra, match=rf"pip install 'agentlab\[{extra}\]'"):
            await store.insert([EmbeddedDocument("a", "", [1.0])])


async def test_an_engine_that_is_not_there_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, whatever its name says " * 100)
    for store in (
        RedisVectorStore(f"unix://{tmp_path}/no.sock"),
        PostgresVectorStore(f"postgresql:///postgres?host={tmp_path}"),
        DuckDbVectorStore(broken),
        SqliteVectorStore(broken),
    ):
        async with store:
            with pytest.raises(StoreUnusable):
                await store.count()


@pytest.mark.parametrize("name", ["", "Documents", "a b", "x; DROP TABLE y", "1a", "a" * 60])
def test_names_of_tables_are_plain(name: str) -> None:
    with pytest.raises(UsageError, match="no name for"):
        PostgresVectorStore("postgresql://localhost", name)


async def test_milvus_says_what_is_too_long_for_it(tmp_path: Path) -> None:
    async with MilvusVectorStore(tmp_path / "milvus.db") as store:
        with pytest.raises(UsageError, match="65535 bytes"):
            await store.insert([EmbeddedDocument("long", "x" * 70_000, [1.0, 0.0])])
        assert await store.count() == 0
