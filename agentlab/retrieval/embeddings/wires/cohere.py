"""The embeddings of Cohere, version 2 of its API; texts or images.

Source: https://docs.cohere.com/reference/embed
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agentlab.errors import ProtocolError
from agentlab.messages import Base64Source, Usage
from agentlab.retrieval.embeddings.wires.wire import Decoded, Encoded, Inputs, Wire, matrix, parsed
from agentlab.retrieval.vendors import EmbeddingRow

__all__ = ["COHERE", "decode", "encode"]


class _Response(Struct, frozen=True):
    embeddings: dict[str, list[list[float]]] | list[list[float]]
    meta: dict[str, Any] | None = None


def encode(inputs: Inputs, row: EmbeddingRow) -> Encoded:
    """The request."""
    body: dict[str, Any] = {"model": inputs.model, "embedding_types": ["float"]}
    if inputs.images:
        body["input_type"] = "image"
        body["images"] = [
            f"data:{image.media_type};base64,{image.source.data}"
            for image in inputs.images
            if isinstance(image.source, Base64Source)
        ]
    else:
        body |= {"input_type": inputs.input_type, "texts": list(inputs.texts), **row.body}
    if inputs.dimensions is not None:
        body["output_dimension"] = inputs.dimensions
    return Encoded("/v2/embed", body)


def decode(body: bytes, row: EmbeddingRow) -> Decoded:  # noqa: ARG001 - the wire has no dialects
    """The response; the older form, in which the vectors stand bare, is read too.

    Raises:
        ProtocolError: It is not what the wire allows.
    """
    response: _Response = parsed(body, _Response)
    found = response.embeddings
    if isinstance(found, dict):
        if "float" not in found:
            raise ProtocolError(f"the answer has no float vectors, only {sorted(found)}")
        found = found["float"]
    raw = (response.meta or {}).get("billed_units")
    raw = raw if isinstance(raw, dict) else None
    return Decoded(matrix(found), Usage(input_tokens=_tokens(raw), raw=raw))


def _tokens(billed: dict[str, Any] | None) -> int | None:
    counts = [billed.get(key) for key in ("input_tokens", "image_tokens")] if billed else []
    known = [int(count) for count in counts if isinstance(count, int | float)]
    return sum(known) if known else None


COHERE = Wire(encode, decode)
