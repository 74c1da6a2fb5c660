"""What the tools `ask_user` and `exit_plan_mode` need of the program they run in: put it into the `ToolContext`."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Annotated, Any, NotRequired, Protocol, TypeVar, runtime_checkable

from pydantic import Field
from typing_extensions import TypedDict

from agentlab.errors import ToolError
from agentlab.tools.context import ToolContext

__all__ = ["AnswersQuestions", "Button", "Question", "SwitchesMode", "port"]

Port = TypeVar("Port")


class Button(TypedDict):
    """A ready answer, shown as a button."""

    label: Annotated[str, Field(min_length=1, max_length=80, description="What the button says.")]
    value: Annotated[Any, Field(description="The answer it gives; it fits the schema.")]


class Question(TypedDict):
    """One question to the user."""

    name: Annotated[
        str,
        Field(pattern="^[A-Za-z_][A-Za-z0-9_]{0,63}$", description="Key of the answer; no two are equal."),
    ]
    question: Annotated[str, Field(min_length=1, max_length=4000, description="What the user reads.")]
    schema: Annotated[
        dict[str, Any],
        Field(description='JSON Schema of the answer, such as {"type": "string", "enum": [...]}.'),
    ]
    buttons: NotRequired[
        Annotated[list[Button], Field(max_length=20, description="Ready answers; the user may give another.")]
    ]


@runtime_checkable
class AnswersQuestions(Protocol):
    """Puts questions to the user."""

    def ask(self, questions: Sequence[Question]) -> Mapping[str, Any] | Awaitable[Mapping[str, Any]]:
        """Ask the user. Called on the event loop, so it must not block; what waits for the user gives an awaitable.

        Args:
            questions: Checked: names differ, schemas are JSON Schemas, the buttons' values fit them.

        Returns:
            What the model is told: the answers by name, or that they are pending and under which id.
        """
        ...


@runtime_checkable
class SwitchesMode(Protocol):
    """Leaves plan mode, if the user approves."""

    def exit_plan(self, plan_path: str) -> Mapping[str, Any] | Awaitable[Mapping[str, Any]]:
        """Ask for the approval of a plan and switch to build mode. Called on the event loop, so it must not block.

        Args:
            plan_path: The plan: a file of the workspace that was there and not empty just now.

        Returns:
            What the model is told: the mode it is in, and why.

        Raises:
            ToolError: There is no plan mode to leave.
        """
        ...


def port(context: ToolContext, kind: type[Port], purpose: str) -> Port:
    """What a tool needs of the program.

    Args:
        context: Of the call.
        kind: The protocol it has.
        purpose: What cannot be done without, for the message: "ask the user".

    Raises:
        ToolError: The program gave none.
    """
    found = context.get(kind)
    if found is None:
        raise ToolError(
            f"there is nobody here to {purpose}: the program gave this tool no `{kind.__name__}`; go on without"
        )
    return found
