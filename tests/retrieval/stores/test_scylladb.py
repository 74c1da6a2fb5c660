"""What is special to ScyllaDB: filters as ranges of key columns, and what the store sends and refuses.

The server follows ScyllaDB's documentation; that the store keeps the common promises is in the contract suite.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import StoreUnusable, UnsupportedCapability, UsageError
from agentlab.retrieval.filters import F, Filter
from agentlab.retrieval.index import EmbeddedDocument
from agentlab.retrieval.stores.scylladb import ScyllaVectorStore
from agentlab.retrieval.stores.scylladb_filters import (
    boxes,
    key_column,
    key_of_column,
    ordered_text,
    relations,
)
from tests.retrieval.stores.cql_server import CqlServer
from tests.retrieval.stores.random_documents import filters, simple_filters

pytestmark = pytest.mark.anyio

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.just([1]),
    st.sampled_from(
        ["", "en", "de", "2020", "true", "é", "z", "日本", "🦀", -1, 0, 1, 2, 2020, 2.5, -0.25, 1e-9]
    ),
)
DOCUMENTS = [
    EmbeddedDocument("east", "sunrise", [1.0, 0.0], {"year": 2001, "lang": "it's"}),
    EmbeddedDocument("north", "pole", [[0.0, 1.0], [0.0, -1.0]], {"year": 2010}),
]


@pytest.fixture(scope="module")
def server() -> Iterator[CqlServer]:
    running = CqlServer()
    yield running
    running.stop()


def opened(server: CqlServer, table: str, **options: Any) -> ScyllaVectorStore:
    return ScyllaVectorStore("space", table, port=server.port, **options)


@given(filters() | simple_filters(), st.dictionaries(st.sampled_from(["year", "lang", "draft"]), VALUES))
def test_the_boxes_of_a_filter_hold_what_it_passes(condition: Filter, metadata: dict[str, Any]) -> None:
    try:
        found = boxes(condition)
    except UnsupportedCapability:
        return
    inside = any(
        all(
            span.low <= ordered_text(metadata.get(key))
            and (span.high is None or ordered_text(metadata.get(key)) < span.high)
            for key, span in box.items()
        )
        for box in found
    )
    assert inside == condition.test(metadata)


@given(VALUES, VALUES)
def test_texts_order_as_the_values_of_a_kind_do(left: Any, right: Any) -> None:
    for sign, condition in (("<", F("key") < right), ("=", F("key") == right)) if _comparable(right) else ():
        texts = ordered_text(left), ordered_text(right)
        holds = texts[0] == texts[1] if sign == "=" else texts[0][0] == texts[1][0] and texts[0] < texts[1]
        assert holds == condition.test({"key": left})


def _comparable(value: Any) -> bool:
    return isinstance(value, int | float | str) and not isinstance(value, bool)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_column_tells_its_key(key: str) -> None:
    assert key_of_column(key_column(key)) == key


def test_ranges_are_written_as_relations_of_cql() -> None:
    (box,) = boxes((F("lang") == "en") & (F("a b") > "x") & ~(F("a b") > "y"))
    assert relations(box) == (
        ['"f_lang" = ?', '"f_hex_612062" > ?', '"f_hex_612062" <= ?'],
        ["3en", "3x", "3y"],
    )


async def test_it_is_asked_as_the_manual_says(server: CqlServer) -> None:
    async with opened(server, "asked", filter_keys=["lang", "year"]) as store:
        await store.insert(DOCUMENTS)
        assert [hit.id for hit in await store.top_n([1.0, 0.0], filter=F("lang") == "it's")] == ["east"]
    assert server.statements[-1] == (
        "SELECT id, place, number, document, metadata, similarity_cosine(vector, ?) AS similarity FROM space.asked "
        'WHERE "f_lang" = ? ORDER BY vector ANN OF ? LIMIT ? ALLOW FILTERING'
    )
    assert not any("it's" in statement for statement in server.statements)


async def test_the_table_says_by_which_keys_it_can_be_filtered(server: CqlServer) -> None:
    async with opened(server, "made", filter_keys=["year"]) as store:
        await store.insert(DOCUMENTS)
    async with opened(server, "made", filter_keys=["lang"]) as store:
        assert [name for _, name in await store.top_n_ids([1.0, 0.0], filter=F("year") > 2005)] == ["north"]
        with pytest.raises(UnsupportedCapability, match="cannot be filtered by 'lang'"):
            await store.top_n([1.0, 0.0], filter=F("lang") == "it's")


async def test_rows_that_a_document_no_longer_has_are_deleted_one_by_one(server: CqlServer) -> None:
    async with opened(server, "fewer", filter_keys=["year"]) as store:
        await store.insert(DOCUMENTS)
        await store.upsert([EmbeddedDocument("north", "pole", [0.0, 1.0], {"year": 2010})])
        assert len(server.tables["space.fewer"].rows) == 2
        await store.upsert([EmbeddedDocument("north", "pole", [0.0, 1.0], {"year": 2011})])
        assert await store.count() == len(server.tables["space.fewer"].rows) == 2
        assert await store.top_n_ids([0.0, -1.0], threshold=0.5) == []
        assert await store.top_n_ids([0.0, 1.0], filter=F("year") == 2010) == []


async def test_what_scylladb_would_refuse_is_refused(server: CqlServer) -> None:
    async with opened(server, "refused", filter_keys=["year"]) as store:
        await store.insert(DOCUMENTS)
        with pytest.raises(UnsupportedCapability, match="1000 results at most"):
            await store.top_n([1.0, 0.0], 1001)
        with pytest.raises(UnsupportedCapability, match="takes 33 queries"):
            await store.top_n([1.0, 0.0], filter=F("year").is_in(range(33)))
        with pytest.raises(UsageError, match="ScyllaDB takes 65535"):
            await store.insert([EmbeddedDocument("long", "", [1.0, 0.0], {"year": "x" * 65_535})])
        assert await store.count() == 2


async def test_a_table_of_another_make_is_not_taken(server: CqlServer) -> None:
    server.query("CREATE TABLE IF NOT EXISTS space.foreign (id text, place int, PRIMARY KEY ((id), place))")
    async with opened(server, "foreign") as store:
        with pytest.raises(UsageError, match="not made by ScyllaVectorStore"):
            await store.count()


@pytest.mark.parametrize("name", ["", "Upper", "a b", "1a", "a; DROP TABLE b", "a" * 41])
def test_names_of_keyspaces_and_tables_are_plain(name: str) -> None:
    for names in ((name, "documents"), ("space", name)):
        with pytest.raises(UsageError, match="is no name here"):
            ScyllaVectorStore(*names)


async def test_a_session_of_the_users_stays_open(server: CqlServer) -> None:
    from cassandra.cluster import Cluster  # noqa: PLC0415 - only this test needs it

    with Cluster(["127.0.0.1"], port=server.port, protocol_version=4) as cluster:
        session = cluster.connect()
        async with ScyllaVectorStore("space", "given", session=session) as store:
            await store.insert(DOCUMENTS)
        async with ScyllaVectorStore("space", "given", session=session) as store:
            assert await store.count() == 2


async def test_a_server_that_is_not_there_is_told() -> None:
    async with ScyllaVectorStore("space", port=9) as store:
        with pytest.raises(StoreUnusable, match="cannot be reached"):
            await store.count()
