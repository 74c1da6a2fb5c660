"""The whole way: files loaded, cut, embedded, stored, found with a filter, reranked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agentlab.messages import UserMessage
from agentlab.retrieval.chunking import RecursiveSplitter, split_documents
from agentlab.retrieval.documents import Document
from agentlab.retrieval.embeddings import EmbeddingsBuilder
from agentlab.retrieval.embeddings.local import LocalEmbeddingModel
from agentlab.retrieval.filters import F
from agentlab.retrieval.loaders import FileLoader
from agentlab.retrieval.reranking import reranker
from agentlab.retrieval.stores.memory import InMemoryVectorStore
from tests.retrieval.json_server import Asked, json_server
from tests.retrieval.loaders.making import make_epub, make_pdf

pytestmark = pytest.mark.anyio

WORDS = ["panda", "cache", "prefix", "bear", "token"]


def count_words(texts: list[str], _: object) -> np.ndarray:
    """A vector of how often each word stands in a text."""
    return np.array([[text.lower().count(word) + 1e-3 for word in WORDS] for text in texts])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "The cache reads a prefix. " * 3 + "\n\n" + "A token is a token. " * 3
    (tmp_path / "notes.md").write_text(text)
    book = make_epub({"one.xhtml": "<p>A panda is a bear.", "two.xhtml": "<p>The cache."})
    (tmp_path / "book.epub").write_bytes(book)
    (tmp_path / "paper.pdf").write_bytes(make_pdf(["A bear, a bear", "The panda bear", "The prefix"]))
    (tmp_path / "broken.pdf").write_bytes(b"%PDF")


async def test_from_files_to_reranked_hits(folder: None) -> None:
    left_out: list[str] = []
    documents = FileLoader.folder(".").ignore_errors(lambda error: left_out.append(error.path))
    chunks = list(split_documents(documents, RecursiveSplitter(100)))
    assert left_out == ["broken.pdf"]

    model = LocalEmbeddingModel("words", count_words, dimensions=len(WORDS), max_documents=3)
    embedded = await EmbeddingsBuilder[Document](model).documents(chunks).build()
    async with InMemoryVectorStore(embedding_model=model) as store:
        await store.insert(embedded.for_store())
        hits = await store.top_n("panda bear", 3)
        assert [hit.id for hit in hits[:2]] == ["book.epub#chapter=1#0", "paper.pdf#page=2#0"]
        on_pages = await store.top_n("panda bear", 3, filter=F("page") >= 2)
        assert [hit.metadata["page"] for hit in on_pages] == [2, 3]
        place = hits[0].metadata
        assert (place["source"], place["start"], place["end"]) == ("book.epub#chapter=1", 0, 18)

    def answer(asked: Asked) -> dict[str, object]:
        scores = [text.count("A panda") for text in asked.body["documents"]]
        return {"results": [{"index": n, "relevance_score": score} for n, score in enumerate(scores)]}

    async with json_server(answer) as server:
        ranked = await reranker("llamacpp:m", base_url=server.url).rerank(
            "What is a panda?", [hit.document for hit in hits], 1
        )
    assert ranked.results[0].document == "A panda is a bear."


def test_a_document_becomes_a_part_of_a_message() -> None:
    part = Document("a.pdf#page=2", "text", {"page": 2, "draft": True, "author": None}).part()
    assert part.rendered() == '<file id: a.pdf#page=2>\n<metadata draft: "true" page: "2" />\ntext\n</file>\n'
    assert UserMessage((part,)).content[0] == part
