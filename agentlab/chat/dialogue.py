"""The two tools that speak with the user: questions, and the end of plan mode. Both leave an entry, so both survive a restart."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from agentlab.agent.current_run import current_run
from agentlab.agent.hooks import Hook, HookContext, Stop
from agentlab.chat.driving import in_thread
from agentlab.chat.events import ChatEvent, Mode, ModeChanged, QuestionPending
from agentlab.chat.modes import is_plan
from agentlab.errors import ToolError, UsageError
from agentlab.messages import Request
from agentlab.sessions import Entry, QuestionAsked
from agentlab.sessions import ModeChanged as ModeEntry
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["ModeSwitch", "QuestionDesk", "answer_text", "check_answers", "plan_approval", "plan_text"]

WAITS: Final = "waits for the user's answer"
_LONGEST_PLAN: Final = 200_000

Keep = Callable[[Entry], object]
Tell = Callable[[ChatEvent], object]


class QuestionDesk(Hook):
    """Takes the assistant's questions, and ends the run that asked: the answer comes with the user's next message.

    Args:
        keep: Puts an entry in the session; returns when it is there.
        tell: Tells whoever reads the answer under way.
    """

    def __init__(self, keep: Keep, tell: Tell) -> None:
        self._keep = keep
        self._tell = tell
        self._is_waiting = False

    def begin(self) -> None:
        """A run begins: nothing waits."""
        self._is_waiting = False

    async def ask(self, questions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Put questions to the user.

        Args:
            questions: What is asked.

        Returns:
            What the model is told: that they wait, and under which id.
        """
        run = current_run()
        question_id = secrets.token_hex(6)
        asked = tuple(dict(each) for each in questions)
        await in_thread(lambda: self._keep(QuestionAsked(question_id, run.call_id if run else None, asked)))
        self._is_waiting = True
        self._tell(QuestionPending(question_id, asked))
        return {"status": "question_pending", "question_id": question_id}

    def on_completion_call(self, context: HookContext, request: Request) -> Any:  # noqa: ARG002 - a hook's
        """No further model call while the user is asked; see `Hook.on_completion_call`."""
        return Stop(WAITS) if self._is_waiting else None


class ModeSwitch:
    """Ends plan mode when the user has approved the plan: the tool asks for that before it calls this.

    Args:
        workspace: Where the plan is.
        mode: Gives the mode at that moment.
        told: Gives what the model is told when build mode begins with a plan, from the plan's path and text.
        keep: Puts an entry in the session; returns when it is there.
        tell: Tells whoever reads the answer under way.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        mode: Callable[[], Mode],
        told: Callable[[str, str], str],
        keep: Keep,
        tell: Tell,
    ) -> None:
        self._workspace = workspace
        self._mode = mode
        self._told = told
        self._keep = keep
        self._tell = tell

    async def exit_plan(self, plan_path: str) -> dict[str, Any]:
        """Go over to build mode with an approved plan.

        The plan and what the mode asks for are told in the tool's result: the end of the conversation, where nothing that is
        cached comes after them.

        Raises:
            ToolError: It is not plan mode, or there is no such plan, or it is empty.
        """
        before = self._mode()
        if before != "plan":
            raise ToolError(f"this is {before} mode already: there is no plan mode to leave")
        text = await in_thread(lambda: plan_text(self._workspace, plan_path))
        path = plan_path.strip("/")
        await in_thread(lambda: self._keep(ModeEntry("build", before, path, text)))
        self._tell(ModeChanged("build", before, path))
        return {"mode": "build", "plan": path, "told": self._told(path, text)}


def plan_approval(
    workspace: Workspace, mode: Callable[[], Mode]
) -> Callable[[Mapping[str, Any]], bool | str]:
    """Why `exit_plan_mode` asks the user: nothing is asked where the call will be refused anyway.

    Args:
        workspace: Where the plan is.
        mode: Gives the mode at that moment.
    """

    def asks(arguments: Mapping[str, Any]) -> bool | str:
        plan = arguments.get("plan")
        if mode() != "plan" or not isinstance(plan, str):
            return False
        try:
            text = plan_text(workspace, plan)
        except ToolError:
            return False
        return f"it wants to carry out the plan {plan.strip('/')}:\n\n{text}"

    return asks


def plan_text(workspace: Workspace, path: str) -> str:
    """What stands in a plan.

    Raises:
        ToolError: It is no plan, there is none, or it is empty.
    """
    if not is_plan(path):
        raise ToolError(
            f"`{path}` is no plan: a plan is a file `plans/<name>.plan`; write it with `plan_write`"
        )
    content = workspace.read(path, _LONGEST_PLAN)
    text = content.data.decode("utf-8", "replace").strip()
    if not text:
        raise ToolError(f"the plan `{path}` is empty: write it with `plan_write` first")
    return text


def check_answers(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]) -> None:
    """Whether answers fit their questions.

    Raises:
        UsageError: A name is unknown, or a value does not fit its question's schema.
    """
    import jsonschema  # noqa: PLC0415 - only answers need it

    by_name = {str(each.get("name", "")): each for each in questions}
    for name, value in answers.items():
        if name not in by_name:
            raise UsageError(f"there is no question `{name}`; there are {', '.join(by_name) or 'none'}")
        schema = by_name[name].get("schema")
        if not isinstance(schema, Mapping):
            continue
        try:
            jsonschema.validate(value, schema)
        except jsonschema.ValidationError as error:
            raise UsageError(f"the answer to `{name}` does not fit: {error.message}") from None
        except jsonschema.SchemaError:
            continue  # the model wrote a schema that is none; any answer will do


def answer_text(questions: Sequence[Mapping[str, Any]], answers: Mapping[str, Any] | str) -> str:
    """Answers as the user's message: a line for each question and what was said to it."""
    if isinstance(answers, str):
        return answers
    asked = {str(each.get("name", "")): str(each.get("question", "")) for each in questions}
    return "\n".join(f"{asked.get(name) or name} {value}" for name, value in answers.items())
