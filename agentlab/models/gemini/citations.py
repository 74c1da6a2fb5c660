"""Citations of a Gemini answer: from search and file grounding, and from recitation checks.

Source: https://ai.google.dev/api/generate-content#GroundingMetadata (and CitationMetadata)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentlab.messages import Citation

__all__ = ["citations_of"]


def citations_of(grounding: dict[str, Any] | None, recited: dict[str, Any] | None) -> Iterator[Citation]:
    """Each source of an answer, with the words it supports where the provider says which.

    Args:
        grounding: `groundingMetadata` of a candidate.
        recited: `citationMetadata` of a candidate.
    """
    chunks = [chunk for chunk in (grounding or {}).get("groundingChunks") or () if isinstance(chunk, dict)]
    supports = [
        entry for entry in (grounding or {}).get("groundingSupports") or () if isinstance(entry, dict)
    ]
    supported: set[int] = set()
    for support in supports:
        segment = support.get("segment") or {}
        for index in support.get("groundingChunkIndices") or ():
            if 0 <= index < len(chunks):
                supported.add(index)
                yield _citation(chunks[index], segment)
    for index, chunk in enumerate(chunks):
        if index not in supported:
            yield _citation(chunk, None)
    for source in (recited or {}).get("citationSources") or (recited or {}).get("citations") or ():
        yield Citation(title=source.get("title"), url=source.get("uri"), raw=source)


def _citation(chunk: dict[str, Any], segment: dict[str, Any] | None) -> Citation:
    kind = next(iter(chunk), None)
    source = chunk[kind] if kind is not None and isinstance(chunk[kind], dict) else {}
    raw = chunk if segment is None else {**chunk, "segment": segment}
    quote = None if segment is None else segment.get("text")
    return Citation(title=source.get("title"), url=source.get("uri"), quote=quote, raw=raw)
