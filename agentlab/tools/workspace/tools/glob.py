"""The tool `glob`: paths that match patterns."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from agentlab.http import Clock
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.entries import BoundedWalk, kept, relative_to, written
from agentlab.tools.workspace.tools.globbing import Glob
from agentlab.tools.workspace.tools.limits import MOST_ENTRIES, Deadline
from agentlab.tools.workspace.tools.ls import EntryLimit
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["glob_tool"]

_Patterns = Annotated[list[str], Field(min_length=1, max_length=20)]


def glob_tool(workspace: Workspace, clock: Clock) -> FunctionTool:
    """The tool that finds paths by patterns."""

    @tool(effect="read", returns="untrusted")
    def glob(patterns: _Patterns, path: str = "/", limit: EntryLimit = 200) -> dict[str, Any]:
        """Find files and folders (with a "/" at the end) whose path matches one of several patterns.

        `*` and `?` stay within a name, `**` is any number of folders, `[a-z]` one character, `{a,b}` either; so "*.py" looks
        in one folder and "**/*.py" in all below it. Case counts.

        Args:
            patterns: The patterns, relative to `path`.
            path: The folder they start from.
            limit: Paths to return at most; 0 for all (up to 2000).
        """
        wanted = [Glob.of(pattern) for pattern in patterns]
        walk = BoundedWalk(workspace, path, Deadline(clock))
        found: list[Any] = []
        left = 0
        for info in walk:
            shown = relative_to(walk.base, info.path)
            if not any(each.matches(shown) for each in wanted):
                continue
            if len(found) < kept(limit, MOST_ENTRIES):
                found.append(written(info, shown))
            else:
                left += 1
        answer: dict[str, Any] = {"path": f"/{walk.base}", "matches": found}
        if left:
            answer["more"] = f"{left} more; narrow the patterns, or raise the limit (up to {MOST_ENTRIES})"
        if not found and any(each.is_name for each in wanted):
            answer["note"] = (
                'a pattern without "/" looks in this folder only; "**/" before it looks in all below'
            )
        if walk.not_searched:
            answer["not_searched"] = walk.not_searched
        return answer

    return glob
