"""A long memory: what a window leaves out is kept in an index, and what fits the prompt comes back with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

from agentlab.agent.memory.policy import Trimming
from agentlab.agent.memory.remembered import Remembered, exchange_starts, leading
from agentlab.agent.memory.transcript import transcript
from agentlab.agent.memory.window import Window
from agentlab.errors import UsageError
from agentlab.messages import Document as DocumentPart
from agentlab.messages import Message, TextSource, UserMessage, messages_to_json
from agentlab.retrieval.documents import Document
from agentlab.retrieval.embeddings.builder import EmbeddingsBuilder
from agentlab.retrieval.embeddings.model import EmbeddingModel
from agentlab.retrieval.filters import F, Filter
from agentlab.retrieval.index import EmbeddedDocument, Hit, VectorStore
from agentlab.short_repr import one_line

__all__ = ["EmbeddedIndex", "GrowingIndex", "Recall"]


@runtime_checkable
class GrowingIndex(Protocol):
    """An index that takes documents one after the other: `LexicalIndex`, or `EmbeddedIndex` over a vector store."""

    async def upsert(self, documents: Iterable[Document]) -> None:
        """Add documents, replacing those with the same ids."""
        ...

    async def top_n(
        self, query: str, n: int = 5, *, threshold: float | None = None, filter: Any = None
    ) -> list[Hit]:
        """The best documents for a text, the best first."""
        ...


class EmbeddedIndex:
    """A vector store that embeds what it is given and what it is asked.

    Args:
        store: The store.
        model: Embeds the documents and the queries.
    """

    def __init__(self, store: VectorStore, model: EmbeddingModel) -> None:
        self._store = store
        self._model = model

    async def upsert(self, documents: Iterable[Document]) -> None:
        """See `GrowingIndex.upsert`."""
        wanted = list(documents)
        embedded = await EmbeddingsBuilder[str](self._model).documents([each.text for each in wanted]).build()
        await self._store.upsert(
            [
                EmbeddedDocument(
                    each.id, each.text, [found.vector.tolist() for found in vectors], each.metadata
                )
                for each, (_, vectors) in zip(wanted, embedded, strict=True)
            ]
        )

    async def top_n(
        self,
        query: str,
        n: int = 5,
        *,
        threshold: float | None = None,
        filter: Filter | None = None,
    ) -> list[Hit]:
        """See `GrowingIndex.top_n`."""
        vector = await self._model.embed_query(query)
        return await self._store.top_n(vector, n, threshold=threshold, filter=filter)


class Recall:
    """Sends the newest exchanges, and of those before them the ones that fit the prompt.

    What a window leaves out goes into the index, exchange by exchange. What is found goes into the message of the prompt,
    behind everything that is cached, and stays in the history with it: the prefix moves only where the window cuts.

    One index may serve many conversations; each finds its own alone. Two that began with the very same exchange count as
    one.

    Args:
        index: Finds what was left out.
        n: How many exchanges come back at most.
        recent: Decides what is left out; 12 exchanges down to 6 where None.
        threshold: The least score, as the index counts.
        max_characters: How much of an exchange is kept.

    Raises:
        UsageError: `n` or `max_characters` is not positive, or the index takes no documents.
    """

    def __init__(
        self,
        index: GrowingIndex,
        n: int = 3,
        *,
        recent: Trimming | None = None,
        threshold: float | None = None,
        max_characters: int = 4_000,
    ) -> None:
        if n < 1 or max_characters < 1:
            raise UsageError(f"`n` and `max_characters` are 1 or more, not {n} and {max_characters}")
        if not isinstance(index, GrowingIndex):
            raise UsageError(
                f"{index!r} takes no documents to remember; use a `LexicalIndex`, or `EmbeddedIndex(store, model)`"
            )
        self.index = index
        self.n = n
        self.recent = recent or Window(12, 6)
        self._threshold = threshold
        self._max_characters = max_characters
        self._kept: set[str] = set()

    @property
    def name(self) -> str:
        """What it is called in a trace."""
        return f"recall behind a {self.recent.name}"

    def dropped(self, history: Sequence[Message]) -> int:
        """See `Trimming.dropped`."""
        return self.recent.dropped(history)

    def foreseen(self, history: Sequence[Message]) -> Remembered:
        """What `remember` will give, but for what is found."""
        return Remembered(self.name, self.dropped(history))

    async def remember(self, history: Sequence[Message], prompt: UserMessage) -> Remembered:
        """See `Memory.remember`.

        Raises:
            ModelError: The index could not embed.
        """
        dropped = self.dropped(history)
        exchanges = self._exchanges(history, dropped)
        if not exchanges:
            return Remembered(self.name, dropped)
        new = [each for each in exchanges if each.id not in self._kept]
        if new:
            await self.index.upsert(new)
            self._kept |= {each.id for each in new}
        query = transcript([prompt], tools=False).removeprefix("User: ")
        if not query:
            return Remembered(self.name, dropped)
        conversation = exchanges[0].metadata["conversation"]
        hits = await self.index.top_n(
            query, self.n, threshold=self._threshold, filter=F("conversation") == conversation
        )
        known = {each.id: each for each in exchanges}
        found = [known[hit.id] for hit in hits if hit.id in known]
        recalled = tuple(DocumentPart(TextSource(each.text), id=f"earlier_{each.id[:8]}") for each in found)
        return Remembered(self.name, dropped, recalled=recalled)

    def _exchanges(self, history: Sequence[Message], dropped: int) -> list[Document]:
        """What was left out, an exchange a document."""
        first = leading(history)
        starts = [start for start in exchange_starts(history) if start < first + dropped]
        if not starts:
            return []
        ends = (first, *starts[1:], first + dropped)
        texts = [
            (transcript(history[begin:end])[: self._max_characters], messages_to_json(history[begin:end]))
            for begin, end in pairwise(ends)
        ]
        conversation = _digest(texts[0][1])
        return [
            Document(_digest(f"{conversation}\0{place}\0{said}"), text, {"conversation": conversation})
            for place, (text, said) in enumerate(texts)
            if text.strip()
        ]

    def __repr__(self) -> str:
        return one_line(f"Recall({self.index!r}, {self.n}, recent={self.recent!r})")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
