"""What an embedding model is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from agentlab.errors import UsageError
from agentlab.messages import Image
from agentlab.retrieval.embeddings.embedding import EmbeddingResponse, Vector

__all__ = ["EmbeddingModel", "ImageEmbeddingModel", "InputType", "check_texts"]

InputType: TypeAlias = Literal["document", "query"]
"""What a text is: many models embed the two differently, and find worse where they are mixed up."""


@runtime_checkable
class EmbeddingModel(Protocol):
    """Turns texts into vectors. Derive from it to get `embed_query` and `session`."""

    @property
    def name(self) -> str:
        """Its name, `"vendor:model"` for models behind a network."""
        ...

    @property
    def dimensions(self) -> int | None:
        """Width of its vectors; None where that is known only from its first answer."""
        ...

    @property
    def max_documents(self) -> int:
        """Most texts in one request."""
        ...

    @property
    def max_request_bytes(self) -> int | None:
        """Most UTF-8 bytes of text in one request, so that a limit of tokens holds; None where there is none."""
        ...

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:
        """Embed texts in one request; `EmbeddingsBuilder` makes requests of any number of documents.

        Args:
            texts: At most `max_documents` of them, none empty.
            input_type: What they are.

        Returns:
            One embedding for each text, in their order.

        Raises:
            UsageError: Too many texts, or an empty one; nothing was sent.
            ModelError: The request failed, or the answer does not fit the texts.
        """
        ...

    async def embed_query(self, text: str) -> Vector:
        """The vector of a query, shape (d,)."""
        response = await self.embed([text], "query")
        return response.embeddings[0].vector

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keep connections open between requests; nothing to keep for a model of this machine."""
        return nullcontext()


@runtime_checkable
class ImageEmbeddingModel(Protocol):
    """Turns images into vectors of the same space as those of texts."""

    async def embed_images(self, images: Sequence[Image]) -> EmbeddingResponse:
        """Embed images, in as many requests as the provider needs.

        Returns:
            One embedding for each image, in their order; its `document` names the image by its place.

        Raises:
            UnsupportedCapability: The model does not take images, or not from where these are.
            ModelError: A request failed.
        """
        ...


def check_texts(model: EmbeddingModel, texts: Sequence[str]) -> list[str]:
    """The texts as a list.

    Raises:
        UsageError: There are none or too many, or one is no text or empty.
    """
    if isinstance(texts, str):
        raise UsageError(
            f"{model.name} embeds a list of texts, not one text: write `[text]`, or use `embed_query`"
        )
    listed = list(texts)
    if not listed:
        raise UsageError(f"there is nothing to embed: the list of texts for {model.name} is empty")
    if len(listed) > model.max_documents:
        raise UsageError(
            f"{model.name} takes {model.max_documents} texts in a request, not {len(listed)}; "
            "`EmbeddingsBuilder` makes several requests"
        )
    for place, text in enumerate(listed):
        given: object = text
        if not isinstance(given, str):
            raise UsageError(f"text {place} for {model.name} is no text but {type(given).__name__}")
        if not given:
            raise UsageError(
                f"text {place} for {model.name} is empty; providers refuse the whole request then"
            )
    return listed
