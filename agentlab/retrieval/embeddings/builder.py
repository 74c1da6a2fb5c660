"""Embedding any number of documents: cut into requests, sent side by side, put back in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar, overload

import msgspec
import numpy as np
import pydantic

from agentlab.errors import ProtocolError, UsageError
from agentlab.messages import Document as DocumentPart
from agentlab.messages import Usage
from agentlab.retrieval.documents import Document
from agentlab.retrieval.embeddings.batches import batches
from agentlab.retrieval.embeddings.embedding import Embedding, EmbeddingResponse, sum_costs
from agentlab.retrieval.embeddings.fields import texts_of
from agentlab.retrieval.embeddings.model import EmbeddingModel, InputType
from agentlab.retrieval.index import EmbeddedDocument

__all__ = ["Embedded", "EmbeddingsBuilder"]

_DOCUMENTS_IN_FLIGHT: Final = 1024  # Rig's

Doc = TypeVar("Doc")


@dataclass(frozen=True)
class Embedded(Sequence[tuple[Doc, tuple[Embedding, ...]]], Generic[Doc]):
    """Documents with their embeddings, in the order they were added.

    Attributes:
        pairs: Each document, with one embedding or more.
        usage: Tokens of all requests.
        cost_usd: Price of all requests; None where one of them is not known.
        requests: How many answers it took.
    """

    pairs: tuple[tuple[Doc, tuple[Embedding, ...]], ...]
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = None
    requests: int = 0

    @overload
    def __getitem__(self, index: int) -> tuple[Doc, tuple[Embedding, ...]]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[Doc, tuple[Embedding, ...]]]: ...
    def __getitem__(
        self, index: int | slice
    ) -> tuple[Doc, tuple[Embedding, ...]] | Sequence[tuple[Doc, tuple[Embedding, ...]]]:
        return self.pairs[index]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[tuple[Doc, tuple[Embedding, ...]]]:
        return iter(self.pairs)

    def for_store(
        self,
        *,
        id: Callable[[Doc], str] | None = None,  # noqa: A002 - the field's name
        metadata: Callable[[Doc], Mapping[str, Any]] | None = None,
    ) -> list[EmbeddedDocument]:
        """The documents as a vector store takes them: `await store.insert(embedded.for_store())`.

        Args:
            id: Gives a document's id. Else it is its own `id`, as attribute or key, and `doc0`, `doc1`... for those that
                have none.
            metadata: Gives what filters see. Else it is the document's own `metadata`, else all of a JSON object but
                its id.

        Raises:
            UsageError: Two documents have one id.
        """
        made: dict[str, EmbeddedDocument] = {}
        for place, (document, embeddings) in enumerate(self.pairs):
            stored, own_id, own_metadata = _stored(document)
            name = id(document) if id is not None else own_id or f"doc{place}"
            if name in made:
                raise UsageError(f"two documents have the id `{name}`; give `id=` to tell them apart")
            made[name] = EmbeddedDocument(
                name,
                stored,
                np.stack([embedding.vector for embedding in embeddings]),
                dict(metadata(document)) if metadata is not None else own_metadata,
            )
        return list(made.values())


class EmbeddingsBuilder(Generic[Doc]):
    """Embeds documents: `await EmbeddingsBuilder(model).documents([...]).build()`.

    Documents are text, JSON, lists of those, or objects with fields marked `embed` (see `texts_of`).

    Args:
        model: The embedding model.
        input_type: What the texts are.
        concurrency: Most requests at a time; where None as many as hold 1,024 texts, and one at least.
    """

    def __init__(
        self, model: EmbeddingModel, *, input_type: InputType = "document", concurrency: int | None = None
    ) -> None:
        if concurrency is not None and concurrency < 1:
            raise UsageError(f"`concurrency` is 1 or more, not {concurrency}")
        self._model = model
        self._input_type = input_type
        self._concurrency = concurrency or max(1, _DOCUMENTS_IN_FLIGHT // model.max_documents)
        self._documents: tuple[tuple[Doc, tuple[str, ...]], ...] = ()

    def document(self, document: Doc) -> EmbeddingsBuilder[Doc]:
        """A builder with this document too; this one stays as it is.

        Raises:
            UsageError: There is nothing to embed in it.
        """
        return self.documents([document])

    def documents(self, documents: Iterable[Doc]) -> EmbeddingsBuilder[Doc]:
        """A builder with these documents too; this one stays as it is.

        Raises:
            UsageError: There is nothing to embed in one of them; the message names it.
        """
        if isinstance(documents, str):
            raise UsageError("`documents` takes a list; use `document` for one text")
        more = EmbeddingsBuilder[Doc](self._model, input_type=self._input_type, concurrency=self._concurrency)
        more._documents = self._documents + tuple((each, tuple(texts_of(each))) for each in documents)
        return more

    async def build(self) -> Embedded[Doc]:
        """Embed them all.

        The first request that fails ends the others.

        Raises:
            ModelError: A request failed, or its answer has not one vector for each text.
        """
        texts = [text for _, found in self._documents for text in found]
        places = list(batches(texts, self._model.max_documents, self._model.max_request_bytes))
        turns = asyncio.Semaphore(self._concurrency)

        async def request(batch: range) -> EmbeddingResponse:
            async with turns:
                asked = texts[batch.start : batch.stop]
                response = await self._model.embed(asked, self._input_type)
            if len(response.embeddings) != len(asked):
                raise ProtocolError(
                    f"{self._model.name}: {len(asked)} texts were sent, and {len(response.embeddings)} embeddings came"
                )
            return response

        async with self._model.session():
            responses = await _together([request(batch) for batch in places])
        embeddings = (embedding for response in responses for embedding in response.embeddings)
        return Embedded(
            tuple((document, tuple(next(embeddings) for _ in found)) for document, found in self._documents),
            sum((response.usage for response in responses), Usage()),
            sum_costs(response.cost_usd for response in responses),
            len(responses),
        )


async def _together(requests: Sequence[Any]) -> list[EmbeddingResponse]:
    """The results in order; the first error as itself, after all others have ended."""
    tasks: list[asyncio.Task[EmbeddingResponse]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(request) for request in requests]
    except BaseExceptionGroup as errors:
        first = errors.exceptions[0]
        raise first from None
    return [task.result() for task in tasks]


def _stored(document: Any) -> tuple[Any, str | None, dict[str, Any]]:
    """What a store keeps of a document, its own id, and its own metadata."""
    if isinstance(document, Document):
        return document.text, document.id, dict(document.metadata)
    if isinstance(document, DocumentPart):
        return document.rendered(), document.id, dict(document.metadata)
    if isinstance(document, pydantic.BaseModel):
        value: Any = document.model_dump(mode="json")
    else:
        value = msgspec.to_builtins(document, str_keys=True)
    if not isinstance(value, dict):
        return value, None, {}
    own = value.get("id")
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {key: each for key, each in value.items() if key != "id"}
    return value, None if own is None else str(own), metadata
