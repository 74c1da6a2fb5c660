"""The embeddings of Gemini: a batch of requests, each with its own content.

Source: https://ai.google.dev/api/embeddings#method:-models.batchembedcontents
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agentlab.messages import Base64Source, Usage
from agentlab.retrieval.embeddings.wires.wire import Decoded, Encoded, Inputs, Wire, matrix, parsed
from agentlab.retrieval.vendors import EmbeddingRow

__all__ = ["GEMINI", "decode", "encode"]


class _Values(Struct, frozen=True):
    values: list[float]


class _Response(Struct, frozen=True):
    embeddings: list[_Values]
    usageMetadata: dict[str, Any] | None = None  # noqa: N815 - the wire's name


def encode(inputs: Inputs, row: EmbeddingRow) -> Encoded:
    """The request."""
    parts: list[dict[str, Any]] = [{"text": text} for text in inputs.texts]
    parts += [
        {"inlineData": {"mimeType": image.media_type, "data": image.source.data}}
        for image in inputs.images
        if isinstance(image.source, Base64Source)
    ]
    settings: dict[str, Any] = {**row.body}
    if inputs.input_type is not None:
        settings["taskType"] = inputs.input_type
    if inputs.dimensions is not None:
        settings["outputDimensionality"] = inputs.dimensions
    name = f"models/{inputs.model}"
    requests = [{"model": name, "content": {"parts": [part]}, **settings} for part in parts]
    return Encoded(f"/{name}:batchEmbedContents", {"requests": requests})


def decode(body: bytes, row: EmbeddingRow) -> Decoded:  # noqa: ARG001 - the wire has no dialects
    """The response.

    Raises:
        ProtocolError: It is not what the wire allows.
    """
    response: _Response = parsed(body, _Response)
    raw = response.usageMetadata
    tokens = raw.get("promptTokenCount") if raw else None
    usage = Usage(input_tokens=tokens if isinstance(tokens, int) else None, raw=raw)
    return Decoded(matrix([each.values for each in response.embeddings]), usage)


GEMINI = Wire(encode, decode)
