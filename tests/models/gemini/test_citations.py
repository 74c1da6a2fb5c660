"""Sources of a Gemini answer."""

from __future__ import annotations

import pytest

from agentlab.messages import (
    Citation,
    Text,
)
from tests.models.gemini.frames import (
    chunk,
    message_of,
    text,
)


class TestCitations:
    def test_grounding_becomes_citations_of_the_text(self):
        grounding = {
            "groundingChunks": [
                {"web": {"uri": "https://a.example", "title": "A"}},
                {"retrievedContext": {"uri": "doc-1", "title": "Doc", "text": "..."}},
            ],
            "groundingSupports": [
                {"segment": {"endIndex": 5, "text": "It is"}, "groundingChunkIndices": [0, 7]}
            ],
        }
        again = chunk(text("so."), finish="STOP", groundingMetadata=grounding)
        message = message_of(chunk(text("It is "), groundingMetadata=grounding), again)
        (part,) = message.content
        assert isinstance(part, Text)
        assert [(c.title, c.url, c.quote) for c in part.citations] == [
            ("A", "https://a.example", "It is"),
            ("Doc", "doc-1", None),
        ]

    @pytest.mark.parametrize("field", ["citationSources", "citations"])
    def test_recited_sources_become_citations(self, field):
        source = {"startIndex": 0, "endIndex": 4, "uri": "https://b.example"}
        message = message_of(chunk(text("Text"), finish="STOP", citationMetadata={field: [source]}))
        assert message.content == (Text("Text", (Citation(url="https://b.example", raw=source),)),)
