"""What is special to the stores whose engines run elsewhere: what they send, and what they refuse to send.

The servers follow the services' documentation; that these stores keep the common promises is in the contract suite.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentlab.errors import StoreUnusable, UnsupportedCapability, UsageError
from agentlab.retrieval.filters import F
from agentlab.retrieval.index import EmbeddedDocument
from agentlab.retrieval.stores.mongodb import MongoVectorStore
from agentlab.retrieval.stores.neo4j import Neo4jVectorStore
from agentlab.retrieval.stores.s3_vectors import S3VectorStore
from tests.retrieval.stores.bolt_server import BoltServer
from tests.retrieval.stores.engines import engine
from tests.retrieval.stores.mongo_server import MongoServer

pytestmark = pytest.mark.anyio

DOCUMENTS = [
    EmbeddedDocument("east", "sunrise", [1.0, 0.0], {"year": 2001, "lang": "it's"}),
    EmbeddedDocument("north", "pole", [0.0, 1.0], {"year": 2010}),
]


@pytest.fixture(scope="module")
def mongo() -> Iterator[MongoServer]:
    server = MongoServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bolt() -> Iterator[BoltServer]:
    server = BoltServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with engine("s3vectors") as running:
        yield running


@pytest.mark.parametrize(("exact", "sent"), [(True, {"exact": True}), (False, {"numCandidates": 180})])
async def test_mongodb_is_asked_as_its_manual_says(
    mongo: MongoServer, exact: bool, sent: dict[str, Any]
) -> None:
    address, name = f"mongodb://127.0.0.1:{mongo.port}", f"asked_{exact}"
    async with MongoVectorStore(address, name, ordered_keys=["year"], exact=exact) as store:
        await store.insert(DOCUMENTS)
        (hit,) = await store.top_n([0.6, 0.8], 1, filter=(F("year") > 2005) & (F("lang") == None))  # noqa: E711 - makes a filter
    assert (hit.id, hit.score) == ("north", pytest.approx(0.8, abs=1e-6))
    condition = {"$and": [{"numbers.n_year": {"$gt": 2005.0}}, {"terms": {"$ne": "p_lang"}}]}
    stage = {"index": "vectors", "path": "vector", "limit": 9, "filter": condition, **sent}
    assert {**mongo.stages[-1], "queryVector": None} == {**stage, "queryVector": None}


async def test_mongodb_orders_by_the_keys_that_its_index_was_made_with(mongo: MongoServer) -> None:
    address = f"mongodb://127.0.0.1:{mongo.port}"
    async with MongoVectorStore(address, "made", ordered_keys=["year"]) as store:
        await store.insert(DOCUMENTS)
        with pytest.raises(UnsupportedCapability, match="ordered_keys"):
            await store.top_n([1.0, 0.0], filter=F("size") > 1)
        with pytest.raises(UnsupportedCapability, match="order of text"):
            await store.top_n([1.0, 0.0], filter=F("lang") > "a")
    async with MongoVectorStore(address, "made", ordered_keys=["size"]) as store:
        assert len(await store.top_n([1.0, 0.0], filter=F("year") > 1)) == 2
        with pytest.raises(UnsupportedCapability, match="ordered_keys"):
            await store.top_n([1.0, 0.0], filter=F("size") > 1)


async def test_mongodb_keeps_the_old_documents_where_new_ones_cannot_be_written(
    mongo: MongoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with MongoVectorStore(f"mongodb://127.0.0.1:{mongo.port}", "broken") as store:
        await store.insert(DOCUMENTS)

        def half(name: str, command: dict[str, Any]) -> Any:
            mongo.collections[name].append(command["documents"][0])
            raise ValueError("the disk is full")

        monkeypatch.setattr(mongo, "_insert", half)
        with pytest.raises(Exception, match="the disk is full"):
            await store.upsert([EmbeddedDocument("east", "changed", [0.0, 1.0])] * 2)
        (kept,) = await store.get(["east"])
        assert kept.document == "sunrise"
        assert await store.count() == 2


async def test_neo4j_gets_values_as_parameters(bolt: BoltServer) -> None:
    async with Neo4jVectorStore(f"bolt://127.0.0.1:{bolt.port}", "Asked") as store:
        await store.insert(DOCUMENTS)
        assert [hit.id for hit in await store.top_n([1.0, 0.0], filter=F("lang") == "it's")] == ["east"]
        assert [hit.id for hit in await store.top_n([1.0, 0.0], filter=F("lang") != "it's")] == ["north"]
    assert "(d.t_lang IS NULL OR d.t_lang <> $value_0)" in bolt.statements[-1]
    assert not any("it's" in statement for statement in bolt.statements)


@pytest.mark.parametrize("name", ["", "a b", "1a", "A`) DETACH DELETE (n", "a" * 60])
def test_names_of_labels_are_plain(name: str) -> None:
    with pytest.raises(UsageError, match="no name for a label"):
        Neo4jVectorStore("bolt://127.0.0.1", name)


async def test_s3_vectors_refuses_what_the_service_would_not_keep(s3: Any) -> None:
    async with s3.open("refused") as store:
        await store.insert(DOCUMENTS)
        for large in (
            EmbeddedDocument("text", "x" * 41_000, [1.0, 0.0]),
            EmbeddedDocument("seen", "", [1.0, 0.0], {"notes": "x" * 2100}),
            EmbeddedDocument("keys", "", [1.0, 0.0], {f"k{number}": 1 for number in range(25)}),
        ):
            with pytest.raises(UsageError, match="too large for S3 Vectors"):
                await store.insert([large])
        with pytest.raises(UnsupportedCapability, match="100 results at most"):
            await store.top_n([1.0, 0.0], 101)
        assert await store.count() == 2


async def test_s3_vectors_drops_the_vectors_that_a_document_no_longer_has(s3: Any) -> None:
    async with s3.open("fewer") as store:
        await store.insert([EmbeddedDocument("one", "", [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])])
        await store.upsert([EmbeddedDocument("one", "", [[1.0, 0.0]])])
        assert await store.top_n_ids([-1.0, 0.0], threshold=0.0) == []
        assert len(s3.server.entries["fewer"]) == 1


async def test_s3_vectors_takes_no_index_that_it_did_not_make(s3: Any) -> None:
    s3.server.indexes["foreign"] = {
        "indexName": "foreign",
        "vectorBucketName": "vectors",
        "dimension": 2,
        "distanceMetric": "euclidean",
    }
    async with s3.open("foreign") as store:
        with pytest.raises(UsageError, match="not made by S3VectorStore"):
            await store.count()
    async with S3VectorStore("elsewhere", client=s3.client, dimensions=2) as store:
        with pytest.raises(StoreUnusable, match="elsewhere"):
            await store.count()


async def test_a_service_that_is_not_there_is_told(tmp_path: Path) -> None:
    for store in (
        MongoVectorStore("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50"),
        Neo4jVectorStore("bolt://127.0.0.1:9"),
    ):
        async with store:
            with pytest.raises(StoreUnusable, match="cannot be reached"):
                await store.count()
