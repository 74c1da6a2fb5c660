"""The tool `grep`: lines that match a regular expression."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agentlab.http import Clock
from agentlab.tools.tool import FunctionTool, tool
from agentlab.tools.workspace.tools.globbing import Glob
from agentlab.tools.workspace.tools.limits import Deadline
from agentlab.tools.workspace.tools.matches import Matches
from agentlab.tools.workspace.tools.patterns import Engine, searcher
from agentlab.tools.workspace.tools.patterns_process import TimeIsUp
from agentlab.tools.workspace.tools.searching import search_files
from agentlab.tools.workspace.workspace import Workspace

__all__ = ["grep_tool"]

_Lines = Annotated[int, Field(ge=0, le=20)]


def grep_tool(workspace: Workspace, clock: Clock, engine: Engine | None = None) -> FunctionTool:
    """The tool that searches contents.

    Args:
        workspace: What is searched.
        clock: Bounds the search.
        engine: What matches: `re2`, `re`, or None for the better one that is there.
    """

    @tool(effect="read", returns="untrusted")
    def grep(
        pattern: str,
        path_pattern: str = "**",
        *,
        case_sensitive: bool = True,
        before: _Lines = 0,
        after: _Lines = 0,
        context: _Lines = 0,
    ) -> str:
        """Search the lines of text files with a regular expression.

        Under `== path`, matching lines come as `12:text`, lines around them as `11-text`, with `--` between groups. The
        first line counts all matches; at most 100 are shown.

        Args:
            pattern: The regular expression, for one line (RE2 or Python syntax).
            path_pattern: Which files: a file, a folder (all in it) or a glob ("src/**/*.py"; "*.py" without a "/" means in
                any folder).
            case_sensitive: Whether case counts.
            before: Lines to show before each match.
            after: Lines to show after each match.
            context: Lines to show before and after each match.
        """
        deadline = Deadline(clock)
        wanted = _wanted(path_pattern)
        matches = Matches(max(before, context), max(after, context))
        try:
            ready = searcher(pattern, case_sensitive=case_sensitive, deadline=deadline, engine=engine)
        except TimeIsUp:
            matches.not_searched.append("anything: the pattern took too long to compile; use a simpler one")
            return matches.text
        try:
            search_files(workspace, wanted, ready, deadline, matches)
        finally:
            ready.close()
        return matches.text

    return grep


def _wanted(path_pattern: str) -> Glob | None:
    """Which paths are searched; None for all."""
    stripped = path_pattern.strip("/")
    if stripped in {"", ".", "*", "**", "**/*"}:
        return None
    glob = Glob.of(path_pattern)
    if glob.is_name and not path_pattern.startswith(("/", "./")):
        return Glob(tuple(("**", *each) for each in glob.alternatives))
    return glob
