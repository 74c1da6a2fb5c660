"""The forward pass of BERT in numpy: embeddings, then layers of attention and feed-forward, each normalised after.

Sources: Devlin et al. 2018, https://arxiv.org/abs/1810.04805; Vaswani et al. 2017, https://arxiv.org/abs/1706.03762
(scaled dot-product attention); Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415 (GELU).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from agentlab.errors import UsageError

__all__ = ["Bert", "BertConfig"]

Array = npt.NDArray[np.float32]
Weights = Mapping[str, Array]


class BertConfig(msgspec.Struct, frozen=True):
    """The shape of a model, as its `config.json` tells it.

    Attributes:
        hidden_size: Width of a token's vector.
        num_hidden_layers: Layers.
        num_attention_heads: Heads of attention; they share the width evenly.
        max_position_embeddings: Most tokens of a text.
        layer_norm_eps: Added to the variance before its root is taken.
        hidden_act: The activation; `gelu` is what is computed here.
        model_type: `bert` is what is computed here.
    """

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int = 512
    layer_norm_eps: float = 1e-12
    hidden_act: str = "gelu"
    model_type: str = "bert"


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """The weights of one layer; matrices are of shape (in, out)."""

    attention: tuple[Array, Array]
    attention_output: tuple[Array, Array]
    attention_norm: tuple[Array, Array]
    intermediate: tuple[Array, Array]
    output: tuple[Array, Array]
    output_norm: tuple[Array, Array]


class Bert:
    """A BERT encoder.

    Args:
        config: Its shape.
        weights: Its arrays by the names that `transformers` gives them, with or without `bert.` before.

    Raises:
        UsageError: The model is no such encoder, or an array is missing or of another shape.
    """

    def __init__(self, config: BertConfig, weights: Weights) -> None:
        if config.model_type != "bert" or config.hidden_act != "gelu":
            raise UsageError(
                f"only BERT with GELU is computed here, not {config.model_type} with {config.hidden_act}"
            )
        if config.hidden_size % config.num_attention_heads:
            raise UsageError(
                f"{config.num_attention_heads} heads cannot share a width of {config.hidden_size} evenly"
            )
        self.config = config
        self._weights = {name.removeprefix("bert."): array for name, array in weights.items()}
        width = config.hidden_size
        self._words = self._array("embeddings.word_embeddings.weight", -1, width)
        places = self._array("embeddings.position_embeddings.weight", config.max_position_embeddings, width)
        kinds = self._array("embeddings.token_type_embeddings.weight", -1, width)
        self._places = places + kinds[0]  # every token is of the first kind
        self._norm = self._norm_of("embeddings.LayerNorm")
        self._layers = [self._layer(number) for number in range(config.num_hidden_layers)]
        self._weights = {}

    def __call__(self, tokens: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Array:
        """The vectors of tokens after the last layer.

        Args:
            tokens: Ids of tokens, shape (b, t); where the mask is false they are not looked at.
            mask: True for tokens, false for padding, shape (b, t); every row has a token.

        Returns:
            Shape (b, t, hidden_size); undefined where the mask is false.
        """
        epsilon = self.config.layer_norm_eps
        state = _normalised(self._words[tokens] + self._places[: tokens.shape[1]], self._norm, epsilon)
        hidden = np.where(mask, np.float32(0), np.float32(-np.inf))[:, None, None, :]
        for layer in self._layers:
            attended = _affine(self._attended(state, hidden, layer), layer.attention_output)
            state = _normalised(state + attended, layer.attention_norm, epsilon)
            inner = _gelu(_affine(state, layer.intermediate))
            state = _normalised(state + _affine(inner, layer.output), layer.output_norm, epsilon)
        return state

    def _attended(self, state: Array, hidden: Array, layer: _Layer) -> Array:
        """Scaled dot-product attention of all heads, side by side."""
        batch, length, width = state.shape
        heads = self.config.num_attention_heads
        parts = _affine(state, layer.attention).reshape(batch, length, 3, heads, width // heads)
        query, key, value = parts.transpose(2, 0, 3, 1, 4)
        scores = query @ key.transpose(0, 1, 3, 2)
        scores *= np.float32(1 / math.sqrt(width // heads))
        scores += hidden
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed: Array = (scores @ value).transpose(0, 2, 1, 3).reshape(batch, length, width)
        return mixed

    def _layer(self, number: int) -> _Layer:
        name = f"encoder.layer.{number}"
        three = [self._affine_of(f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
        return _Layer(
            attention=(
                np.concatenate([matrix for matrix, _ in three], axis=1),
                np.concatenate([bias for _, bias in three]),
            ),
            attention_output=self._affine_of(f"{name}.attention.output.dense"),
            attention_norm=self._norm_of(f"{name}.attention.output.LayerNorm"),
            intermediate=self._affine_of(f"{name}.intermediate.dense"),
            output=self._affine_of(f"{name}.output.dense"),
            output_norm=self._norm_of(f"{name}.output.LayerNorm"),
        )

    def _affine_of(self, name: str) -> tuple[Array, Array]:
        matrix, bias = self._array(f"{name}.weight", -1, -1), self._array(f"{name}.bias", -1)
        return np.ascontiguousarray(matrix.T), bias

    def _norm_of(self, name: str) -> tuple[Array, Array]:
        width = self.config.hidden_size
        return self._array(f"{name}.weight", width), self._array(f"{name}.bias", width)

    def _array(self, name: str, *shape: int) -> Array:
        found = self._weights.get(name)
        if found is None:
            raise UsageError(f"the weights lack `{name}`: they are not those of a BERT encoder")
        fits = len(found.shape) == len(shape) and all(
            want in (-1, has) for want, has in zip(shape, found.shape, strict=True)
        )
        if not fits:
            raise UsageError(f"`{name}` has the shape {found.shape}, which the configuration does not fit")
        return np.ascontiguousarray(found, dtype=np.float32)


def _affine(values: Array, weights: tuple[Array, Array]) -> Array:
    matrix, bias = weights
    out: Array = values.reshape(-1, values.shape[-1]) @ matrix
    out += bias
    return out.reshape(*values.shape[:-1], matrix.shape[1])


def _normalised(values: Array, weights: tuple[Array, Array], epsilon: float) -> Array:
    """Layer normalisation: mean 0 and variance 1 over the last axis, then scaled and shifted."""
    centred = values - values.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    scaled: Array = centred / np.sqrt(variance + np.float32(epsilon)) * weights[0] + weights[1]
    return scaled


def _gelu(values: Array) -> Array:
    """GELU: x Φ(x), with the normal distribution's Φ, not its approximation."""
    from scipy.special import erf  # noqa: PLC0415 - optional

    grown: Array = erf(values * np.float32(1 / math.sqrt(2)))
    grown += np.float32(1)
    grown *= values
    grown *= np.float32(0.5)
    return grown
