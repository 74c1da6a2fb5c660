"""What embedding costs beside the bare work: answers decoded, documents batched, BERT in numpy.

    .venv/bin/python benchmarks/embeddings.py

Prints ratios of processor times, the least of several rounds, one thread:

* decoding a full answer of OpenAI (2,048 vectors of 1,536 numbers) as JSON numbers and as base64, beside `json.loads` of the
  same bytes;
* building the embeddings of 20,000 documents with a model that costs nothing, beside making the same `Embedding`s in a loop;
* MiniLM's forward pass (random weights of its shape: 6 layers, width 384, 12 heads), beside its matrix products alone.
"""

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import asyncio  # noqa: E402 - after the number of threads is set
import base64  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from functools import partial  # noqa: E402

import numpy as np  # noqa: E402

from agentlab.messages import Usage  # noqa: E402
from agentlab.retrieval.embeddings import (  # noqa: E402
    Embedding,
    EmbeddingModel,
    EmbeddingResponse,
    EmbeddingsBuilder,
    InputType,
)
from agentlab.retrieval.embeddings.minilm.bert import Bert, BertConfig  # noqa: E402
from agentlab.retrieval.embeddings.wires.openai import decode  # noqa: E402
from agentlab.retrieval.vendors import embedding_row  # noqa: E402

ROUNDS = 5
WIDTH, INNER, LAYERS, HEADS, WORDS = 384, 1536, 6, 12, 30522


def least(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The least processor time of several rounds, in seconds."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def answers() -> tuple[bytes, bytes]:
    """An answer with numbers, and the same with base64."""
    vectors = np.random.default_rng(0).normal(size=(2048, 1536)).astype("<f4")
    plain = [{"index": n, "embedding": [round(float(x), 8) for x in row]} for n, row in enumerate(vectors)]
    packed = [
        {"index": n, "embedding": base64.b64encode(row.tobytes()).decode()} for n, row in enumerate(vectors)
    ]
    return json.dumps({"data": plain}).encode(), json.dumps({"data": packed}).encode()


def decoding() -> None:
    """Ratios of decoding."""
    row = embedding_row("openai")
    for kind, body in zip(("numbers", "base64"), answers(), strict=True):
        ours, plain = least(partial(decode, body, row)), least(partial(json.loads, body))
        print(
            f"decode {kind:8} {len(body) / 1e6:5.1f} MB: {ours * 1e3:6.1f} ms, {ours / plain:5.2f} of json.loads"
        )


class Free(EmbeddingModel):
    """Costs nothing."""

    name = "free"
    dimensions = 8
    max_documents = 256
    max_request_bytes = None
    vector = np.zeros(8, np.float32)

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:  # noqa: ARG002 - the protocol's
        """The same vector for all."""
        return EmbeddingResponse(tuple(Embedding(text, self.vector) for text in texts), Usage(input_tokens=1))


def building() -> None:
    """Ratio of building."""
    texts = [f"document {n}" for n in range(20_000)]
    ours = least(lambda: asyncio.run(EmbeddingsBuilder[str](Free()).documents(texts).build()))
    bare = least(lambda: [(text, (Embedding(text, Free.vector),)) for text in texts])
    print(f"build {len(texts):,} documents: {ours * 1e3:.0f} ms, {ours / bare:.1f} of the bare loop")


def weights() -> dict[str, np.ndarray]:
    """Random weights of MiniLM's shape."""
    chance = np.random.default_rng(0)

    def array(*shape: int) -> np.ndarray:
        return (chance.normal(size=shape) * 0.05).astype(np.float32)

    made = {
        "embeddings.word_embeddings.weight": array(WORDS, WIDTH),
        "embeddings.position_embeddings.weight": array(512, WIDTH),
        "embeddings.token_type_embeddings.weight": array(2, WIDTH),
        "embeddings.LayerNorm.weight": array(WIDTH),
        "embeddings.LayerNorm.bias": array(WIDTH),
    }
    shapes = {
        **{f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")},
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (INNER, WIDTH),
        "output.dense": (WIDTH, INNER),
        "attention.output.LayerNorm": (WIDTH,),
        "output.LayerNorm": (WIDTH,),
    }
    for number in range(LAYERS):
        for name, shape in shapes.items():
            made[f"encoder.layer.{number}.{name}.weight"] = array(*shape)
            made[f"encoder.layer.{number}.{name}.bias"] = array(shape[0])
    return made


def products(given: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
    """The products of matrices that the layers cannot do without."""
    for _ in range(LAYERS):
        for left, right in given:
            np.matmul(left, right)


def forward() -> None:
    """Ratios of the forward pass."""
    bert = Bert(BertConfig(WIDTH, LAYERS, HEADS), weights())
    for batch, length in ((73, 14), (5, 180)):
        tokens, mask = np.full((batch, length), 7), np.ones((batch, length), bool)
        rows, inner = (np.ones((batch * length, size), np.float32) for size in (WIDTH, INNER))
        matrices = [
            np.ones(shape, np.float32) for shape in ((WIDTH, 4 * WIDTH), (WIDTH, INNER), (INNER, WIDTH))
        ]
        given = list(zip((rows, rows, inner), matrices, strict=True))
        ours = least(partial(bert, tokens, mask))
        bare = least(partial(products, given))
        rate = batch / ours
        print(
            f"BERT, {batch:2} texts of {length:3} tokens: {rate:5.0f} texts/s, {ours / bare:.2f} of the products alone"
        )


if __name__ == "__main__":
    decoding()
    building()
    forward()
