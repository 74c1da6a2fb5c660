"""What was found for a prompt, and what of it a run tells the model. Pure: the indexes have been asked already."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from agentlab.agent.retrieving.entries import DynamicContext, DynamicTools, FoundDocument
from agentlab.errors import UsageError
from agentlab.messages import Document, Message, RetrievedHit, Text, TextSource, UserMessage
from agentlab.plain_text import one_line
from agentlab.tools import Tool, Toolset, sendable

if TYPE_CHECKING:
    from agentlab.agent.settings import AgentSettings

__all__ = [
    "Candidate",
    "Found",
    "candidate_of",
    "is_documents",
    "merged",
    "query_for",
    "searches_of",
    "with_tools",
]

_PREVIEW: Final = 160


class Candidate(Struct, frozen=True):
    """Something an index found.

    Attributes:
        id: Its id.
        score: Its score; None where the index gave no number.
        document: The document as the model is shown it; None for a tool.
        key: The document as bytes, equal for equal documents.
    """

    id: str
    score: float | None = None
    document: Document | None = None
    key: bytes = b""


class Found(Struct, frozen=True):
    """What a run tells the model of what was found.

    Attributes:
        retrieved: Documents for the prompt's message, in the order of the entries, each entry's best first.
        context: Documents that follow the static ones.
        tools: Names of the tools that are offered behind the agent's own.
        warnings: What was left out, and why.
    """

    retrieved: tuple[Document, ...] = ()
    context: tuple[Document, ...] = ()
    tools: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def searches_of(settings: AgentSettings) -> tuple[DynamicContext | DynamicTools, ...]:
    """What is asked for one prompt: the indexes of documents, then those of tools."""
    return (*settings.dynamic_context, *settings.dynamic_tools)


def query_for(prompt: UserMessage, history: Sequence[Message]) -> str | None:
    """What the indexes are asked: the text of the prompt, else of the newest message of the user's that has some.

    Documents that were told with an earlier prompt are no words of the user's.
    """
    for message in (prompt, *reversed(history)):
        if isinstance(message, UserMessage):
            texts = [part.text for part in message.content if isinstance(part, Text)]
            said = "\n".join(text for text in texts if not is_documents(text)).strip()
            if said:
                return said
    return None


def is_documents(text: str) -> bool:
    """Whether a text is documents as `Document.rendered` writes them."""
    return text.startswith("<file id: ") and text.endswith("</file>\n")


def candidate_of(hit: FoundDocument, entry: DynamicContext | DynamicTools) -> Candidate:
    """What an index found, as it would be told.

    Raises:
        UsageError: The entry's `render` gave neither text nor a document.
        Exception: What was found has no id, score or document, or one that cannot be sent.
    """
    name = sendable(str(hit.id))
    score = float(hit.score)
    known = score if math.isfinite(score) else None
    if isinstance(entry, DynamicTools):
        return Candidate(name, known)
    document = _document(hit, entry)
    return Candidate(name, known, document, msgspec.json.encode(document, order="deterministic"))


def merged(
    settings: AgentSettings, answers: Sequence[Sequence[Candidate]]
) -> tuple[Found, list[tuple[RetrievedHit, ...]]]:
    """What is told of the answers of all indexes, and what each of them found.

    A document that was found twice is told once, where it was found first. A tool that the agent has already, or that was
    found twice, is offered once; one that has no implementation is not.

    Args:
        settings: The agent.
        answers: What each of `searches_of` found, in that order.
    """
    merging = _Merging(settings)
    told = [
        tuple(
            merging.document(entry, each) if isinstance(entry, DynamicContext) else merging.tool(entry, each)
            for each in candidates
        )
        for entry, candidates in zip(searches_of(settings), answers, strict=True)
    ]
    return merging.found(), told


class _Merging:
    """Takes candidates one by one, the first entry's first."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings
        self._seen: set[bytes] = set()
        self._taken = set(settings.tools.names)
        if settings.output_tool is not None:
            self._taken.add(settings.output_tool.name)
        self._documents: dict[str, list[Document]] = {"prompt": [], "preamble": []}
        self._tools: list[str] = []
        self._warnings: list[str] = []

    def document(self, entry: DynamicContext, candidate: Candidate) -> RetrievedHit:
        document = candidate.document
        assert document is not None
        used = candidate.key not in self._seen
        if used:
            self._seen.add(candidate.key)
            self._documents[entry.placement].append(document)
        text = document.source.text if isinstance(document.source, TextSource) else ""
        return RetrievedHit(candidate.id, candidate.score, len(text), one_line(text, _PREVIEW), used)

    def tool(self, entry: DynamicTools, candidate: Candidate) -> RetrievedHit:
        name, score = candidate.id, candidate.score
        tool = self._settings.tools.get(name) or _implementation(name, self._settings)
        if tool is None:
            self._warnings.append(
                f"the index `{entry.name}` found the tool `{name}`, which no toolset has; it is not offered"
            )
            return RetrievedHit(name, score, used=False)
        used = name not in self._taken
        if used:
            self._taken.add(name)
            self._tools.append(name)
        definition = tool.definition
        size = len(msgspec.json.encode(definition).decode())
        return RetrievedHit(name, score, size, one_line(definition.description, _PREVIEW), used)

    def found(self) -> Found:
        return Found(
            tuple(self._documents["prompt"]),
            tuple(self._documents["preamble"]),
            tuple(self._tools),
            tuple(self._warnings),
        )


def with_tools(settings: AgentSettings, names: Sequence[str]) -> AgentSettings:
    """The agent with these of its dynamic tools behind its own; those it no longer has are left out."""
    if not names:
        return settings
    found = [tool for name in names if (tool := _implementation(name, settings)) is not None]
    new = [tool for tool in found if tool.definition.name not in settings.tools]
    return replace(settings, tools=Toolset([*settings.tools, *new]))


def _implementation(name: str, settings: AgentSettings) -> Tool | None:
    tools = (entry.toolset.get(name) for entry in settings.dynamic_tools)
    return next((tool for tool in tools if tool is not None), None)


def _document(hit: FoundDocument, entry: DynamicContext) -> Document:
    shown = hit.document if entry.render is None else entry.render(hit)
    if isinstance(shown, Document):
        return shown
    if entry.render is not None:
        if not isinstance(shown, str):
            raise UsageError(f"`render` gave {shown!r}; it gives a text or a `Document`")
        return Document(TextSource(sendable(shown)), id=sendable(str(hit.id)))
    text = shown if isinstance(shown, str) else _laid_out(shown)
    return Document(TextSource(sendable(text)), id=sendable(str(hit.id)), metadata=_facts(hit.metadata))


def _facts(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Metadata as text, sorted, so that equal documents have equal bytes."""
    known = sorted((str(key), value) for key, value in metadata.items() if value is not None)
    return {
        sendable(key): sendable(value if isinstance(value, str) else _on_one_line(value))
        for key, value in known
    }


def _on_one_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=msgspec.to_builtins)


def _laid_out(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2, default=msgspec.to_builtins)
