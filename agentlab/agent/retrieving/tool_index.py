"""Tools as documents that an index can find, and an index over them that needs no model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from agentlab.messages import ToolDefinition
from agentlab.tools import Toolset

if TYPE_CHECKING:
    from agentlab.retrieval import Hit
    from agentlab.retrieval.documents import Document
    from agentlab.retrieval.lexical import LexicalIndex

__all__ = ["ToolIndex", "tool_documents"]

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def tool_documents(toolset: Toolset) -> list[Document]:
    """Tools as documents to be indexed: the tool's name for id, and for text its name, words and parameters.

    Args:
        toolset: The tools.
    """
    from agentlab.retrieval.documents import Document  # noqa: PLC0415 - loads numpy

    return [Document(each.name, _text(each)) for each in toolset.definitions]


class ToolIndex:
    """Finds tools by the words they share with a text (BM25); indexed when it is first asked.

    Args:
        toolset: The tools.
    """

    name = "tools"

    def __init__(self, toolset: Toolset) -> None:
        self._toolset = toolset
        self._index: LexicalIndex | None = None

    async def top_n(
        self, query: str, n: int = 5, *, threshold: float | None = None, filter: Any = None
    ) -> list[Hit]:
        """The tools that share the rarest words with a text; see `LexicalIndex.top_n`."""
        if self._index is None:
            from agentlab.retrieval.lexical import LexicalIndex  # noqa: PLC0415 - loads numpy

            made = LexicalIndex()
            await made.insert(tool_documents(self._toolset))
            self._index = made
        return await self._index.top_n(query, n, threshold=threshold, filter=filter)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._toolset,)

    def __repr__(self) -> str:
        return f"ToolIndex({self._toolset!r})"


def _text(tool: ToolDefinition) -> str:
    properties = tool.parameters.get("properties")
    parameters = properties if isinstance(properties, dict) else {}
    described = [
        f"{_in_words(name)}: {schema.get('description', '') if isinstance(schema, dict) else ''}"
        for name, schema in parameters.items()
    ]
    return "\n".join([tool.name, _in_words(tool.name), tool.description, *described])


def _in_words(name: str) -> str:
    """`searchFlights` and `search_flights` as the words a prompt would use."""
    return " ".join(_WORDS.findall(name)).lower()
