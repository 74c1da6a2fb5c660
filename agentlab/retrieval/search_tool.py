"""An index as a tool: the model asks it in its own words, when it wants to."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from agentlab.errors import InvalidToolArguments, ToolError, UsageError
from agentlab.retrieval.filters import Filter, filter_from_json
from agentlab.retrieval.index import Hit, VectorStoreIndex
from agentlab.tools import FunctionTool

__all__ = ["search_tool"]

_NAME: Final = "search_vector_store"
_DESCRIPTION: Final = (
    "Search a collection of documents for those that fit a query best. Gives them with their ids, scores and metadata, the "
    "best first."
)
_DIGITS: Final = 6


def search_tool(
    index: VectorStoreIndex,
    *,
    name: str = _NAME,
    description: str = _DESCRIPTION,
    samples: int = 5,
    most: int = 20,
    filter: Filter | None = None,
    timeout_s: float | None = None,
) -> FunctionTool:
    """An index as a tool that a model may call with `query`, `samples`, `threshold` and `filter`.

        Agent("openai:gpt-5.6", tools=[search_tool(index, name="search_handbook")])

    A filter comes from the model as JSON, in the form of `Filter.to_json`; one that cannot be read, or that the index does
    not know, comes back to the model as the tool's error. What is found counts as anybody's words: it taints the run.

    Args:
        index: A vector store, a lexical or a hybrid index.
        name: Name of the tool; give each its own where an agent has several.
        description: What the model is told of it: say what the documents are about.
        samples: How many documents, where the model does not say.
        most: How many documents at most, whatever the model says.
        filter: Which documents the tool can find at all; what the model asks for is laid over it.
        timeout_s: Seconds a search may take; None leaves it to the agent.

    Raises:
        UsageError: It is no index, or `samples` and `most` do not fit.
    """
    if not isinstance(index, VectorStoreIndex):
        raise UsageError(f"`search_tool` takes an index, an object with `top_n`, not {index!r}")
    if not 1 <= samples <= most:
        raise UsageError(f"samples is {samples} and most is {most}; samples is 1 or more, and at most `most`")
    search = _Search(index, samples, most, filter)
    return FunctionTool(
        search.search,
        name=name,
        description=description,
        timeout_s=timeout_s,
        effect="read",
        returns="untrusted",
    )


class _Search:
    """The search behind one tool."""

    def __init__(self, index: VectorStoreIndex, samples: int, most: int, filter: Filter | None) -> None:
        self._index = index
        self._samples = samples
        self._most = most
        self._filter = filter

    async def search(
        self,
        query: str,
        samples: int | None = None,
        threshold: float | None = None,
        filter: dict[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """Search.

        Args:
            query: What to look for, in words.
            samples: How many documents, from 1.
            threshold: The least score a document may have.
            filter: A condition on the documents' metadata, as an object: {"type": "comparison", "key": "year", "operator":
                "ge", "value": 2020} with eq, ne, gt, lt, ge or le; {"type": "in", "key": "lang", "values": ["en", "de"]};
                {"type": "and", "filters": [...]}; {"type": "or", "filters": [...]}; {"type": "not", "filter": {...}}.
        """
        wanted = self._samples if samples is None else samples
        if wanted < 1:
            raise InvalidToolArguments(f"samples is {wanted}; ask for 1 document or more")
        try:
            hits = await self._index.top_n(
                query,
                min(wanted, self._most),
                threshold=threshold,
                filter=self._together(filter),
            )
        except UsageError as error:
            raise ToolError(str(error)) from error
        return [_told(hit) for hit in hits]

    def _together(self, given: dict[str, Any] | None) -> Filter | None:
        """The model's filter within the tool's own."""
        asked = None if given is None else filter_from_json(msgspec.json.encode(given))
        if asked is None:
            return self._filter
        return asked if self._filter is None else self._filter & asked


def _told(hit: Hit) -> dict[str, Any]:
    score = round(float(hit.score), _DIGITS) if math.isfinite(hit.score) else None
    told: dict[str, Any] = {"score": score, "id": hit.id, "document": hit.document}
    if hit.metadata:
        told["metadata"] = dict(hit.metadata)
    return told
