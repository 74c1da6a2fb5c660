"""What the store for Vectorize sends over HTTP, and what it refuses to send; the server follows the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from agentlab.errors import MissingKey, StoreUnusable, UnsupportedCapability, UsageError
from agentlab.retrieval.filters import F, Filter, Not
from agentlab.retrieval.index import EmbeddedDocument
from agentlab.retrieval.stores.typed_fields import number_field
from agentlab.retrieval.stores.vectorize import VectorizeVectorStore
from agentlab.retrieval.stores.vectorize_filters import conjunctions, digest, digest_field
from tests.retrieval.stores.matching import matches
from tests.retrieval.stores.random_documents import document_lists, filters
from tests.retrieval.stores.vectorize_server import VectorizeServer

pytestmark = pytest.mark.anyio

DOCUMENTS = [
    EmbeddedDocument("east", "sunrise", [1.0, 0.0], {"year": 2001, "lang": "en"}),
    EmbeddedDocument("north", "pole", [0.0, 1.0], {"year": 2010}),
]


@pytest.fixture(scope="module")
def server() -> Iterator[VectorizeServer]:
    running = VectorizeServer()
    yield running
    running.stop()


def opened(server: VectorizeServer, index: str, **options: Any) -> VectorizeVectorStore:
    address = f"http://127.0.0.1:{server.port}/client/v4"
    keys = {"filter_keys": ["lang"], "ordered_keys": ["year"], **options}
    return VectorizeVectorStore(index, account_id="account", api_token="token", base_url=address, **keys)


def test_conditions_on_one_key_become_one_condition() -> None:
    lang, year = digest_field("lang"), number_field("year")
    (one,) = conjunctions((F("year") > 2000) & (F("year") >= 2005) & (F("year") < 2020) & (F("lang") != "de"))
    assert one.to_json() == {year: {"$gte": 2005.0, "$lt": 2020.0}, lang: {"$nin": [digest("de")]}}
    (one,) = conjunctions(F("lang").is_in(["en", "de"]) & (F("lang") != "de"))
    assert one.to_json() == {lang: {"$in": [digest("en")]}}
    (one,) = conjunctions((F("year") > 5) & (F("year") >= 5))
    assert one.to_json() == {year: {"$gt": 5.0}}
    (one,) = conjunctions((F("lang") == "en") & (F("lang") == "de"))
    assert one.to_json() is None


@settings(max_examples=150)
@given(document_lists(4), filters())
def test_conjunctions_pass_what_the_filter_passes(
    documents: list[EmbeddedDocument], condition: Filter
) -> None:
    try:
        written = [each.to_json() for each in conjunctions(condition)]
    except UnsupportedCapability:
        return
    keys = ["year", "lang", "draft", "o'd \"k$y.\\", "größe"]
    for document in documents:
        seen: dict[str, Any] = {digest_field(key): digest(document.metadata.get(key)) for key in keys}
        for key, value in document.metadata.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                seen[number_field(key)] = value
        passed = any(each is not None and matches(seen, each) for each in written)
        assert passed is condition.test(document.metadata)


def test_what_takes_too_many_queries_is_refused() -> None:
    many = F("lang") == "a"
    for number in range(17):
        many = many | (F("year") > number)
    for condition in (many, F("lang") > "a", Not(F("year") > 1)):  # type: ignore[arg-type]
        with pytest.raises(UnsupportedCapability, match="Vectorize cannot filter by"):
            conjunctions(condition)


async def test_an_or_is_asked_in_several_queries(server: VectorizeServer) -> None:
    async with opened(server, "several") as store:
        await store.insert(DOCUMENTS)
        either = (F("lang") == "en") | (F("year") > 2005)
        assert [hit.id for hit in await store.top_n([0.6, 0.8], filter=either)] == ["north", "east"]
        assert [hit.id for hit in await store.top_n([0.6, 0.8], 1, filter=either)] == ["north"]


async def test_filters_are_over_the_keys_that_the_index_was_made_with(server: VectorizeServer) -> None:
    async with opened(server, "keys") as store:
        await store.insert(DOCUMENTS)
    async with opened(server, "keys", filter_keys=["size"]) as store:
        assert len(await store.top_n([1.0, 0.0], filter=F("lang") == None)) == 1  # noqa: E711 - makes a filter
        with pytest.raises(UnsupportedCapability, match="filter_keys"):
            await store.top_n([1.0, 0.0], filter=F("size") == 1)
    with pytest.raises(UsageError, match="10 at most"):
        opened(server, "many", filter_keys=[f"key{number}" for number in range(10)])


async def test_a_service_that_asks_to_wait_is_asked_again(server: VectorizeServer) -> None:
    async with opened(server, "waits") as store:
        server.refusals = 2
        await store.insert(DOCUMENTS)
        assert await store.count() == 2
        assert server.refusals == 0


async def test_what_the_service_says_is_told(server: VectorizeServer) -> None:
    server.indexes.pop("gone", None)
    async with opened(server, "gone") as store:
        await store.insert(DOCUMENTS)
        del server.indexes["gone"]
        with pytest.raises(StoreUnusable, match=r"404 to /gone/list: vectorize\.index\.not_found"):
            await store.count()


async def test_too_large_and_too_many_are_refused(
    server: VectorizeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server, "large") as store:
        await store.insert(DOCUMENTS)
        with pytest.raises(UsageError, match="Vectorize keeps 10240"):
            await store.insert([EmbeddedDocument("large", "é" * 5200, [1.0, 0.0])])
        with pytest.raises(UnsupportedCapability, match="100 results at most"):
            await store.top_n([1.0, 0.0], 101)
        long = F("lang").is_in([str(number) for number in range(40)])
        with pytest.raises(UnsupportedCapability, match="2048 bytes"):
            await store.top_n([1.0, 0.0], filter=long)
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)
    with pytest.raises(MissingKey, match="CLOUDFLARE_API_TOKEN"):
        VectorizeVectorStore("large", account_id="account")


async def test_an_entry_has_what_the_service_asks_for(server: VectorizeServer) -> None:
    async with opened(server, "entries") as store:
        await store.insert([EmbeddedDocument("x" * 200, "text", [[1.0, 0.0], [0.0, 1.0]], {"lang": "en"})])
    entries = list(server.indexes["entries"].entries.values())
    assert [entry["id"][-2:] for entry in entries] == ["-0", "-1"]
    assert {entry["namespace"] for entry in entries} == {"found"}
    assert json.loads(entries[0]["metadata"]["document"]) == "text"
    assert entries[0]["metadata"]["d_lang"] == digest("en")
    assert server.indexes["entries"].properties == {"d_lang": "String", "n_year": "Number"}
