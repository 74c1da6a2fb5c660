"""BERT in numpy: the same sums as done plainly, whatever the batch; and only of files that are what they should be."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlab.errors import MissingExtra, UsageError
from agentlab.retrieval.embeddings import EmbeddingModel, EmbeddingsBuilder
from agentlab.retrieval.embeddings.minilm import OFFICIAL_SHA256, MiniLM
from agentlab.retrieval.index import EmbedsQueries
from tests.retrieval.embeddings.small_bert import WORDS, plain_vector, random_weights, write_model

pytest.importorskip("tokenizers")
pytest.importorskip("safetensors")
pytestmark = pytest.mark.anyio

TEXTS = st.lists(
    st.lists(st.sampled_from([*WORDS[4:], "cats", "unknown", "CAT"]), min_size=1, max_size=50).map(" ".join),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def model(folder: Path) -> MiniLM:
    return MiniLM.from_folder(folder, sha256=None, max_tokens=40)


async def test_vectors_are_those_of_the_plain_sums(model: MiniLM) -> None:
    weights = random_weights()
    texts = ["the cat sat on a mat .", "dogs", "a dog ran ran ran and unknown", "the " * 100]
    response = await model.embed(texts)
    for text, vector in zip(texts, response.vectors, strict=True):
        ids = model._tokenizer.encode(text).ids
        assert len(ids) <= 40
        assert np.abs(plain_vector(ids, weights) - vector).max() < 2e-6
    assert np.allclose(np.linalg.norm(response.vectors, axis=1), 1, atol=1e-6)


@settings(max_examples=25)
@given(TEXTS)
async def test_a_text_has_the_same_vector_in_every_company(texts: list[str]) -> None:
    together = (await SHARED.embed(texts)).vectors
    for place in {0, len(texts) // 2, len(texts) - 1}:
        alone = await SHARED.embed_query(texts[place])
        assert np.abs(alone - together[place]).max() < 2e-6


SHARED: Any = None


@pytest.fixture(scope="module", autouse=True)
def _shared(model: MiniLM) -> None:
    globals()["SHARED"] = model


async def test_it_is_an_embedding_model_that_counts_tokens_and_costs_nothing(model: MiniLM) -> None:
    assert isinstance(model, EmbeddingModel)
    assert isinstance(model, EmbedsQueries)
    assert (model.name, model.dimensions) == ("minilm:small", 24)
    built = await EmbeddingsBuilder[str](model).documents(["the cat", "a dog ran"]).build()
    assert built.usage.input_tokens == 4 + 5
    assert built.cost_usd == 0


async def test_names_may_begin_with_bert(tmp_path: Path, model: MiniLM) -> None:
    prefixed = write_model(tmp_path / "prefixed", random_weights(prefix="bert."))
    other = MiniLM.from_folder(prefixed, sha256={}, max_tokens=40)
    assert np.array_equal(await other.embed_query("the cat"), await model.embed_query("the cat"))


def test_files_with_another_hash_are_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json` has the SHA-256 [0-9a-f]{64}, and 953f9c0d"):
        MiniLM.from_folder(folder)
    right = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in OFFICIAL_SHA256}
    assert MiniLM.from_folder(folder, sha256=right, max_tokens=40).dimensions == 24
    for name in right:
        wrong = {**right, name: "0" * 64}
        with pytest.raises(UsageError, match=name.replace(".", r"\.")):
            MiniLM.from_folder(folder, sha256=wrong)


def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.json` cannot be read: No such file"):
        MiniLM.from_folder(tmp_path, sha256=None)


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("config.json", b"{}"),
        ("config.json", b"no json"),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"\xff"),
        ("model.safetensors", b""),
        ("model.safetensors", b"\xff" * 100),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, file: str, data: bytes) -> None:
    broken = write_model(tmp_path / "broken")
    (broken / file).write_bytes(data)
    with pytest.raises(UsageError, match="no model that can be read"):
        MiniLM.from_folder(broken, sha256=None)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "roberta"}, "only BERT with GELU"),
        ({"hidden_act": "relu"}, "only BERT with GELU"),
        ({"num_attention_heads": 5}, "cannot share a width of 24"),
        ({"hidden_size": 32}, "the configuration does not fit"),
        ({"num_hidden_layers": 4}, r"the weights lack `encoder\.layer\.3"),
        ({"max_position_embeddings": 20}, "the configuration does not fit"),
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, config: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        MiniLM.from_folder(write_model(tmp_path / "other", **config), sha256=None, max_tokens=20)


def test_a_cut_that_the_model_cannot_take_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="at most 40 for this model, not 256"):
        MiniLM.from_folder(folder, sha256=None)


def test_without_its_libraries_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[minilm\]"):
        MiniLM.from_folder(folder)


@pytest.mark.gauntlet
async def test_the_official_weights_tell_meanings_apart() -> None:
    folder = os.environ.get("AGENTLAB_MINILM")
    if not folder:
        pytest.skip("no weights: name the folder of all-MiniLM-L6-v2 with AGENTLAB_MINILM")
    model = MiniLM.from_folder(folder)
    texts = [
        "That is a happy person",
        "That is a happy dog",
        "That is a very happy person",
        "Today is a sunny day",
    ]
    first, *others = (await model.embed(texts)).vectors
    # What sentence-transformers gives for them, as published in tutorials of Redis and Hugging Face.
    assert np.allclose([first @ each for each in others], [0.6945774, 0.9429151, 0.2568761], atol=1e-4)
