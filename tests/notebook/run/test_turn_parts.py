"""Prose counts its tokens when they are asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlab.caching.tokens import estimate_tokens
from agentlab.notebook.run.turn_parts import Prose

_PIECES = st.lists(
    st.tuples(st.text(alphabet="ab Z\u00e9\u6f221.,\n", max_size=12), st.booleans()), max_size=12
)


@given(_PIECES)
def test_its_tokens_are_those_of_its_text_whenever_they_are_asked_for(pieces: list[tuple[str, bool]]) -> None:
    prose = Prose(1, "text", "a few")
    text = "a few"
    for piece, asked in pieces:
        prose.append(piece)
        text += piece
        if asked:
            assert prose.tokens == estimate_tokens(text)
    assert prose.tokens == estimate_tokens(text)
    assert prose.text == text
