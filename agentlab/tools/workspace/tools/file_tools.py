"""All tools of a workspace, in an order that never changes: they stand first in the cached prefix."""

from __future__ import annotations

from agentlab.http import Clock, SystemClock
from agentlab.tools.toolset import Toolset
from agentlab.tools.workspace.tools.ask_user import ask_user_tool
from agentlab.tools.workspace.tools.cat import cat_tool
from agentlab.tools.workspace.tools.edit import edit_tool
from agentlab.tools.workspace.tools.exit_plan_mode import exit_plan_mode_tool
from agentlab.tools.workspace.tools.file_info import file_info_tool
from agentlab.tools.workspace.tools.find import find_tool
from agentlab.tools.workspace.tools.glob import glob_tool
from agentlab.tools.workspace.tools.grep import grep_tool
from agentlab.tools.workspace.tools.guarding import Guard
from agentlab.tools.workspace.tools.ls import ls_tool
from agentlab.tools.workspace.tools.mkdir import mkdir_tool
from agentlab.tools.workspace.tools.mv import mv_tool
from agentlab.tools.workspace.tools.patterns import Engine
from agentlab.tools.workspace.tools.plan_write import plan_write_tool
from agentlab.tools.workspace.tools.read import read_tool
from agentlab.tools.workspace.tools.read_multiple_files import read_multiple_files_tool
from agentlab.tools.workspace.tools.rm import rm_tool
from agentlab.tools.workspace.tools.touch import touch_tool
from agentlab.tools.workspace.tools.write import write_tool
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["workspace_tools"]


def workspace_tools(
    workspace: Workspace,
    guard: Guard | None = None,
    *,
    clock: Clock | None = None,
    grep_engine: Engine | None = None,
) -> Toolset:
    """The seventeen tools by which a model works in a workspace.

    `ask_user` needs an `AnswersQuestions` in the `ToolContext` and `exit_plan_mode` a `SwitchesMode`; leave them out with
    `.without(...)` where there is neither. The definitions are the same whatever the guard says.

    Args:
        workspace: Where the files are.
        guard: Says of a path why it may not be written now, or None; asked at every call that writes. A model is shown
            exactly its text.
        clock: Bounds searches; the machine's if not given.
        grep_engine: What `grep` matches with: `re2` or `re`; the first that is installed if not given.
    """
    time = clock or SystemClock()
    return Toolset(
        (
            ls_tool(workspace, time),
            read_tool(workspace),
            write_tool(workspace, guard),
            edit_tool(workspace, guard),
            rm_tool(workspace, guard),
            mv_tool(workspace, guard),
            touch_tool(workspace, guard),
            mkdir_tool(workspace, guard),
            grep_tool(workspace, time, grep_engine),
            glob_tool(workspace, time),
            find_tool(workspace, time),
            cat_tool(workspace),
            file_info_tool(workspace),
            read_multiple_files_tool(workspace),
            plan_write_tool(workspace, guard),
            ask_user_tool(),
            exit_plan_mode_tool(workspace),
        )
    )
