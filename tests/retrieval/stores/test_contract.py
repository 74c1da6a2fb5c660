"""Every store keeps the promises of `agentlab.retrieval.index`, on its real engine."""

from __future__ import annotations

import asyncio
import itertools
import math

import numpy as np
import pytest

from agentlab.errors import UnsupportedCapability, UsageError
from agentlab.retrieval.filters import And, F, Or
from agentlab.retrieval.index import EmbeddedDocument, VectorStore, VectorStoreIndex
from tests.retrieval.stores.engines import Engine
from tests.retrieval.stores.random_documents import brute_force

pytestmark = pytest.mark.anyio

DOCUMENTS = [
    EmbeddedDocument("east", "sunrise", [1.0, 0.0], {"year": 2001, "lang": "en", "draft": False}),
    EmbeddedDocument("north", {"title": "pole", "n": [1, None]}, [0.0, 2.0], {"year": 2010.5, "lang": "de"}),
    EmbeddedDocument("west", "sunset", [-3.0, 0.0], {"year": 2020, "lang": "en", "draft": True}),
    EmbeddedDocument("both", "corner", [[0.6, 0.8], [-1.0, 0.1]], {"tags": ["a", "b"], "lang": "fr"}),
]


async def ids(store: VectorStore, query: list[float], n: int = 10, **options: object) -> list[str]:
    return [name for _, name in await store.top_n_ids(query, n, **options)]


async def test_it_is_what_the_protocols_say(store: VectorStore) -> None:
    assert isinstance(store, VectorStoreIndex)
    assert isinstance(store, VectorStore)


async def test_an_empty_store_finds_nothing(store: VectorStore) -> None:
    assert await store.top_n([1.0, 0.0]) == []
    assert await store.get(["east"]) == []
    assert await store.delete(["east"]) == 0
    assert await store.count() == 0
    await store.insert([])


async def test_scores_are_cosine_similarities_best_first(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    hits = await store.top_n([2.0, 0.0], 4)
    assert [hit.id for hit in hits] == ["east", "both", "north", "west"]
    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.6, 0.0, -1.0], abs=1e-5)
    assert all(-1.0 <= hit.score <= 1.0 for hit in hits)
    assert hits[0].document == "sunrise"
    assert hits[2].document == {"title": "pole", "n": [1, None]}
    assert dict(hits[0].metadata) == {"year": 2001, "lang": "en", "draft": False}
    assert await store.top_n_ids([2.0, 0.0], 4) == [(hit.score, hit.id) for hit in hits]


async def test_a_document_is_found_once_by_its_best_vector(store: VectorStore) -> None:
    crowd = np.array([[math.cos(angle), math.sin(angle)] for angle in np.linspace(0, 0.1, 40)])
    await store.insert([EmbeddedDocument("crowd", "", crowd), *DOCUMENTS])
    assert await ids(store, [1.0, 0.05], 3) == ["crowd", "east", "both"]


