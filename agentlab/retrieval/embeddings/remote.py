"""Embedding models behind a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import numpy as np
from msgspec import structs

from agentlab.errors import ProtocolError, UnsupportedCapability, UsageError
from agentlab.http import Clock, HttpClient, Retry, Secret
from agentlab.messages import Base64Source, Image, Usage
from agentlab.models.endpoint import Endpoint
from agentlab.models.vendors import split_name
from agentlab.retrieval.embeddings.embedding import Embedding, EmbeddingResponse, sum_costs
from agentlab.retrieval.embeddings.model import EmbeddingModel, InputType, check_texts
from agentlab.retrieval.embeddings.wires.cohere import COHERE
from agentlab.retrieval.embeddings.wires.gemini import GEMINI
from agentlab.retrieval.embeddings.wires.ollama import OLLAMA
from agentlab.retrieval.embeddings.wires.openai import OPENAI
from agentlab.retrieval.embeddings.wires.wire import Decoded, Inputs, Wire
from agentlab.retrieval.vendors import EmbeddingRow, address_of, embedding_row
from agentlab.tools.thread import in_thread

__all__ = ["RemoteEmbeddingModel", "embedding_model"]

_WIRES: Final[dict[str, Wire]] = {"cohere": COHERE, "gemini": GEMINI, "ollama": OLLAMA, "openai": OPENAI}
_BYTES_PER_TOKEN: Final = 2  # texts of all scripts have more bytes to a token than this, English about four

_DECODED_AT_ONCE: Final = 1024 * 1024  # a larger answer would hold up the event loop


class RemoteEmbeddingModel(EmbeddingModel):
    """An embedding model reached over HTTP; made by `embedding_model`.

    Args:
        endpoint: Where it is.
        row: How its vendor embeds.
        dimensions: The width asked for; the model's own where None.
        prefixes: What to put before a text, by input type, for models that want it there.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        row: EmbeddingRow,
        *,
        dimensions: int | None = None,
        prefixes: Mapping[InputType, str] | None = None,
    ) -> None:
        if dimensions is not None and dimensions < 1:
            raise UsageError(f"a vector has 1 dimension or more, not {dimensions}")
        if dimensions is not None and not row.dimensions_field:
            raise UnsupportedCapability(f"`{endpoint.vendor.name}` does not take `dimensions`; leave it out")
        self._endpoint = endpoint
        self._row = row
        self._asked = dimensions
        self._width = dimensions or row.models.get(endpoint.model_id)
        of_model = row.prefixes.get(endpoint.model_id, {})
        self._prefixes: dict[str, str] = (
            of_model if prefixes is None else {str(kind): text for kind, text in prefixes.items()}
        )
        self._input_types = {} if of_model else row.input_types

    def __repr__(self) -> str:
        return f"RemoteEmbeddingModel({self.name!r}, dimensions={self.dimensions})"

    @property
    def name(self) -> str:
        """Its name, `"vendor:model"`."""
        return self._endpoint.name

    @property
    def dimensions(self) -> int | None:
        """Width of its vectors; None where that is known only from its first answer."""
        return self._width

    @property
    def max_documents(self) -> int:
        """Most texts in one request."""
        return self._row.max_documents

    @property
    def max_request_bytes(self) -> int | None:
        """Most UTF-8 bytes of text in one request, for the vendor's limit of tokens to hold."""
        tokens = self._row.max_request_tokens
        return None if tokens is None else tokens * _BYTES_PER_TOKEN

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keep connections open between requests."""
        return self._endpoint.session()

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:
        """Embed texts in one request.

        Args:
            texts: At most `max_documents` of them, none empty.
            input_type: What they are; it is told to vendors that embed queries in a way of their own.

        Raises:
            UsageError: Too many texts, or an empty one; nothing was sent.
            ModelError: The request failed, after retries.
            ProtocolError: The answer has too few or too many vectors, or of another width than asked for.
        """
        listed = check_texts(self, texts)
        prefix = self._prefixes.get(input_type, "")
        inputs = Inputs(
            self._endpoint.model_id,
            texts=[prefix + text for text in listed],
            input_type=self._input_types.get(input_type),
            dimensions=self._asked,
        )
        return await self._embedded(inputs, listed)

    async def embed_images(self, images: Sequence[Image]) -> EmbeddingResponse:
        """Embed images into the space of the texts; an embedding's `document` is `image 0`, `image 1`...

        Raises:
            UnsupportedCapability: The model takes no images, or one is not given as bytes.
            ModelError: A request failed, after retries.
        """
        if not self._endpoint.model_id.startswith(self._row.image_models or ("\0",)):
            raise UnsupportedCapability(f"{self.name} does not embed images")
        for place, image in enumerate(images):
            if not isinstance(image.source, Base64Source) or not image.media_type:
                raise UnsupportedCapability(
                    f"image {place} is not given as bytes with a media type: use `Image.from_file` or `from_bytes`"
                )
        responses: list[EmbeddingResponse] = []
        async with self.session():
            for start in range(0, len(images), self._row.max_images):
                batch = images[start : start + self._row.max_images]
                inputs = Inputs(self._endpoint.model_id, images=batch, dimensions=self._asked)
                names = [f"image {start + place}" for place in range(len(batch))]
                responses.append(await self._embedded(inputs, names))
        return EmbeddingResponse(
            tuple(embedding for each in responses for embedding in each.embeddings),
            sum((each.usage for each in responses), Usage()),
            sum_costs(each.cost_usd for each in responses),
            next((each.model for each in responses), None),
            attempts=sum(each.attempts for each in responses),
        )

    async def _embedded(self, inputs: Inputs, names: Sequence[str]) -> EmbeddingResponse:
        wire = _WIRES[self._row.wire]
        encoded = wire.encode(inputs, self._row)
        answer = await self._endpoint.post(encoded.path, encoded.body)
        try:
            if len(answer.body) > _DECODED_AT_ONCE:
                decoded = await in_thread(lambda: wire.decode(answer.body, self._row), f"decode {self.name}")
            else:
                decoded = wire.decode(answer.body, self._row)
            self._check(decoded, len(names))
        except ProtocolError as error:
            raise self._endpoint.found_in(answer, error) from None
        self._width = decoded.vectors.shape[1]
        return EmbeddingResponse(
            tuple(Embedding(name, vector) for name, vector in zip(names, decoded.vectors, strict=True)),
            decoded.usage,
            await self._endpoint.cost(decoded.usage, answer.started_at),
            decoded.model or inputs.model,
            answer.request_id,
            answer.attempts,
        )

    def _check(self, decoded: Decoded, expected: int) -> None:
        """Refuse an answer that does not fit what was sent."""
        count, width = decoded.vectors.shape
        if count != expected:
            raise ProtocolError(f"{expected} inputs were sent, and the answer holds {count} vectors")
        if width == 0:
            raise ProtocolError("the answer holds vectors without dimensions")
        if self._width is not None and width != self._width:
            raise ProtocolError(
                f"vectors of {self._width} dimensions were expected, and the answer's have {width}"
            )
        if not np.isfinite(decoded.vectors).all():
            raise ProtocolError("the answer holds vectors with NaN or infinity")


def embedding_model(
    name: str,
    *,
    dimensions: int | None = None,
    prefixes: Mapping[InputType, str] | None = None,
    max_documents: int | None = None,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> RemoteEmbeddingModel:
    """An embedding model by name.

    Args:
        name: `"openai:text-embedding-3-small"`, `"cohere:embed-v4.0"`, `"ollama:embeddinggemma"`.
        dimensions: The width of the vectors, for models that can shorten them; the model's own where None.
        prefixes: What to put before a text, by input type, for models that want it there, as
            `{"query": "search_query: ", "document": "search_document: "}` for nomic-embed-text. What is known stands in
            the table of vendors; `{}` puts nothing.
        max_documents: Most texts in one request, where your server takes more or fewer than the vendor's row says.
        api_key: The key; else the vendor's environment variable, else the keyring.
        base_url: Another address: a proxy, a gateway, a server of your own.
        http: A client with timeouts of your choice; one of its own where None.
        retry: When a failed request is sent again.
        clock: Time; for tests.
        seed: Seed of the retries' jitter.

    Raises:
        UsageError: The name is not of that form, or no vendor of that name embeds.
        MissingKey: The vendor needs a key and there is none.
        UnsupportedCapability: The vendor takes no `dimensions`.
    """
    vendor, model_id = split_name(name)
    row = embedding_row(vendor)
    if max_documents is not None:
        if max_documents < 1:
            raise UsageError(f"a request holds 1 text or more, not {max_documents}")
        row = structs.replace(row, max_documents=max_documents)
    endpoint = Endpoint(
        address_of(vendor),
        model_id,
        api_key=api_key,
        base_url=base_url,
        http=http,
        retry=retry,
        clock=clock,
        seed=seed,
        priced_as=row.priced_as,
    )
    return RemoteEmbeddingModel(endpoint, row, dimensions=dimensions, prefixes=prefixes)
