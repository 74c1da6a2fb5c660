"""A question that waits, as a reader is shown it: texts, and ready answers as buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agentlab.chat.state import PendingQuestion
from agentlab.errors import UsageError
from agentlab.plain_text import well_formed

__all__ = ["chosen_answers", "shown_question"]


def shown_question(pending: PendingQuestion) -> dict[str, Any]:
    """What the view is told: `{id, questions: [{name, text, buttons: labels}]}`. Values stay in Python."""
    return {
        "id": pending.question_id,
        "questions": [
            {
                "name": well_formed(str(one.get("name", ""))),
                "text": well_formed(str(one.get("question", ""))),
                "buttons": [well_formed(str(button.get("label", ""))) for button in _buttons(one)],
            }
            for one in pending.questions
        ],
    }


def chosen_answers(pending: PendingQuestion, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the buttons that were pressed.

    Args:
        pending: The question that waits.
        chosen: Name of a question to the place of its button, from 0.

    Raises:
        UsageError: There is no such question or button.
    """
    answers: dict[str, Any] = {}
    for one in pending.questions:
        name = str(one.get("name", ""))
        place = chosen.get(well_formed(name))
        buttons = _buttons(one)
        if isinstance(place, int) and 0 <= place < len(buttons):
            answers[name] = buttons[place].get("value", buttons[place].get("label", ""))
    if not answers or len(answers) < len(chosen):
        raise UsageError("the question that waits has no such button")
    return answers


def _buttons(question: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = question.get("buttons")
    return [each for each in given if isinstance(each, Mapping)] if isinstance(given, list | tuple) else []
