"""What a wire format of embeddings is: two pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from agentlab.errors import ProtocolError
from agentlab.messages import Image, Usage
from agentlab.retrieval.embeddings.embedding import Vectors
from agentlab.retrieval.vendors import EmbeddingRow

__all__ = ["Decoded", "Encoded", "Inputs", "Wire", "matrix", "parsed"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is to be embedded.

    Attributes:
        model: The provider's name of the model.
        texts: The texts, whatever stands before them already there.
        images: Images instead of texts.
        input_type: The vendor's name of what the texts are; None where it is not told.
        dimensions: The width asked for; None for the model's own.
    """

    model: str
    texts: Sequence[str] = ()
    images: Sequence[Image] = ()
    input_type: str | None = None
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Encoded:
    """A request: where, and its JSON body."""

    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A response.

    Attributes:
        vectors: Shape (n, d), in the order of the inputs.
        usage: Tokens, as far as they are told.
        model: The model that answered, where it is told.
    """

    vectors: Vectors
    usage: Usage = field(default_factory=Usage)
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire format."""

    encode: Callable[[Inputs, EmbeddingRow], Encoded]
    decode: Callable[[bytes, EmbeddingRow], Decoded]


Parsed = Any


def parsed(body: bytes, kind: Any) -> Parsed:
    """The body as the structure that the wire has.

    Raises:
        ProtocolError: It is not.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ProtocolError(
            f"the answer is not what the wire allows: {error}", body=body[:2000].decode("utf-8", "replace")
        ) from None


def matrix(rows: Sequence[Any]) -> Vectors:
    """Vectors as one array of shape (n, d).

    Raises:
        ProtocolError: They are not all of one width.
    """
    if not rows:
        return np.zeros((0, 0), dtype=np.float32)
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise ProtocolError(f"the answer holds vectors of different widths: {sorted(widths)}")
    with np.errstate(over="ignore"):  # becomes infinity, which whoever asked refuses
        return np.asarray(rows, dtype=np.float32)
