"""A BERT of random numbers with a tokenizer of few words, written as a folder of files; and the same sums, done plainly."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "the",
    "a",
    "cat",
    "dog",
    "sat",
    "ran",
    "on",
    "mat",
    "##s",
    "##ed",
    ".",
]
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "layer_norm_eps": 1e-12,
    "vocab_size": len(WORDS),
}


def random_weights(seed: int = 0, prefix: str = "") -> dict[str, np.ndarray]:
    """Arrays by the names that `transformers` gives them."""
    chance = np.random.default_rng(seed)
    width, inner = 24, 48

    def array(*shape: int) -> np.ndarray:
        return (chance.normal(size=shape) * 0.3).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": array(len(WORDS), width),
        "embeddings.position_embeddings.weight": array(40, width),
        "embeddings.token_type_embeddings.weight": array(2, width),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(3):
        layer = f"encoder.layer.{number}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            weights[f"{layer}.attention.{part}.weight"] = array(width, width)
            weights[f"{layer}.attention.{part}.bias"] = array(width)
        weights[f"{layer}.intermediate.dense.weight"] = array(inner, width)
        weights[f"{layer}.intermediate.dense.bias"] = array(inner)
        weights[f"{layer}.output.dense.weight"] = array(width, inner)
        weights[f"{layer}.output.dense.bias"] = array(width)
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name in norms:
        weights[f"{name}.weight"] = 1 + array(width)
        weights[f"{name}.bias"] = array(width)
    return {prefix + name: value for name, value in weights.items()}


def small_tokenizer() -> Any:
    """WordPiece over the few words, in lower case, between [CLS] and [SEP]."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors  # noqa: PLC0415 - optional

    vocabulary = {word: place for place, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def write_model(folder: Path, weights: dict[str, np.ndarray] | None = None, **config: Any) -> Path:
    """Write the files of a model."""
    import safetensors.numpy  # noqa: PLC0415 - optional

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    safetensors.numpy.save_file(weights or random_weights(), folder / "model.safetensors")
    small_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def plain_vector(ids: list[int], weights: dict[str, np.ndarray]) -> np.ndarray:
    """The sentence vector of one text, token by token and head by head, in float64."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    heads, width = 4, 24
    size = width // heads

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return w[f"{name}.weight"] @ x + w[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return (x - x.mean()) / math.sqrt(x.var() + 1e-12) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def gelu(x: float) -> float:
        return x * 0.5 * math.erfc(-x / math.sqrt(2))

    states = [
        norm(
            w["embeddings.word_embeddings.weight"][token]
            + w["embeddings.position_embeddings.weight"][place]
            + w["embeddings.token_type_embeddings.weight"][0],
            "embeddings.LayerNorm",
        )
        for place, token in enumerate(ids)
    ]
    for number in range(3):
        layer = f"encoder.layer.{number}"
        queries, keys, values = (
            [dense(x, f"{layer}.attention.self.{part}") for x in states] for part in ("query", "key", "value")
        )
        after = []
        for place, state in enumerate(states):
            mixed = np.zeros(width)
            for head in range(heads):
                part = slice(head * size, (head + 1) * size)
                scores = [math.exp(queries[place][part] @ key[part] / math.sqrt(size)) for key in keys]
                mixed[part] = sum(
                    score / sum(scores) * value[part] for score, value in zip(scores, values, strict=True)
                )
            seen = norm(
                state + dense(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm"
            )
            inner = np.array([gelu(x) for x in dense(seen, f"{layer}.intermediate.dense")])
            after.append(norm(seen + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm"))
        states = after
    mean = np.mean(states, axis=0)
    return mean / np.linalg.norm(mean)
