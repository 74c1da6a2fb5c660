"""Questions as a reader is shown them, and the buttons that were pressed as answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab.chat.state import PendingQuestion
from agentlab.errors import UsageError
from agentlab.notebook.chat.questions import chosen_answers, shown_question

BUTTONS = [{"label": "One", "value": 1}, {"label": "Many", "value": [2, 3]}]
PENDING = PendingQuestion(
    "q", ({"name": "count", "question": "How many?", "buttons": BUTTONS}, {"name": "why", "question": "Why?"})
)
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def test_the_view_is_told_labels_and_never_values() -> None:
    assert shown_question(PENDING) == {
        "id": "q",
        "questions": [
            {"name": "count", "text": "How many?", "buttons": ["One", "Many"]},
            {"name": "why", "text": "Why?", "buttons": []},
        ],
    }


def test_a_pressed_button_gives_its_value() -> None:
    assert chosen_answers(PENDING, {"count": 1}) == {"count": [2, 3]}


@pytest.mark.parametrize(
    "chosen", [{}, {"count": 2}, {"count": -1}, {"count": "0"}, {"why": 0}, {"count": 0, "x": 0}]
)
def test_what_is_no_button_is_refused(chosen: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="no such button"):
        chosen_answers(PENDING, chosen)


@given(st.dictionaries(st.sampled_from(["name", "question", "buttons"]), JSON))
def test_whatever_a_model_asks_can_be_shown(question: dict[str, Any]) -> None:
    [shown] = shown_question(PendingQuestion("q", (question,)))["questions"]
    assert all(isinstance(label, str) for label in shown["buttons"])
