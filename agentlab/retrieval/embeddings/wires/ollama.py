"""The embeddings of Ollama.

Source: https://docs.ollama.com/api/embed
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from agentlab.messages import Usage
from agentlab.retrieval.embeddings.wires.wire import Decoded, Encoded, Inputs, Wire, matrix, parsed
from agentlab.retrieval.vendors import EmbeddingRow

__all__ = ["OLLAMA", "decode", "encode"]


class _Response(Struct, frozen=True):
    embeddings: list[list[float]]
    model: str | None = None
    prompt_eval_count: int | None = None


def encode(inputs: Inputs, row: EmbeddingRow) -> Encoded:
    """The request."""
    body: dict[str, Any] = {"model": inputs.model, "input": list(inputs.texts), **row.body}
    if inputs.dimensions is not None:
        body["dimensions"] = inputs.dimensions
    return Encoded("/api/embed", body)


def decode(body: bytes, row: EmbeddingRow) -> Decoded:  # noqa: ARG001 - the wire has no dialects
    """The response.

    Raises:
        ProtocolError: It is not what the wire allows.
    """
    response: _Response = parsed(body, _Response)
    return Decoded(
        matrix(response.embeddings), Usage(input_tokens=response.prompt_eval_count), response.model
    )


OLLAMA = Wire(encode, decode)