async def test_a_threshold_is_inclusive(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    assert await ids(store, [1.0, 0.0], threshold=1.0) == ["east"]
    assert await ids(store, [1.0, 0.0], threshold=0.6) == ["east", "both"]
    assert await ids(store, [1.0, 0.0], threshold=0.61) == ["east"]
    assert len(await ids(store, [1.0, 0.0], threshold=-1.0)) == 4


async def test_equal_scores_stand_in_the_order_of_insertion(store: VectorStore) -> None:
    names = [f"n{(place * 37) % 101}" for place in range(30)]
    await store.insert([EmbeddedDocument(name, "", [1.0, 1.0]) for name in names[:20]])
    await store.insert([EmbeddedDocument(name, "", [3.0, 3.0]) for name in names[20:]])
    for n in (1, 5, 25, 30):
        assert await ids(store, [1.0, 0.5], n) == names[:n]
    await store.upsert([EmbeddedDocument(names[0], "anew", [1.0, 1.0])])
    assert await ids(store, [1.0, 0.5], 30) == [*names[1:], names[0]]


COMMON = [
    F("lang") == "en",
    F("year") == 2020,
    F("draft") == True,  # noqa: E712
    F("year") > 2001,
    F("year") >= 2010.5,
    F("year") < 2010.5,
    F("year") <= 2001,
    (F("year") > 2000) & (F("year") < 2015),
    F("lang").is_in(["de", "fr"]),
    F("year").is_in([2001, 2010.5]),
    (F("lang") == "de") | (F("draft") == True),  # noqa: E712
]

PARTICULAR = [
    F("draft") != True,  # noqa: E712
    ~(F("year") > 2005),
    ~F("lang").is_in(["en"]),
    F("missing") == None,  # noqa: E711
    F("year") == "2020",
    F("lang") > "de",
    F("tags") == "a",
    And(()),
    Or(()),
    F("lang").is_in([]),
    F("lang").is_in(["en", None, 3, False]),
    ~(F("missing") < 5) & ~(F("lang") == "en"),
]


async def test_every_store_filters_by_what_all_engines_have(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    for condition in COMMON:
        expected = brute_force(DOCUMENTS, [0.2, 0.9], 10, None, condition)
        found = await ids(store, [0.2, 0.9], filter=condition)
        assert found == [name for _, name in expected], condition


async def test_a_filter_means_what_test_says_or_is_refused(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    for condition in PARTICULAR:
        expected = [name for _, name in brute_force(DOCUMENTS, [0.2, 0.9], 10, None, condition)]
        try:
            found = await ids(store, [0.2, 0.9], filter=condition)
        except UnsupportedCapability:
            continue
        assert found == expected, condition


async def test_a_filter_chooses_before_the_top_n_are_taken(store: VectorStore) -> None:
    near = [
        EmbeddedDocument(f"near{place}", "", [1.0, place / 1000], {"kind": "near"}) for place in range(60)
    ]
    await store.insert([*near, EmbeddedDocument("far", "", [-1.0, 0.0], {"kind": "far"})])
    assert await ids(store, [1.0, 0.0], 1, filter=F("kind") == "far") == ["far"]


async def test_zeros_are_kept_and_never_found(store: VectorStore) -> None:
    await store.insert([*DOCUMENTS, EmbeddedDocument("zero", "nothing", [0.0, 0.0])])
    await store.insert([EmbeddedDocument("half", "something", [[0.0, 0.0], [0.0, 1.0]])])
    assert "zero" not in await ids(store, [1.0, 1.0], 10, threshold=-1.0)
    assert "half" in await ids(store, [1.0, 1.0], 10)
    assert await store.top_n([0.0, 0.0]) == []
    assert await store.count() == 6
    (kept,) = await store.get(["zero"])
    assert kept.document == "nothing"


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
async def test_numbers_that_are_none_are_refused_and_nothing_is_written(
    store: VectorStore, wrong: float
) -> None:
    await store.insert(DOCUMENTS[:1])
    with pytest.raises(UsageError, match="NaN or infinity"):
        await store.insert([DOCUMENTS[1], EmbeddedDocument("wrong", "", [wrong, 1.0])])
    with pytest.raises(UsageError, match="NaN or infinity"):
        await store.top_n([wrong, 1.0])
    assert await store.count() == 1


async def test_another_width_is_refused(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    with pytest.raises(UsageError, match="3 dimensions where the store has 2"):
        await store.insert([EmbeddedDocument("wide", "", [1.0, 2.0, 3.0])])
    with pytest.raises(UsageError, match="3 dimensions where the store has 2"):
        await store.top_n([1.0, 2.0, 3.0])
    assert await store.count() == 4


async def test_insert_refuses_an_id_that_is_stored_or_given_twice(store: VectorStore) -> None:
    await store.insert(DOCUMENTS[:2])
    with pytest.raises(UsageError, match="'east'"):
        await store.insert([DOCUMENTS[2], EmbeddedDocument("east", "other", [0.0, 1.0])])
    with pytest.raises(UsageError, match="'twin'"):
        await store.insert([EmbeddedDocument("twin", place, [0.0, 1.0]) for place in range(2)])
    assert await store.count() == 2
    assert (await store.get(["east"]))[0].document == "sunrise"


async def test_upsert_replaces_all_of_a_document(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    twin = EmbeddedDocument("both", "first", [0.0, -1.0])
    await store.upsert([twin, EmbeddedDocument("both", "second", [0.0, -1.0], {"lang": "it"})])
    assert await store.count() == 4
    (hit,) = await store.top_n([0.0, -1.0], 1)
    assert (hit.id, hit.document, dict(hit.metadata)) == ("both", "second", {"lang": "it"})
    assert await ids(store, [0.6, 0.8], filter=F("lang") == "fr") == []
    assert (await store.get(["both"]))[0].vectors == pytest.approx(np.array([[0.0, -1.0]]))


async def test_delete_removes_all_of_a_document_and_tells_how_many(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    assert await store.delete(["both", "unknown", "both", "east"]) == 2
    assert await store.count() == 2
    assert await ids(store, [1.0, 0.0]) == ["north", "west"]
    assert await store.delete(["both"]) == 0
    await store.insert([DOCUMENTS[3]])
    assert await ids(store, [1.0, 0.0]) == ["both", "north", "west"]


async def test_get_gives_documents_in_the_order_asked_for(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    found = await store.get(["both", "unknown", "north", "both"])
    assert [each.id for each in found] == ["both", "north", "both"]
    assert found[1].document == {"title": "pole", "n": [1, None]}
    assert dict(found[0].metadata) == {"tags": ["a", "b"], "lang": "fr"}
    assert np.asarray(found[1].vectors) == pytest.approx(np.array([[0.0, 1.0]]))
    expected = np.array([[0.6, 0.8], [-1.0, 0.1] / np.linalg.norm([-1.0, 0.1])])
    assert np.asarray(found[0].vectors) == pytest.approx(expected, abs=1e-5)


async def test_any_text_may_be_an_id_a_document_and_metadata(store: VectorStore) -> None:
    strange = [
        "it's",
        'a "b"',
        "a/b\\c",
        "é 日本 🦀",
        "%_*",
        "x" * 200,
        "; DROP TABLE documents",
        "$1 {0} ?",
        " ",
    ]
    await store.insert([
        EmbeddedDocument(each, each, [1.0, place], {"text": each, each: 1}) for place, each in enumerate(strange)
    ])  # fmt: skip
    assert [each.document for each in await store.get(strange)] == strange
    for each in strange:
        (hit,) = await store.top_n([1.0, 1.0], 5, filter=F("text") == each)
        assert (hit.id, hit.document, hit.metadata[each]) == (each, each, 1)
    assert await store.delete(strange) == len(strange)


async def test_large_numbers_of_documents_go_in_and_out(store: VectorStore) -> None:
    total = 600
    random = np.random.default_rng(1)
    matrix = random.standard_normal((total, 8))
    documents = [EmbeddedDocument(f"d{row}", row, matrix[row], {"row": row}) for row in range(total)]
    await store.insert(documents)
    assert await store.count() == total
    for condition in (None, F("row") >= 300, F("row") == 7):
        expected = brute_force(documents, matrix[3], 10, None, condition)
        found = await store.top_n_ids(matrix[3], 10, filter=condition)
        assert [name for _, name in found] == [name for _, name in expected]
        assert [score for score, _ in found] == pytest.approx([score for score, _ in expected], abs=1e-5)
    assert len(await store.get([each.id for each in documents])) == total
    assert await store.delete([each.id for each in documents]) == total
    assert await store.top_n(matrix[3]) == []


async def test_calls_at_the_same_time_do_not_disturb_each_other(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    fresh = [EmbeddedDocument(f"f{place}", place, [1.0, -place / 10]) for place in range(8)]
    answers = await asyncio.gather(
        *(store.insert([each]) for each in fresh),
        *(store.top_n([1.0, 0.0], 1, filter=F("lang") == "en") for _ in range(8)),
        *(store.delete([each.id]) for each in DOCUMENTS[1:2]),
    )
    assert [answer[0].id for answer in answers[8:16]] == ["east"] * 8
    assert await store.count() == 11


async def test_one_store_serves_several_event_loops(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    found = await asyncio.to_thread(lambda: asyncio.run(store.top_n([1.0, 0.0], 1)))
    assert [hit.id for hit in found] == ["east"]
    assert await ids(store, [1.0, 0.0], 1) == ["east"]


class _Words:
    async def embed_query(self, text: str) -> list[float]:
        return {"morning": [1.0, 0.0], "evening": [-1.0, 0.0]}[text]


async def test_a_query_may_be_text_where_there_is_an_embedding_model(
    store: VectorStore, running: Engine, fresh_name: str
) -> None:
    with pytest.raises(UsageError, match="embedding_model"):
        await store.top_n("morning")
    async with running.open(f"{fresh_name}_words", embedding_model=_Words()) as asked:
        await asked.insert(DOCUMENTS)
        assert [(await asked.top_n(word, 1))[0].id for word in ("morning", "evening")] == ["east", "west"]


async def test_n_is_a_whole_number_from_one_on(store: VectorStore) -> None:
    for n in (0, -1, 1.5, True, "3"):
        with pytest.raises(UsageError, match="n is"):
            await store.top_n([1.0, 0.0], n)


async def test_a_closed_store_says_so(store: VectorStore) -> None:
    await store.insert(DOCUMENTS)
    await store.close()
    await store.close()
    with pytest.raises(UsageError, match="closed"):
        await store.top_n([1.0, 0.0])


async def test_what_was_written_is_there_when_the_store_is_opened_again(
    running: Engine, fresh_name: str
) -> None:
    if not getattr(running, "keeps", True):
        pytest.skip("this engine keeps nothing; what it can write to a file has a test of its own")
    async with running.open(fresh_name) as store:
        await store.insert(DOCUMENTS[:2])
    async with running.open(fresh_name) as store:
        await store.insert(DOCUMENTS[2:])
    async with running.open(fresh_name) as store:
        assert await store.count() == 4
        assert await ids(store, [0.9, 0.1]) == ["east", "both", "north", "west"]
        assert await ids(store, [0.9, 0.1], filter=F("year") > 2005) == ["north", "west"]
        with pytest.raises(UsageError, match="dimensions"):
            await store.top_n([1.0, 2.0, 3.0])
    with pytest.raises(UsageError, match="dimensions"):
        async with running.open(fresh_name, dimensions=3) as store:
            await store.count()


async def test_rounding_breaks_no_tie_among_random_vectors(store: VectorStore) -> None:
    random = np.random.default_rng(2)
    matrix = random.standard_normal((25, 6))
    pairs = list(itertools.chain.from_iterable((row, row) for row in matrix))
    await store.insert([EmbeddedDocument(f"p{place:02}", "", row) for place, row in enumerate(pairs)])
    found = await ids(store, random.standard_normal(6).tolist(), 50)
    assert all(
        found.index(f"p{place:02}") + 1 == found.index(f"p{place + 1:02}") for place in range(0, 50, 2)
    )
