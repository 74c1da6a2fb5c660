"""The embeddings of OpenAI and of all who speak its wire; Voyage's differ in names alone.

Vectors come as numbers, as base64 of little-endian float32, or (Perplexity) as base64 of signed bytes.

Sources: https://platform.openai.com/docs/api-reference/embeddings, https://docs.voyageai.com/reference/embeddings-api,
https://docs.perplexity.ai/api-reference/embeddings-post
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
from msgspec import Struct

from agentlab.errors import ProtocolError
from agentlab.messages import Usage
from agentlab.retrieval.embeddings.embedding import Vector
from agentlab.retrieval.embeddings.wires.wire import Decoded, Encoded, Inputs, Wire, matrix, parsed
from agentlab.retrieval.vendors import EmbeddingRow

__all__ = ["OPENAI", "decode", "encode"]


class _Item(Struct, frozen=True):
    embedding: list[float] | str
    index: int | None = None


class _Response(Struct, frozen=True):
    data: list[_Item]
    model: str | None = None
    usage: dict[str, Any] | None = None


def encode(inputs: Inputs, row: EmbeddingRow) -> Encoded:
    """The request."""
    body: dict[str, Any] = {"model": inputs.model, "input": list(inputs.texts), **row.body}
    if inputs.input_type is not None:
        body["input_type"] = inputs.input_type
    if inputs.dimensions is not None:
        body[row.dimensions_field] = inputs.dimensions
    if row.encoding is not None:
        body["encoding_format"] = row.encoding
    return Encoded(row.path, body)


def decode(body: bytes, row: EmbeddingRow) -> Decoded:
    """The response; vectors are put in the order of their indices.

    Raises:
        ProtocolError: It is not what the wire allows.
    """
    response: _Response = parsed(body, _Response)
    items = response.data
    places = [place if item.index is None else item.index for place, item in enumerate(items)]
    if sorted(places) != list(range(len(items))):
        raise ProtocolError(f"the answer's indices do not name each text once: {places[:20]}")
    vectors: list[Any] = [None] * len(items)
    for place, item in zip(places, items, strict=True):
        vectors[place] = _decoded(item.embedding, row) if isinstance(item.embedding, str) else item.embedding
    return Decoded(matrix(vectors), _usage(response.usage), response.model)


def _decoded(text: str, row: EmbeddingRow) -> Vector:
    kind = np.int8 if row.encoding == "base64_int8" else np.dtype("<f4")
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype=kind).astype(np.float32)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(f"a vector is not base64 of {np.dtype(kind)}: {error}") from None


def _usage(raw: dict[str, Any] | None) -> Usage:
    if raw is None:
        return Usage()
    tokens = raw.get("prompt_tokens", raw.get("total_tokens"))
    cost = raw.get("cost")  # OpenRouter tells a number, Perplexity its parts
    if isinstance(cost, dict):
        cost = cost.get("total_cost") if cost.get("currency") == "USD" else None
    return Usage(
        input_tokens=tokens if isinstance(tokens, int) else None,
        reported_cost_usd=float(cost) if isinstance(cost, int | float) else None,
        raw=raw,
    )


OPENAI = Wire(encode, decode)
