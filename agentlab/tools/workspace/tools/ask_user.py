"""The tool `ask_user`: questions to the user, each with the form of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import isawaitable
from typing import Annotated, Any

from pydantic import Field

from agentlab.errors import ToolError
from agentlab.tools.context import ToolContext
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.dialogue import AnswersQuestions, Question, port

__all__ = ["ask_user_tool"]

_Questions = Annotated[list[Question], Field(min_length=1, max_length=10)]


def ask_user_tool() -> FunctionTool:
    """The tool that asks the user."""

    @tool(effect="read", returns="trusted")
    async def ask_user(questions: _Questions, context: ToolContext) -> dict[str, Any]:
        """Ask the user what only the user can decide. Ask everything at once; do not ask what the files can tell.

        Args:
            questions: The questions.
            context: Of the call.
        """
        _check(questions)
        asker = port(context, AnswersQuestions, "ask the user")  # type: ignore[type-abstract]
        answer = asker.ask(questions)
        return dict(await answer if isawaitable(answer) else answer)

    return ask_user


def _check(questions: Sequence[Question]) -> None:
    """Refuse what no answer could be checked against.

    Raises:
        ToolError: A name comes twice, a schema is none, or a button's value does not fit; the text says which.
    """
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - a third of a second, and few runs ask
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - likewise

    names = [question["name"] for question in questions]
    if len(set(names)) < len(names):
        raise ToolError(f"two questions have one name; the names are {', '.join(names)}")
    for question in questions:
        where = f"question `{question['name']}`"
        try:
            Draft202012Validator.check_schema(question["schema"])
            validator = Draft202012Validator(question["schema"])
            for button in question.get("buttons", ()):
                if not validator.is_valid(button["value"]):
                    raise ToolError(
                        f"{where}: the value of the button `{button['label']}` does not fit its schema"
                    )
        except SchemaError as error:
            raise ToolError(f"{where}: its schema is no JSON Schema: {error.message[:200]}") from None
