"""An index as a tool of an agent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlab.errors import InvalidToolArguments, ToolError, UsageError
from agentlab.retrieval.documents import Document
from agentlab.retrieval.filters import F, Filter
from agentlab.retrieval.fusion import HybridIndex
from agentlab.retrieval.index import EmbeddedDocument, Hit, VectorStoreIndex
from agentlab.retrieval.lexical import LexicalIndex
from agentlab.retrieval.search_tool import search_tool
from agentlab.retrieval.stores.memory import InMemoryVectorStore
from agentlab.tools import ToolContext, as_content

pytestmark = pytest.mark.anyio

WORDS = ("refund", "parcel", "customs")


class OneWord:
    """Embeds a text by which of three words is in it."""

    async def embed_query(self, text: str) -> list[float]:
        return [float(word in text) for word in WORDS]


async def lexical() -> LexicalIndex:
    index = LexicalIndex()
    await index.insert(
        Document(f"{word}/{year}", f"Of {word}, as of {year}.", {"year": year})
        for word in WORDS
        for year in (2020, 2021)
    )
    return index


async def store() -> InMemoryVectorStore:
    made = InMemoryVectorStore(embedding_model=OneWord())
    await made.insert(
        EmbeddedDocument(
            f"{word}/{year}", f"Of {word}.", [float(word == each) for each in WORDS], {"year": year}
        )
        for word in WORDS
        for year in (2020, 2021)
    )
    return made


async def called(
    index: VectorStoreIndex, options: dict[str, Any] | None = None, **arguments: Any
) -> list[dict[str, Any]]:
    tool = search_tool(index, **(options or {}))
    found: list[dict[str, Any]] = await tool.call(arguments, ToolContext())
    as_content(found)  # it has a JSON form
    return found


def test_it_is_called_as_in_rig_and_takes_the_same_arguments() -> None:
    tool = search_tool(LexicalIndex())
    assert tool.definition.name == "search_vector_store"
    assert list(tool.definition.parameters["properties"]) == ["query", "samples", "threshold", "filter"]
    assert tool.definition.parameters["required"] == ["query"]
    own = search_tool(LexicalIndex(), name="search_handbook", description="Search the handbook.")
    assert (own.definition.name, own.definition.description) == ("search_handbook", "Search the handbook.")


async def test_it_finds_with_scores_on_every_kind_of_index() -> None:
    words, vectors = await lexical(), await store()
    for index in (words, vectors, HybridIndex([words, vectors])):
        found = await called(index, query="refund", samples=2)
        assert {each["id"] for each in found} == {"refund/2020", "refund/2021"}
        assert set(found[0]) == {"score", "id", "document", "metadata"}
        assert found[0]["score"] >= found[1]["score"]


async def test_threshold_and_filter_of_the_model_are_applied() -> None:
    index = await store()
    year = json.loads((F("year") >= 2021).to_json())
    assert [each["id"] for each in await called(index, query="refund", filter=year, threshold=0.5)] == [
        "refund/2021"
    ]
    both = json.loads(((F("year") == 2020) | ~F("year").is_in([2020, 2021])).to_json())
    assert [each["id"] for each in await called(index, query="refund", filter=both, samples=1)] == [
        "refund/2020"
    ]


async def test_a_filter_that_cannot_be_read_comes_back_in_words() -> None:
    index = await lexical()
    for wrong, said in (
        ({"year": 2020}, "not a filter"),
        ({"type": "comparison", "key": "year", "operator": "about", "value": 1}, "not a filter"),
        ({"type": "comparison", "key": "", "operator": "eq", "value": 1}, "key"),
        ({"type": "comparison", "key": "year", "operator": "gt", "value": None}, "has no order"),
    ):
        with pytest.raises(ToolError, match=said):
            await called(index, query="refund", filter=wrong)
    with pytest.raises(InvalidToolArguments, match="samples is 0"):
        await called(index, query="refund", samples=0)
    with pytest.raises(InvalidToolArguments, match="query"):
        await called(index)


async def test_the_tools_own_filter_cannot_be_widened() -> None:
    index = await store()
    options: dict[str, Any] = {"filter": F("year") == 2020}
    assert [each["id"] for each in await called(index, options, query="refund", threshold=0.5)] == [
        "refund/2020"
    ]
    wide = json.loads((F("year") >= 0).to_json())
    found = await called(index, options, query="refund", filter=wide, threshold=0.5)
    assert [each["id"] for each in found] == ["refund/2020"]


async def test_the_number_of_documents_has_a_default_and_a_bound() -> None:
    index = await store()
    assert len(await called(index, {"samples": 2}, query="refund")) == 2
    assert len(await called(index, {"samples": 2, "most": 3}, query="refund", samples=99)) == 3
    with pytest.raises(UsageError, match="samples is 1 or more"):
        search_tool(index, samples=5, most=4)
    with pytest.raises(UsageError, match="takes an index"):
        search_tool("index")  # type: ignore[arg-type]


async def test_a_score_that_is_no_number_has_a_json_form() -> None:
    class Odd(LexicalIndex):
        async def top_n(
            self, query: Any, n: int = 5, *, threshold: float | None = None, filter: Filter | None = None
        ) -> list[Hit]:
            return [Hit(float("nan"), "a", "text")]

    assert await called(Odd(), query="x") == [{"score": None, "id": "a", "document": "text"}]
