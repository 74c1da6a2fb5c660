"""Models that run in this process: any function, and those of other libraries."""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from typing import Any

import numpy as np
import pytest

from agentlab.errors import MissingExtra, ProtocolError, UsageError
from agentlab.retrieval.embeddings import EmbeddingModel
from agentlab.retrieval.embeddings.libraries import (
    fastembed_model,
    model2vec_model,
    sentence_transformers_model,
)
from agentlab.retrieval.embeddings.local import LocalEmbeddingModel
from tests.retrieval.embeddings.small_bert import WORDS, small_tokenizer

pytestmark = pytest.mark.anyio


async def test_a_function_is_called_in_a_thread_and_never_twice_at_a_time() -> None:
    here = threading.get_ident()
    running: list[int] = []
    seen: list[int] = []

    def encode(texts: list[str], _: object) -> np.ndarray:
        assert threading.get_ident() != here
        running.append(1)
        seen.append(len(running))
        running.pop()
        return np.ones((len(texts), 2))

    model = LocalEmbeddingModel("mine", encode, dimensions=2, max_documents=3)
    assert isinstance(model, EmbeddingModel)
    await asyncio.gather(*(model.embed(["a", "b"]) for _ in range(10)))
    assert seen == [1] * 10
    response = await model.embed(["a"])
    assert (response.vectors.dtype, response.cost_usd, response.usage.input_tokens) == (np.float32, 0.0, None)
    with pytest.raises(UsageError, match="3 texts in a request"):
        await model.embed(["a"] * 4)


@pytest.mark.parametrize(
    ("gives", "said"),
    [
        (np.ones((1, 2)), r"shape \(1, 2\) for 2 texts"),
        (np.ones((2, 3)), r"shape \(2, 3\) for 2 texts"),
        (np.full((2, 2), np.nan), "NaN or infinity"),
    ],
)
async def test_what_a_function_gives_is_checked(gives: Any, said: str) -> None:
    model = LocalEmbeddingModel("mine", lambda *_: gives, dimensions=2)
    with pytest.raises(ProtocolError, match=said):
        await model.embed(["a", "b"])


async def test_what_a_function_raises_is_raised() -> None:
    def encode(*_: object) -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        await LocalEmbeddingModel("mine", encode, dimensions=2).embed(["a"])


async def test_a_static_model_of_model2vec_gives_its_vectors() -> None:
    model2vec = pytest.importorskip("model2vec")
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 8)).astype(np.float32)
    static = model2vec.StaticModel(vectors, small_tokenizer())
    model = model2vec_model(static)
    assert (model.name, model.dimensions) == ("model2vec:StaticModel", 8)
    response = await model.embed(["the cat", "dogs ran"])
    assert np.array_equal(response.vectors, static.encode(["the cat", "dogs ran"]))
    assert np.array_equal(await model.embed_query("the cat"), response.vectors[0])


async def test_a_static_model_may_be_read_from_its_folder(tmp_path: Any) -> None:
    model2vec = pytest.importorskip("model2vec")
    vectors = np.eye(len(WORDS), dtype=np.float32)
    model2vec.StaticModel(vectors, small_tokenizer()).save_pretrained(tmp_path / "static")
    assert model2vec_model(tmp_path / "static").dimensions == len(WORDS)


class SentenceTransformer:
    """Answers as the library's class does."""

    def __init__(self, name: str = "given", device: str | None = None) -> None:
        self.name, self.device = name, device

    def get_embedding_dimension(self) -> int:
        return 3

    def encode_query(self, texts: list[str], **options: object) -> np.ndarray:
        assert options == {"convert_to_numpy": True, "show_progress_bar": False}
        return np.full((len(texts), 3), 1.0)

    def encode_document(self, texts: list[str], **_: object) -> np.ndarray:
        return np.full((len(texts), 3), 2.0)


class TextEmbedding:
    """Answers as the library's class does."""

    embedding_size = 3
    model_name = "given"

    def __init__(self, model_name: str = "given", **options: object) -> None:
        self.model_name, self.options = model_name, options

    def query_embed(self, texts: list[str]) -> Any:
        return (np.full(3, 1.0) for _ in texts)

    def passage_embed(self, texts: list[str]) -> Any:
        return (np.full(3, 2.0) for _ in texts)


@pytest.mark.parametrize("given", [False, True])
async def test_queries_and_documents_go_to_their_own_method(
    given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, attribute in (("sentence_transformers", SentenceTransformer), ("fastembed", TextEmbedding)):
        module = types.ModuleType(name)
        setattr(module, attribute.__name__, attribute)
        monkeypatch.setitem(sys.modules, name, module)
    models = (
        sentence_transformers_model(SentenceTransformer() if given else "org/name", device=None),
        fastembed_model(TextEmbedding() if given else "org/name", path=None if given else "/models/x"),
    )
    for model in models:
        assert model.dimensions == 3
        assert (await model.embed_query("q")).tolist() == [1, 1, 1]
        assert (await model.embed(["d"])).vectors.tolist() == [[2, 2, 2]]
    if not given:
        assert [model.name for model in models] == ["sentence-transformers:org/name", "fastembed:org/name"]


@pytest.mark.parametrize(
    ("make", "module", "extra"),
    [
        (sentence_transformers_model, "sentence_transformers", "sentence-transformers"),
        (fastembed_model, "fastembed", "fastembed"),
        (model2vec_model, "model2vec", "model2vec"),
    ],
)
def test_without_the_library_the_extra_is_named(
    make: Any, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"agentlab\[{extra}\]"):
        make("name")
