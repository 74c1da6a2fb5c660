"""The tool `plan_write`: a plan, as the file that `exit_plan_mode` takes."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Any, Final

from pydantic import Field

from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.guarding import Guard, writable
from agentlab.tools.workspace.tools.write import put
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["PLAN_FOLDER", "PLAN_SUFFIX", "plan_path", "plan_write_tool"]

PLAN_FOLDER: Final = "plans"
PLAN_SUFFIX: Final = ".plan"
_LONGEST_SLUG: Final = 60

_Title = Annotated[str, Field(min_length=1, max_length=200)]


def plan_write_tool(workspace: Workspace, guard: Guard | None) -> FunctionTool:
    """The tool that writes plans."""

    @tool(effect="write", returns="trusted", confined=True)
    def plan_write(title: _Title, content: str) -> dict[str, Any]:
        """Write a plan to `plans/<title>.plan`; the same title replaces the plan. The answer has its path.

        Args:
            title: A few words; the file is named after them.
            content: The plan, in Markdown.
        """
        return put(workspace, writable(plan_path(title), guard), content)

    return plan_write


def plan_path(title: str) -> str:
    """The path of a plan: the letters and digits of its title, joined by "-"."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:_LONGEST_SLUG].strip("-")
    return f"{PLAN_FOLDER}/{slug or 'plan'}{PLAN_SUFFIX}"
