"""The lexical index, and indexes fused by rank."""

from __future__ import annotations

import asyncio
import math
import sys
from typing import Any

import pytest

from agentlab.errors import MissingExtra, UsageError
from agentlab.retrieval.documents import Document
from agentlab.retrieval.filters import F
from agentlab.retrieval.fusion import HybridIndex
from agentlab.retrieval.index import EmbeddedDocument, Hit, VectorStoreIndex
from agentlab.retrieval.lexical import LexicalIndex
from agentlab.retrieval.stores.memory import InMemoryVectorStore

pytestmark = pytest.mark.anyio

DOCUMENTS = [
    Document("refund", "Refunds are paid within a week.", {"year": 2020}),
    Document("parcel", "The parcel travels slowly, for a week or two.", {"year": 2021}),
    Document("json", "placeholder", {"year": 2022}),
]


async def filled(**options: Any) -> LexicalIndex:
    index = LexicalIndex(**options)
    await index.insert(
        [*DOCUMENTS[:2], EmbeddedDocument("json", {"title": "Customs", "body": ["duty"]}, [1.0])]
    )
    return index


async def test_it_is_labelled_and_finds_by_shared_words() -> None:
    index = await filled()
    assert isinstance(index, VectorStoreIndex)
    assert index.kind == "lexical"
    assert [hit.id for hit in await index.top_n("When are refunds paid?")] == ["refund"]
    (hit,) = await index.top_n("customs duty")
    assert hit.document == {"title": "Customs", "body": ["duty"]}
    assert await index.top_n("money back") == []
    assert await index.top_n("the of and") == []
    assert await LexicalIndex().top_n("anything") == []


async def test_scores_are_the_formula_of_bm25() -> None:
    index = LexicalIndex(language=None)
    texts = {"a": "cat cat dog", "b": "cat", "c": "bird fish worm"}
    await index.insert([Document(name, text) for name, text in texts.items()])
    found = {name: score for score, name in await index.top_n_ids("cat")}
    rarity = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    for name, count, length in (("a", 2, 3), ("b", 1, 1)):
        expected = rarity * count / (count + 1.5 * (1 - 0.75 + 0.75 * length / (7 / 3)))
        assert found[name] == pytest.approx(expected, rel=1e-5)


async def test_a_filter_chooses_first_and_a_threshold_is_inclusive() -> None:
    index = await filled()
    assert [hit.id for hit in await index.top_n("week", 1, filter=F("year") == 2021)] == ["parcel"]
    (best, name), _ = await index.top_n_ids("week")
    assert await index.top_n_ids("week", threshold=best) == [(best, name)]


async def test_ties_stand_in_the_order_of_insertion() -> None:
    index = LexicalIndex()
    names = [f"n{(place * 37) % 101}" for place in range(20)]
    await index.insert([Document(name, "same words") for name in names])
    assert [name for _, name in await index.top_n_ids("words", 20)] == names
    await index.upsert([Document(names[0], "same words")])
    assert [name for _, name in await index.top_n_ids("words", 20)] == [*names[1:], names[0]]


async def test_documents_are_replaced_and_removed() -> None:
    index = await filled()
    with pytest.raises(UsageError, match="refund"):
        await index.insert([DOCUMENTS[0]])
    await index.upsert([Document("refund", "nothing of the kind")])
    assert await index.top_n("paid") == []
    assert await index.delete(["refund", "unknown"]) == 1
    assert await index.count() == 2
    assert await index.delete(["parcel", "json"]) == 2
    assert await index.top_n("week") == []


async def test_stems_find_other_forms_of_a_word() -> None:
    assert [hit.id for hit in await (await filled(stem=True)).top_n("refunding")] == ["refund"]
    german = LexicalIndex(language="german", stem=True)
    await german.insert([Document("h", "Die Häuser stehen")])
    assert [hit.id for hit in await german.top_n("Haus")] == ["h"]


async def test_what_it_cannot_serve_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    index = await filled()
    with pytest.raises(UsageError, match="no vectors"):
        await index.top_n([1.0, 0.0])
    with pytest.raises(UsageError, match="n is"):
        await index.top_n("week", 0)
    with pytest.raises(UsageError, match="klingon"):
        LexicalIndex(language="klingon")
    with pytest.raises(UsageError, match="stemmer"):
        LexicalIndex(language="chinese", stem=True)
    with pytest.raises(UsageError, match="b from 0 to 1"):
        LexicalIndex(b=2)
    monkeypatch.setitem(sys.modules, "Stemmer", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[stemmer\]"):
        LexicalIndex(stem=True)


async def test_calls_at_the_same_time_see_a_whole_index() -> None:
    index = await filled()
    more = [index.insert([Document(f"m{place}", f"week {place}")]) for place in range(10)]
    answers = await asyncio.gather(*more, *(index.top_n("refunds") for _ in range(10)))
    assert all(answer[0].id == "refund" for answer in answers[10:])
    assert await index.count() == 13


class _Fixed:
    def __init__(self, *names: str) -> None:
        self.names = names

    async def top_n(self, query: object, n: int = 5, **options: Any) -> list[Hit]:
        return [Hit(1.0, name, name, {}) for name in self.names[:n]]


async def test_fusion_sums_reciprocal_ranks() -> None:
    hybrid = HybridIndex([_Fixed("a", "b", "c"), _Fixed("c", "a")], weights=[1.0, 2.0], k=10)
    assert hybrid.kind == "hybrid"
    found = await hybrid.top_n_ids("q")
    expected = {"c": 1 / 13 + 2 / 11, "a": 1 / 11 + 2 / 12, "b": 1 / 12}
    assert [name for _, name in found] == ["c", "a", "b"]
    assert [score for score, _ in found] == pytest.approx([expected[name] for _, name in found])
    assert [name for _, name in await hybrid.top_n_ids("q", 2)] == ["c", "a"]
    assert [name for _, name in await hybrid.top_n_ids("q", threshold=0.2)] == ["c", "a"]


async def test_equal_fused_scores_stand_as_the_indexes_were_given() -> None:
    found = await HybridIndex([_Fixed("x"), _Fixed("y")]).top_n_ids("q")
    assert [name for _, name in found] == ["x", "y"]


class _Words:
    async def embed_query(self, text: str) -> list[float]:
        return [1.0, 0.0] if "money" in text else [0.0, 1.0]


async def test_a_hybrid_of_words_and_vectors_filters_both() -> None:
    store = InMemoryVectorStore(embedding_model=_Words())
    await store.insert([
        EmbeddedDocument("refund", "Refunds", [1.0, 0.1], {"year": 2020}),
        EmbeddedDocument("parcel", "Parcels", [0.1, 1.0], {"year": 2021}),
    ])  # fmt: skip
    hybrid = HybridIndex([store, await filled()])
    assert (await hybrid.top_n("money for refunds"))[0].id == "refund"
    assert [hit.id for hit in await hybrid.top_n("money for refunds", filter=F("year") == 2021)] == ["parcel"]


@pytest.mark.parametrize(
    "wrong", [{"indexes": []}, {"weights": [1.0, 2.0]}, {"weights": [0.0]}, {"k": -1}, {"depth": 0}]
)
def test_a_fusion_of_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        HybridIndex(**({"indexes": [_Fixed("a")]} | wrong))


async def test_a_query_without_words_finds_nothing() -> None:
    index = LexicalIndex()
    await index.insert([Document("a", "System: ")])
    assert await index.top_n("\x1b") == []
