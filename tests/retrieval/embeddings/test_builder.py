"""Documents become requests and come back in their order, whatever the sizes and however the answers come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.errors import ProtocolError, UsageError
from agentlab.retrieval.documents import Document
from agentlab.retrieval.embeddings import Embedded, EmbeddingsBuilder, embed
from agentlab.retrieval.embeddings.batches import batches
from tests.retrieval.embeddings.models import CountingModel, vector_of

pytestmark = pytest.mark.anyio

WORDS = st.text(min_size=1, max_size=12)


@given(st.lists(WORDS, max_size=60), st.integers(1, 9), st.none() | st.integers(1, 40))
def test_batches_hold_every_text_once_in_order_within_the_limits(
    texts: list[str], max_documents: int, max_bytes: int | None
) -> None:
    ranges = list(batches(texts, max_documents, max_bytes))
    assert [place for each in ranges for place in each] == list(range(len(texts)))
    for each in ranges:
        size = sum(len(texts[place].encode("utf-8", "replace")) for place in each)
        assert 1 <= len(each) <= max_documents
        assert max_bytes is None or size <= max_bytes or len(each) == 1


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4), max_size=12), st.integers(1, 5), st.integers(1, 4))
async def test_each_document_gets_its_own_embeddings_in_order(
    documents: list[list[str]], max_documents: int, concurrency: int
) -> None:
    model = CountingModel(max_documents)
    built = await EmbeddingsBuilder[list[str]](model, concurrency=concurrency).documents(documents).build()
    assert [document for document, _ in built] == documents
    for document, embeddings in built:
        assert [each.document for each in embeddings] == document
        for each in embeddings:
            assert np.array_equal(each.vector, vector_of(each.document))
    texts = sum(map(len, documents))
    assert built.requests == len(model.requests) == -(-texts // max_documents)
    assert (built.usage.input_tokens or 0) == texts
    assert built.cost_usd == (0.5 * built.requests if built.requests else None)
    assert model.most_running <= concurrency


async def test_requests_run_side_by_side_up_to_the_bound() -> None:
    model = CountingModel(max_documents=1)
    await EmbeddingsBuilder[str](model, concurrency=4).documents([str(n) for n in range(20)]).build()
    assert model.most_running == 4


@pytest.mark.parametrize(("max_documents", "at_once"), [(1024, 1), (2048, 1), (512, 2), (100, 4)])
async def test_without_a_bound_about_a_thousand_texts_are_under_way(max_documents: int, at_once: int) -> None:
    model = CountingModel(max_documents)
    await EmbeddingsBuilder[str](model).documents(["x"] * (max_documents * 4)).build()
    assert model.most_running == at_once


async def test_the_unknown_cost_of_one_request_makes_the_sum_unknown() -> None:
    built = await EmbeddingsBuilder[str](CountingModel(cost=None)).documents(["a", "b"]).build()
    assert built.cost_usd is None


async def test_a_short_answer_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="3 texts were sent, and 2 embeddings came"):
        await EmbeddingsBuilder[str](CountingModel(drops=1)).documents(["a", "b", "c"]).build()


async def test_the_first_failure_ends_the_other_requests_and_comes_as_itself() -> None:
    model = CountingModel(max_documents=1, turns=50, fails_on="boom")
    with pytest.raises(ConnectionError, match="boom"):
        await EmbeddingsBuilder[str](model, concurrency=8).documents(["boom", *"abcdefgh"]).build()
    assert model.running == 0
    assert len(model.requests) < 9 or model.ended == 9


async def test_a_builder_is_not_changed_by_adding() -> None:
    model = CountingModel()
    one = EmbeddingsBuilder[str](model).document("a")
    two = one.document("b")
    assert len(await one.build()) == 1
    assert [document for document, _ in await two.build()] == ["a", "b"]


async def test_queries_are_embedded_as_queries() -> None:
    model = CountingModel()
    await EmbeddingsBuilder[str](model, input_type="query").document("a").build()
    await model.embed_query("b")
    assert [kind for _, kind in model.requests] == ["query", "query"]


async def test_a_document_without_text_is_refused_before_any_request() -> None:
    builder = EmbeddingsBuilder[object](CountingModel())
    for nothing in ([], None, [[], None]):
        with pytest.raises(UsageError, match="nothing to embed"):
            builder.document(nothing)
    with pytest.raises(UsageError, match="document `page-7`"):
        builder.document(Document("page-7", ""))
    with pytest.raises(UsageError, match="takes a list"):
        builder.documents("text")
    with pytest.raises(UsageError, match="1 or more"):
        EmbeddingsBuilder(CountingModel(), concurrency=0)


async def test_nothing_to_build_sends_nothing() -> None:
    model = CountingModel()
    built: Embedded[str] = await EmbeddingsBuilder[str](model).build()
    assert (len(built), built.requests, model.requests) == (0, 0, [])
    assert built.for_store() == []


@dataclass
class Word:
    id: str
    meanings: Annotated[list[str], embed]
    year: int = 2000


async def test_a_store_gets_ids_metadata_and_all_vectors() -> None:
    builder = EmbeddingsBuilder[object](CountingModel()).documents(
        [
            Word("flurbo", ["a green alien", "a currency"]),
            Document("a.txt#1", "text", {"page": 1}),
            "plain",
            {"id": 7, "metadata": {"x": 1}, "text": "y"},
        ]
    )
    stored = (await builder.build()).for_store()
    assert [each.id for each in stored] == ["flurbo", "a.txt#1", "doc2", "7"]
    assert [np.shape(each.vectors) for each in stored] == [(2, 3), (1, 3), (1, 3), (1, 3)]
    assert [each.metadata for each in stored] == [
        {"meanings": ["a green alien", "a currency"], "year": 2000},
        {"page": 1},
        {},
        {"x": 1},
    ]
    assert stored[1].document == "text"
    assert stored[2].document == "plain"
    assert stored[0].document == {"id": "flurbo", "meanings": ["a green alien", "a currency"], "year": 2000}


async def test_ids_and_metadata_may_come_from_functions_and_must_differ() -> None:
    built = await EmbeddingsBuilder[str](CountingModel()).documents(["a", "b"]).build()
    named = built.for_store(id=lambda text: f"<{text}>", metadata=lambda text: {"length": len(text)})
    assert [(each.id, each.metadata) for each in named] == [("<a>", {"length": 1}), ("<b>", {"length": 1})]
    with pytest.raises(UsageError, match="two documents have the id `same`"):
        built.for_store(id=lambda _: "same")
