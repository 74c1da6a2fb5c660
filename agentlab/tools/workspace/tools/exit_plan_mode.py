"""The tool `exit_plan_mode`: from planning to building, with a plan that the user approves."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any

from agentlab.errors import ToolError
from agentlab.tools.context import ToolContext
from agentlab.tools.thread import in_thread
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.dialogue import SwitchesMode, port
from agentlab.tools.workspace.tools.entries import canonical
from agentlab.tools.workspace.tools.plan_write import PLAN_FOLDER, PLAN_SUFFIX
from agentlab.tools.workspace.tools.text_file import Binary, opened
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["exit_plan_mode_tool"]


def exit_plan_mode_tool(workspace: Workspace) -> FunctionTool:
    """The tool that asks to leave plan mode."""

    @tool(effect="read", returns="trusted")
    async def exit_plan_mode(plan: str, context: ToolContext) -> dict[str, Any]:
        """Leave plan mode and start building: the user is shown the plan and approves it or not.

        Args:
            plan: Path of the plan, as `plan_write` gave it.
            context: Of the call.
        """
        path = canonical(plan)
        switch = port(context, SwitchesMode, "leave plan mode")  # type: ignore[type-abstract]
        await in_thread(lambda: _check_plan(workspace, path), "exit_plan_mode")
        answer = switch.exit_plan(path)
        return dict(await answer if isawaitable(answer) else answer)

    return exit_plan_mode


def _check_plan(workspace: Workspace, path: str) -> None:
    """Refuse what is no plan.

    Raises:
        ToolError: It is not there, lies elsewhere, or is empty.
    """
    if not path.startswith(f"{PLAN_FOLDER}/") or not path.endswith(PLAN_SUFFIX):
        raise ToolError(
            f"`{path}` is no plan: a plan is a file {PLAN_FOLDER}/...{PLAN_SUFFIX}; write one with plan_write"
        )
    file = opened(workspace, path)
    if isinstance(file, Binary) or not file.data.strip():
        raise ToolError(f"the plan `{path}` is empty or not text; write it with plan_write")
